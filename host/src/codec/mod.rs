//! Bytes to Arrow columns by the plugin's declared fields. What a record lacks makes it a reject of stage `decode`; only
//! trouble with the registry, which is no record's fault, fails a batch.
//!
//! `registry` fetches schemas, `schema` reads them, `rows` takes record after record, `avro` and `json` read a value, `cell`
//! makes what they find fit the declared type, `builder` collects the rows, `fault` has the words of each reject.
//! `becomes` says beforehand what fits. `docs/formats.md` is the page for people.

mod avro;
pub mod becomes;
mod builder;
mod cell;
mod decoder;
mod fault;
mod json;
pub mod registry;
mod rows;
pub mod schema;
mod spare;
pub mod value;

pub use self::decoder::{CodecError, Decoded, Decoder};
