//! Arrow values to CQL values, strictly by the column's type: nothing is cut, rounded or guessed, with the exceptions
//! that `docs/types.md` names. A value that does not fit is refused with a reason.
//!
//! Two levels: [`can_convert`] asks it of the types, before any row is there; [`convert`] does it for one value.

mod collection;
mod number;
mod text;
mod value;

pub use value::Value;

use scylla::value::{CqlDate, CqlTimestamp, CqlTimeuuid};

use super::types::{CollectionType, ColumnType, CqlValue, NativeType};
use crate::record::columns::DataType;

/// No value of this data type can go into a column of this type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{from} cannot become {to}{}", remedy.map(|text| format!(" ({text})")).unwrap_or_default())]
pub struct Mismatch {
    pub from: DataType,
    pub to: String,
    /// The remedy, if there is one plain answer.
    pub remedy: Option<&'static str>,
}

/// Why one value does not fit its column, in words, with the value cut to [`SHOWN_CHARS`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Misfit(String);

/// Characters of an offending value that an error shows: enough to find it, too few to flood a log or a header.
const SHOWN_CHARS: usize = 80;

/// Days between -5877641-06-23, where CQL's `date` starts, and 1970-01-01.
const DATE_ZERO: i64 = 1 << 31;

/// Cassandra keeps each element of such a list under a time uuid of the moment in which it is written, whatever the
/// write timestamp: an element that is written again is one element more. No statement avoids it (decision 0021).
const LIST_REMEDY: &str = "each replay, retry or restart would put the same elements into it once more, since Cassandra \
     keeps them by the moment of their writing; give the table a new column of type frozen<list<…>>, or set<…>, and write \
     that one: ALTER TABLE cannot freeze a column, see replays.md";

/// Says whether values of `from` may go into a column of type `to`. Single values may still be refused.
pub fn can_convert(from: DataType, to: &ColumnType<'_>) -> Result<(), Mismatch> {
    use NativeType as Cql;
    let mismatch = |remedy| {
        Err(Mismatch {
            from,
            to: type_name(to),
            remedy,
        })
    };
    let native = match to {
        ColumnType::Native(native) => native,
        ColumnType::Collection {
            frozen: false,
            typ: CollectionType::List(_),
        } => return mismatch(Some(LIST_REMEDY)),
        ColumnType::Collection { .. } if from != DataType::Json => {
            return mismatch(Some("give a json field to a collection"));
        }
        ColumnType::Collection { .. } if collection::is_supported(to) => return Ok(()),
        _ => return mismatch(Some("columns of this type are not written")),
    };
    match (from, native) {
        (_, Cql::Counter) => mismatch(Some("a counter cannot be set, nor written twice without harm")),
        (_, Cql::Duration) => mismatch(Some("columns of this type are not written")),
        (DataType::Boolean, Cql::Boolean)
        | (DataType::Blob, Cql::Blob)
        | (DataType::Json, Cql::Text)
        | (DataType::Uuid, Cql::Uuid | Cql::Timeuuid)
        | (DataType::Timestamp, Cql::Timestamp)
        | (DataType::Date, Cql::Date)
        | (DataType::Float64, Cql::Double | Cql::Float)
        | (
            DataType::Int32 | DataType::Int64,
            Cql::TinyInt
            | Cql::SmallInt
            | Cql::Int
            | Cql::BigInt
            | Cql::Varint
            | Cql::Decimal
            | Cql::Double
            | Cql::Float,
        )
        | (
            DataType::Text,
            Cql::Text
            | Cql::Ascii
            | Cql::Uuid
            | Cql::Timeuuid
            | Cql::Inet
            | Cql::Decimal
            | Cql::Varint
            | Cql::Date
            | Cql::Time
            | Cql::Timestamp,
        ) => Ok(()),
        (DataType::Timestamp, Cql::Date) => mismatch(Some("give a date field, so that the day is the plugin's choice")),
        (DataType::Float64, Cql::Decimal) => mismatch(Some("give a text field, so that no digit is made up")),
        (DataType::Int32 | DataType::Int64, Cql::Timestamp | Cql::Time | Cql::Date) => {
            mismatch(Some("a bare number does not say its unit"))
        }
        _ => mismatch(None),
    }
}

