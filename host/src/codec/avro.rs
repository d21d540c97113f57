//! An Avro datum, read with the schema that it was written with, to the fields that the plugin asks for.
//!
//! A plan is made once a schema: which field of the record each input takes, by name or by alias, and of what shape it
//! is. Nearly every record is read by `straight`, from the bytes to what is found in them; what that does not read is for
//! `tree`, by apache-avro. Decision 0016 has the figures.

use std::sync::Arc;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::RecordField;

use crate::record::columns::DataType;
use crate::record::descriptor::{Input, Origin};

use super::cell::Cell;
use super::fault::{self, Fault};
use super::spare::Spare;
use shape::Shape;
use straight::Straight;
pub use tree::{Datum, Reader};

mod cursor;
mod shape;
mod show;
mod straight;
mod tree;

/// The most that one string, array or map may claim to need. More than any record has (Kafka's own default is 1 MiB a
/// record); less than what would hurt, since lengths come from bytes that anybody may have written.
const MAX_ALLOCATION_BYTES: usize = 64 * 1024 * 1024;

/// How records of one schema become rows.
pub struct Plan {
    schema: Arc<Schema>,
    shapes: Vec<Shape>,
    /// For each input the field of the record that it takes; `None` if its origin is no field, or the schema has none.
    takes: Vec<Option<usize>>,
    /// `None` if an input wants JSON, which is made from a tree.
    straight: Option<Straight>,
}

/// Sets apache-avro's bound for the whole process; the first call counts.
pub fn bound_allocations() {
    apache_avro::util::max_allocation_bytes(MAX_ALLOCATION_BYTES);
}

impl Plan {
    /// Fails if no record of this schema can be read, or lacks a field that may not be null.
    pub fn new(id: u32, schema: Arc<Schema>, inputs: &[Input]) -> Result<Self, Fault> {
        let shapes = shape::of_record(&schema).map_err(|why| fault::bad_avro(format!("schema {id} {why}")))?;
        let fields = match &*schema {
            Schema::Record(record) => record.fields.as_slice(),
            _ => &[],
        };
        let mut takes = Vec::with_capacity(inputs.len());
        for input in inputs {
            let Origin::Value(name) = &input.origin else {
                takes.push(None);
                continue;
            };
            let has_alias = |field: &RecordField| field.aliases.iter().any(|alias| alias == name);
            let by_name = fields.iter().position(|field| field.name == *name);
            let found = by_name.or_else(|| fields.iter().position(has_alias));
            if found.is_none() && !input.field.nullable {
                return Err(fault::missing_field(input));
            }
            takes.push(found);
        }
        let wants_json = |(input, taken): (&Input, &Option<usize>)| {
            input.field.data_type == DataType::Json && (taken.is_some() || input.origin == Origin::WholeValue)
        };
        let needs_tree = inputs.iter().zip(&takes).any(wants_json);
        let straight = (!needs_tree).then(|| Straight::new(&shapes, inputs, &takes));
        Ok(Self {
            schema,
            shapes,
            takes,
            straight,
        })
    }

    /// Puts the cells of the inputs that take fields into the row, if they can be read so; else a [`Reader`] has to.
    pub fn read<'a>(&'a self, datum: &'a [u8], row: &mut [Cell<'a>], spare: &mut Spare) -> Option<()> {
        self.straight.as_ref()?.read(datum, row, spare)
    }

    pub fn reader(&self) -> Result<Reader<'_>, Fault> {
        let datum = GenericDatumReader::builder(&self.schema)
            .build()
            .map_err(|error| fault::bad_avro(format!("the schema cannot be used: {error}")))?;
        Ok(Reader { plan: self, datum })
    }
}

#[cfg(test)]
mod tests;
