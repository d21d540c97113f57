//! Rows to Cassandra: one prepared statement a row, bound by column name, with the record's write timestamp.
//!
//! [`session`] connects ([`tls`] where it is asked for) and knows the [`nodes`]; [`table`] says what a table is, as
//! [`system_schema`] has it, [`fit`] whether an output of the plugin fits it; [`asking`] asks again where the cluster has no
//! answer; [`statement`] writes the CQL, [`bind`] and [`convert`] the values. [`write`] sends them: in CQL
//! batches ([`cql_batch`], [`request`]) by the replicas of their tokens ([`ring`]) within what the server takes
//! ([`thresholds`]), as many at one time as each node has room for ([`coordinator`], [`limit`]). [`errors`] says what an
//! error means for its row. [`one_key`] says what rows of one record and key do to one another, [`ttl`] how long rows
//! live, [`over`] what becomes of those whose life is over, [`replay`] what of a table does not bear a replay.
//! [`read_back`] reads rows again to compare them, [`explain`] shows what would be written, [`schema`] creates the tables.

pub mod asking;
pub mod bind;
pub mod config;
pub mod convert;
mod coordinator;
mod cql_batch;
pub mod errors;
pub mod explain;
pub mod fit;
pub mod limit;
pub mod nodes;
pub mod one_key;
mod over;
mod quoted;
pub mod read_back;
pub mod replay;
mod request;
mod retry;
mod ring;
pub mod schema;
pub mod session;
mod show;
pub mod statement;
pub mod system_schema;
pub mod table;
mod thresholds;
pub mod tls;
pub mod ttl;
mod write;

pub use write::{CassandraSink, Cluster};

use std::collections::BTreeMap;

use scylla::client::session::Session;
use scylla::errors::ExecutionError;
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::unprepared::Statement;

use crate::record::descriptor::Descriptor;
use asking::{Asking, Unanswered};
use errors::Whole;
use fit::{Binding, Mismatch};
use session::ConnectError;
use table::{Table, TableError};

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
    #[error("Cassandra does not prepare the statement {statement}")]
    Prepare {
        statement: String,
        #[source]
        cause: Whole<Box<ExecutionError>>,
    },
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
            Self::Prepare { cause, .. } => errors::is_outage(&cause.0),
            Self::Table(_) | Self::Fit(_) => false,
        }
    }
}

/// What was found for an output.
#[derive(Debug)]
pub enum Found {
    Fits(BoundOutput),
    Misfits(Vec<Mismatch>),
    Missing(TableError),
}

/// Finds the table of each output that goes to one, by its index in the descriptor, and binds its fields to the columns. A
/// table or column that another process has just created is found: before something is said to be missing, the nodes have
/// to agree on what there is.
pub async fn find_outputs(
    session: &Session,
    keyspace: &str,
    descriptor: &Descriptor,
) -> Result<Vec<(usize, Found)>, Unanswered> {
    let asking = Asking::of(session);
    let found = find_as_said(&asking, keyspace, descriptor).await?;
    if found.iter().all(|(_, found)| matches!(found, Found::Fits(_))) {
        return Ok(found);
    }
    asking.agreement().await?;
    find_as_said(&asking, keyspace, descriptor).await
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
    session: &Session,
    keyspace: &str,
    descriptor: &Descriptor,
) -> Result<BTreeMap<usize, BoundOutput>, OpenError> {
    let mut outputs = BTreeMap::new();
    let mut mismatches = Vec::new();
    for (index, found) in find_outputs(session, keyspace, descriptor).await? {
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

async fn prepare(session: &Session, cql: String) -> Result<PreparedStatement, OpenError> {
    let prepare = || async {
        let prepared = session.prepare(Statement::new(cql.as_str())).await;
        prepared.map_err(ExecutionError::PrepareError)
    };
    let prepared = Asking::of(session)
        .again("that it has prepared a statement", prepare)
        .await;
    let mut statement = prepared.map_err(|error| OpenError::Prepare {
        statement: cql.clone(),
        cause: Whole(Box::new(error)),
    })?;
    // With its write timestamp in it, a write made twice is a write made once.
    statement.set_is_idempotent(true);
    Ok(statement)
}

fn joined(mismatches: &[Mismatch]) -> String {
    let lines: Vec<String> = mismatches.iter().map(ToString::to_string).collect();
    lines.join("; ")
}
