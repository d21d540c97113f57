//! The SQL of one output. Parameters are the output's fields in order, then the write timestamp.

use rusqlite::{Statement, Transaction};

use super::table::{Column, Table, WRITE_TIME, list, marks_name, quoted};
use super::value;
use crate::record::columns::Batch;
use crate::record::descriptor::{Effect, Field, Output};
use crate::sink::{Misfit, SinkError, WriteBatch};

/// One output, ready to be written.
pub(super) struct Prepared {
    pub output: Output,
    pub table: Table,
    /// By what fields other outputs delete from the same table.
    delete_keys: Vec<Vec<String>>,
    /// The column of each field, in lower case, in which SQLite does not tell names apart.
    pub columns: Vec<String>,
    /// Whether each field is part of the primary key.
    pub is_key: Vec<bool>,
    /// The affinity of each field's column.
    affinities: Vec<&'static str>,
    /// Run one after the other for each row.
    writes: Vec<String>,
    /// Reads the fields of the row with the key given as parameters.
    pub read: String,
}

impl Prepared {
    /// `delete_keys`: by what fields other outputs delete from the same table.
    pub fn new(output: &Output, table: Table, delete_keys: Vec<Vec<String>>) -> Self {
        let in_key = |field: &Field| table.key.iter().any(|key| key.eq_ignore_ascii_case(&field.name));
        let affinity = |field: &Field| {
            let is_it = |column: &&Column| column.name.eq_ignore_ascii_case(&field.name);
            table
                .columns
                .iter()
                .find(is_it)
                .map_or("BLOB", |column| column.affinity)
        };
        Self {
            columns: names(output).map(str::to_ascii_lowercase).collect(),
            is_key: output.fields.iter().map(in_key).collect(),
            affinities: output.fields.iter().map(affinity).collect(),
            writes: match output.effect {
                Effect::Upsert => vec![upsert(output, &table, &delete_keys, &[])],
                Effect::Delete => delete(output, &table),
            },
            read: read(output, &table),
            output: output.clone(),
            table,
            delete_keys,
        }
    }

    /// The statements that write one row, in the order in which they have to run.
    pub fn prepare<'t>(&self, transaction: &'t Transaction<'_>) -> rusqlite::Result<Vec<Statement<'t>>> {
        self.writes.iter().map(|sql| transaction.prepare(sql)).collect()
    }

    /// The same for a row that sets nothing of these fields where the row is there: a later row of its record does. A
    /// row that is new has its own values until then, since a column of the table may have to have one.
    pub fn prepare_without<'t>(
        &self,
        transaction: &'t Transaction<'_>,
        fields: &[usize],
    ) -> rusqlite::Result<Vec<Statement<'t>>> {
        let sql = upsert(&self.output, &self.table, &self.delete_keys, fields);
        Ok(vec![transaction.prepare(&sql)?])
    }

    /// A row without a whole key has no place in the table, nor has one with a value that SQLite would store as
    /// another.
    pub fn check(&self, batch: &Batch, row: usize) -> Result<(), SinkError> {
        let columns = self.output.fields.iter().zip(&batch.columns);
        let columns = columns.zip(self.is_key.iter().zip(&self.affinities));
        for ((field, column), (is_key, affinity)) in columns {
            if let Some(reason) = value::misfit(field, affinity, column, row) {
                let column = field.name.clone();
                return Err(Misfit { column, reason }.into());
            }
            if *is_key && value::of(field, column, row).is_none() {
                return Err(SinkError::null_key(&field.name));
            }
        }
        Ok(())
    }

    /// The fields of the primary key, each with its column.
    pub fn keys(&self) -> impl Iterator<Item = (usize, &str)> {
        let columns = self.columns.iter().enumerate();
        columns
            .filter(|(field, _)| self.is_key[*field])
            .map(|(field, column)| (field, column.as_str()))
    }

    /// Writes one row of the batch with statements of [`Self::prepare`] or [`Self::prepare_without`].
    pub fn run(&self, statements: &mut [Statement<'_>], batch: &WriteBatch, row: u32) -> rusqlite::Result<()> {
        let (time, _) = batch.written(row);
        for statement in statements {
            for (index, (field, column)) in self.output.fields.iter().zip(&batch.batch.columns).enumerate() {
                statement.raw_bind_parameter(index + 1, value::of(field, column, row as usize))?;
            }
            statement.raw_bind_parameter(self.output.fields.len() + 1, time.0)?;
            statement.raw_execute()?;
        }
        Ok(())
    }
}

