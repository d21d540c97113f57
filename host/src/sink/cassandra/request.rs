//! The requests of one statement: a row alone, or a CQL batch of so many rows, each made for the node that it goes to.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use uuid::Uuid;

use super::bind::Bound;
use super::cql_batch::Placed;
use crate::cassandra::errors::RequestError;
use crate::cassandra::prepared::{Prepared, Request};
use crate::cassandra::session::Session;

/// One prepared statement, and what was made of it: a CQL batch of ten rows for a node is the same one every time.
pub struct Requests {
    statement: Prepared,
    made: Mutex<HashMap<(Uuid, usize), Arc<Request>>>,
}

impl Requests {
    /// Makes the requests of this statement when they are first needed.
    pub fn of(statement: Prepared) -> Self {
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
    ) -> Result<(), RequestError> {
        let request = self.made_for(node, rows.len());
        let rows = rows.iter().map(|placed| bound.row(placed.row));
        request.send(session, rows).await
    }

    fn made_for(&self, node: Uuid, rows: usize) -> Arc<Request> {
        let mut made = self.made.lock();
        let request = made.entry((node, rows));
        Arc::clone(request.or_insert_with(|| Arc::new(self.statement.request(node, rows))))
    }
}
