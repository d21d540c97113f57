//! The types whose value is a text made of their bytes.

use apache_avro::Duration;
use bigdecimal::BigDecimal;
use num_bigint::BigInt;

use crate::codec::cell::Found;

use super::shape::MAX_SCALE;

/// 1,024 decimal digits are 3,402 bits: showing a number takes time by the square of its length.
const MAX_DECIMAL_BITS: u64 = 3_402;

pub fn show_decimal(number: BigInt, scale: i64) -> Found<'static> {
    if number.bits() > MAX_DECIMAL_BITS {
        return Found::Structure(TOO_LONG);
    }
    Found::Number(BigDecimal::new(number, scale).to_plain_string().into())
}

/// A decimal that carries its own scale.
pub fn show_big_decimal(decimal: &BigDecimal) -> Found<'static> {
    match decimal.as_bigint_and_exponent() {
        (number, scale) if number.bits() > MAX_DECIMAL_BITS || scale.abs() > MAX_SCALE => Found::Structure(TOO_LONG),
        _ => Found::Number(decimal.to_string().into()),
    }
}

const TOO_LONG: &str = "a decimal of over a thousand digits";

/// ISO 8601; Avro counts months, days and milliseconds apart, since none of them is a whole number of another.
pub fn show_duration(duration: Duration) -> String {
    let (months, days) = (u32::from(duration.months()), u32::from(duration.days()));
    let millis = u32::from(duration.millis());
    format!("P{months}M{days}DT{}.{:03}S", millis / 1_000, millis % 1_000)
}
