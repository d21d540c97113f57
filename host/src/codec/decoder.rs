//! A batch of records to a batch of columns: finds each record's format, fetches the schemas that the batch needs, and
//! puts each input's value from where its origin says.

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::record::Record;
use crate::record::columns::{Batch, DataType};
use crate::record::descriptor::{Input, Origin};
use crate::record::reject::Reject;

use super::avro::{Datum, Plan, Reader, bound_allocations};
use super::builder::Columns;
use super::cell::{Cell, Found, fit};
use super::fault::{self, Fault};
use super::json::{self, Members};
use super::registry::{Registry, RegistryError};

/// Schemas fetched at once: a batch has one or two new ids, unless somebody writes noise that looks like ids.
const FETCHES_IN_FLIGHT: usize = 8;

/// An id that the registry did not know is asked for again after this time.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Confluent's wire format: a zero byte, the schema's id as big-endian u32, the datum.
/// <https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format>
const FRAME_BYTES: usize = 5;

/// Decodes records for one plugin; can be shared between partitions.
pub struct Decoder {
    inputs: Vec<Input>,
    registry: Option<Registry>,
    plans: Mutex<HashMap<u32, PlanOrReject>>,
    /// Ids that the registry did not know, and when it said so.
    unknown: Mutex<HashMap<u32, Instant>>,
}

/// What a batch of records became.
#[derive(Debug)]
pub struct Decoded {
    /// Column i belongs to input i.
    pub batch: Batch,
    /// For each row of `batch` its index in the records.
    pub rows: Vec<usize>,
    /// The records that are no row, by index.
    pub rejects: Vec<(usize, Reject)>,
}

/// The batch cannot be decoded now, whatever its records hold.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error("the schema of a record cannot be fetched")]
    RegistryUnreachable(#[source] RegistryError),
    #[error("the schema of a record may not be fetched")]
    RegistryLogin(#[source] RegistryError),
}

/// The plan for a schema, or why its records cannot become rows.
type PlanOrReject = Result<Arc<Plan>, Fault>;

/// The reader of each schema, or why there is none.
type Readers<'p> = HashMap<u32, Result<Reader<'p>, Fault>>;

/// A record's value, read as far as the inputs need it.
enum Content<'a> {
    Unread,
    Avro(Datum<'a>),
    Json(Members<'a>),
}

impl Decoder {
    pub fn new(inputs: &[Input], registry: Option<Registry>) -> Self {
        bound_allocations();
        Self {
            inputs: inputs.to_vec(),
            registry,
            plans: Mutex::default(),
            unknown: Mutex::default(),
        }
    }

    /// Decodes the batch. After an error nothing is lost: the same records can be given again.
    pub async fn decode(&self, records: &[Record]) -> Result<Decoded, CodecError> {
        let plans = self.plans(records).await?;
        Ok(self.decode_with(records, &plans))
    }

    fn decode_with(&self, records: &[Record], plans: &HashMap<u32, PlanOrReject>) -> Decoded {
        let readers: Readers<'_> = plans
            .iter()
            .map(|(id, plan)| (*id, plan.as_ref().map_err(Fault::clone).and_then(|plan| plan.reader())))
            .collect();
        let mut columns = Columns::new(&self.inputs, records.len());
        let mut rows = Vec::with_capacity(records.len());
        let mut rejects = Vec::new();
        for (index, record) in records.iter().enumerate() {
            let pushed = self.content(record, &readers).and_then(|content| {
                let row = self.row(record, &content)?;
                columns.push(row).map_err(|_| fault::batch_full())
            });
            match pushed {
                Ok(()) => rows.push(index),
                Err(reject) => rejects.push((index, reject)),
            }
        }
        Decoded {
            batch: columns.finish(),
            rows,
            rejects,
        }
    }

    /// The plans for all schemas that the records name.
    async fn plans(&self, records: &[Record]) -> Result<HashMap<u32, PlanOrReject>, CodecError> {
        if !self.reads_avro() {
            return Ok(HashMap::new());
        }
        let ids: BTreeSet<u32> = records
            .iter()
            .filter_map(|record| Some(frame(record.value.as_deref()?)?.0))
            .collect();
        stream::iter(ids)
            .map(|id| async move { Ok((id, self.plan(id).await?)) })
            .buffer_unordered(FETCHES_IN_FLIGHT)
            .try_collect()
            .await
    }

    async fn plan(&self, id: u32) -> Result<PlanOrReject, CodecError> {
        let Some(registry) = &self.registry else {
            return Ok(Err(fault::no_registry(id)));
        };
        if let Some(plan) = self.kept_plans().get(&id) {
            return Ok(plan.clone());
        }
        if self.is_unknown(id) {
            return Ok(Err(fault::unknown_id(id)));
        }
        let plan = match registry.by_id(id).await {
            Ok(schema) => Plan::new(id, schema, &self.inputs).map(Arc::new),
            // Not kept for long: the id may be registered a moment later.
            Err(RegistryError::UnknownId { .. }) => {
                self.kept_unknown().insert(id, Instant::now());
                return Ok(Err(fault::unknown_id(id)));
            }
            Err(error @ (RegistryError::NotAvro { .. } | RegistryError::Refused { .. })) => {
                return Ok(Err(fault::unknown_schema(error.to_string())));
            }
            Err(error @ RegistryError::Login { .. }) => return Err(CodecError::RegistryLogin(error)),
            Err(error @ (RegistryError::Unreachable { .. } | RegistryError::BadUrl { .. })) => {
                return Err(CodecError::RegistryUnreachable(error));
            }
        };
        self.kept_plans().insert(id, plan.clone());
        Ok(plan)
    }

    /// Whether the registry has just said that it does not know this id: noise that looks like Avro must not become a
    /// question for each batch.
    fn is_unknown(&self, id: u32) -> bool {
        let mut unknown = self.kept_unknown();
        unknown.retain(|_, asked| asked.elapsed() < ASK_AGAIN);
        unknown.contains_key(&id)
    }

    fn kept_unknown(&self) -> std::sync::MutexGuard<'_, HashMap<u32, Instant>> {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept_plans(&self) -> std::sync::MutexGuard<'_, HashMap<u32, PlanOrReject>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reads_fields(&self) -> bool {
        self.inputs.iter().any(|input| matches!(input.origin, Origin::Value(_)))
    }

    fn reads_avro(&self) -> bool {
        let is_whole = |input: &Input| input.origin == Origin::WholeValue && input.field.data_type == DataType::Json;
        self.reads_fields() || self.inputs.iter().any(is_whole)
    }

    /// Reads the value, if an input needs what is in it.
    fn content<'a>(&self, record: &'a Record, readers: &Readers<'a>) -> Result<Content<'a>, Fault> {
        let Some(value) = record.value.as_deref() else {
            return if self.reads_fields() {
                Err(fault::tombstone())
            } else {
                Ok(Content::Unread)
            };
        };
        if let Some((id, datum)) = frame(value).filter(|_| self.reads_avro()) {
            return match readers.get(&id) {
                // The library has asserts of its own; a record that trips one is poison, not the end of the program.
                Some(Ok(reader)) => catch_unwind(AssertUnwindSafe(|| reader.read(datum).map(Content::Avro)))
                    .unwrap_or_else(|_| Err(fault::bad_avro("the Avro library breaks on this value"))),
                Some(Err(reject)) => Err(reject.clone()),
                None => Err(fault::unknown_schema(format!("there is no schema {id}"))),
            };
        }
        if self.reads_fields() {
            return json::members(value, &self.inputs).map(Content::Json);
        }
        Ok(Content::Unread)
    }

    fn row<'a>(&self, record: &'a Record, content: &'a Content<'_>) -> Result<Vec<Cell<'a>>, Fault> {
        let cell = |(index, input): (usize, &Input)| {
            let wanted = input.field.data_type;
            let Some(found) = found(record, content, index, input)? else {
                return if input.field.nullable {
                    Ok(Cell::Null)
                } else {
                    Err(fault::missing_field(input))
                };
            };
            match fit(found, wanted) {
                Ok(Cell::Null) if !input.field.nullable => Err(fault::null_field(input)),
                Ok(cell) => Ok(cell),
                Err(found) => Err(fault::bad_type(input, &found)),
            }
        };
        self.inputs.iter().enumerate().map(cell).collect()
    }
}

