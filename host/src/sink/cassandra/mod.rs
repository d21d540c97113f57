//! Rows to Cassandra: one prepared statement a row, bound by column name, with the record's write timestamp.
//!
//! [`fit`] says whether an output of the plugin fits its table, [`statement`] writes the CQL, [`bind`] the values.
//! [`write`] sends them: in CQL batches ([`cql_batch`], [`request`]) by the replicas of their tokens within what the
//! server takes ([`thresholds`]), as many at one time as each node has room for ([`coordinator`], [`limit`]).
//! [`errors`] says what an error means for its row. [`one_key`] says what rows of one record and key do to one another,
//! [`ttl`] how long rows live, [`over`] what becomes of those whose life is over, [`replay`] what of a table does not
//! bear a replay. [`read_back`] reads rows again to compare them, [`explain`] shows what would be written.
//!
//! The parts for Cassandra that write no rows are in [`crate::cassandra`].

pub mod bind;
pub mod config;
mod coordinator;
mod cql_batch;
mod errors;
pub mod explain;
pub mod fit;
pub mod limit;
pub mod one_key;
mod over;
pub mod read_back;
pub mod replay;
mod request;
pub mod statement;
mod thresholds;
pub mod ttl;
mod write;

pub use write::{CassandraSink, Cluster};

use std::collections::BTreeMap;

use crate::cassandra::asking::{Asking, Unanswered};
use crate::cassandra::binding::Binding;
use crate::cassandra::prepared::NotPrepared;
use crate::cassandra::session::ConnectError;
use crate::cassandra::table::{Table, TableError};
use crate::record::descriptor::Descriptor;
use fit::Mismatch;

/// Why a sink cannot be opened for a plugin.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Connect(Box<ConnectError>),
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("the plugin and the table do not fit: {}", joined(.0))]
    Fit(Vec<Mismatch>),
    #[error(transparent)]
    Prepare(#[from] NotPrepared),
}

/// An output, the table it goes to and which column each of its fields is.
#[derive(Debug)]
pub struct BoundOutput {
    pub table: Table,
    /// One for each field of the output, in order.
    pub bindings: Vec<Binding>,
}

impl From<ConnectError> for OpenError {
    fn from(error: ConnectError) -> Self {
        Self::Connect(Box::new(error))
    }
}

impl OpenError {
    /// Whether the service is out of reach (exit code 3), rather than plugin or table wrong (2).
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_unreachable(),
            Self::Unanswered(unanswered) => unanswered.is_unreachable(),
            Self::Prepare(error) => error.is_unreachable(),
            Self::Table(_) | Self::Fit(_) => false,
        }
    }
}

/// The facts that were found for an output.
#[derive(Debug)]
pub enum Found {
    Fits(BoundOutput),
    Misfits(Vec<Mismatch>),
    Missing(TableError),
}

/// Finds the table of each output that goes to one, by its index in the descriptor, and binds its fields to the
/// columns. A table or column that another process has just created is found: before something is said to be missing,
/// the nodes have to agree on what there is.
pub async fn find_outputs(
    asking: &Asking<'_>,
    keyspace: &str,
    descriptor: &Descriptor,
) -> Result<Vec<(usize, Found)>, Unanswered> {
    let found = find_as_said(asking, keyspace, descriptor).await?;
    if found.iter().all(|(_, found)| matches!(found, Found::Fits(_))) {
        return Ok(found);
    }
    asking.agreement().await?;
    find_as_said(asking, keyspace, descriptor).await
}

/// As the node says that is asked.
async fn find_as_said(
    asking: &Asking<'_>,
    keyspace: &str,
    descriptor: &Descriptor,
) -> Result<Vec<(usize, Found)>, Unanswered> {
    let mut outputs = Vec::new();
    for (index, output, table) in descriptor.table_outputs() {
        let found = match Table::find(asking, keyspace, table).await? {
            Ok(table) => match fit::fit(output, &table) {
                Ok(bindings) => Found::Fits(BoundOutput { table, bindings }),
                Err(mismatches) => Found::Misfits(mismatches),
            },
            Err(missing) => Found::Missing(missing),
        };
        outputs.push((index, found));
    }
    Ok(outputs)
}

/// The same where all of them fit, or everything that does not.
async fn bind_outputs(
    asking: &Asking<'_>,
    keyspace: &str,
    descriptor: &Descriptor,
) -> Result<BTreeMap<usize, BoundOutput>, OpenError> {
    let mut outputs = BTreeMap::new();
    let mut mismatches = Vec::new();
    for (index, found) in find_outputs(asking, keyspace, descriptor).await? {
        match found {
            Found::Fits(output) => drop(outputs.insert(index, output)),
            Found::Misfits(found) => mismatches.extend(found),
            Found::Missing(missing) => return Err(missing.into()),
        }
    }
    if mismatches.is_empty() {
        Ok(outputs)
    } else {
        Err(OpenError::Fit(mismatches))
    }
}

fn joined(mismatches: &[Mismatch]) -> String {
    let lines: Vec<String> = mismatches.iter().map(ToString::to_string).collect();
    lines.join("; ")
}
