//! One value on its way into a column, as the record holds it ([`RecordValue`]) and as the column holds it ([`Cell`]).

use std::borrow::Cow;

use uuid::Uuid;

/// A value as the record holds it.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordValue<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    Single(f32),
    Double(f64),
    /// A number as it is written, from JSON or an Avro decimal.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    Uuid(Uuid),
    /// Milliseconds since 1970-01-01T00:00Z.
    Timestamp(i64),
    /// Days since 1970-01-01.
    Date(i32),
    /// A whole structure, as JSON text.
    Json(Cow<'a, str>),
    /// A structure where a single value is wanted. Holds its kind.
    Structure(&'static str),
}

/// A value as a column holds it.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    Null,
    Boolean(bool),
    Int32(i32),
    Int64(i64),
    Float64(f64),
    /// A value of the data type `text` or `json`.
    Text(Cow<'a, str>),
    Blob(Cow<'a, [u8]>),
    Uuid([u8; 16]),
    Timestamp(i64),
    Date(i32),
}
