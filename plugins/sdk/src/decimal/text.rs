//! Reads decimals from text, and shows them.

use std::fmt;
use std::str::FromStr;

use super::{Decimal, MOST_DIGITS, power};
use crate::parse_error::{Expected, ParseError};

impl Decimal {
    /// Reads digits with or without a sign, a point and an exponent, and without blanks around them: `-12.340`, `.5`,
    /// `5e3`. The digits after the point are kept, zeros too.
    ///
    /// ```
    /// use transform_sdk::Decimal;
    ///
    /// assert_eq!(Decimal::parse("-12.340")?.to_string(), "-12.340");
    /// assert_eq!(Decimal::parse("1.5e3")?.to_string(), "1500");
    /// assert!(Decimal::parse("1,234.5").is_err());
    /// # Ok::<(), transform_sdk::ParseError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        read(text.as_bytes()).ok_or(ParseError(Expected::Decimal))
    }
}

impl FromStr for Decimal {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

fn read(text: &[u8]) -> Option<Decimal> {
    let (number, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], exponent(&text[at + 1..])?),
        None => (text, 0),
    };
    let (is_negative, number) = signed(number);
    let mut sum = 0_i128;
    let (mut digits, mut point) = (0_i64, None);
    for &byte in number {
        match byte {
            b'0'..=b'9' => {
                // Stays below 10^38, so ten times it and nine fit.
                if sum >= power(MOST_DIGITS - 1) {
                    return None;
                }
                sum = sum * 10 + i128::from(byte - b'0');
                digits += 1;
            }
            b'.' if point.is_none() => point = Some(digits),
            _ => return None,
        }
    }
    let scale = digits - point.unwrap_or(digits) - exponent;
    let signed = if is_negative { -sum } else { sum };
    match u32::try_from(scale) {
        _ if digits == 0 => None,
        Ok(scale) => Decimal::from_parts(signed, scale),
        // The exponent asks for zeros before the point.
        Err(_) if sum == 0 => Some(Decimal::default()),
        Err(_) => {
            let zeros = u32::try_from(-scale).ok().filter(|zeros| *zeros <= MOST_DIGITS)?;
            Decimal::from_parts(signed.checked_mul(power(zeros))?, 0)
        }
    }
}

/// Reads a sign and at most five digits; more would be far beyond the digits of a decimal.
fn exponent(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = signed(text);
    if !(1..=5).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let sum = digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some(if is_negative { -sum } else { sum })
}

/// Whether the text has a minus sign, and what follows its sign.
fn signed(text: &[u8]) -> (bool, &[u8]) {
    match text.split_first() {
        Some((sign @ (b'+' | b'-'), rest)) => (*sign == b'-', rest),
        _ => (false, text),
    }
}

/// Writes every digit, and no exponent: `-12.340`.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = (self.unscaled.unsigned_abs(), power(self.scale).unsigned_abs());
        let sign = if self.unscaled < 0 { "-" } else { "" };
        write!(f, "{sign}{}", number / unit)?;
        if self.scale > 0 {
            write!(f, ".{:0width$}", number % unit, width = self.scale as usize)?;
        }
        Ok(())
    }
}
