//! Makes one value fit its column: the record's value ([`RecordValue`]) becomes what the plugin declares ([`Cell`]).
//! This is the only table of conversions, for every format. `docs/formats.md` shows it to users.

use super::value::{Cell, RecordValue};
use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use uuid::Uuid;

use crate::record::columns::DataType;

use super::spare::Spare;

/// How many characters of a value a message quotes: enough to recognize it.
const QUOTED_CHARS: usize = 60;

/// Makes the value fit the data type exactly, or returns it as it came. Nothing is rounded, cut or guessed, with one
/// exception: a number written in digits becomes the nearest double, since hardly any decimal fraction would fit
/// otherwise.
pub fn fit<'a>(found: RecordValue<'a>, wanted: DataType, spare: &mut Spare) -> Result<Cell<'a>, RecordValue<'a>> {
    if matches!(found, RecordValue::Null) {
        return Ok(Cell::Null);
    }
    let cell = match wanted {
        DataType::Boolean => boolean(&found).map(Cell::Boolean),
        DataType::Int32 => integer(&found).and_then(|value| value.try_into().ok()).map(Cell::Int32),
        DataType::Int64 => integer(&found).map(Cell::Int64),
        DataType::Float64 => float(&found).map(Cell::Float64),
        DataType::Text => return text(found, spare).map(Cell::Text),
        DataType::Blob => blob(&found).map(Cell::Blob),
        DataType::Json => return json(found, spare).map(Cell::Text),
        DataType::Uuid => uuid(&found).map(|value| Cell::Uuid(value.into_bytes())),
        DataType::Timestamp => timestamp(&found).map(Cell::Timestamp),
        DataType::Date => date(&found).map(Cell::Date),
    };
    cell.ok_or(found)
}

fn boolean(found: &RecordValue<'_>) -> Option<bool> {
    match found {
        RecordValue::Boolean(value) => Some(*value),
        RecordValue::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn integer(found: &RecordValue<'_>) -> Option<i64> {
    match found {
        RecordValue::Integer(value) | RecordValue::Timestamp(value) => Some(*value),
        RecordValue::Date(value) => Some(i64::from(*value)),
        RecordValue::Number(text) | RecordValue::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn float(found: &RecordValue<'_>) -> Option<f64> {
    match found {
        RecordValue::Double(value) => Some(*value),
        RecordValue::Single(value) => Some(f64::from(*value)),
        RecordValue::Integer(value) => is_exact_in_double(*value).then_some(*value as f64),
        RecordValue::Number(text) | RecordValue::Text(text) => {
            // Rust also reads `inf`, `infinity` and `nan`. A text that says so is not taken for a number.
            let is_number = text
                .trim_start_matches(['-', '+'])
                .starts_with(|first: char| first.is_ascii_digit() || first == '.');
            text.parse().ok().filter(|value: &f64| is_number && value.is_finite())
        }
        _ => None,
    }
}

/// Whether a double's significand has a bit for each bit of the integer, from the first to the last that is set.
fn is_exact_in_double(value: i64) -> bool {
    let value = value.unsigned_abs();
    value.leading_zeros() + value.trailing_zeros() >= u64::BITS - f64::MANTISSA_DIGITS
}

fn text<'a>(found: RecordValue<'a>, spare: &mut Spare) -> Result<Cow<'a, str>, RecordValue<'a>> {
    match found {
        RecordValue::Text(text) | RecordValue::Number(text) => Ok(text),
        RecordValue::Integer(value) => Ok(spare.write(value)),
        RecordValue::Single(value) => Ok(spare.write(value)),
        RecordValue::Double(value) => Ok(spare.write(value)),
        RecordValue::Uuid(value) => Ok(spare.write(value)),
        RecordValue::Timestamp(value) => show_timestamp(value).map(Cow::Owned).ok_or(found),
        RecordValue::Date(value) => show_date(value).map(Cow::Owned).ok_or(found),
        other => Err(other),
    }
}

/// A text, which comes from a key or a header, has to be valid JSON. Fields of a value come as [`RecordValue::Json`].
fn json<'a>(found: RecordValue<'a>, spare: &mut Spare) -> Result<Cow<'a, str>, RecordValue<'a>> {
    match found {
        RecordValue::Json(text) | RecordValue::Number(text) => Ok(text),
        RecordValue::Integer(value) => Ok(spare.write(value)),
        RecordValue::Text(text) if serde_json::from_str::<serde_json::Value>(&text).is_ok() => Ok(text),
        other => Err(other),
    }
}

fn blob<'a>(found: &RecordValue<'a>) -> Option<Cow<'a, [u8]>> {
    match found {
        RecordValue::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
        RecordValue::Text(text) => from_hex(text.strip_prefix("0x")?).map(Cow::Owned),
        _ => None,
    }
}

fn uuid(found: &RecordValue<'_>) -> Option<Uuid> {
    match found {
        RecordValue::Uuid(value) => Some(*value),
        // The crate also reads `{…}` and `urn:uuid:…`, which are not forms that a column has.
        RecordValue::Text(text) if matches!(text.len(), 32 | 36) => Uuid::try_parse(text).ok(),
        _ => None,
    }
}

