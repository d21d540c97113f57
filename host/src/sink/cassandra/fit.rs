//! Whether an output of a plugin fits its table: every field finds a column that its type may go into, and every
//! column of the primary key gets a value. All mismatches are reported at once, with the names of both sides.

use scylla::cluster::metadata::ColumnType;

use super::convert::{self, can_convert};
use super::table::Table;
use crate::record::columns::DataType;
use crate::record::descriptor::{Effect, Field, Output};

/// A field and the column it goes to.
#[derive(Debug, Clone)]
pub struct Binding {
    /// Index into the output's fields.
    pub field: usize,
    pub data_type: DataType,
    pub column: String,
    pub column_type: ColumnType<'static>,
    pub role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Key,
    Value,
}

/// One way in which an output and its table do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    #[error("output {output}: field {field} has no column in table {table} (its columns are {columns})")]
    NoColumn {
        output: String,
        field: String,
        table: String,
        columns: String,
    },
    #[error("output {output}: fields {first} and {second} both go to column {column} of table {table}")]
    SameColumn {
        output: String,
        first: String,
        second: String,
        table: String,
        column: String,
    },
    #[error("output {output}: field {field} does not fit column {column} of table {table}: {cause}")]
    Type {
        output: String,
        field: String,
        table: String,
        column: String,
        cause: convert::Mismatch,
    },
    #[error("output {output}: no field gives column {column}, which is part of the primary key of table {table}")]
    NoKeyField {
        output: String,
        table: String,
        column: String,
    },
    #[error(
        "output {output}: field {field} is nullable, and column {column} is part of the primary key of table {table}"
    )]
    NullableKey {
        output: String,
        field: String,
        table: String,
        column: String,
    },
    #[error("output {output}: field {field} is not in the primary key of table {table}, by which the row is deleted")]
    NotKey {
        output: String,
        field: String,
        table: String,
    },
}

/// The binding of each field, in their order, or everything that does not fit.
pub fn fit(output: &Output, table: &Table) -> Result<Vec<Binding>, Vec<Mismatch>> {
    let mut bindings: Vec<Binding> = Vec::with_capacity(output.fields.len());
    let mut mismatches = Vec::new();
    for (index, field) in output.fields.iter().enumerate() {
        match fit_field(index, field, output, table) {
            Ok(binding) => match bindings.iter().find(|other| other.column == binding.column) {
                Some(other) => mismatches.push(Mismatch::SameColumn {
                    output: output.name.clone(),
                    first: output.fields[other.field].name.clone(),
                    second: field.name.clone(),
                    table: full_name(table),
                    column: binding.column,
                }),
                None => bindings.push(binding),
            },
            Err(mismatch) => mismatches.push(mismatch),
        }
    }
    // A key column whose field is there but does not fit has been reported above.
    let is_given = |column: &str| {
        let mut names = output.fields.iter().filter_map(|field| table.column(&field.name));
        names.any(|(name, _)| name == column)
    };
    let missing = table.primary_key().filter(|column| !is_given(column));
    mismatches.extend(missing.map(|column| Mismatch::NoKeyField {
        output: output.name.clone(),
        table: full_name(table),
        column: column.to_owned(),
    }));
    if mismatches.is_empty() {
        Ok(bindings)
    } else {
        Err(mismatches)
    }
}

fn fit_field(index: usize, field: &Field, output: &Output, table: &Table) -> Result<Binding, Mismatch> {
    let Some((column, column_type)) = table.column(&field.name) else {
        return Err(Mismatch::NoColumn {
            output: output.name.clone(),
            field: field.name.clone(),
            table: full_name(table),
            columns: table.columns.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        });
    };
    can_convert(field.data_type, column_type).map_err(|cause| Mismatch::Type {
        output: output.name.clone(),
        field: field.name.clone(),
        table: full_name(table),
        column: column.to_owned(),
        cause,
    })?;
    let role = if table.is_key(column) { Role::Key } else { Role::Value };
    match role {
        Role::Key if field.nullable => Err(Mismatch::NullableKey {
            output: output.name.clone(),
            field: field.name.clone(),
            table: full_name(table),
            column: column.to_owned(),
        }),
        Role::Value if output.effect == Effect::Delete => Err(Mismatch::NotKey {
            output: output.name.clone(),
            field: field.name.clone(),
            table: full_name(table),
        }),
        role => Ok(Binding {
            field: index,
            data_type: field.data_type,
            column: column.to_owned(),
            column_type: column_type.clone(),
            role,
        }),
    }
}

fn full_name(table: &Table) -> String {
    format!("{}.{}", table.keyspace, table.name)
}
