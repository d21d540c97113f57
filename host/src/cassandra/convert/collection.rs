//! JSON into CQL's collections: an array into a `list` or a `set`, an object into a `map`, elements strictly by their
//! type, nested as deep as the column's type is. The forms are those of CQL's own `INSERT … JSON`.

use num_bigint::BigInt;
use scylla::value::{CqlDecimal, CqlVarint};
use serde_json::{Number, Value as Json};

use super::{Misfit, is_not, native_name, number, quoted, text, type_name};
use crate::cassandra::types::{CollectionType, ColumnType, CqlValue, NativeType};

/// Whether elements of all types in it can be given as JSON.
pub fn is_supported(column_type: &ColumnType<'_>) -> bool {
    match column_type {
        ColumnType::Native(native) => !matches!(native, NativeType::Counter | NativeType::Duration),
        ColumnType::Collection { typ, .. } => match typ {
            CollectionType::List(item) | CollectionType::Set(item) => is_supported(item),
            // A key of an object is a string, so a key must be of a type that has a text form.
            CollectionType::Map(key, value) => {
                matches!(**key, ColumnType::Native(_)) && is_supported(key) && is_supported(value)
            }
            _ => false,
        },
        _ => false,
    }
}

/// Reads a list, set, map, tuple or user-defined type from JSON. The misfit says which part does not fit.
pub fn parse(json: &str, to: &ColumnType<'_>) -> Result<CqlValue, Misfit> {
    let value: Json =
        serde_json::from_str(json).map_err(|error| Misfit(format!("{} is not JSON: {error}", quoted(json))))?;
    element(value, to)
}

fn element(json: Json, to: &ColumnType<'_>) -> Result<CqlValue, Misfit> {
    match to {
        ColumnType::Native(native) => scalar(&json, native),
        ColumnType::Collection { typ, .. } => collection(json, typ, to),
        _ => Err(misfit(&json, &type_name(to))),
    }
}

fn collection(json: Json, typ: &CollectionType<'_>, to: &ColumnType<'_>) -> Result<CqlValue, Misfit> {
    let items = |items: Vec<Json>, of: &ColumnType<'_>| {
        let items = items.into_iter().map(|item| element(item, of));
        items.collect::<Result<Vec<_>, _>>()
    };
    match (json, typ) {
        (Json::Array(values), CollectionType::List(item)) => Ok(CqlValue::List(items(values, item)?)),
        (Json::Array(values), CollectionType::Set(item)) => Ok(CqlValue::Set(items(values, item)?)),
        (Json::Object(fields), CollectionType::Map(key, value)) => fields
            .into_iter()
            .map(|(name, json)| Ok((map_key(&name, key)?, element(json, value)?)))
            .collect::<Result<_, _>>()
            .map(CqlValue::Map),
        (json, _) => Err(misfit(&json, &type_name(to))),
    }
}

fn scalar(json: &Json, to: &NativeType) -> Result<CqlValue, Misfit> {
    match (json, to) {
        (Json::Bool(truth), NativeType::Boolean) => Ok(CqlValue::Boolean(*truth)),
        (Json::String(words), NativeType::Blob) => hexadecimal(words).map(CqlValue::Blob),
        (Json::String(words), to) => text::parse(words, to).map_err(|_| misfit(json, native_name(to))),
        (Json::Number(value), to) => from_number(value, to),
        _ => Err(misfit(json, native_name(to))),
    }
}

/// A whole number goes into any number type that holds it; one with a fraction only into `double` and `float`, since
/// as a JSON number it has already been rounded to a double. Strings keep every digit of a `decimal`.
fn from_number(value: &Number, to: &NativeType) -> Result<CqlValue, Misfit> {
    if let Some(whole) = value.as_i64() {
        return number::from_integer(whole, to);
    }
    match (value.as_u64(), value.as_f64(), to) {
        (Some(large), _, NativeType::Varint) => Ok(CqlValue::Varint(CqlVarint::from(BigInt::from(large)))),
        (Some(large), _, NativeType::Decimal) => Ok(CqlValue::Decimal(CqlDecimal::from_signed_be_bytes_and_exponent(
            BigInt::from(large).to_signed_bytes_be(),
            0,
        ))),
        (None, Some(float), NativeType::Double | NativeType::Float) => number::from_float(float, to),
        (None, _, NativeType::Decimal) => Err(Misfit(format!(
            "{value} has lost digits as a JSON number (give a decimal as a string)"
        ))),
        _ => Err(misfit(&Json::Number(value.clone()), native_name(to))),
    }
}

/// The name of an object's field as a map's key: as it is, or parsed by the key's type.
fn map_key(name: &str, to: &ColumnType<'_>) -> Result<CqlValue, Misfit> {
    let ColumnType::Native(native) = to else {
        return Err(is_not(name, &type_name(to)));
    };
    let misfit = || is_not(name, native_name(native));
    match native {
        NativeType::Boolean => name.parse().map(CqlValue::Boolean).map_err(|_| misfit()),
        NativeType::Blob => hexadecimal(name).map(CqlValue::Blob),
        NativeType::TinyInt | NativeType::SmallInt | NativeType::Int | NativeType::BigInt => {
            let whole = name.parse().map_err(|_| misfit())?;
            number::from_integer(whole, native)
        }
        NativeType::Double | NativeType::Float => {
            // As everywhere, a number is written in digits and not out of range: the library also reads `inf` and `nan`,
            // and makes an infinity of `1e400`.
            let float: f64 = name.parse().map_err(|_| misfit())?;
            if !float.is_finite() {
                return Err(misfit());
            }
            number::from_float(float, native)
        }
        native => text::parse(name, native),
    }
}

/// `0x` and pairs of hexadecimal digits, as CQL writes a blob.
fn hexadecimal(words: &str) -> Result<Vec<u8>, Misfit> {
    let misfit = || is_not(words, "a blob like 0x00ff");
    let digits = words.strip_prefix("0x").ok_or_else(misfit)?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if !digits.len().is_multiple_of(2) {
        return Err(misfit());
    }
    digits
        .chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect::<Option<_>>()
        .ok_or_else(misfit)
}

fn misfit(json: &Json, to: &str) -> Misfit {
    Misfit(match json {
        // CQL's collections hold no nulls.
        Json::Null => format!("null cannot stand in a collection as {to}"),
        Json::String(words) => format!("{} is not {to}", quoted(words)),
        Json::Array(_) | Json::Object(_) => format!("JSON {} cannot become {to}", quoted(&json.to_string())),
        Json::Bool(_) | Json::Number(_) => format!("{json} cannot become {to}"),
    })
}
