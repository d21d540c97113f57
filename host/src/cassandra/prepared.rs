//! Prepared statements, and the requests that write rows with them through a node of the caller's choice. A row puts
//! its values straight into the frame ([`BoundRow`]): nothing is kept of it in between.

use scylla::errors::{ExecutionError, SerializationError};
use scylla::policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::routing::partitioner::{Murmur3Partitioner, Partitioner, PartitionerHasher};
use scylla::serialize::batch::{BatchValues, BatchValuesIterator};
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::value::SerializeValue;
use scylla::serialize::writers::{CellWriter, RowWriter};
use scylla::statement::batch::{Batch, BatchStatement, BatchType};
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::unprepared::Statement;
use uuid::Uuid;

use super::asking::Asking;
use super::errors::RequestError;
use super::session::Session;
use super::types::{ColumnType, CqlValue};

/// A statement that every node knows.
#[derive(Debug, Clone)]
pub struct Prepared(PreparedStatement);

/// Cassandra does not prepare a statement.
#[derive(Debug, thiserror::Error)]
#[error("Cassandra does not prepare the statement {statement}")]
pub struct NotPrepared {
    statement: String,
    #[source]
    cause: RequestError,
}

/// A request for one node: a row alone, or a CQL batch of so many rows. One can be sent any number of times.
pub enum Request {
    Single(PreparedStatement),
    Batch(Batch),
}

/// A row as its statement takes it.
pub trait BoundRow {
    /// Puts the value of each bind marker, in their order.
    fn put(&self, frame: &mut FrameWriter<'_, '_>) -> Result<(), NotSerialized>;
}

/// Where the values of one row are put.
pub struct FrameWriter<'a, 'frame>(&'a mut RowWriter<'frame>);

/// A value cannot be put into a frame, since it is too long or not of its column's type.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotSerialized(SerializationError);

/// The token of a partition key, whose values are written one after another.
pub struct TokenHasher(<Murmur3Partitioner as Partitioner>::Hasher);

impl NotPrepared {
    /// Whether the service is out of reach, rather than the statement wrong.
    pub fn is_unreachable(&self) -> bool {
        self.cause.fault().is_outage()
    }
}

impl Prepared {
    /// Prepares a statement that has the same effect however often it is executed.
    pub async fn of(asking: &Asking<'_>, cql: String) -> Result<Self, NotPrepared> {
        let prepare = || async {
            let prepared = asking.session().prepare(Statement::new(cql.as_str())).await;
            prepared.map_err(ExecutionError::PrepareError)
        };
        let prepared = asking.again("that it has prepared a statement", prepare).await;
        let mut statement = prepared.map_err(|error| NotPrepared {
            statement: cql.clone(),
            cause: error.into(),
        })?;
        // A write carries its write timestamp, so writing it twice is the same as writing it once.
        statement.set_is_idempotent(true);
        Ok(Self(statement))
    }

    pub(super) fn driver(&self) -> &PreparedStatement {
        &self.0
    }

    /// The request that writes so many rows through one node.
    pub fn request(&self, node: Uuid, rows: usize) -> Request {
        let only = SingleTargetLoadBalancingPolicy::new(NodeIdentifier::HostId(node), None);
        if rows <= 1 {
            let mut statement = self.0.clone();
            statement.set_load_balancing_policy(Some(only));
            return Request::Single(statement);
        }
        let statements = vec![BatchStatement::PreparedStatement(self.0.clone()); rows];
        // A logged one would be written twice, to no end: its rows need not become visible together.
        let mut batch = Batch::new_with_statements(BatchType::Unlogged, statements);
        batch.set_is_idempotent(self.0.get_is_idempotent());
        batch.set_load_balancing_policy(Some(only));
        Request::Batch(batch)
    }
}

