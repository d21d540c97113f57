//! Makes text of decimals and durations.

use bigdecimal::BigDecimal;
use num_bigint::BigInt;

use crate::codec::schema::{DURATION_BYTES, MAX_SCALE};
use crate::codec::value::RecordValue;

/// Bits of the longest decimal that is shown: 1,024 digits are 3,402 bits. The time to show a number grows with the
/// square of its length.
const MAX_DECIMAL_BITS: u64 = 3_402;

/// Makes a decimal of its digits, a big-endian number in two's complement, and its scale.
pub fn show_decimal(digits: &[u8], scale: i64) -> RecordValue<'static> {
    match number(digits) {
        Some(number) if scale <= MAX_SCALE => {
            RecordValue::Number(BigDecimal::new(number, scale).to_plain_string().into())
        }
        _ => RecordValue::Structure(TOO_LONG),
    }
}

/// A decimal that carries its own scale.
pub fn show_big_decimal(digits: &[u8], scale: i64) -> RecordValue<'static> {
    match number(digits) {
        Some(number) if scale.unsigned_abs() <= MAX_SCALE.unsigned_abs() => {
            RecordValue::Number(BigDecimal::new(number, scale).to_string().into())
        }
        _ => RecordValue::Structure(TOO_LONG),
    }
}

/// The number of these digits, or `None` if it is too long to be shown.
fn number(digits: &[u8]) -> Option<BigInt> {
    let number = BigInt::from_signed_bytes_be(digits);
    (number.bits() <= MAX_DECIMAL_BITS).then_some(number)
}

const TOO_LONG: &str = "a decimal of over a thousand digits";

/// Writes a duration in ISO 8601. Avro counts months, days and milliseconds apart, since none of them is a whole
/// multiple of another.
pub fn show_duration(bytes: [u8; DURATION_BYTES]) -> String {
    let mut numbers = bytes.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes));
    let [months, days, millis] = [(); 3].map(|()| numbers.next().unwrap_or_default());
    format!("P{months}M{days}DT{}.{:03}S", millis / 1_000, millis % 1_000)
}