fn timestamp(found: &RecordValue<'_>) -> Option<i64> {
    match found {
        RecordValue::Timestamp(value) | RecordValue::Integer(value) => Some(*value),
        RecordValue::Number(text) => text.parse().ok(),
        RecordValue::Date(days) => Some(i64::from(*days) * 86_400_000),
        RecordValue::Text(text) => plain_timestamp(text).or_else(|| parse_timestamp(text)),
        _ => None,
    }
}

fn date(found: &RecordValue<'_>) -> Option<i32> {
    match found {
        RecordValue::Date(days) => Some(*days),
        RecordValue::Integer(days) => i32::try_from(*days).ok(),
        RecordValue::Number(text) => text.parse().ok(),
        RecordValue::Text(text) => days_since_1970(parse_date(text)?),
        _ => None,
    }
}

/// Reads `2017-10-02 10:56:33`, as most times are written, without trying the other forms one after the other.
fn plain_timestamp(text: &str) -> Option<i64> {
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let digits: &[u8; 19] = text.as_bytes().try_into().ok()?;
    let number = |place: usize, length: usize| {
        let digits = digits.iter().skip(place).take(length);
        digits
            .map(|digit| char::from(*digit).to_digit(10))
            .try_fold(0, |number, digit| Some(number * 10 + digit?))
    };
    let has = |place: usize, sign: u8| digits.get(place) == Some(&sign);
    if !(has(4, b'-') && has(7, b'-') && (has(10, b' ') || has(10, b'T')) && has(13, b':') && has(16, b':')) {
        return None;
    }
    let year = number(0, 4)?.try_into().ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(5, 2)?, number(8, 2)?)?;
    let time = date.and_hms_opt(number(11, 2)?, number(14, 2)?, number(17, 2)?)?;
    Some(time.and_utc().timestamp_millis())
}

/// Reads ISO 8601: a date alone, or a date and a time with `T` or a blank between them. Without an offset it is UTC.
fn parse_timestamp(text: &str) -> Option<i64> {
    if let Some(date) = parse_date(text) {
        return Some(date.and_time(NaiveTime::MIN).and_utc().timestamp_millis());
    }
    parse_date(text.get(..10)?)?;
    let text = text.replacen(' ', "T", 1);
    if let Some(utc) = text.strip_suffix(['Z', 'z']) {
        return local(utc);
    }
    let with_offset = |format| DateTime::parse_from_str(&text, format).ok();
    local(&text).or_else(|| {
        with_offset("%Y-%m-%dT%H:%M:%S%.f%#z")
            .or_else(|| with_offset("%Y-%m-%dT%H:%M%#z"))
            .map(|time| time.timestamp_millis())
    })
}

fn local(text: &str) -> Option<i64> {
    let with = |format| NaiveDateTime::parse_from_str(text, format).ok();
    with("%Y-%m-%dT%H:%M:%S%.f")
        .or_else(|| with("%Y-%m-%dT%H:%M"))
        .map(|time| time.and_utc().timestamp_millis())
}

/// Reads only `2017-10-02`. chrono alone would also read `2017-1-2`.
fn parse_date(text: &str) -> Option<NaiveDate> {
    let is_exact = text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| is_exact)
}

fn days_since_1970(date: NaiveDate) -> Option<i32> {
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    days.try_into().ok()
}

/// Writes a time in ISO 8601, in UTC. `None` if it is outside chrono's calendar.
pub fn show_timestamp(milliseconds: i64) -> Option<String> {
    let time = DateTime::from_timestamp_millis(milliseconds)?;
    Some(time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}

/// Writes a date in ISO 8601. `None` if it is outside chrono's calendar.
pub fn show_date(days: i32) -> Option<String> {
    let date = NaiveDate::default().checked_add_signed(TimeDelta::try_days(i64::from(days))?)?;
    Some(date.format("%Y-%m-%d").to_string())
}

/// Writes bytes as `0x` and two hex digits a byte, as in Cassandra's JSON.
pub fn show_hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold("0x".to_owned(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| match pair {
        [high, low] => {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
        }
        _ => None,
    };
    digits.as_bytes().chunks(2).map(pair).collect()
}

/// Names the value in messages.
impl fmt::Display for RecordValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "integer {value}"),
            Self::Single(value) => write!(f, "number {value}"),
            Self::Double(value) => write!(f, "number {value}"),
            Self::Number(text) => write!(f, "number {}", Quoted(text)),
            Self::Text(text) => write!(f, "string \"{}\"", Quoted(text)),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Uuid(value) => write!(f, "uuid {value}"),
            Self::Timestamp(value) => write!(f, "timestamp {value} ms"),
            Self::Date(value) => write!(f, "date of day {value}"),
            Self::Json(text) => write!(f, "JSON {}", Quoted(text)),
            Self::Structure(kind) => f.write_str(kind),
        }
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chars = self.0.chars();
        for character in chars.by_ref().take(QUOTED_CHARS) {
            write!(f, "{}", character.escape_debug())?;
        }
        f.write_str(if chars.next().is_some() { "…" } else { "" })
    }
}

#[cfg(test)]
mod tests;
