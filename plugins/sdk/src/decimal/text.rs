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
    let mut sum = Sum {
        whole: 0,
        last: 0,
        unit: 1,
    };
    let (mut digits, mut point) = (0_i64, None);
    for &byte in number {
        match byte {
            b'0'..=b'9' => {
                sum.push(byte - b'0')?;
                digits += 1;
            }
            b'.' if point.is_none() => point = Some(digits),
            _ => return None,
        }
    }
    let sum = sum.total()?;
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

/// The number that the digits make so far. The last ones are gathered in 64 bits, since work on 128 takes many times as
/// long.
struct Sum {
    whole: i128,
    last: u64,
    /// 10 to the power of how many digits `last` has.
    unit: u64,
}

impl Sum {
    /// With 18 digits `last` is added to `whole`. It could hold one more.
    const MOST_UNIT: u64 = 10_u64.pow(18);

    #[inline]
    fn push(&mut self, digit: u8) -> Option<()> {
        if self.unit == Self::MOST_UNIT {
            self.flush()?;
        }
        self.last = self.last * 10 + u64::from(digit);
        self.unit *= 10;
        Some(())
    }

    /// The whole number, or None if it has more than 38 digits.
    fn total(mut self) -> Option<i128> {
        self.flush()?;
        Some(self.whole)
    }

    fn flush(&mut self) -> Option<()> {
        if self.whole > 0 {
            self.whole = self.whole.checked_mul(self.unit.into())?;
        }
        // Far below the largest number where the product was not too large: at most 10^18 is added.
        self.whole = self.whole.checked_add(self.last.into())?;
        (self.last, self.unit) = (0, 1);
        (self.whole < power(MOST_DIGITS)).then_some(())
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

/// The text of a decimal: every digit, and no exponent.
pub struct Shown {
    /// A sign, 39 digits of which one is a zero before the point, and the point.
    bytes: [u8; 41],
    start: usize,
}

impl Decimal {
    /// The number as text, without an allocation.
    pub(crate) fn shown(self) -> Shown {
        const HALF: u128 = 10_u128.pow(19);
        let number = self.unscaled.unsigned_abs();
        let mut low = number;
        let mut high = 0;
        if number >= HALF {
            (high, low) = (number / HALF, number % HALF);
        }
        let mut halves = [low, high].map(|half| u64::try_from(half).unwrap_or_default());
        let mut shown = Shown {
            bytes: [b'0'; 41],
            start: 41,
        };
        for place in 0.. {
            if place > self.scale && halves == [0, 0] {
                break;
            }
            if place == self.scale && place > 0 {
                shown.put(b'.');
            }
            let half = &mut halves[usize::from(place >= 19)];
            shown.put(b'0' + u8::try_from(*half % 10).unwrap_or_default());
            *half /= 10;
        }
        if self.unscaled < 0 {
            shown.put(b'-');
        }
        shown
    }
}

impl Shown {
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Puts a character before the others.
    fn put(&mut self, byte: u8) {
        self.start -= 1;
        self.bytes[self.start] = byte;
    }
}

/// Writes every digit, and no exponent: `-12.340`.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(self.shown().as_bytes()).unwrap_or_default())
    }
}