impl Request {
    /// Sends the rows, which are as many as the request was made for.
    pub async fn send<R: BoundRow>(
        &self,
        session: &Session,
        rows: impl ExactSizeIterator<Item = R> + Clone,
    ) -> Result<(), RequestError> {
        match self {
            Self::Batch(batch) => session.driver().batch(batch, DriverRows(rows)).await.map(drop)?,
            Self::Single(statement) => {
                for row in rows {
                    session.driver().execute_unpaged(statement, Row(row)).await?;
                }
            }
        }
        Ok(())
    }
}

impl FrameWriter<'_, '_> {
    /// Binds a value by its bytes in CQL's format, without their length. Fails above 2 GiB.
    #[inline]
    pub fn value(&mut self, bytes: &[u8]) -> Result<(), NotSerialized> {
        let put = self.0.make_cell_writer().set_value(bytes);
        put.map(drop)
            .map_err(|error| NotSerialized(SerializationError::new(error)))
    }

    /// Leaves the bind marker unset.
    #[inline]
    pub fn unset(&mut self) {
        self.0.make_cell_writer().set_unset();
    }

    /// Binds null: an INSERT or UPDATE writes a tombstone for it.
    #[inline]
    pub fn null(&mut self) {
        self.0.make_cell_writer().set_null();
    }
}

/// Appends the bytes that are bound of a value.
pub fn put_value(value: &CqlValue, column_type: &ColumnType<'_>, bytes: &mut Vec<u8>) -> Result<(), NotSerialized> {
    let put = value.serialize(column_type, CellWriter::new_without_size(bytes));
    put.map(drop).map_err(NotSerialized)
}

impl TokenHasher {
    /// Adds the next bytes of the serialized partition key.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// The token of the bytes that were added, as Cassandra's Murmur3 partitioner counts it.
    #[inline]
    pub fn token(self) -> i64 {
        self.0.finish().value()
    }
}

impl Default for TokenHasher {
    #[inline]
    fn default() -> Self {
        Self(Murmur3Partitioner.build_hasher())
    }
}

/// A row as the driver takes it.
struct Row<R>(R);

impl<R: BoundRow> SerializeRow for Row<R> {
    fn serialize(&self, _: &RowSerializationContext<'_>, writer: &mut RowWriter<'_>) -> Result<(), SerializationError> {
        self.0.put(&mut FrameWriter(writer)).map_err(|error| error.0)
    }

    fn is_empty(&self) -> bool {
        false
    }
}

/// The rows of a CQL batch as the driver takes them.
struct DriverRows<I>(I);

impl<R: BoundRow, I: ExactSizeIterator<Item = R> + Clone> BatchValues for DriverRows<I> {
    type BatchValuesIter<'r>
        = DriverRows<I>
    where
        Self: 'r;

    fn batch_values_iter(&self) -> DriverRows<I> {
        DriverRows(self.0.clone())
    }
}

impl<R: BoundRow, I: ExactSizeIterator<Item = R>> BatchValuesIterator<'_> for DriverRows<I> {
    fn serialize_next(
        &mut self,
        context: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Option<Result<(), SerializationError>> {
        let row = self.0.next()?;
        Some(Row(row).serialize(context, writer))
    }

    fn is_empty_next(&mut self) -> Option<bool> {
        self.0.next().map(|_| false)
    }

    fn skip_next(&mut self) -> Option<()> {
        self.0.next().map(drop)
    }

    fn count(self) -> usize {
        self.0.len()
    }
}

/// The bytes of one value in a frame, as the driver writes it; `None` as an unset one.
///
/// # Panics
/// The value is not one of its type.
#[cfg(test)]
pub fn put_cell(value: Option<(&CqlValue, &ColumnType<'_>)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let writer = CellWriter::new(&mut bytes);
    match value {
        Some((value, column_type)) => drop(value.serialize(column_type, writer).expect("a value of the type")),
        None => drop(writer.set_unset()),
    }
    bytes
}

/// Appends the bytes that a row puts into a frame, without sending it: for tests and benchmarks.
pub fn put_row(row: &impl BoundRow, bytes: &mut Vec<u8>) -> Result<(), NotSerialized> {
    row.put(&mut FrameWriter(&mut RowWriter::new(bytes)))
}
