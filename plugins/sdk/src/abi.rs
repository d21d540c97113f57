//! The types that pass between host and plugin, under short names. All of them are generated from `wit/transform.wit`.

pub use crate::bindings::exports::host::transform::transformer::{
    Descriptor, Effect, Guest, Input, Lookup, Origin, Outcome, Output, Reject, Rows, Target,
};
pub use crate::bindings::host::transform::columns::{Batch, Column, DataType, Field, Values, Variable};
