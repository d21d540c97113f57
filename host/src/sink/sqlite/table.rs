//! The table of an output: found in the file, or made.
//!
//! Its primary key is that of the table in the file, or in `cql/`. For a table that neither knows it is, of the
//! plugin's own fields, those by which it deletes from the table, or else all that cannot be null. Too wide a key keeps
//! rows apart that belong together, which can be seen and repaired; too narrow a key would lose rows. Who wants another
//! key makes the table first.

use std::borrow::Borrow;

use rusqlite::{Connection, OptionalExtension};

use super::value;
use crate::record::descriptor::{Descriptor, Effect, Output};

/// The column that every table has in addition: microseconds, as `USING TIMESTAMP` would have them.
pub const WRITE_TIME: &str = "write_time";

/// A table as it is, or is to be, without [`WRITE_TIME`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// Names of columns.
    pub key: Vec<String>,
}

/// A column of a table in the SQLite file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// `TEXT`, `INTEGER`, `REAL` or `BLOB`; of a table that is there also `NUMERIC`.
    pub affinity: &'static str,
}

/// Why the table in the file cannot take the rows of an output.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("table {table} has no column {}, which the plugin's output {output} has; add it, or name another file", .missing.join(", "))]
    MissingColumns {
        table: String,
        output: String,
        missing: Vec<String>,
    },
    #[error(
        "column {column} of table {table} is part of its primary key, and the plugin's output {output} has no such field"
    )]
    KeyNotGiven {
        table: String,
        column: String,
        output: String,
    },
    #[error("the plugin's output {output} deletes from table {table} by {field}, which is not part of its primary key")]
    DeleteByOther {
        table: String,
        field: String,
        output: String,
    },
    #[error(
        "table {0} was not made by this program: it has no column {WRITE_TIME} INTEGER; add it, or name another file"
    )]
    NoWriteTime(String),
    #[error(
        "the plugin's output {0} has a field {WRITE_TIME}, which is the name of the column for the write timestamp"
    )]
    Reserved(String),
    #[error("table {0} has no primary key, so rows written again would double; make it with one, or name another file")]
    NoKey(String),
    #[error(
        "nothing says what the primary key of table {0} is: no field of the plugin's output is without nulls; make the \
         table with `sqlite3` first, with a primary key and a column write_time INTEGER"
    )]
    NoKeyToMake(String),
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// Finds or makes the table of `output`, which goes to the one of this name, and checks that rows of `output` fit it.
pub fn of_output(
    connection: &Connection,
    name: &str,
    output: &Output,
    descriptor: &Descriptor,
    known: &[Table],
) -> Result<Table, TableError> {
    let table = if let Some(table) = find(connection, name)? {
        table
    } else {
        let known = known.iter().find(|table| table.name.eq_ignore_ascii_case(name));
        let table = known.map_or_else(|| from_fields(name, descriptor), |table| Ok(table.clone()))?;
        fits(output, &table)?;
        make(connection, &table)?;
        table
    };
    fits(output, &table)?;
    if output.effect == Effect::Delete {
        make_marks(connection, &table.name, &field_names(output))?;
    }
    Ok(table)
}

/// For each output that deletes from the table that `output` goes to: the names of the fields it deletes by.
pub fn delete_keys(descriptor: &Descriptor, output: &Output) -> Vec<Vec<String>> {
    let name = output.target.table().unwrap_or_default();
    let owned = |output| field_names(output).into_iter().map(str::to_owned).collect();
    deletes_from(descriptor, name).map(owned).collect()
}

/// Where the marks of deletes by these fields stand.
pub fn marks_name(table: &str, delete_key: &[impl Borrow<str>]) -> String {
    format!("{table}_deleted_by_{}", delete_key.join("_"))
}

/// A name as SQL takes it, whatever is in it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quoted and comma separated.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

fn outputs_to<'a>(descriptor: &'a Descriptor, name: &'a str) -> impl Iterator<Item = &'a Output> {
    let tables = descriptor.table_outputs();
    let here = tables.filter(move |(.., table)| table.eq_ignore_ascii_case(name));
    here.map(|(_, output, _)| output)
}

fn deletes_from<'a>(descriptor: &'a Descriptor, name: &'a str) -> impl Iterator<Item = &'a Output> {
    outputs_to(descriptor, name).filter(|output| output.effect == Effect::Delete)
}

fn field_names(output: &Output) -> Vec<&str> {
    output.fields.iter().map(|field| field.name.as_str()).collect()
}

