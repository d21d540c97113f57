//! Reading rows again, to compare what a store holds with what it was given.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::SinkError;
use crate::record::columns::Batch;

/// A row of a batch that a plugin gave for one output.
#[derive(Debug, Clone)]
pub struct RowRef {
    pub batch: Arc<Batch>,
    pub row: usize,
}

/// A row as the store shows it. Two images of one output are the same text exactly where the stored values are the
/// same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The values of the primary key.
    pub key: String,
    /// One for each field of the output, in order.
    pub cells: Vec<Option<String>>,
}

/// The effect of a null in a row on a value that the store already holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullEffect {
    LeavesOld,
    Erases,
}

/// A store that can be asked for rows by primary key, made for one plugin's descriptor as a [`super::Sink`] is.
pub trait ReadBack: Send + Sync {
    /// What a null in a row does to the column in this store.
    fn null_effect(&self) -> NullEffect;

    /// The written values that the store may not show.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether the store may show no value of a field although one was written.
    fn may_hide(&self, _output: usize, _field: usize) -> bool {
        false
    }

    /// How the row shows once it is stored, by the same conversions that writing it uses.
    fn image(&self, output: usize, row: &RowRef) -> Result<Image, SinkError>;

    /// The primary key of the row, as its image has it, even where the row fits the table in nothing else.
    fn key(&self, output: usize, row: &RowRef) -> Result<String, SinkError> {
        self.image(output, row).map(|image| image.key)
    }

    /// Reads the row that has the same primary key as `row`; `None` where the store has none. `Err` is an outage.
    fn read<'a>(&'a self, output: usize, row: &'a RowRef) -> BoxFuture<'a, Result<Option<Image>, SinkError>>;
}
