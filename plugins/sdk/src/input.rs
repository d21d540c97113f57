//! From a batch of columns to one struct a row.

use crate::abi::{self, Batch, Field, Origin};
use crate::view::InputField;

/// What a plugin takes: derive it for a struct, one field a column.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an input",
    label = "the input of a plugin",
    note = "put #[derive(Input)] on the struct"
)]
pub trait Input<'b>: Sized {
    /// The batch's columns, checked once, ready to be read row by row.
    type Views;
    fn inputs() -> Vec<abi::Input>;
    /// Panics if the columns are not those that `inputs` asked for.
    fn open(batch: &'b Batch) -> Self::Views;
    fn read(views: &Self::Views, row: usize) -> Self;
}

/// The declaration of one field.
pub fn declare<'b, T: InputField<'b>>(name: &str, origin: Origin) -> abi::Input {
    let field = Field {
        name: name.to_owned(),
        data_type: T::DATA_TYPE,
        nullable: T::NULLABLE,
    };
    abi::Input { field, origin }
}

/// Column `index` of the batch as field `name` reads it.
///
/// # Panics
/// If it is not there or of another type: the host did not give what the plugin declared.
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