fn find(connection: &Connection, name: &str) -> Result<Option<Table>, TableError> {
    let real_name: Option<String> = connection
        .query_row(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND lower(name) = lower(?1)",
            [name],
            |row| row.get(0),
        )
        .optional()?;
    let Some(name) = real_name else {
        return Ok(None);
    };
    let mut statement = connection.prepare("SELECT name, pk, type FROM pragma_table_info(?1)")?;
    let columns: Vec<(String, u32, String)> = statement
        .query_map([&name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    // `pk` is 0, or the column's place in the key.
    let mut key: Vec<&(String, u32, String)> = columns.iter().filter(|(_, place, _)| *place > 0).collect();
    key.sort_by_key(|(_, place, _)| *place);
    if key.is_empty() {
        return Err(TableError::NoKey(name));
    }
    let key = key.into_iter().map(|(name, ..)| name.clone()).collect();
    let is_write_time = |(column, ..): &(String, u32, String)| column.eq_ignore_ascii_case(WRITE_TIME);
    if !columns.iter().any(is_write_time) {
        return Err(TableError::NoWriteTime(name));
    }
    let columns = columns.into_iter().filter(|column| !is_write_time(column));
    let column = |(name, _, declared): (String, u32, String)| Column {
        name,
        affinity: value::affinity_of(&declared),
    };
    let columns = columns.map(column).collect();
    Ok(Some(Table { name, columns, key }))
}

fn from_fields(name: &str, descriptor: &Descriptor) -> Result<Table, TableError> {
    let fields = || outputs_to(descriptor, name).flat_map(|output| &output.fields);
    let mut columns: Vec<Column> = Vec::new();
    for field in fields() {
        if !columns
            .iter()
            .any(|column| column.name.eq_ignore_ascii_case(&field.name))
        {
            columns.push(Column {
                name: field.name.clone(),
                affinity: value::affinity(field.data_type),
            });
        }
    }
    let widest_delete = deletes_from(descriptor, name).max_by_key(|delete| delete.fields.len());
    let key: Vec<String> = match widest_delete {
        Some(delete) => field_names(delete).into_iter().map(str::to_owned).collect(),
        None => columns
            .iter()
            .filter(|column| fields().all(|field| !field.name.eq_ignore_ascii_case(&column.name) || !field.nullable))
            .map(|column| column.name.clone())
            .collect(),
    };
    if key.is_empty() {
        return Err(TableError::NoKeyToMake(name.to_owned()));
    }
    Ok(Table {
        name: name.to_owned(),
        columns,
        key,
    })
}

fn fits(output: &Output, table: &Table) -> Result<(), TableError> {
    let has_field = |name: &str| output.fields.iter().any(|field| field.name.eq_ignore_ascii_case(name));
    let has_column = |name: &str| {
        table
            .columns
            .iter()
            .any(|column| column.name.eq_ignore_ascii_case(name))
    };
    let in_key = |name: &str| table.key.iter().any(|key| key.eq_ignore_ascii_case(name));
    let (name, from) = (|| table.name.clone(), || output.name.clone());
    let missing: Vec<String> = output
        .fields
        .iter()
        .filter(|field| !has_column(&field.name))
        .map(|field| field.name.clone())
        .collect();
    if has_field(WRITE_TIME) {
        return Err(TableError::Reserved(from()));
    }
    if !missing.is_empty() {
        return Err(TableError::MissingColumns {
            table: name(),
            output: from(),
            missing,
        });
    }
    match output.effect {
        Effect::Upsert => match table.key.iter().find(|column| !has_field(column)) {
            Some(column) => Err(TableError::KeyNotGiven {
                table: name(),
                column: column.clone(),
                output: from(),
            }),
            None => Ok(()),
        },
        Effect::Delete => match output.fields.iter().find(|field| !in_key(&field.name)) {
            Some(field) => Err(TableError::DeleteByOther {
                table: name(),
                field: field.name.clone(),
                output: from(),
            }),
            None => Ok(()),
        },
    }
}

fn make(connection: &Connection, table: &Table) -> rusqlite::Result<()> {
    let is_key = |name: &str| table.key.iter().any(|key| key.eq_ignore_ascii_case(name));
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|Column { name, affinity }| {
            let not_null = if is_key(name) { " NOT NULL" } else { "" };
            format!("  {} {affinity}{not_null},\n", quoted(name))
        })
        .collect();
    connection.execute_batch(&format!(
        "CREATE TABLE {} (\n{}  {WRITE_TIME} INTEGER NOT NULL,\n  PRIMARY KEY ({})\n) WITHOUT ROWID",
        quoted(&table.name),
        columns.concat(),
        list(table.key.iter().map(String::as_str)),
    ))
}

/// A mark for each delete, by the fields that it deletes by.
fn make_marks(connection: &Connection, table: &str, delete_key: &[&str]) -> rusqlite::Result<()> {
    let key = list(delete_key.iter().copied());
    connection.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS {} ({key}, {WRITE_TIME} INTEGER NOT NULL, PRIMARY KEY ({key})) WITHOUT ROWID",
        quoted(&marks_name(table, delete_key)),
    ))
}
