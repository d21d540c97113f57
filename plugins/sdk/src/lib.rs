//! Write a plugin for `host` as one typed function over one record.
//!
//! The host calls a plugin with a batch of columns (`wit/transform.wit`). [`macro@transform`] turns a function into
//! such a plugin: it reads each row of the batch into a struct that derives [`macro@Input`] (text is borrowed,
//! never copied), calls the function, and appends what comes back, structs that derive [`macro@Row`], to the
//! columns of the outputs.
//!
//! ```
//! use transform_sdk::{Input, Reject, Row, transform};
//!
//! #[derive(Input)]
//! struct Order<'a> {
//!     id: &'a str,
//!     amount: f64,
//! }
//!
//! #[derive(Row)]
//! #[row(table = "orders_by_id")]
//! struct OrderById<'a> {
//!     id: &'a str,
//!     amount: f64,
//! }
//!
//! #[transform]
//! fn orders(order: Order<'_>) -> Result<OrderById<'_>, Reject> {
//!     if order.amount < 0.0 {
//!         return Err(Reject::new("negative-amount", format!("amount {} is below 0", order.amount)));
//!     }
//!     Ok(OrderById { id: order.id, amount: order.amount })
//! }
//! # fn main() {}
//! ```
//!
//! Everything here also compiles and runs natively, so an author tests a plugin with `cargo test`.

#![warn(missing_docs)]

// The derive macros write `::transform_sdk`. This lets the crate's own tests use them.
extern crate self as transform_sdk;

/// Bindings generated from `wit/transform.wit`. `bindings.wit` is a copy of the text they were generated from.
#[rustfmt::skip]
#[allow(
clippy::all, clippy::pedantic, clippy::unwrap_used, missing_docs, rustdoc::bare_urls, rustdoc::broken_intra_doc_links,
unsafe_code, unused_qualifications,
reason = "generated code"
)]
pub mod bindings;

pub mod abi;
pub mod builder;
pub mod decimal;
pub mod input;
pub mod log;
pub mod null;
pub mod outcome;
pub mod parse_error;
pub mod plugin;
pub mod row;
pub mod settings;
pub mod time;
mod uuid;
pub mod value;
pub mod view;

pub use decimal::Decimal;
pub use input::Input;
pub use null::present;
pub use outcome::{Reject, required, required_key};
pub use parse_error::{ParseError, shortened};
pub use plugin::Plugin;
pub use row::Row;
pub use settings::Settings;
pub use time::{DateOrder, TimeForm, Weekday};
pub use transform_sdk_macros::{Input, Row, Settings, transform};
pub use value::{Date, Json, Timestamp, Uuid};
