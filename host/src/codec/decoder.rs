//! A batch of records to a batch of columns: fetches the schemas that the batch needs, and leaves each record to `rows`.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::record::Record;
use crate::record::columns::Batch;
use crate::record::descriptor::Input;
use crate::record::reject::Reject;

use super::avro::{Plan, bound_allocations};
use super::fault;
use super::registry::{Registry, RegistryError};
use super::rows::{PlanOrReject, Reads, Rows, frame};

/// Schemas fetched at once: a batch has one or two new ids, unless somebody writes noise that looks like ids.
const FETCHES_IN_FLIGHT: usize = 8;

/// An id that the registry did not know is asked for again after this time.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Decodes records for one plugin; can be shared between partitions.
pub struct Decoder {
    reads: Reads,
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

impl Decoder {
    pub fn new(inputs: &[Input], registry: Option<Registry>) -> Self {
        bound_allocations();
        Self {
            reads: Reads::new(inputs),
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
        let mut pushed = Rows::new(&self.reads, plans, records.len());
        let mut rows = Vec::with_capacity(records.len());
        let mut rejects = Vec::new();
        for (index, record) in records.iter().enumerate() {
            match pushed.push(record) {
                Ok(()) => rows.push(index),
                Err(reject) => rejects.push((index, reject)),
            }
        }
        Decoded {
            batch: pushed.finish(),
            rows,
            rejects,
        }
    }

    /// The plans for all schemas that the records name.
    async fn plans(&self, records: &[Record]) -> Result<HashMap<u32, PlanOrReject>, CodecError> {
        if !self.reads.avro {
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
            Ok(schema) => Plan::new(id, schema, &self.reads.inputs).map(Arc::new),
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
}

#[cfg(test)]
mod tests;
