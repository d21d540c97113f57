//! Writes rows from memory at QUORUM: one a statement, or UNLOGGED CQL batches of several.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::try_join_all;
use futures::stream::TryStreamExt;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::statement::Consistency;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use uuid::Uuid;

use crate::rows::{INSERT, Order, orders};
use crate::{Failure, Watch};

pub struct Wanted {
    pub node: String,
    pub keyspace: String,
    pub rows: u64,
    /// Rows in a CQL batch. 1 means no batch.
    pub batch: usize,
    /// Requests in flight.
    pub in_flight: usize,
}

pub async fn run(wanted: Wanted) -> Result<(), Failure> {
    let session = Arc::new(connect(&wanted.node, &wanted.keyspace).await?);
    let mut insert = session.prepare(INSERT).await?;
    insert.set_consistency(Consistency::Quorum);
    insert.set_is_idempotent(true);
    let rows = Arc::new(orders(wanted.rows));
    let next = Arc::new(AtomicUsize::new(0));
    let watch = Watch::start();
    let writers = (0..wanted.in_flight).map(|_| {
        let (session, rows, next) = (Arc::clone(&session), Arc::clone(&rows), Arc::clone(&next));
        let (insert, batch) = (insert.clone(), wanted.batch);
        let writer = tokio::spawn(async move { write(&session, &insert, &rows, &next, batch).await });
        async move { writer.await? }
    });
    try_join_all(writers).await?;
    watch.say(wanted.rows);
    Ok(())
}

/// Takes the next rows that no other task has taken, until none are left.
async fn write(
    session: &Session,
    insert: &PreparedStatement,
    rows: &[Order],
    next: &AtomicUsize,
    together: usize,
) -> Result<(), Failure> {
    loop {
        let first = next.fetch_add(together, Ordering::Relaxed);
        let Some(rest) = rows.get(first..).filter(|rest| !rest.is_empty()) else {
            return Ok(());
        };
        let rows = &rest[..together.min(rest.len())];
        if together == 1 {
            session.execute_unpaged(insert, &rows[0]).await?;
            continue;
        }
        let mut batch = Batch::new(BatchType::Unlogged);
        batch.set_consistency(Consistency::Quorum);
        batch.set_is_idempotent(true);
        for _ in rows {
            batch.append_statement(insert.clone());
        }
        session.batch(&batch, rows).await?;
    }
}

/// Rows of the table, read one by one.
pub async fn count(node: String, keyspace: String) -> Result<(), Failure> {
    let session = connect(&node, &keyspace).await?;
    let watch = Watch::start();
    let rows = session.query_iter("SELECT order_id FROM orders", ()).await?;
    let mut rows = rows.rows_stream::<(Uuid,)>()?;
    let mut count = 0;
    while rows.try_next().await?.is_some() {
        count += 1;
    }
    watch.say(count);
    Ok(())
}

async fn connect(node: &str, keyspace: &str) -> Result<Session, Failure> {
    let builder = SessionBuilder::new().known_node(node).use_keyspace(keyspace, true);
    Ok(builder.build().await?)
}
