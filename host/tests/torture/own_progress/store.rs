//! A table without a key, to which a row is appended for each record, and beside it how far each partition is. Rows that are
//! acknowledged are only staged; they become durable with the progress, in one transaction.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, ready};
use host::progress::error::{ProgressError, ProgressFault};
use host::progress::{AssignedPartition, Progress};
use host::record::commit::Commit;
use host::record::position::{CommitPoint, Partition, WriteTime};
use host::record::trail::Trail;
use host::sink::{Sink, SinkError, WriteBatch};
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension};

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS counted (number INTEGER NOT NULL, place INTEGER NOT NULL, value TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS progress (number INTEGER PRIMARY KEY, point INTEGER NOT NULL, base INTEGER);
";

#[derive(Clone)]
pub struct Store(Arc<Mutex<State>>);

struct State {
    database: Connection,
    staged: Vec<Staged>,
}

/// Rows of one batch. A commit point lies before or behind all of them.
struct Staged {
    partition: Arc<Partition>,
    end: CommitPoint,
    rows: Vec<(i64, String)>,
}

impl Store {
    pub fn open(path: &Path) -> rusqlite::Result<Self> {
        let database = Connection::open(path)?;
        database.execute_batch(TABLES)?;
        let staged = Vec::new();
        Ok(Self(Arc::new(Mutex::new(State { database, staged }))))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock())
    }
}

impl Sink for Store {
    fn write(&self, batch: Arc<WriteBatch>, which: Vec<u32>) -> BoxFuture<'_, Vec<Result<(), SinkError>>> {
        let row = |row: &u32| {
            let record = batch.record(*row as usize);
            let value = record.value.as_deref().unwrap_or_default();
            (record.position.offset.0, String::from_utf8_lossy(value).into_owned())
        };
        let last = batch.records.last().expect("rows have records");
        let staged = Staged {
            partition: Arc::clone(&last.position.partition),
            end: last.read_at().next(),
            rows: which.iter().map(row).collect(),
        };
        Box::pin(async move {
            // `staging=return(100)` has rows come late by so many milliseconds.
            let late_ms = fail::eval("staging", |text| text.and_then(|text| text.parse().ok())).flatten();
            if let Some(late_ms) = late_ms {
                tokio::time::sleep(Duration::from_millis(late_ms)).await;
            }
            self.with(|state| state.staged.push(staged));
            which.iter().map(|_| Ok(())).collect()
        })
    }
}

impl Progress for Store {
    fn restore(&self, of: Vec<AssignedPartition>) -> BoxFuture<'static, Result<Vec<Option<Commit>>, ProgressError>> {
        let kept = self.with(|state| {
            let is_of = |partition: &Arc<Partition>| of.iter().any(|known| known.partition == *partition);
            state.staged.retain(|staged| !is_of(&staged.partition));
            of.iter().map(|known| state.kept(known)).collect()
        });
        Box::pin(ready(failed(kept)))
    }

    fn keep(&self, commits: Vec<Commit>) -> BoxFuture<'static, Result<(), ProgressError>> {
        Box::pin(ready(failed(self.with(|state| state.keep(&commits)))))
    }
}

fn failed<T>(result: rusqlite::Result<T>) -> Result<T, ProgressError> {
    result.map_err(|error| ProgressError::new(ProgressFault::Away, error))
}

impl State {
    fn kept(&self, known: &AssignedPartition) -> rusqlite::Result<Option<Commit>> {
        let commit = |row: &rusqlite::Row<'_>| {
            Ok(Commit {
                partition: Arc::clone(&known.partition),
                point: CommitPoint(row.get(0)?),
                base: row.get::<_, Option<i64>>(1)?.map(WriteTime),
                trail: Trail::default(),
                topic: known.topic,
            })
        };
        let number = known.partition.number;
        let found = "SELECT point, base FROM progress WHERE number = ?1";
        self.database.query_row(found, [number], commit).optional()
    }

    fn keep(&mut self, commits: &[Commit]) -> rusqlite::Result<()> {
        let is_settled = |staged: &Staged| {
            let of_it = |commit: &&Commit| commit.partition == staged.partition;
            commits
                .iter()
                .find(of_it)
                .is_some_and(|commit| staged.end <= commit.point)
        };
        let transaction = self.database.transaction()?;
        for staged in self.staged.iter().filter(|staged| is_settled(staged)) {
            for (place, value) in &staged.rows {
                let row = (staged.partition.number, place, value);
                transaction.execute("INSERT INTO counted VALUES (?1, ?2, ?3)", row)?;
            }
        }
        for commit in commits {
            let row = (commit.partition.number, commit.point.0, commit.base.map(|base| base.0));
            transaction.execute("INSERT OR REPLACE INTO progress VALUES (?1, ?2, ?3)", row)?;
        }
        transaction.commit()?;
        self.staged.retain(|staged| !is_settled(staged));
        Ok(())
    }
}
