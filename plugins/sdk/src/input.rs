//! Reads a batch of columns as one struct a row.

use crate::abi::{self, Batch, Field, Origin};
use crate::view::InputField;

/// The input of a plugin, one struct a record. Derive it with [`macro@crate::Input`]; each field is one column.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an input",
    label = "the input of a plugin",
    note = "put #[derive(Input)] on the struct"
)]
pub trait Input<'b>: Sized {
    /// The batch's columns, checked once, ready to be read row by row.
    type Views;
    /// The declaration of every column, in the order in which the host gives them.
    fn inputs() -> Vec<abi::Input>;
    /// Checks the batch's columns and makes views of them.
    ///
    /// # Panics
    /// If the columns are not those that [`inputs`](Self::inputs) asked for.
    fn open(batch: &'b Batch) -> Self::Views;
    /// Reads one row, counted from 0.
    ///
    /// # Panics
    /// If the batch has no such row.
    fn read(views: &Self::Views, row: usize) -> Self;
}

/// Declares one field: its name and type, and where in the record its values come from.
pub fn declare<'b, T: InputField<'b>>(name: &str, origin: Origin) -> abi::Input {
    let field = Field {
        name: name.to_owned(),
        data_type: T::DATA_TYPE,
        nullable: T::NULLABLE,
    };
    abi::Input { field, origin }
}

/// Opens column `index` of the batch as a view for the field `name`.
///
/// # Panics
/// If the column is missing, has another type or is not valid UTF-8: the host did not give what the plugin declared.
pub fn open<'b, T: InputField<'b>>(batch: &'b Batch, index: usize, name: &str) -> T::View {
    let column = batch
        .columns
        .get(index)
        .unwrap_or_else(|| panic!("the host gave no column {index} for input {name}"));
    T::view(column).unwrap_or_else(|| {
        panic!(
            "the host gave input {name} as something else than {:?}, or not in UTF-8",
            T::DATA_TYPE
        )
    })
}
