//! Implements `configure=numbers`: rows with a float. A record may ask for NaN or infinity, which some
//! sinks cannot hold.

use crate::describe;
use transform_sdk::bindings::exports::host::transform::transformer::{
    Batch, Descriptor, Outcome, Output, Rows, Target,
};
use transform_sdk::bindings::host::transform::columns::{Column, DataType, Field, Values};

/// The columns `id`, `number` and `make`. Their number tells this mode from the others.
pub const INPUTS: usize = 3;

pub fn descriptor(usual: Descriptor) -> Descriptor {
    let id = Field {
        nullable: false,
        ..describe::field("id", DataType::Int64)
    };
    let number = describe::field("number", DataType::Float64);
    let make = describe::field("make", DataType::Text);
    let output = Output {
        target: Target::Table("numbers".to_owned()),
        fields: vec![id.clone(), number.clone()],
        ..usual.outputs[0].clone()
    };
    Descriptor {
        inputs: [id, number, make].map(describe::input).to_vec(),
        outputs: vec![output],
        ..usual
    }
}

pub fn transform(mut input: Batch, makes: &[String]) -> Outcome {
    input.columns.truncate(2);
    let Values::Float64(numbers) = &mut input.columns[1].values else {
        panic!("the second column is float64");
    };
    for (number, make) in numbers.iter_mut().zip(makes) {
        *number = match make.as_str() {
            "nan" => f64::NAN,
            "infinity" => f64::INFINITY,
            _ => *number,
        };
    }
    let columns: Vec<Column> = input.columns;
    Outcome {
        rows: vec![Rows {
            output: 0,
            source: (0..input.rows).collect(),
            columns,
        }],
        filtered: Vec::new(),
        rejects: Vec::new(),
    }
}
