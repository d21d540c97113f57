//! The requests of one statement: a row alone, or a CQL batch of so many rows, each made for the node that it goes to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use scylla::client::session::Session;
use scylla::errors::{ExecutionError, SerializationError};
use scylla::policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::serialize::batch::{BatchValues, BatchValuesIterator};
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;
use scylla::statement::batch::{Batch, BatchStatement, BatchType};
use scylla::statement::prepared::PreparedStatement;
use uuid::Uuid;

use super::bind::Bound;
use super::cql_batch::Placed;

/// One prepared statement, and what was made of it: a CQL batch of ten rows for a node is the same one every time.
pub struct Requests {
    statement: PreparedStatement,
    made: Mutex<HashMap<(Uuid, usize), Arc<Request>>>,
}

enum Request {
    Single(PreparedStatement),
    Batch(Batch),
}

/// The values of a CQL batch.
struct Values<'a> {
    bound: &'a Bound<'a>,
    rows: &'a [Placed],
}

struct ValuesIterator<'a> {
    bound: &'a Bound<'a>,
    rows: std::slice::Iter<'a, Placed>,
}

impl Requests {
    pub fn of(statement: PreparedStatement) -> Self {
        Self {
            statement,
            made: Mutex::default(),
        }
    }

    /// Writes the rows through the node, in one request.
    pub async fn send(
        &self,
        session: &Session,
        node: Uuid,
        bound: &Bound<'_>,
        rows: &[Placed],
    ) -> Result<(), ExecutionError> {
        match &*self.made_for(node, rows.len()) {
            Request::Batch(batch) => session.batch(batch, Values { bound, rows }).await.map(drop),
            Request::Single(statement) => {
                for placed in rows {
                    session.execute_unpaged(statement, bound.row(placed.row)).await?;
                }
                Ok(())
            }
        }
    }

    fn made_for(&self, node: Uuid, rows: usize) -> Arc<Request> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            made.entry((node, rows))
                .or_insert_with(|| Arc::new(self.make(node, rows))),
        )
    }

    fn make(&self, node: Uuid, rows: usize) -> Request {
        let only = SingleTargetLoadBalancingPolicy::new(NodeIdentifier::HostId(node), None);
        if rows <= 1 {
            let mut statement = self.statement.clone();
            statement.set_load_balancing_policy(Some(only));
            return Request::Single(statement);
        }
        let statements = vec![BatchStatement::PreparedStatement(self.statement.clone()); rows];
        // A logged one would be written twice, to no end: its rows need not become visible together.
        let mut batch = Batch::new_with_statements(BatchType::Unlogged, statements);
        batch.set_is_idempotent(self.statement.get_is_idempotent());
        batch.set_load_balancing_policy(Some(only));
        Request::Batch(batch)
    }
}

impl BatchValues for Values<'_> {
    type BatchValuesIter<'r>
        = ValuesIterator<'r>
    where
        Self: 'r;

    fn batch_values_iter(&self) -> ValuesIterator<'_> {
        ValuesIterator {
            bound: self.bound,
            rows: self.rows.iter(),
        }
    }
}

impl<'r> BatchValuesIterator<'r> for ValuesIterator<'r> {
    fn serialize_next(
        &mut self,
        context: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Option<Result<(), SerializationError>> {
        let placed = self.rows.next()?;
        Some(self.bound.row(placed.row).serialize(context, writer))
    }

    fn is_empty_next(&mut self) -> Option<bool> {
        self.rows.next().map(|_| false)
    }

    fn skip_next(&mut self) -> Option<()> {
        self.rows.next().map(drop)
    }

    fn count(self) -> usize {
        self.rows.len()
    }
}
