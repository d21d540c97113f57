//! What a plugin gives: rows, each for one of its outputs.

use crate::abi::{DataType, Effect, Field, Output, Rows, Target};
use crate::builder::OutputField;

/// A row of one output, or of one of several: derive it for a struct, or for an enum whose variants each hold a row.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a row",
    label = "neither a row nor something that holds rows",
    note = "put #[derive(Row)] on the struct; a plugin returns a row, Result<row, Reject>, Result<Option<row>, Reject> \
            or Result<Vec<row>, Reject>"
)]
pub trait Row: Sized {
    /// The columns of every output, as far as they are filled.
    type Builders;
    /// How many [`outputs`](Self::outputs) there are.
    const OUTPUTS: u32;
    fn outputs() -> Vec<Output>;
    /// The output that this row is for: its place in [`outputs`](Self::outputs).
    fn output(&self) -> u32;
    fn builders(rows: usize) -> Self::Builders;
    fn append(self, builders: &mut Self::Builders, source: u32);
    /// Adds what was appended to `rows`; the first of these outputs has the number `first`.
    fn finish(builders: Self::Builders, first: u32, rows: &mut Vec<Rows>);
}

/// The declaration of one column.
pub fn declare<T: OutputField>(name: &str) -> Field {
    let data_type: DataType = T::DATA_TYPE;
    Field {
        name: name.to_owned(),
        data_type,
        nullable: T::NULLABLE,
    }
}

/// The declaration of one output. It is called as its table or topic; deletes say so.
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
