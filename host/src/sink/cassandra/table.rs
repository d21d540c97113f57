//! What a table is: its columns, their types and its primary key, as the cluster's metadata has them.

use std::collections::BTreeMap;

use scylla::client::session::Session;
use scylla::cluster::metadata::{ColumnKind, ColumnType, Keyspace, Table as TableMetadata};

#[derive(Debug, Clone)]
pub struct Table {
    pub keyspace: String,
    pub name: String,
    pub columns: BTreeMap<String, ColumnType<'static>>,
    /// In the order of the primary key.
    pub partition_key: Vec<String>,
    pub clustering_key: Vec<String>,
    /// Those that all rows of a partition key share.
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
    /// Finds a table in what the driver last read of the cluster's metadata.
    pub fn find(session: &Session, keyspace: &str, table: &str) -> Result<Self, TableError> {
        let state = session.get_cluster_state();
        let keyspaces: Vec<&str> = state.keyspaces_iter().map(|(name, _)| name).collect();
        let found = folded(keyspace, |name| state.get_keyspace(name).is_some());
        let Some((name, metadata)) =
            found.and_then(|name| Some((state.get_keyspace(&name)?, name)).map(|(metadata, name)| (name, metadata)))
        else {
            return Err(TableError::NoKeyspace {
                keyspace: keyspace.to_owned(),
                existing: sorted(keyspaces.into_iter().filter(|name| !is_system(name))),
            });
        };
        Self::in_keyspace(name, metadata, table)
    }

    fn in_keyspace(keyspace: String, metadata: &Keyspace, table: &str) -> Result<Self, TableError> {
        let found = folded(table, |name| metadata.tables.contains_key(name))
            .and_then(|name| metadata.tables.get_key_value(&name));
        match found {
            Some((name, table)) => Ok(Self::from_metadata(keyspace, name, table)),
            None => Err(TableError::NoTable {
                keyspace,
                table: table.to_owned(),
                existing: sorted(metadata.tables.keys().map(String::as_str)),
            }),
        }
    }

    fn from_metadata(keyspace: String, name: &str, table: &TableMetadata) -> Self {
        let columns = table.columns.iter();
        Self {
            keyspace,
            name: name.to_owned(),
            columns: columns
                .map(|(name, column)| (name.clone(), column.typ.clone()))
                .collect(),
            partition_key: table.partition_key.clone(),
            clustering_key: table.clustering_key.clone(),
            static_columns: table
                .columns
                .iter()
                .filter(|(_, column)| column.kind == ColumnKind::Static)
                .map(|(name, _)| name.clone())
                .collect(),
        }
    }

    /// The column that a field of this name goes to: the one of exactly this name, or else the one that an unquoted
    /// name means in CQL, which is in lower case.
    pub fn column(&self, field: &str) -> Option<(&str, &ColumnType<'static>)> {
        let name = folded(field, |name| self.columns.contains_key(name))?;
        self.columns
            .get_key_value(&name)
            .map(|(name, column_type)| (name.as_str(), column_type))
    }

    /// Partition key, then clustering key.
    pub fn primary_key(&self) -> impl Iterator<Item = &str> {
        self.partition_key
            .iter()
            .chain(&self.clustering_key)
            .map(String::as_str)
    }

    pub fn is_static(&self, column: &str) -> bool {
        self.static_columns.iter().any(|name| name == column)
    }

    pub fn is_key(&self, column: &str) -> bool {
        self.primary_key().any(|name| name == column)
    }
}

fn folded(name: &str, exists: impl Fn(&str) -> bool) -> Option<String> {
    [name.to_owned(), name.to_ascii_lowercase()]
        .into_iter()
        .find(|name| exists(name))
}

pub fn is_system(keyspace: &str) -> bool {
    keyspace == "system" || keyspace.starts_with("system_")
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort_unstable();
    names
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
