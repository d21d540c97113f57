//! Reads what Cassandra keeps of its keyspaces and tables, of those alone that are asked for.
//!
//! The driver's own metadata is not used for this: a session starts without any where a node was overloaded at that
//! moment, or where one type of one table anywhere has a name that the driver does not understand.

use std::collections::{BTreeMap, HashMap};

use scylla::errors::{ExecutionError, PrepareError, RequestAttemptError};
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::unprepared::Statement;
use scylla::value::CqlTimestamp;

use super::asking::{Asking, Question, Unanswered};
use super::errors::{self, Fault};
use super::quoted::quoted;
use super::types::{CollectionType, ColumnType};

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    /// The place of the column in its part of the primary key.
    pub position: i32,
    /// As CQL writes it.
    pub cql_type: String,
}

/// What part a column has in its table's primary key, as `system_schema.columns` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    PartitionKey,
    Clustering,
    Static,
    Other,
}

/// The options of a keyspace's replication, `class` among them.
pub type Replication = HashMap<String, String>;

/// The hidden column of a table made before CQL; no statement can name it.
const NO_TYPE: &str = "empty";

/// All keyspaces.
pub async fn keyspaces(asking: &Asking<'_>) -> Result<BTreeMap<String, Replication>, Unanswered> {
    let question = question(
        "which keyspaces there are".into(),
        "SELECT keyspace_name, replication FROM system_schema.keyspaces".into(),
    );
    let rows = asking.rows::<(String, Replication)>(&question).await?;
    Ok(rows.into_iter().collect())
}

/// The names of a keyspace's tables; materialized views are none.
pub async fn tables(asking: &Asking<'_>, keyspace: &str) -> Result<Vec<String>, Unanswered> {
    let question = question(
        format!("which tables keyspace {keyspace} has"),
        format!(
            "SELECT table_name FROM system_schema.tables WHERE keyspace_name = {}",
            literal(keyspace)
        ),
    );
    let rows = asking.rows::<(String,)>(&question).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// A table's columns; none where it is not there.
pub async fn columns(asking: &Asking<'_>, keyspace: &str, table: &str) -> Result<Vec<Column>, Unanswered> {
    let question = question(
        format!("which columns table {keyspace}.{table} has"),
        format!(
            "SELECT column_name, kind, position, type FROM system_schema.columns \
             WHERE keyspace_name = {} AND table_name = {}",
            literal(keyspace),
            literal(table)
        ),
    );
    let rows = asking.rows::<(String, String, i32, String)>(&question).await?;
    let columns = rows.into_iter().map(|(name, kind, position, cql_type)| Column {
        name,
        kind: match kind.as_str() {
            "partition_key" => Kind::PartitionKey,
            "clustering" => Kind::Clustering,
            "static" => Kind::Static,
            _ => Kind::Other,
        },
        position,
        cql_type,
    });
    Ok(columns.filter(|column| column.cql_type != NO_TYPE).collect())
}

/// The types of a table's columns, as the server sends them with a statement that selects these: what it sends needs no
/// parsing of names. One that the driver does not understand is left out. `None` where the table is not there any more.
pub async fn types(
    asking: &Asking<'_>,
    keyspace: &str,
    table: &str,
    columns: &[Column],
) -> Result<Option<BTreeMap<String, ColumnType<'static>>>, Unanswered> {
    let select = |what: &str| Question {
        about: format!("which types the columns of table {keyspace}.{table} have"),
        resource: format!("TABLE {keyspace}.{table}"),
        cql: format!("SELECT {what} FROM {}.{}", quoted(keyspace), quoted(table)),
    };
    let mut types = match selected(asking, &select("*")).await? {
        Selected::Types(types) => types,
        Selected::Gone => return Ok(None),
        // One of them: then the others are asked for alone.
        Selected::NotUnderstood => {
            let mut types = BTreeMap::new();
            for column in columns {
                match selected(asking, &select(&quoted(&column.name))).await? {
                    Selected::Types(this) => types.extend(this),
                    Selected::NotUnderstood => {}
                    Selected::Gone => return Ok(None),
                }
            }
            types
        }
    };
    for column in columns {
        if let Some(column_type) = types.get_mut(&column.name) {
            freeze(column_type, Frozen::of(&column.cql_type));
        }
    }
    Ok(Some(types))
}

/// The `default_time_to_live` of a table in seconds, which is 0 where there is none; `None` where the table is not
/// there.
pub async fn default_ttl(asking: &Asking<'_>, keyspace: &str, table: &str) -> Result<Option<i32>, Unanswered> {
    let question = question(
        format!("which default TTL table {keyspace}.{table} has"),
        format!(
            "SELECT default_time_to_live FROM system_schema.tables WHERE keyspace_name = {} AND table_name = {}",
            literal(keyspace),
            literal(table)
        ),
    );
    let rows = asking.rows::<(Option<i32>,)>(&question).await?;
    Ok(rows.first().and_then(|(seconds,)| *seconds))
}

