//! Makes the rows of a batch: finds each record's format, takes each input's value from its origin, makes it fit, and
//! appends the row to the columns. The memory that one record needs is used again for the next.

use std::collections::HashMap;
use std::sync::Arc;

use super::avro::Plan;
use super::builder::Columns;
use super::cell::fit;
use super::json::{self, Member, Members};
use super::rejects;
use super::spare::Spare;
use super::value::{Cell, RecordValue};
use crate::record::Record;
use crate::record::columns::{Batch, DataType};
use crate::record::descriptor::{Input, Origin};
use crate::record::reject::Reject;

/// Bytes before the datum in Confluent's wire format: a zero byte, and the schema's id as big-endian u32.
/// <https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format>
const FRAME_BYTES: usize = 5;

/// What has to be read of each record.
pub struct Reads {
    /// The plugin's inputs.
    pub inputs: Vec<Input>,
    /// Whether an input takes a field of the value.
    fields: bool,
    /// Whether a value that is framed as Avro is read as such.
    pub avro: bool,
    json: json::Plan,
    /// The inputs that do not take a field of the value.
    beside: Vec<usize>,
}

/// The plan for a schema, or why its records cannot become rows.
pub type PlanOrReject = Result<Arc<Plan>, Reject>;

/// A schema that some record of the batch names.
struct KnownPlan<'a> {
    id: u32,
    plan: Result<&'a Plan, &'a Reject>,
}

/// The rows of a batch while they are being built.
pub struct BatchRows<'a> {
    reads: &'a Reads,
    /// Sorted by id.
    schemas: Vec<KnownPlan<'a>>,
    /// The place of the schema that the last record named. The next record nearly always names it too.
    last: usize,
    columns: Columns,
    members: Members<'a>,
    row: Vec<Cell<'a>>,
    spare: Spare,
}

impl Reads {
    /// Works out what these inputs need.
    pub fn new(inputs: &[Input]) -> Self {
        let fields = inputs.iter().any(|input| matches!(input.origin, Origin::Value(_)));
        let is_whole = |input: &Input| input.origin == Origin::WholeValue && input.field.data_type == DataType::Json;
        Self {
            inputs: inputs.to_vec(),
            fields,
            avro: fields || inputs.iter().any(is_whole),
            json: json::Plan::new(inputs),
            beside: inputs
                .iter()
                .enumerate()
                .filter(|(_, input)| !matches!(input.origin, Origin::Value(_)))
                .map(|(index, _)| index)
                .collect(),
        }
    }
}

impl<'a> BatchRows<'a> {
    /// Starts a batch with room for `capacity` rows. `plans` must have every schema that the records name.
    pub fn new(reads: &'a Reads, plans: &'a HashMap<u32, PlanOrReject>, capacity: usize) -> Self {
        let known = |(id, plan): (&u32, &'a PlanOrReject)| KnownPlan {
            id: *id,
            plan: plan.as_deref(),
        };
        let mut schemas: Vec<_> = plans.iter().map(known).collect();
        schemas.sort_unstable_by_key(|known| known.id);
        Self {
            reads,
            schemas,
            last: 0,
            columns: Columns::new(&reads.inputs, capacity),
            members: Members::default(),
            row: Vec::with_capacity(reads.inputs.len()),
            spare: Spare::default(),
        }
    }

    /// Appends the record as a row, or says why it cannot become one.
    pub fn push(&mut self, record: &'a Record) -> Result<(), Reject> {
        match record.value.as_deref() {
            None if self.reads.fields => Err(rejects::tombstone()),
            None => self.push_unread(record),
            Some(value) => match frame(value).filter(|_| self.reads.avro) {
                Some((id, datum)) => self.push_avro(record, id, datum),
                None if self.reads.fields => self.push_json(record, value),
                None => self.push_unread(record),
            },
        }
    }

    /// Makes the batch of all rows.
    pub fn finish(self) -> Batch {
        self.columns.finish()
    }

    fn push_unread(&mut self, record: &'a Record) -> Result<(), Reject> {
        self.row.clear();
        for input in &self.reads.inputs {
            self.row.push(cell(input, beside(record, input)?, &mut self.spare)?);
        }
        append(&mut self.columns, &mut self.row, &mut self.spare)
    }

    fn push_json(&mut self, record: &'a Record, value: &'a [u8]) -> Result<(), Reject> {
        let json = &self.reads.json;
        json.read(value, &mut self.members)?;
        self.row.clear();
        for (index, input) in self.reads.inputs.iter().enumerate() {
            let wanted = input.field.data_type;
            let cell = match json.member(&self.members, index) {
                Some(Member::Text(text)) if wanted == DataType::Text => Cell::Text(text.into()),
                Some(member) => {
                    let found = json::found(member, wanted, &mut self.spare)?;
                    cell(input, Some(found), &mut self.spare)?
                }
                None => cell(input, beside(record, input)?, &mut self.spare)?,
            };
            self.row.push(cell);
        }
        append(&mut self.columns, &mut self.row, &mut self.spare)
    }

