//! Text into CQL's types: as it is, or parsed where a type has one unmistakable way to be written.
//!
//! Surrounding blanks are not trimmed and dates in other orders are not guessed: cleaning is the plugin's work.

use std::net::IpAddr;
use std::str::FromStr;

use bigdecimal::BigDecimal;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use num_bigint::BigInt;
use scylla::value::{CqlDecimal, CqlTime, CqlTimestamp, CqlVarint};
use uuid::Uuid;

use super::{Misfit, from_uuid, is_not, native_name, quoted};
use crate::cassandra::types::{CqlValue, NativeType};

/// Digits of a number given as text. Reading digits takes time that grows with their square: with this many it is
/// microseconds, with a record of a million of them it would be minutes; no measured quantity has more.
const MAX_NUMBER_CHARS: usize = 1000;

/// Reads a text in the one form that values of this type have as text. Blanks around it are not trimmed.
pub fn parse(words: &str, to: &NativeType) -> Result<CqlValue, Misfit> {
    match to {
        NativeType::Text => Ok(CqlValue::Text(words.to_owned())),
        NativeType::Ascii => match words.chars().find(|letter| !letter.is_ascii()) {
            None => Ok(CqlValue::Ascii(words.to_owned())),
            Some(letter) => Err(Misfit(format!(
                "{} holds {letter:?}, which is not ASCII",
                quoted(words)
            ))),
        },
        NativeType::Uuid | NativeType::Timeuuid => from_uuid(parse_uuid(words)?, to),
        NativeType::Inet => IpAddr::from_str(words)
            .map(CqlValue::Inet)
            .map_err(|_| is_not(words, "an IP address")),
        NativeType::Varint => parse_varint(words).map(CqlValue::Varint),
        NativeType::Decimal => parse_decimal(words).map(CqlValue::Decimal),
        NativeType::Date => parse_date(words),
        NativeType::Time => parse_time(words),
        NativeType::Timestamp => parse_timestamp(words),
        to => Err(Misfit(format!("text cannot become {}", native_name(to)))),
    }
}

/// The dashed form, or 32 hexadecimal digits.
fn parse_uuid(words: &str) -> Result<Uuid, Misfit> {
    // The library also takes braces and `urn:uuid:`; their lengths tell them apart.
    match words.len() {
        32 | 36 => Uuid::try_parse(words).map_err(|_| is_not(words, "a uuid")),
        _ => Err(is_not(words, "a uuid")),
    }
}

/// Reads an integer of any size up to `MAX_NUMBER_CHARS` characters, sign included.
pub fn parse_varint(words: &str) -> Result<CqlVarint, Misfit> {
    let digits = words.strip_prefix(['+', '-']).unwrap_or(words);
    if words.len() > MAX_NUMBER_CHARS || digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(is_not(words, "an integer of at most 1000 digits"));
    }
    BigInt::from_str(words)
        .map(CqlVarint::from)
        .map_err(|_| is_not(words, "an integer"))
}

/// Reads a decimal of up to `MAX_NUMBER_CHARS` characters, with or without an exponent.
pub fn parse_decimal(words: &str) -> Result<CqlDecimal, Misfit> {
    let misfit = || is_not(words, "a decimal number of at most 1000 digits");
    // The library would take underscores between digits too.
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    if words.len() > MAX_NUMBER_CHARS || !words.bytes().all(plain) || !words.bytes().any(|byte| byte.is_ascii_digit()) {
        return Err(misfit());
    }
    let number = BigDecimal::from_str(words).map_err(|_| misfit())?;
    CqlDecimal::try_from(number).map_err(|_| is_not(words, "a decimal number with an exponent of 32 bits"))
}

/// `2017-10-02`.
fn parse_date(words: &str) -> Result<CqlValue, Misfit> {
    let date = (words.len() == 10)
        .then(|| NaiveDate::parse_from_str(words, "%Y-%m-%d").ok())
        .flatten()
        .ok_or_else(|| is_not(words, "a date like 2017-10-02"))?;
    Ok(CqlValue::Date(date.into()))
}

/// `10:56:33`, with up to nine digits of fraction.
fn parse_time(words: &str) -> Result<CqlValue, Misfit> {
    let misfit = || is_not(words, "a time like 10:56:33 or 10:56:33.123456789");
    if !is_clock_time(words) {
        return Err(misfit());
    }
    let time = NaiveTime::parse_from_str(words, "%H:%M:%S%.f").map_err(|_| misfit())?;
    // A leap second shows as nanoseconds above a second; CQL's day has none.
    if time.nanosecond() >= 1_000_000_000 {
        return Err(misfit());
    }
    let nanoseconds = i64::from(time.num_seconds_from_midnight()) * 1_000_000_000 + i64::from(time.nanosecond());
    Ok(CqlValue::Time(CqlTime(nanoseconds)))
}

/// ISO 8601: `2017-10-02T10:56:33`, with a fraction of at most milliseconds and an offset; without one it is UTC.
fn parse_timestamp(words: &str) -> Result<CqlValue, Misfit> {
    let misfit = || is_not(words, "an ISO 8601 time like 2017-10-02T10:56:33Z");
    if words.as_bytes().get(10) != Some(&b'T') || !words.is_ascii() {
        return Err(misfit());
    }
    let (naive, zoned) = (NaiveDateTime::from_str(words), DateTime::parse_from_rfc3339(words));
    let utc = match (zoned, naive) {
        (Ok(zoned), _) => zoned.to_utc(),
        (_, Ok(naive)) if is_clock_time(&words[11..]) => naive.and_utc(),
        _ => return Err(misfit()),
    };
    if utc.nanosecond() >= 1_000_000_000 {
        return Err(misfit());
    }
    if utc.nanosecond() % 1_000_000 != 0 {
        return Err(Misfit(format!(
            "{} is finer than the millisecond that a timestamp keeps",
            quoted(words)
        )));
    }
    Ok(CqlValue::Timestamp(CqlTimestamp(utc.timestamp_millis())))
}

/// Two digits each for hour, minute and second, then nothing or a fraction of one to nine digits.
fn is_clock_time(words: &str) -> bool {
    let Some((clock, fraction)) = words.split_at_checked(8) else {
        return false;
    };
    let pattern = b"00:00:00";
    let fits = |(have, want): (u8, &u8)| {
        if *want == b':' {
            have == b':'
        } else {
            have.is_ascii_digit()
        }
    };
    let has_digits = |digits: &str| (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    clock.bytes().zip(pattern).all(fits) && (fraction.is_empty() || fraction.strip_prefix('.').is_some_and(has_digits))
}
