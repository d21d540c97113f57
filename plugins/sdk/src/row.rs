//! The rows that a plugin gives, each for one of its outputs.

use crate::abi::{DataType, Effect, Field, Output, Rows, Target};

/// A row of one output, or of one of several. Derive it with [`macro@crate::Row`] for a struct, or for an enum whose
/// variants each hold a row.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a row",
    label = "neither a row nor something that holds rows",
    note = "put #[derive(Row)] on the struct; a plugin returns a row, Result<row, Reject>, Result<Option<row>, Reject> \
            or Result<Vec<row>, Reject>"
)]
pub trait Row: Sized {
    /// The columns of every output while they are being filled.
    type Builders;
    /// How many [`outputs`](Self::outputs) there are.
    const OUTPUTS: u32;
    /// The declaration of every output.
    fn outputs() -> Vec<Output>;
    /// The output that this row is for: its place in [`outputs`](Self::outputs).
    fn output(&self) -> u32;
    /// Makes empty columns with room for `rows` rows each.
    fn builders(rows: usize) -> Self::Builders;
    /// Appends this row. `source` is the input row that it was made from, counted from 0.
    fn append(self, builders: &mut Self::Builders, source: u32);
    /// Adds the columns that have rows to `rows`. `first` is the number of the first of these outputs.
    fn finish(builders: Self::Builders, first: u32, rows: &mut Vec<Rows>);
}

/// Declares one column.
pub fn declare(name: &str, data_type: DataType, nullable: bool) -> Field {
    Field {
        name: name.to_owned(),
        data_type,
        nullable,
    }
}

/// Declares one output. Its name is that of its table or topic, with `-delete` appended if it deletes.
pub fn output(target: Target, effect: Effect, fields: Vec<Field>) -> Output {
    let (Target::Table(place) | Target::Topic(place)) = &target;
    let name = match effect {
        Effect::Upsert => place.clone(),
        Effect::Delete => format!("{place}-delete"),
    };
    Output {
        name,
        target,
        effect,
        fields,
    }
}
