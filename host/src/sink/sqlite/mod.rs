//! Rows into a SQLite file: the same tables as in Cassandra, for trying, for replays and for tests without a server.
//!
//! It behaves as Cassandra does where that can be seen: an upsert leaves alone what its nulls do not name, and of two
//! writes of a row the one with the greater write timestamp wins, whichever comes last; deletes leave a mark that an
//! older write does not get past. It differs in one thing: write timestamps are kept a row, not a cell, so an older
//! write that comes later fills in nothing at all. A record's place in the log and its write timestamp agree, so this
//! only shows with dead letters sent again.
//!
//! [`cql`] reads the tables of `cql/`, [`table`] finds or makes them, [`statement`] has the SQL, [`value`] the types;
//! [`one_key`] says what rows of one record and key do to one another, [`errors`] what an error of SQLite means for a
//! row.

pub mod cql;
mod errors;
mod one_key;
mod read;
mod statement;
pub mod table;
mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::{Mutex, MutexGuard};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::{Order, Sink, SinkError, WriteBatch};
use crate::record::descriptor::{Descriptor, Effect};
use statement::Prepared;
use table::{Table, TableError};

/// The statements that `host setup` runs on Cassandra.
const CQL: &[&str] = &[include_str!("../../../../cql/ecommerce.cql")];

/// How long a write waits for another program that has the file locked; then the pipeline tries it again.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Writes rows, a transaction for each batch.
pub struct SqliteSink {
    shared: Arc<Shared>,
}

struct Shared {
    connection: Mutex<Connection>,
    /// By the index of the output in the descriptor; those that go to topics are not among them.
    outputs: BTreeMap<usize, Prepared>,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{} is not a SQLite file; name another file, or move this one away", .0.display())]
    NotSqlite(PathBuf),
    #[error("{} is locked by another program; close it and try again", .0.display())]
    Locked(PathBuf),
    #[error("{} cannot be opened for writing", .path.display())]
    Open {
        path: PathBuf,
        #[source]
        cause: rusqlite::Error,
    },
    #[error("{}", .path.display())]
    Table {
        path: PathBuf,
        #[source]
        cause: TableError,
    },
}

impl SqliteSink {
    /// Opens or makes the file and, in it, the table of each output that goes to one. A table that is not there is made
    /// as `cql/` has it, or from the plugin's fields where `cql/` does not have it.
    pub fn open(path: &Path, descriptor: &Descriptor) -> Result<Self, OpenError> {
        Self::open_knowing(&cql::tables(CQL.iter().copied()), path, descriptor)
    }

    fn open_knowing(known: &[Table], path: &Path, descriptor: &Descriptor) -> Result<Self, OpenError> {
        let connection = connect(path).map_err(|cause| open_error(path, cause))?;
        let mut outputs = BTreeMap::new();
        for (index, output, name) in descriptor.table_outputs() {
            let prepared = table::of_output(&connection, name, output, descriptor, known)
                .map(|table| Prepared::new(output, table, table::delete_keys(descriptor, output)))
                .map_err(|error| match error {
                    TableError::Sqlite(cause) => open_error(path, cause),
                    cause => OpenError::Table {
                        path: path.to_owned(),
                        cause,
                    },
                })?;
            outputs.insert(index, prepared);
        }
        Ok(Self {
            shared: Arc::new(Shared {
                connection: Mutex::new(connection),
                outputs,
            }),
        })
    }
}

impl Sink for SqliteSink {
    /// A row that comes after a newer one of its key is left out whole, also what the newer one says nothing about. So
    /// where several outputs write rows of one table, theirs go by turns: a transaction for each change of the output.
    fn order(&self) -> Order {
        let outputs = self.shared.outputs.values();
        let writes = |output: &&Prepared| output.output.effect == Effect::Upsert;
        let mut tables: Vec<_> = outputs.filter(writes).map(|output| &output.table.name).collect();
        let outputs = tables.len();
        tables.sort_unstable();
        tables.dedup();
        if tables.len() == outputs {
            Order::Any
        } else {
            Order::Given
        }
    }

    fn arrange(&self, writes: &mut [WriteBatch]) {
        one_key::arrange(&self.shared, writes);
    }

    /// One writer at a time anyway, and a row that comes late would be left out whole.
    fn batches_in_flight(&self) -> usize {
        1
    }

    fn write(&self, batch: Arc<WriteBatch>, which: Vec<u32>) -> BoxFuture<'_, Vec<Result<(), SinkError>>> {
        let shared = Arc::clone(&self.shared);
        let rows = which.len();
        async move {
            // Waiting for the disk would hold up the partitions that share this thread.
            let written = tokio::task::spawn_blocking(move || shared.write(&batch, &which)).await;
            written.unwrap_or_else(|lost| {
                let lost = Arc::new(lost);
                (0..rows).map(|_| Err(SinkError::file(Arc::clone(&lost)))).collect()
            })
        }
        .boxed()
    }
}

impl Shared {
    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A transaction whose thread panicked was rolled back when it was dropped.
        self.connection.lock()
    }

    fn write(&self, batch: &WriteBatch, which: &[u32]) -> Vec<Result<(), SinkError>> {
        let mut connection = self.connection();
        match transact(&mut connection, &self.outputs[&batch.output], batch, which) {
            Ok(results) => results,
            Err(error) => {
                let error = Arc::new(error);
                which.iter().map(|_| Err(errors::of_all(&error))).collect()
            }
        }
    }
}

/// All or nothing, but for rows that are refused by themselves.
fn transact(
    connection: &mut Connection,
    output: &Prepared,
    batch: &WriteBatch,
    which: &[u32],
) -> rusqlite::Result<Vec<Result<(), SinkError>>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut statements = output.prepare(&transaction)?;
    let mut results = Vec::with_capacity(which.len());
    for row in which {
        let checked = batch.refusal(*row).and(output.check(&batch.batch, *row as usize));
        let result = match checked {
            Ok(()) if batch.is_written(*row) => {
                let run = match batch.written(*row).1 {
                    [] => output.run(&mut statements, batch, *row),
                    without => output.run(&mut output.prepare_without(&transaction, without)?, batch, *row),
                };
                match run {
                    Err(error) if errors::is_refusal(&error) => Err(SinkError::refused(error)),
                    done => Ok(done?),
                }
            }
            checked => checked,
        };
        results.push(result);
    }
    drop(statements);
    transaction.commit()?;
    Ok(results)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // Without `URI`: a file may be called whatever it likes.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // The first statement that reads the file: it fails here if the file is not a database.
    connection.query_row("PRAGMA schema_version", [], |_| Ok(()))?;
    // Readers never wait for the writer.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    // A commit is on disk before the offset of its records is committed: power may fail in between.
    connection.execute_batch("PRAGMA synchronous = FULL")?;
    Ok(connection)
}

fn open_error(path: &Path, cause: rusqlite::Error) -> OpenError {
    match cause.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotSqlite(path.to_owned()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked(path.to_owned()),
        _ => OpenError::Open {
            path: path.to_owned(),
            cause,
        },
    }
}

#[cfg(test)]
mod tests;