/// What the record holds for this input; `None` if it has nothing of that name.
fn found<'a>(
    record: &'a Record,
    content: &'a Content<'_>,
    index: usize,
    input: &Input,
) -> Result<Option<Found<'a>>, Fault> {
    let wanted = input.field.data_type;
    Ok(match &input.origin {
        Origin::Value(_) => match content {
            Content::Unread => None,
            Content::Avro(datum) => datum.found(index, wanted),
            Content::Json(members) => match members.get(index).copied().flatten() {
                Some(raw) => Some(json::found(raw, wanted)?),
                None => None,
            },
        },
        Origin::WholeValue => match (content, &record.value) {
            (Content::Avro(datum), _) if wanted == DataType::Json => Some(Found::Json(datum.to_json())),
            (_, Some(value)) => Some(bytes(value, wanted)),
            (_, None) => {
                return if input.field.nullable {
                    Ok(None)
                } else {
                    Err(fault::tombstone())
                };
            }
        },
        Origin::Key => Some(record.key.as_ref().map_or(Found::Null, |key| bytes(key, wanted))),
        // Of headers with one key the last counts, as with Kafka's `lastHeader`.
        Origin::Header(name) => {
            let header = record.headers.iter().rev().find(|header| header.key == *name);
            header.map(|header| header.value.as_ref().map_or(Found::Null, |value| bytes(value, wanted)))
        }
        Origin::RecordTimestamp => Some(record.timestamp_ms.map_or(Found::Null, Found::Timestamp)),
        Origin::Partition => Some(Found::Integer(i64::from(record.position.partition.number))),
        Origin::Offset => Some(Found::Integer(record.position.offset.0)),
        Origin::Topic => Some(Found::Text((&*record.position.partition.topic).into())),
    })
}

/// Bytes without a format: a blob as they are, anything else if they are text.
fn bytes(bytes: &[u8], wanted: DataType) -> Found<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) if wanted != DataType::Blob => Found::Text(text.into()),
        _ => Found::Bytes(bytes),
    }
}

/// The schema's id and the datum, if the value begins as Confluent's framing does.
fn frame(value: &[u8]) -> Option<(u32, &[u8])> {
    let (head, datum) = value.split_at_checked(FRAME_BYTES)?;
    match *head {
        [0, a, b, c, d] => Some((u32::from_be_bytes([a, b, c, d]), datum)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
