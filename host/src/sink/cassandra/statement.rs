//! The CQL texts of an output's statements. Names are always quoted, so that no name of a column is taken for a
//! keyword or folded to lower case.
//!
//! The write timestamp is a bind marker (`USING TIMESTAMP ?`) rather than a property of the request: it belongs to the
//! statement, so it stays with the row when statements are grouped into CQL batches.

use super::ttl::Ttl;
use crate::cassandra::binding::{Binding, Role, key_conditions};
use crate::cassandra::quoted::quoted;
use crate::cassandra::table::Table;
use crate::record::position::WriteTime;

/// Where the write timestamp's bind marker stands among those of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampMarker {
    First,
    Last,
}

/// Bind markers: one for each binding in order, then the write timestamp, then the TTL where there is one.
pub fn insert(table: &Table, bindings: &[Binding], ttl: Option<Ttl>) -> (String, TimestampMarker) {
    let columns = joined(bindings.iter().map(|binding| quoted(&binding.column)), ", ");
    let markers = joined(bindings.iter().map(|_| "?".to_owned()), ", ");
    let name = table.quoted_name();
    let ttl = if ttl.is_some() { " AND TTL ?" } else { "" };
    (
        format!("INSERT INTO {name} ({columns}) VALUES ({markers}) USING TIMESTAMP ?{ttl}"),
        TimestampMarker::Last,
    )
}

/// Bind markers: the write timestamp, then one for each binding in order; all are of the primary key.
pub fn delete(table: &Table, bindings: &[Binding]) -> (String, TimestampMarker) {
    let name = table.quoted_name();
    let conditions = key_conditions(bindings);
    (
        format!("DELETE FROM {name} USING TIMESTAMP ? WHERE {conditions}"),
        TimestampMarker::First,
    )
}

/// Deletes cells of a row and nothing else. Bind markers: the write timestamp, then the values and the key, as
/// `bindings` has them in this order.
pub fn erase(table: &Table, bindings: &[Binding]) -> (String, TimestampMarker) {
    let values = bindings.iter().filter(|binding| binding.role == Role::Value);
    let cells = joined(values.map(|binding| format!("{} = ?", quoted(&binding.column))), ", ");
    let (name, conditions) = (table.quoted_name(), key_conditions(bindings));
    (
        format!("UPDATE {name} USING TIMESTAMP ? SET {cells} WHERE {conditions}"),
        TimestampMarker::First,
    )
}

/// An insert as one would type it; `cells` are columns with their values in CQL, `ttl` is in seconds.
pub fn insert_literal(table: &Table, cells: &[(&str, String)], time: WriteTime, ttl: Option<i32>) -> String {
    let columns = joined(cells.iter().map(|(column, _)| quoted(column)), ", ");
    let values = joined(cells.iter().map(|(_, value)| value.clone()), ", ");
    let (name, time) = (table.quoted_name(), time.0);
    let ttl = ttl.map(|seconds| format!(" AND TTL {seconds}")).unwrap_or_default();
    format!("INSERT INTO {name} ({columns}) VALUES ({values}) USING TIMESTAMP {time}{ttl};")
}

/// [`erase`] as one would type it.
pub fn erase_literal(table: &Table, keys: &[(&str, String)], erased: &[&str], time: WriteTime) -> String {
    let cells = joined(erased.iter().map(|column| format!("{} = null", quoted(column))), ", ");
    let conditions = joined(
        keys.iter()
            .map(|(column, value)| format!("{} = {value}", quoted(column))),
        " AND ",
    );
    let (name, time) = (table.quoted_name(), time.0);
    format!("UPDATE {name} USING TIMESTAMP {time} SET {cells} WHERE {conditions};")
}

/// A delete as one would type it.
pub fn delete_literal(table: &Table, cells: &[(&str, String)], time: WriteTime) -> String {
    let conditions = cells
        .iter()
        .map(|(column, value)| format!("{} = {value}", quoted(column)));
    let conditions = joined(conditions, " AND ");
    let (name, time) = (table.quoted_name(), time.0);
    format!("DELETE FROM {name} USING TIMESTAMP {time} WHERE {conditions};")
}

fn joined(parts: impl Iterator<Item = String>, between: &str) -> String {
    parts.collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassandra::binding::fixture::bindings;

    fn table() -> Table {
        Table {
            keyspace: "shop".into(),
            name: "orders".into(),
            columns: [].into(),
            partition_key: vec!["id".into()],
            clustering_key: vec![],
            ..Table::default()
        }
    }

    #[test]
    fn every_name_is_quoted_and_every_write_carries_its_timestamp() {
        let (cql, marker) = insert(&table(), &bindings(), None);
        assert_eq!(
            cql,
            r#"INSERT INTO "shop"."orders" ("id", "select", "odd "" name", "At") VALUES (?, ?, ?, ?) USING TIMESTAMP ?"#
        );
        assert_eq!(marker, TimestampMarker::Last);
        let (with_ttl, _) = insert(&table(), &bindings(), Ttl::of_table(25));
        assert_eq!(with_ttl, cql + " AND TTL ?");
        let (cql, marker) = erase(&table(), &bindings());
        assert_eq!(
            cql,
            r#"UPDATE "shop"."orders" USING TIMESTAMP ? SET "select" = ?, "odd "" name" = ? WHERE "id" = ? AND "At" = ?"#
        );
        assert_eq!(marker, TimestampMarker::First);
    }

    #[test]
    fn typed_statements_have_their_values_in_them() {
        let cells = [("id", "'it''s'".to_owned()), ("At", "1".to_owned())];
        assert_eq!(
            insert_literal(&table(), &cells, WriteTime(7), None),
            r#"INSERT INTO "shop"."orders" ("id", "At") VALUES ('it''s', 1) USING TIMESTAMP 7;"#
        );
        assert_eq!(
            insert_literal(&table(), &cells[1..], WriteTime(7), Some(25)),
            r#"INSERT INTO "shop"."orders" ("At") VALUES (1) USING TIMESTAMP 7 AND TTL 25;"#
        );
        assert_eq!(
            erase_literal(&table(), &cells, &["note", "N"], WriteTime(7)),
            r#"UPDATE "shop"."orders" USING TIMESTAMP 7 SET "note" = null, "N" = null WHERE "id" = 'it''s' AND "At" = 1;"#
        );
        assert_eq!(
            delete_literal(&table(), &cells, WriteTime(7)),
            r#"DELETE FROM "shop"."orders" USING TIMESTAMP 7 WHERE "id" = 'it''s' AND "At" = 1;"#
        );
    }

    #[test]
    fn rows_are_deleted_by_their_key_columns() {
        let (cql, marker) = delete(&table(), &bindings());
        assert_eq!(
            cql,
            r#"DELETE FROM "shop"."orders" USING TIMESTAMP ? WHERE "id" = ? AND "At" = ?"#
        );
        assert_eq!(marker, TimestampMarker::First);
    }
}
