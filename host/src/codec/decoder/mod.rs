//! Decodes a batch of records into a batch of columns. Fetches the schemas that the batch needs, and leaves each record
//! to `rows`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use parking_lot::{Mutex, MutexGuard};

use super::avro::Plan;
use super::registry::{Registry, RegistryError};
use super::rejects;
use super::rows::{BatchRows, PlanOrReject, Reads, frame};
use crate::record::Record;
use crate::record::causes::chain;
use crate::record::columns::Batch;
use crate::record::descriptor::Input;
use crate::record::reject::Reject;

/// Schemas that are fetched at once. A batch has one or two new ids, unless records hold noise that looks like ids.
const FETCHES_IN_FLIGHT: usize = 8;

/// A schema that could not be fetched or read is asked for again after this time.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Schemas whose trouble is logged, at most: more than a topic has, and few enough that noise that looks like ids does
/// not fill the log.
const MAX_LOGGED: usize = 50;

/// Decodes records for one plugin. Partitions can share it.
pub struct Decoder {
    reads: Reads,
    registry: Option<Registry>,
    plans: Mutex<HashMap<u32, PlanOrReject>>,
    /// The schemas that could not be fetched or read: why, and when that was found.
    refused: Mutex<HashMap<u32, (Instant, Reject)>>,
    /// The schemas whose trouble has been logged.
    logged: Mutex<BTreeSet<u32>>,
}

/// A decoded batch of records.
#[derive(Debug)]
pub struct Decoded {
    /// Column i belongs to input i.
    pub batch: Batch,
    /// For each row of `batch` its index in the records.
    pub rows: Vec<usize>,
    /// The records that did not become rows, by index.
    pub rejects: Vec<(usize, Reject)>,
}

/// Why the batch cannot be decoded now, whatever its records hold.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error("the schema of a record cannot be fetched")]
    RegistryUnreachable(#[source] RegistryError),
    #[error("the schema of a record may not be fetched")]
    RegistryLogin(#[source] RegistryError),
}

impl Decoder {
    /// Makes a decoder for these inputs. Without a registry, Avro records become rejects.
    pub fn new(inputs: &[Input], registry: Option<Registry>) -> Self {
        Self {
            reads: Reads::new(inputs),
            registry,
            plans: Mutex::default(),
            refused: Mutex::default(),
            logged: Mutex::default(),
        }
    }

    /// Decodes the batch. After an error the same records can be given again.
    pub async fn decode(&self, records: &[Record]) -> Result<Decoded, CodecError> {
        let plans = self.plans(records).await?;
        Ok(self.decode_with(records, &plans))
    }

    fn decode_with(&self, records: &[Record], plans: &HashMap<u32, PlanOrReject>) -> Decoded {
        let mut pushed = BatchRows::new(&self.reads, plans, records.len());
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
            return Ok(Err(rejects::no_registry(id)));
        };
        if let Some(plan) = self.kept_plans().get(&id) {
            return Ok(plan.clone());
        }
        if let Some(reject) = self.refusal(id) {
            return Ok(Err(reject));
        }
        let plan = match registry.by_id(id).await {
            Ok(schema) => Plan::new(id, schema, &self.reads.inputs).map(Arc::new),
            Err(error @ RegistryError::Login { .. }) => return Err(CodecError::RegistryLogin(error)),
            Err(error @ (RegistryError::Unreachable { .. } | RegistryError::BadUrl { .. })) => {
                return Err(CodecError::RegistryUnreachable(error));
            }
            // These are answers about this one id. They are not kept for long, since the schema may be registered a
            // moment later.
            Err(
                error @ (RegistryError::UnknownId { .. }
                | RegistryError::NotAvro { .. }
                | RegistryError::UnknownReference { .. }
                | RegistryError::Refused { .. }),
            ) => return Ok(Err(self.refuse(id, &error))),
        };
        self.kept_plans().insert(id, plan.clone());
        Ok(plan)
    }

    /// Why the schema could not be fetched a moment ago. Without this, noise that looks like Avro would cost a request
    /// for each batch.
    fn refusal(&self, id: u32) -> Option<Reject> {
        let mut refused = self.refused.lock();
        refused.retain(|_, (found, _)| found.elapsed() < ASK_AGAIN);
        refused.get(&id).map(|(_, reject)| reject.clone())
    }

    fn refuse(&self, id: u32, error: &RegistryError) -> Reject {
        let reject = match error {
            RegistryError::UnknownId { id } => rejects::unknown_id(*id),
            error => rejects::unknown_schema(chain(error)),
        };
        let mut logged = self.logged.lock();
        if logged.len() < MAX_LOGGED && logged.insert(id) {
            tracing::warn!(
                schema = id,
                error = reject.message,
                "records of this schema become dead letters"
            );
        }
        let mut refused = self.refused.lock();
        refused.insert(id, (Instant::now(), reject.clone()));
        reject
    }

    fn kept_plans(&self) -> MutexGuard<'_, HashMap<u32, PlanOrReject>> {
        self.plans.lock()
    }
}

#[cfg(test)]
mod tests;
