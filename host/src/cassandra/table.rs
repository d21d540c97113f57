//! A table as the cluster describes it: its columns, their types and its primary key.

use std::collections::BTreeMap;

use super::asking::{Asking, Unanswered};
use super::quoted::quoted;
use super::system_schema::{self, Column, Kind};
use super::types::ColumnType;

/// A table as the server describes it: its columns by name and its primary key.
#[derive(Debug, Clone, Default)]
pub struct Table {
    pub keyspace: String,
    pub name: String,
    pub columns: BTreeMap<String, ColumnType<'static>>,
    /// Columns of a type that the driver does not understand, with that type in CQL: no field can go there.
    pub not_understood: BTreeMap<String, String>,
    /// In the order of the primary key.
    pub partition_key: Vec<String>,
    pub clustering_key: Vec<String>,
    /// The columns that all rows of a partition key share.
    pub static_columns: Vec<String>,
}

/// A keyspace or table that is not there, with what is there instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    #[error(
        "there is no keyspace {keyspace} ({}); `host setup` creates it",
        listed("keyspaces", existing)
    )]
    NoKeyspace { keyspace: String, existing: Vec<String> },
    #[error(
        "there is no table {table} in keyspace {keyspace} ({}); `host setup` creates those of `cql/`",
        listed("tables", existing)
    )]
    NoTable {
        keyspace: String,
        table: String,
        existing: Vec<String>,
    },
}

impl Table {
    /// Asks the cluster for a table. That it is not there is one answer; having none is the outer error.
    pub async fn find(
        asking: &Asking<'_>,
        keyspace: &str,
        table: &str,
    ) -> Result<Result<Self, TableError>, Unanswered> {
        let keyspaces = system_schema::keyspaces(asking).await?;
        let Some(keyspace) = folded(keyspace, |name| keyspaces.contains_key(name)) else {
            let existing = keyspaces.into_keys().filter(|name| !is_system(name));
            return Ok(Err(TableError::NoKeyspace {
                keyspace: keyspace.to_owned(),
                existing: existing.collect(),
            }));
        };
        let mut tables = system_schema::tables(asking, &keyspace).await?;
        if let Some(name) = folded(table, |name| tables.iter().any(|table| table == name)) {
            if let Some(found) = Self::read(asking, &keyspace, &name).await? {
                return Ok(Ok(found));
            }
            tables.retain(|table| *table != name);
        }
        tables.sort_unstable();
        Ok(Err(TableError::NoTable {
            keyspace,
            table: table.to_owned(),
            existing: tables,
        }))
    }

    /// `None` where it was dropped since.
    async fn read(asking: &Asking<'_>, keyspace: &str, name: &str) -> Result<Option<Self>, Unanswered> {
        let columns = system_schema::columns(asking, keyspace, name).await?;
        if columns.is_empty() {
            return Ok(None);
        }
        let types = system_schema::types(asking, keyspace, name, &columns).await?;
        Ok(types.map(|types| Self::of(keyspace, name, columns, types)))
    }

    fn of(
        keyspace: &str,
        name: &str,
        mut columns: Vec<Column>,
        mut types: BTreeMap<String, ColumnType<'static>>,
    ) -> Self {
        let mut table = Self {
            keyspace: keyspace.to_owned(),
            name: name.to_owned(),
            ..Self::default()
        };
        columns.sort_by_key(|column| column.position);
        for column in columns {
            match column.kind {
                Kind::PartitionKey => table.partition_key.push(column.name.clone()),
                Kind::Clustering => table.clustering_key.push(column.name.clone()),
                Kind::Static => table.static_columns.push(column.name.clone()),
                Kind::Other => {}
            }
            match types.remove(&column.name) {
                Some(column_type) => drop(table.columns.insert(column.name, column_type)),
                None => drop(table.not_understood.insert(column.name, column.cql_type)),
            }
        }
        table
    }

    /// The column that a field of this name goes to: the one of exactly this name, or else the one that an unquoted
    /// name means in CQL, which is in lower case.
    pub fn column(&self, field: &str) -> Option<(&str, &ColumnType<'static>)> {
        let (name, column_type) = self.columns.get_key_value(&self.column_name(field)?)?;
        Some((name, column_type))
    }

    /// The same of a column whose type is not understood: its name, and its type in CQL.
    pub fn not_understood(&self, field: &str) -> Option<(&str, &str)> {
        let (name, cql_type) = self.not_understood.get_key_value(&self.column_name(field)?)?;
        Some((name, cql_type))
    }

    /// The column of any type that a field of this name goes to.
    pub fn column_name(&self, field: &str) -> Option<String> {
        folded(field, |name| {
            self.columns.contains_key(name) || self.not_understood.contains_key(name)
        })
    }

    /// Partition key, then clustering key.
    pub fn primary_key(&self) -> impl Iterator<Item = &str> {
        self.partition_key
            .iter()
            .chain(&self.clustering_key)
            .map(String::as_str)
    }

    /// Whether all rows of a partition key share the column.
    pub fn is_static(&self, column: &str) -> bool {
        self.static_columns.iter().any(|name| name == column)
    }

    /// Its full name as CQL takes it: `"shop"."orders"`.
    pub fn quoted_name(&self) -> String {
        format!("{}.{}", quoted(&self.keyspace), quoted(&self.name))
    }

    /// Whether the column belongs to the primary key, its partition key or its clustering key.
    pub fn is_key(&self, column: &str) -> bool {
        self.primary_key().any(|name| name == column)
    }
}

fn folded(name: &str, exists: impl Fn(&str) -> bool) -> Option<String> {
    [name.to_owned(), name.to_ascii_lowercase()]
        .into_iter()
        .find(|name| exists(name))
}

/// Whether Cassandra keeps its own tables in this keyspace, so that it can be neither created nor chosen.
pub fn is_system(keyspace: &str) -> bool {
    keyspace == "system" || keyspace.starts_with("system_")
}

fn listed(what: &str, names: &[String]) -> String {
    /// More names than this on one line are not read.
    const SHOWN: usize = 10;
    match names.len() {
        0 => format!("there are no {what}"),
        count if count > SHOWN => format!(
            "the {what} are {} and {} more",
            names[..SHOWN].join(", "),
            count - SHOWN
        ),
        _ => format!("the {what} are {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassandra::types::NativeType;

    fn column(name: &str, kind: Kind, position: i32, cql_type: &str) -> Column {
        Column {
            name: name.into(),
            kind,
            position,
            cql_type: cql_type.into(),
        }
    }

    #[test]
    fn the_key_is_in_the_order_of_its_positions_and_an_odd_type_is_its_columns_own_affair() {
        let columns = vec![
            column("at", Kind::Clustering, 1, "int"),
            column("day", Kind::Clustering, 0, "int"),
            column("note", Kind::Other, -1, "text"),
            column("Odd", Kind::Other, -1, "'org.example.OddType'"),
            column("second", Kind::PartitionKey, 1, "int"),
            column("first", Kind::PartitionKey, 0, "int"),
        ];
        let types = ["at", "day", "note", "second", "first"];
        let types = types.map(|name| (name.to_owned(), ColumnType::Native(NativeType::Int)));
        let table = Table::of("shop", "visits", columns, types.into());
        assert_eq!(table.partition_key, ["first", "second"]);
        assert_eq!(table.clustering_key, ["day", "at"]);
        assert_eq!(table.column("NOTE").map(|(name, _)| name), Some("note"));
        assert_eq!(table.column("Odd"), None);
        assert_eq!(table.not_understood("Odd"), Some(("Odd", "'org.example.OddType'")));
        assert_eq!(table.not_understood("note"), None);
    }
}