/// The columns that a table has had, and when each was last dropped, in milliseconds since 1970.
pub async fn dropped_columns(
    asking: &Asking<'_>,
    keyspace: &str,
    table: &str,
) -> Result<Vec<(String, i64)>, Unanswered> {
    let question = question(
        format!("which columns of table {keyspace}.{table} were dropped"),
        format!(
            "SELECT column_name, dropped_time FROM system_schema.dropped_columns \
             WHERE keyspace_name = {} AND table_name = {}",
            literal(keyspace),
            literal(table)
        ),
    );
    let rows = asking.rows::<(String, Option<CqlTimestamp>)>(&question).await?;
    let dropped = rows.into_iter().filter_map(|(column, at)| Some((column, at?.0)));
    Ok(dropped.collect())
}

/// The least number of copies that a keyspace has in a datacenter; `None` where its strategy does not say.
pub fn replication_factor(replication: &Replication) -> Option<usize> {
    let factors = replication.iter().filter(|(option, _)| *option != "class");
    // `3/1` is three copies, one of them transient.
    factors
        .filter_map(|(_, factor)| factor.split('/').next()?.parse().ok())
        .min()
}

/// Whether a value is written as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frozen {
    Yes,
    No,
}

enum Selected {
    Types(BTreeMap<String, ColumnType<'static>>),
    NotUnderstood,
    Gone,
}

impl Frozen {
    fn of(cql_type: &str) -> Self {
        if cql_type.starts_with("frozen<") {
            Self::Yes
        } else {
            Self::No
        }
    }
}

async fn selected(asking: &Asking<'_>, question: &Question) -> Result<Selected, Unanswered> {
    let prepare = || async {
        match asking.session().prepare(Statement::new(question.cql.as_str())).await {
            Ok(statement) => Ok(Selected::Types(result_types(&statement))),
            Err(PrepareError::AllAttemptsFailed {
                first_attempt: RequestAttemptError::CqlResultParseError(_),
            }) => Ok(Selected::NotUnderstood),
            Err(error) => match ExecutionError::PrepareError(error) {
                error if errors::fault(&error) == Fault::Gone => Ok(Selected::Gone),
                error => Err(error),
            },
        }
    };
    asking.answer(question, prepare).await
}

fn result_types(statement: &PreparedStatement) -> BTreeMap<String, ColumnType<'static>> {
    let specs = statement.get_current_result_set_col_specs();
    let specs = specs.get();
    specs
        .iter()
        .map(|spec| (spec.name().to_owned(), spec.typ().clone()))
        .collect()
}

/// What is sent with a statement does not say which collections and types are frozen. Those within others always are.
fn freeze(column_type: &mut ColumnType<'static>, is_frozen: Frozen) {
    match column_type {
        ColumnType::Collection { frozen, typ } => {
            *frozen = is_frozen == Frozen::Yes;
            match typ {
                CollectionType::List(element) | CollectionType::Set(element) => freeze(element, Frozen::Yes),
                CollectionType::Map(key, value) => {
                    freeze(key, Frozen::Yes);
                    freeze(value, Frozen::Yes);
                }
                _ => {}
            }
        }
        ColumnType::UserDefinedType { frozen, .. } => *frozen = is_frozen == Frozen::Yes,
        ColumnType::Tuple(elements) => elements.iter_mut().for_each(|element| freeze(element, Frozen::Yes)),
        ColumnType::Vector { typ, .. } => freeze(typ, Frozen::Yes),
        _ => {}
    }
}

/// Bound values would have the driver prepare the statement first: twice the way to a node that has no time.
fn literal(name: &str) -> String {
    format!("'{}'", name.replace('\'', "''"))
}

fn question(about: String, cql: String) -> Question {
    Question {
        about,
        resource: "KEYSPACE system_schema".into(),
        cql,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassandra::types::NativeType;

    fn list(frozen: bool, element: ColumnType<'static>) -> ColumnType<'static> {
        ColumnType::Collection {
            frozen,
            typ: CollectionType::List(Box::new(element)),
        }
    }

    #[test]
    fn what_the_text_says_is_frozen_and_all_within_it() {
        let sent = || list(false, list(false, ColumnType::Native(NativeType::Int)));
        for (text, frozen) in [
            ("list<frozen<list<int>>>", false),
            ("frozen<list<frozen<list<int>>>>", true),
        ] {
            let mut column_type = sent();
            freeze(&mut column_type, Frozen::of(text));
            let expected = list(frozen, list(true, ColumnType::Native(NativeType::Int)));
            assert_eq!(column_type, expected, "{text}");
        }
    }

    #[test]
    fn copies_are_counted_in_the_datacenter_that_has_the_fewest() {
        let factor = |options: &[(&str, &str)]| {
            let options = options
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            replication_factor(&options.collect())
        };
        let class = ("class", "org.apache.cassandra.locator.NetworkTopologyStrategy");
        assert_eq!(factor(&[class, ("one", "3"), ("two", "2")]), Some(2));
        assert_eq!(factor(&[class, ("one", "3/1")]), Some(3));
        assert_eq!(factor(&[("class", "org.apache.cassandra.locator.LocalStrategy")]), None);
    }
}
