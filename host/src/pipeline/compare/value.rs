//! When two values are the same: by the declared type, as a table would hold them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Date32Type, Float64Type, Int32Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef};
use serde_json::value::RawValue;

use crate::record::columns::DataType;
use crate::record::descriptor::Field;
use crate::record::display;

/// JSON nested deeper than this is compared as text. A guest may nest as deep as its memory allows, but a stack has
/// less room.
const MAX_DEPTH: u32 = 64;

/// A value: the field that declares it, its column, its row.
pub type ValueAt<'a> = (&'a Field, &'a ArrayRef, usize);

/// Null is the same as null only. If the declared types differ, values are the same when they are shown the same.
pub fn is_same((old_field, old, i): ValueAt<'_>, (new_field, new, j): ValueAt<'_>) -> bool {
    if old.is_null(i) || new.is_null(j) {
        return old.is_null(i) && new.is_null(j);
    }
    if old_field.data_type != new_field.data_type {
        return display::text(old_field, old, i) == display::text(new_field, new, j);
    }
    match old_field.data_type {
        DataType::Boolean => old.as_boolean().value(i) == new.as_boolean().value(j),
        DataType::Int32 => is_same_number::<Int32Type>(old, i, new, j),
        DataType::Int64 => is_same_number::<Int64Type>(old, i, new, j),
        DataType::Timestamp => is_same_number::<TimestampMillisecondType>(old, i, new, j),
        DataType::Date => is_same_number::<Date32Type>(old, i, new, j),
        DataType::Float64 => {
            let (old, new) = (float(old, i), float(new, j));
            // Every NaN is the same; the two zeros are not, since a table holds them apart.
            old.to_bits() == new.to_bits() || (old.is_nan() && new.is_nan())
        }
        DataType::Text => old.as_string::<i32>().value(i) == new.as_string::<i32>().value(j),
        DataType::Json => is_same_json(old.as_string::<i32>().value(i), new.as_string::<i32>().value(j), 0),
        DataType::Blob => old.as_binary::<i32>().value(i) == new.as_binary::<i32>().value(j),
        DataType::Uuid => old.as_fixed_size_binary().value(i) == new.as_fixed_size_binary().value(j),
    }
}

fn is_same_number<T: ArrowPrimitiveType>(old: &ArrayRef, i: usize, new: &ArrayRef, j: usize) -> bool
where
    T::Native: PartialEq,
{
    old.as_primitive::<T>().value(i) == new.as_primitive::<T>().value(j)
}

fn float(column: &ArrayRef, row: usize) -> f64 {
    column.as_primitive::<Float64Type>().value(row)
}

/// Blanks and the order of members mean nothing in JSON. Numbers are compared digit by digit, so that none is rounded.
fn is_same_json(old: &str, new: &str, depth: u32) -> bool {
    if old == new {
        return true;
    }
    if depth == MAX_DEPTH {
        return false;
    }
    let is_same = |old: &RawValue, new: &RawValue| is_same_json(old.get(), new.get(), depth + 1);
    match (Parsed::of(old), Parsed::of(new)) {
        (Parsed::Object(old), Parsed::Object(new)) => {
            old.len() == new.len()
                && old
                    .iter()
                    .all(|(name, old)| new.get(name).is_some_and(|new| is_same(old, new)))
        }
        (Parsed::Array(old), Parsed::Array(new)) => {
            old.len() == new.len() && old.iter().zip(&new).all(|(old, new)| is_same(old, new))
        }
        (Parsed::Text(old), Parsed::Text(new)) => old == new,
        (Parsed::Other(old), Parsed::Other(new)) => old == new,
        _ => false,
    }
}

/// One level of a JSON text.
enum Parsed<'a> {
    Object(BTreeMap<Cow<'a, str>, &'a RawValue>),
    Array(Vec<&'a RawValue>),
    Text(String),
    /// A number, a truth value, null.
    Other(&'a str),
}

impl<'a> Parsed<'a> {
    fn of(text: &'a str) -> Self {
        let text = text.trim();
        // What a guest returned as JSON is valid JSON. If it were not, it would be compared as text.
        let parsed = match text.as_bytes().first() {
            Some(b'{') => serde_json::from_str(text).map(Self::Object),
            Some(b'[') => serde_json::from_str(text).map(Self::Array),
            Some(b'"') => serde_json::from_str(text).map(Self::Text),
            _ => return Self::Other(text),
        };
        parsed.unwrap_or(Self::Other(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_same(old: &str, new: &str) -> bool {
        is_same_json(old, new, 0)
    }

    #[test]
    fn json_is_compared_by_what_it_means() {
        assert!(is_same(r#"{"a":1,"b":[1, 2]}"#, r#"{ "b": [1,2], "a": 1 }"#));
        assert!(is_same(r#"{"a\u0062":"\u0041"}"#, r#"{"ab":"A"}"#));
        assert!(!is_same(r#"{"a":1}"#, r#"{"a":1,"b":null}"#), "null is not absent");
        assert!(!is_same(r#"{"a":1,"b":null}"#, r#"{"a":1,"c":null}"#));
        assert!(!is_same("[1,2]", "[2,1]"));
        assert!(!is_same("null", "\"null\""));
    }

    #[test]
    fn numbers_beyond_64_bits_are_not_rounded() {
        assert!(!is_same("[123456789012345678901]", "[123456789012345678902]"));
        assert!(is_same("[123456789012345678901]", "[ 123456789012345678901 ]"));
    }

    #[test]
    fn json_nested_without_end_takes_no_stack() {
        let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(is_same(&deep("1"), &deep("1")));
        assert!(!is_same(&deep("1"), &deep("2")));
    }
}