/// Converts one value, whose types [`can_convert`] has allowed.
pub fn convert(value: Value<'_>, to: &ColumnType<'_>) -> Result<CqlValue, Misfit> {
    match (value, to) {
        (Value::Integer(number), ColumnType::Native(native)) => number::from_integer(number, native),
        (Value::Float(number), ColumnType::Native(native)) => number::from_float(number, native),
        (Value::Text(words), ColumnType::Native(native)) => text::parse(words, native),
        (Value::Json(json), ColumnType::Native(NativeType::Text)) => Ok(CqlValue::Text(json.to_owned())),
        (Value::Json(json), ColumnType::Collection { .. }) => collection::parse(json, to),
        (Value::Boolean(truth), ColumnType::Native(NativeType::Boolean)) => Ok(CqlValue::Boolean(truth)),
        (Value::Blob(bytes), ColumnType::Native(NativeType::Blob)) => Ok(CqlValue::Blob(bytes.to_vec())),
        (Value::Uuid(uuid), ColumnType::Native(native)) => from_uuid(uuid, native),
        (Value::Timestamp(ms), ColumnType::Native(NativeType::Timestamp)) => Ok(CqlValue::Timestamp(CqlTimestamp(ms))),
        (Value::Date(days), ColumnType::Native(NativeType::Date)) => Ok(CqlValue::Date(CqlDate(cql_date(days)))),
        (value, to) => Err(refused(&value, to)),
    }
}

fn from_uuid(uuid: uuid::Uuid, to: &NativeType) -> Result<CqlValue, Misfit> {
    match to {
        NativeType::Uuid => Ok(CqlValue::Uuid(uuid)),
        NativeType::Timeuuid if uuid.get_version_num() == 1 => Ok(CqlValue::Timeuuid(CqlTimeuuid::from(uuid))),
        NativeType::Timeuuid => Err(Misfit(format!(
            "{uuid} is a uuid of version {}, a timeuuid is of version 1",
            uuid.get_version_num()
        ))),
        to => Err(refused(&Value::Uuid(uuid), &ColumnType::Native(to.clone()))),
    }
}

/// Days since 1970-01-01 as CQL counts them; every `i32` has its place.
pub fn cql_date(days: i32) -> u32 {
    u32::try_from(i64::from(days) + DATE_ZERO).unwrap_or_default()
}

/// The types were never allowed together: a plugin that changed behind the check.
fn refused(value: &Value<'_>, to: &ColumnType<'_>) -> Misfit {
    Misfit(format!("{} cannot become {}", value.data_type(), type_name(to)))
}

fn does_not_fit(value: impl std::fmt::Display, to: &str) -> Misfit {
    Misfit(format!("{value} does not fit {to}"))
}

/// `"words" is not …`, with the words cut.
fn is_not(words: &str, what: &str) -> Misfit {
    Misfit(format!("{} is not {what}", quoted(words)))
}

/// The text in quotes and on one line, cut where it is long.
fn quoted(words: &str) -> String {
    match words.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{:?}…", &words[..end]),
        None => format!("{words:?}"),
    }
}

/// A column's type as CQL writes it.
pub fn type_name(column_type: &ColumnType<'_>) -> String {
    match column_type {
        ColumnType::Native(native) => native_name(native).to_owned(),
        ColumnType::Collection { frozen, typ } => {
            let name = match typ {
                CollectionType::List(item) => format!("list<{}>", type_name(item)),
                CollectionType::Set(item) => format!("set<{}>", type_name(item)),
                CollectionType::Map(key, value) => format!("map<{}, {}>", type_name(key), type_name(value)),
                _ => "unknown collection".to_owned(),
            };
            if *frozen { format!("frozen<{name}>") } else { name }
        }
        ColumnType::Vector { typ, dimensions } => format!("vector<{}, {dimensions}>", type_name(typ)),
        ColumnType::UserDefinedType { definition, .. } => definition.name.clone().into_owned(),
        ColumnType::Tuple(items) => {
            format!("tuple<{}>", items.iter().map(type_name).collect::<Vec<_>>().join(", "))
        }
        _ => "unknown type".to_owned(),
    }
}

fn native_name(native: &NativeType) -> &'static str {
    match native {
        NativeType::Ascii => "ascii",
        NativeType::Boolean => "boolean",
        NativeType::Blob => "blob",
        NativeType::Counter => "counter",
        NativeType::Date => "date",
        NativeType::Decimal => "decimal",
        NativeType::Double => "double",
        NativeType::Duration => "duration",
        NativeType::Float => "float",
        NativeType::Int => "int",
        NativeType::BigInt => "bigint",
        NativeType::Text => "text",
        NativeType::Timestamp => "timestamp",
        NativeType::Inet => "inet",
        NativeType::SmallInt => "smallint",
        NativeType::TinyInt => "tinyint",
        NativeType::Time => "time",
        NativeType::Timeuuid => "timeuuid",
        NativeType::Uuid => "uuid",
        NativeType::Varint => "varint",
        _ => "unknown type",
    }
}

#[cfg(test)]
mod tests;