/// Inserts, or where the row is there and not newer, overwrites what is not null. A null says nothing about its column,
/// as an unset bind marker does in Cassandra. At the same write timestamp a delete wins over an upsert, as it does
/// there. What is overwritten leaves out the fields `without`.
fn upsert(output: &Output, table: &Table, delete_keys: &[Vec<String>], without: &[usize]) -> String {
    let name = quoted(&table.name);
    let columns = list(names(output));
    let time = output.fields.len() + 1;
    let parameters: Vec<String> = (1..=time).map(|number| format!("?{number}")).collect();
    let not_deleted: Vec<String> = delete_keys
        .iter()
        .map(|key| {
            let marks = quoted(&marks_name(&table.name, key));
            let same = matches(output, |field| key.iter().any(|name| name.eq_ignore_ascii_case(field)));
            format!(" AND NOT EXISTS (SELECT 1 FROM {marks} WHERE {same} AND {WRITE_TIME} >= ?{time})")
        })
        .collect();
    let is_key = |field: &str| table.key.iter().any(|key| key.eq_ignore_ascii_case(field));
    let updates: Vec<String> = names(output)
        .enumerate()
        .filter(|(index, field)| !is_key(field) && !without.contains(index))
        .map(|(_, field)| {
            let column = quoted(field);
            format!("{column} = coalesce(excluded.{column}, {column}), ")
        })
        .collect();
    format!(
        "INSERT INTO {name} ({columns}, {WRITE_TIME}) SELECT {} WHERE true{} ON CONFLICT ({}) DO UPDATE SET \
         {}{WRITE_TIME} = excluded.{WRITE_TIME} \
         WHERE {name}.{WRITE_TIME} IS NULL OR excluded.{WRITE_TIME} >= {name}.{WRITE_TIME}",
        parameters.join(", "),
        not_deleted.concat(),
        list(table.key.iter().map(String::as_str)),
        updates.concat(),
    )
}

/// Leaves a mark that older upserts do not get past, then deletes what is not newer.
fn delete(output: &Output, table: &Table) -> Vec<String> {
    let key: Vec<&str> = names(output).collect();
    let marks = quoted(&marks_name(&table.name, &key));
    let columns = list(key.iter().copied());
    let time = key.len() + 1;
    let parameters: Vec<String> = (1..=time).map(|number| format!("?{number}")).collect();
    vec![
        format!(
            "INSERT INTO {marks} ({columns}, {WRITE_TIME}) VALUES ({}) ON CONFLICT ({columns}) DO UPDATE SET \
             {WRITE_TIME} = max({WRITE_TIME}, excluded.{WRITE_TIME})",
            parameters.join(", ")
        ),
        format!(
            "DELETE FROM {} WHERE {} AND ({WRITE_TIME} IS NULL OR {WRITE_TIME} <= ?{time})",
            quoted(&table.name),
            matches(output, |_| true)
        ),
    ]
}

fn read(output: &Output, table: &Table) -> String {
    let is_key = |field: &str| table.key.iter().any(|key| key.eq_ignore_ascii_case(field));
    format!(
        "SELECT {} FROM {} WHERE {}",
        list(names(output)),
        quoted(&table.name),
        matches(output, is_key)
    )
}

fn names(output: &Output) -> impl Iterator<Item = &str> {
    output.fields.iter().map(|field| field.name.as_str())
}

/// `"a" = ?1 AND "c" = ?3` for the fields that `which` takes.
fn matches(output: &Output, which: impl Fn(&str) -> bool) -> String {
    let terms = names(output).enumerate().filter(|(_, field)| which(field));
    let terms = terms.map(|(index, field)| format!("{} = ?{}", quoted(field), index + 1));
    terms.collect::<Vec<_>>().join(" AND ")
}
