//! Reads an Avro datum with the schema that it was written with, and takes the fields that the plugin asks for.
//!
//! A plan is made once for each schema: which field of the record each input takes, by name or by alias, and the
//! shape of that field. `straight` reads a record from the bytes to cells once. If the record does not become a row,
//! it is read again here, to word its reject. `value` reads one value, `cursor` the bytes. Decisions 0016 and 0025
//! have the reasons.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::record::columns::DataType;
use crate::record::descriptor::{Input, Origin};

use super::fault::{self, Fault};
use super::schema::{RecordShape, Schema, Shape};
use super::spare::Spare;
use super::value::{Cell, Found};
use cursor::{Cursor, Wrong};
use straight::Straight;

mod cursor;
mod show;
mod straight;
mod value;

/// How records of one schema become rows.
pub struct Plan {
    schema: Arc<Schema>,
    root: Root,
}

enum Root {
    Record(RecordPlan),
    /// The schema is a union. Each value names the branch that it belongs to.
    Union(Vec<Result<RecordPlan, Fault>>),
}

struct RecordPlan {
    /// Its place in the schema's records.
    index: usize,
    /// For each input the field of the record that it takes. `None` if the input does not take a field, or the schema
    /// lacks it.
    takes: Vec<Option<usize>>,
    wanted: Vec<DataType>,
    /// `None` if an input takes the whole record as JSON.
    straight: Option<Straight>,
}

impl Plan {
    /// Makes the plan. Fails if no record of this schema can be read, or if the schema lacks a field that may
    /// not be null.
    pub fn new(id: u32, schema: Arc<Schema>, inputs: &[Input]) -> Result<Self, Fault> {
        let root = match schema.root() {
            Shape::Union(branches) => {
                let plan = |branch: &Shape| RecordPlan::new(id, &schema, branch, inputs);
                Root::Union(branches.iter().map(plan).collect())
            }
            shape => Root::Record(RecordPlan::new(id, &schema, shape, inputs)?),
        };
        Ok(Self { schema, root })
    }

    /// Puts the cells of the inputs that take fields into the row. Returns `None` if the record does not become a row;
    /// [`Self::values`] then says why.
    pub fn read<'a>(&'a self, datum: &'a [u8], row: &mut [Cell<'a>], spare: &mut Spare) -> Option<()> {
        let mut cursor = Cursor::new(datum);
        let plan = self.record(&mut cursor)?.ok()?;
        plan.straight.as_ref()?.read(&mut cursor, &self.schema, row, spare)
    }

    /// For each input the value that the record holds for it. `None` if the input does not take a field, or the schema
    /// lacks it.
    pub fn values<'a>(&'a self, datum: &'a [u8]) -> Result<Vec<Option<Found<'a>>>, Fault> {
        let mut cursor = Cursor::new(datum);
        let (plan, record) = self.begun(&mut cursor)?;
        let mut values = vec![None; plan.takes.len()];
        for (place, field) in record.fields.iter().enumerate() {
            let start = cursor.at();
            let unreadable = |cursor: &Cursor<'_>| unreadable(cursor, &field.name);
            let takes = plan.takes.iter().zip(&plan.wanted).zip(&mut values);
            let mut is_taken = false;
            for ((_, wanted), value) in takes.filter(|((take, _), _)| **take == Some(place)) {
                cursor.go_back(start);
                let found = value::wanted(&mut cursor, &field.shape, &self.schema, *wanted);
                *value = Some(found.ok_or_else(|| unreadable(&cursor))?);
                is_taken = true;
            }
            if !is_taken {
                value::skip(&mut cursor, &field.shape, &self.schema).ok_or_else(|| unreadable(&cursor))?;
            }
        }
        ended(&cursor)?;
        Ok(values)
    }

    /// The whole record as a JSON object.
    pub fn whole(&self, datum: &[u8]) -> Result<String, Fault> {
        let mut cursor = Cursor::new(datum);
        let (_, record) = self.begun(&mut cursor)?;
        let mut members = Map::with_capacity(record.fields.len());
        for field in &record.fields {
            let value = value::json(&mut cursor, &field.shape, &self.schema);
            let value = value.ok_or_else(|| unreadable(&cursor, &field.name))?;
            members.insert(field.name.clone(), value);
        }
        ended(&cursor)?;
        Ok(Json::Object(members).to_string())
    }

    fn record<'a>(&'a self, cursor: &mut Cursor<'_>) -> Option<Result<&'a RecordPlan, &'a Fault>> {
        match &self.root {
            Root::Record(plan) => Some(Ok(plan)),
            Root::Union(branches) => cursor.one_of(branches, "branch").map(Result::as_ref),
        }
    }

    fn begun<'a>(&'a self, cursor: &mut Cursor<'_>) -> Result<(&'a RecordPlan, &'a RecordShape), Fault> {
        let Some(plan) = self.record(cursor) else {
            return Err(fault::bad_avro(format!(
                "the Avro value cannot be read: {}",
                cursor.wrong()
            )));
        };
        let plan = plan.map_err(Fault::clone)?;
        let record = self.schema.record(plan.index);
        Ok((
            plan,
            record.ok_or_else(|| fault::bad_avro("the schema has no such record"))?,
        ))
    }
}

impl RecordPlan {
    fn new(id: u32, schema: &Schema, shape: &Shape, inputs: &[Input]) -> Result<Self, Fault> {
        let no_record = || {
            fault::bad_avro(format!(
                "schema {id}: a value is of type {}, not a record",
                shape.name()
            ))
        };
        let &Shape::Record(index) = shape else {
            return Err(no_record());
        };
        let record = schema.record(index).ok_or_else(no_record)?;
        let mut takes = Vec::with_capacity(inputs.len());
        for input in inputs {
            let found = match &input.origin {
                Origin::Value(name) => record.place(name),
                _ => None,
            };
            if found.is_none() && matches!(input.origin, Origin::Value(_)) && !input.field.nullable {
                return Err(fault::missing_field(input));
            }
            takes.push(found);
        }
        let is_whole = |input: &Input| input.origin == Origin::WholeValue && input.field.data_type == DataType::Json;
        let straight = (!inputs.iter().any(is_whole)).then(|| Straight::new(record, inputs, &takes));
        Ok(Self {
            index,
            straight,
            wanted: inputs.iter().map(|input| input.field.data_type).collect(),
            takes,
        })
    }
}

fn unreadable(cursor: &Cursor<'_>, field: &str) -> Fault {
    match cursor.wrong() {
        Wrong::End => fault::bad_avro("the Avro record ends before its last field"),
        wrong => fault::bad_avro(format!("the Avro record cannot be read: field {field}: {wrong}")),
    }
}

fn ended(cursor: &Cursor<'_>) -> Result<(), Fault> {
    match cursor.left() {
        0 => Ok(()),
        left => Err(fault::bad_avro(format!(
            "{left} bytes are left over after the Avro record"
        ))),
    }
}

#[cfg(test)]
mod tests;
