//! A row as a JSON object: columns by the plugin's names, nulls left out.

use serde_json::{Map, Value};

use crate::record::columns::Batch;
use crate::record::descriptor::Field;
use crate::record::display;

/// `batch` has a column for each of the fields.
pub fn object(fields: &[Field], batch: &Batch, row: usize) -> Map<String, Value> {
    let values = fields.iter().zip(&batch.columns);
    values
        .map(|(field, column)| (field.name.clone(), display::json(field, column, row)))
        .filter(|(_, value)| !value.is_null())
        .collect()
}
