//! Write a plugin of `host` as one typed function over one record.
//!
//! The host calls a plugin with a batch of columns (`wit/transform.wit`). [`macro@transform`] turns a function into such a
//! plugin: it reads each row of the batch into a struct that derives [`macro@Input`] (text is borrowed, never copied), calls
//! the function, and appends what comes back, structs that derive [`macro@Row`], to the columns of the outputs.
//!
//! Everything here also compiles and runs on the author's own machine, so that plugins are tested with `cargo test`.

// The derive macros speak of `::transform_sdk`; so can this crate's own tests.
extern crate self as transform_sdk;

/// Generated from `wit/transform.wit`; `bindings.wit` is the text it was generated from.
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, clippy::unwrap_used, unsafe_code, unused_qualifications, reason = "generated code")]
pub mod bindings;

pub mod abi;
pub mod builder;
pub mod input;
pub mod log;
pub mod outcome;
pub mod plugin;
pub mod row;
pub mod settings;
pub mod value;
pub mod view;

pub use input::Input;
pub use outcome::Reject;
pub use plugin::Plugin;
pub use row::Row;
pub use settings::Settings;
pub use transform_sdk_macros::{Input, Row, Settings, transform};
pub use value::{Date, Json, Timestamp, Uuid};
