//! Decodes bytes to Arrow columns by the fields that the plugin declares. A record that does not fit becomes a reject
//! of stage `decode`. Only trouble with the registry, which is not a record's reject, fails a batch.
//!
//! `registry` fetches schemas and `schema` reads them. `rows` takes record after record, `avro` and `json` read a
//! value, `cell` makes it fit the declared type, `builder` collects the rows, and `fault` words each reject. `becomes`
//! tells before there is a record what will fit. `docs/formats.md` is the page for users.

mod avro;
pub mod becomes;
mod builder;
mod cell;
mod decoder;
mod json;
pub mod registry;
mod rejects;
mod rows;
pub mod schema;
mod spare;
pub mod value;

pub use self::decoder::{CodecError, Decoded, Decoder};
