//! Reads an Avro datum with the schema that it was written with, and takes the fields that the plugin asks for.
//!
//! A plan is made once for each schema: which field of the record each input takes, by name or by alias, and the
//! shape of that field. `direct` reads a record from the bytes to cells once. If the record does not become a row,
//! it is read again here, to word its reject. `value` reads one value, `cursor` the bytes. Decisions 0016 and 0025
//! have the reasons.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::rejects;
use super::schema::{RecordShape, Schema, Shape};
use super::spare::Spare;
use super::value::{Cell, RecordValue};
use crate::record::columns::DataType;
use crate::record::descriptor::{Input, Origin};
use crate::record::reject::Reject;
use cursor::{Cursor, Wrong};
use direct::Direct;

mod cursor;
mod direct;
mod show;
mod value;

/// How records of one schema become rows.
pub struct Plan {
    schema: Arc<Schema>,
    root: Root,
}

enum Root {
    Record(RecordPlan),
    /// The schema is a union. Each value names the branch that it belongs to.
    Union(Vec<Result<RecordPlan, Reject>>),
}

struct RecordPlan {
    /// Its place in the schema's records.
    index: usize,
    /// For each input the field of the record that it takes. `None` if the input does not take a field, or the schema
    /// lacks it.
    takes: Vec<Option<usize>>,
    wanted: Vec<DataType>,
    /// `None` if an input takes the whole record as JSON.
    direct: Option<Direct>,
}

impl Plan {
    /// Makes the plan. Fails if no record of this schema can be read, or if the schema lacks a field that may
    /// not be null.
    pub fn new(id: u32, schema: Arc<Schema>, inputs: &[Input]) -> Result<Self, Reject> {
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
        plan.direct.as_ref()?.read(&mut cursor, &self.schema, row, spare)
    }

    /// For each input the value that the record holds for it. `None` if the input does not take a field, or the schema
    /// lacks it.
    pub fn values<'a>(&'a self, datum: &'a [u8]) -> Result<Vec<Option<RecordValue<'a>>>, Reject> {
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
    pub fn whole(&self, datum: &[u8]) -> Result<String, Reject> {
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

    fn record<'a>(&'a self, cursor: &mut Cursor<'_>) -> Option<Result<&'a RecordPlan, &'a Reject>> {
        match &self.root {
            Root::Record(plan) => Some(Ok(plan)),
            Root::Union(branches) => cursor.one_of(branches, "branch").map(Result::as_ref),
        }
    }

    fn begun<'a>(&'a self, cursor: &mut Cursor<'_>) -> Result<(&'a RecordPlan, &'a RecordShape), Reject> {
        let Some(plan) = self.record(cursor) else {
            return Err(rejects::bad_avro(format!(
                "the Avro value cannot be read: {}",
                cursor.wrong()
            )));
        };
        let plan = plan.map_err(Reject::clone)?;
        let record = self.schema.record(plan.index);
        Ok((
            plan,
            record.ok_or_else(|| rejects::bad_avro("the schema has no such record"))?,
        ))
    }
}

impl RecordPlan {
    fn new(id: u32, schema: &Schema, shape: &Shape, inputs: &[Input]) -> Result<Self, Reject> {
        let no_record = || {
            rejects::bad_avro(format!(
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
                return Err(rejects::missing_field(input));
            }
            takes.push(found);
        }
        let is_whole = |input: &Input| input.origin == Origin::WholeValue && input.field.data_type == DataType::Json;
        let direct = (!inputs.iter().any(is_whole)).then(|| Direct::new(record, inputs, &takes));
        Ok(Self {
            index,
            direct,
            wanted: inputs.iter().map(|input| input.field.data_type).collect(),
            takes,
        })
    }
}

fn unreadable(cursor: &Cursor<'_>, field: &str) -> Reject {
    match cursor.wrong() {
        Wrong::End => rejects::bad_avro("the Avro record ends before its last field"),
        wrong => rejects::bad_avro(format!("the Avro record cannot be read: field {field}: {wrong}")),
    }
}

fn ended(cursor: &Cursor<'_>) -> Result<(), Reject> {
    match cursor.left() {
        0 => Ok(()),
        left => Err(rejects::bad_avro(format!(
            "{left} bytes are left over after the Avro record"
        ))),
    }
}

#[cfg(test)]
mod tests;
