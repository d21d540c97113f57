//! Turns decoded columns into those that the SDK has inside a guest, for a plugin's function that is linked natively. Their
//! bytes are copied, since the SDK owns what it reads.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use host::record::columns::Batch;
use order_enrich::{OrderSettings, enrich};
use transform_sdk::abi::{self, Column, Values, Variable};
use transform_sdk::plugin;

/// The plugin's default settings.
pub fn settings() -> OrderSettings {
    let configured = plugin::configure::<enrich>(&[]);
    configured.expect("every setting has a default").0
}

/// The columns of a batch of orders, which all are text.
pub fn columns(batch: &Batch) -> abi::Batch {
    let column = |array: &arrow_array::ArrayRef| {
        let text = array.as_string::<i32>();
        let nulls = text.nulls().filter(|nulls| nulls.null_count() > 0);
        Column {
            validity: nulls.map(|nulls| nulls.inner().sliced().as_slice()[..batch.rows.div_ceil(8)].to_vec()),
            values: Values::Text(Variable {
                offsets: text.value_offsets().to_vec(),
                data: text.value_data().to_vec(),
            }),
        }
    };
    abi::Batch {
        rows: u32::try_from(batch.rows).expect("a batch is small"),
        columns: batch.columns.iter().map(column).collect(),
    }
}