    fn push_avro(&mut self, record: &'a Record, id: u32, datum: &'a [u8]) -> Result<(), Reject> {
        let plan = self.schema(id)?.plan.map_err(Reject::clone)?;
        self.row.clear();
        self.row.resize(self.reads.inputs.len(), Cell::Null);
        let read = plan
            .read(datum, &mut self.row, &mut self.spare)
            .and_then(|()| self.put_beside(record));
        match read {
            Some(()) => append(&mut self.columns, &mut self.row, &mut self.spare),
            None => self.push_again(record, plan, datum),
        }
    }

    /// Puts the cells of the inputs that do not take a field of the value into the row.
    fn put_beside(&mut self, record: &'a Record) -> Option<()> {
        for index in &self.reads.beside {
            let input = self.reads.inputs.get(*index)?;
            let found = beside(record, input).ok()?;
            *self.row.get_mut(*index)? = cell(input, found, &mut self.spare).ok()?;
        }
        Some(())
    }

    /// Reads a record again: one that did not become a row, to say why, or one that an input takes as a whole.
    fn push_again(&mut self, record: &'a Record, plan: &'a Plan, datum: &'a [u8]) -> Result<(), Reject> {
        let mut values = plan.values(datum)?;
        self.row.clear();
        for (input, value) in self.reads.inputs.iter().zip(&mut values) {
            let found = match input.origin {
                Origin::Value(_) => value.take(),
                Origin::WholeValue if input.field.data_type == DataType::Json => {
                    Some(RecordValue::Json(plan.whole(datum)?.into()))
                }
                _ => beside(record, input)?,
            };
            self.row.push(cell(input, found, &mut self.spare)?);
        }
        append(&mut self.columns, &mut self.row, &mut self.spare)
    }

    fn schema(&mut self, id: u32) -> Result<&KnownPlan<'a>, Reject> {
        if self.schemas.get(self.last).is_none_or(|known| known.id != id) {
            let place = self.schemas.binary_search_by_key(&id, |known| known.id);
            self.last = place.unwrap_or(self.schemas.len());
        }
        let known = self.schemas.get(self.last);
        known.ok_or_else(|| rejects::unknown_schema(format!("there is no schema {id}")))
    }
}

/// Moves the row into the columns.
fn append(columns: &mut Columns, row: &mut Vec<Cell<'_>>, spare: &mut Spare) -> Result<(), Reject> {
    let pushed = columns.push(row);
    spare.clear(row);
    pushed.map_err(|_| rejects::batch_full())
}

/// Makes the value fit its input.
pub fn cell<'c>(input: &Input, found: Option<RecordValue<'c>>, spare: &mut Spare) -> Result<Cell<'c>, Reject> {
    let Some(found) = found else {
        return if input.field.nullable {
            Ok(Cell::Null)
        } else {
            Err(rejects::missing_field(input))
        };
    };
    match fit(found, input.field.data_type, spare) {
        Ok(Cell::Null) if !input.field.nullable => Err(rejects::null_field(input)),
        Ok(cell) => Ok(cell),
        Err(found) => Err(rejects::bad_type(input, &found)),
    }
}

/// The value for an input that does not take a field of the record's value. `None` if the record has nothing
/// of that name.
pub fn beside<'c>(record: &'c Record, input: &Input) -> Result<Option<RecordValue<'c>>, Reject> {
    let wanted = input.field.data_type;
    Ok(match &input.origin {
        Origin::Value(_) => None,
        Origin::WholeValue => match &record.value {
            Some(value) => Some(bytes(value, wanted)),
            None if input.field.nullable => None,
            None => return Err(rejects::tombstone()),
        },
        Origin::Key => Some(record.key.as_ref().map_or(RecordValue::Null, |key| bytes(key, wanted))),
        // If headers share a key, the last one counts, as with Kafka's `lastHeader`.
        Origin::Header(name) => {
            let header = record.headers.iter().rev().find(|header| header.key == *name);
            header.map(|header| {
                header
                    .value
                    .as_ref()
                    .map_or(RecordValue::Null, |value| bytes(value, wanted))
            })
        }
        Origin::RecordTimestamp => Some(record.timestamp_ms.map_or(RecordValue::Null, RecordValue::Timestamp)),
        Origin::Partition => Some(RecordValue::Integer(i64::from(record.position.partition.number))),
        Origin::Offset => Some(RecordValue::Integer(record.position.offset.0)),
        Origin::Topic => Some(RecordValue::Text((&*record.position.partition.topic).into())),
    })
}

/// Bytes without a format: taken as they are for a blob, and as text for any other type if they are UTF-8.
fn bytes(bytes: &[u8], wanted: DataType) -> RecordValue<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) if wanted != DataType::Blob => RecordValue::Text(text.into()),
        _ => RecordValue::Bytes(bytes),
    }
}

/// Splits a value in Confluent's wire format into the schema's id and the datum. `None` if it has another form.
pub fn frame(value: &[u8]) -> Option<(u32, &[u8])> {
    let (head, datum) = value.split_at_checked(FRAME_BYTES)?;
    match *head {
        [0, a, b, c, d] => Some((u32::from_be_bytes([a, b, c, d]), datum)),
        _ => None,
    }
}
