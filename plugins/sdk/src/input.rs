//! Reads a batch of columns as one struct a row.

use crate::abi::{self, Batch, Column, DataType, Field, Origin};
use crate::outcome::Reject;

/// The input of a plugin, one struct a record. Derive it with [`macro@crate::Input`]; each field is one column.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an input",
    label = "the input of a plugin",
    note = "put #[derive(Input)] on the struct"
)]
pub trait Input<'b>: Sized {
    /// The declaration of every column, in the order in which the host gives them.
    fn inputs() -> Vec<abi::Input>;
    /// Checks the batch's columns once, then reads row after row, and gives each to `take` with its number, counted from
    /// 0. A value that its field's type cannot hold makes the row a refusal.
    ///
    /// # Panics
    /// If the columns are not those that [`inputs`](Self::inputs) asked for.
    fn each(batch: &'b Batch, take: impl FnMut(u32, Result<Self, Reject>));
}

/// Declares one field: its name and type, and where in the record its values come from.
pub fn declare(name: &str, data_type: DataType, nullable: bool, origin: Origin) -> abi::Input {
    let field = Field {
        name: name.to_owned(),
        data_type,
        nullable,
    };
    abi::Input { field, origin }
}

/// Opens column `index` of the batch as a view for the field `name`.
///
/// # Panics
/// If the column is missing, has another type or is not valid UTF-8: the host did not give what the plugin declared.
pub fn open<'b, V>(
    batch: &'b Batch,
    index: usize,
    name: &str,
    data_type: DataType,
    view: fn(&'b Column) -> Option<V>,
) -> V {
    let column = batch
        .columns
        .get(index)
        .unwrap_or_else(|| panic!("the host gave no column {index} for input {name}"));
    view(column)
        .unwrap_or_else(|| panic!("the host gave input {name} as something else than {data_type:?}, or not in UTF-8"))
}
