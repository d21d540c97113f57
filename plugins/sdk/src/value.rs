//! Values that have a column type of their own: [`Uuid`], [`Timestamp`], [`Date`], [`Json`]. What they can do besides
//! travelling stands in `uuid.rs` and `time/`.

use std::borrow::Cow;

/// A UUID as 16 bytes in network order. [`parse`](Uuid::parse) and `FromStr` read it from text, and `Display` writes the
/// dashed form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uuid(pub [u8; 16]);

/// An instant in milliseconds since 1970-01-01T00:00Z. [`parse`](Timestamp::parse) reads it from text, `FromStr` from ISO
/// 8601, which `Display` writes. Everything about it is in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// A date in days since 1970-01-01. [`parse`](Date::parse) reads it from text, `FromStr` from ISO 8601, which `Display`
/// writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Date(pub i32);

/// One JSON text. The host gives only valid JSON to a plugin, and checks what comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json<'a>(pub Cow<'a, str>);

impl<'a> From<&'a str> for Json<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Json<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}
