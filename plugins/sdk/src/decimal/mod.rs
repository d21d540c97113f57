//! Exact decimal numbers, such as amounts of money.

mod text;

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::Neg;

/// Digits that a decimal holds at most, before and after the point together: as many as Arrow, Parquet and Iceberg keep
/// in 16 bytes.
pub const MOST_DIGITS: u32 = 38;

/// An exact decimal number of at most 38 digits: `unscaled / 10^scale`, where the scale is the number of digits after
/// the point, 0 to 38.
///
/// Addition, subtraction and multiplication are exact, or None where the result has too many digits. Numbers are compared by
/// value: `1.5` equals `1.50`, though each is shown with its own digits.
///
/// ```
/// use transform_sdk::Decimal;
///
/// let price: Decimal = "19.99".parse()?;
/// let total = price.checked_mul(3.into()).and_then(|sum| sum.checked_add("0.5".parse().ok()?));
/// assert_eq!(total.map(|total| total.to_string()), Some("60.47".to_owned()));
/// # Ok::<(), transform_sdk::ParseError>(())
/// ```
///
/// No column type is a decimal's own: it travels as text, which a store's `decimal` column takes. In an input a
/// `Decimal` reads a text column, which holds a number of the record as it was written. A text that is not a decimal rejects
/// the record with the code `bad-decimal` before the plugin's function is called.
#[derive(Debug, Clone, Copy, Default)]
pub struct Decimal {
    unscaled: i128,
    scale: u32,
}

impl Decimal {
    /// The number `unscaled / 10^scale`, or None if it has more than 38 digits, or more than 38 of them after the point.
    ///
    /// ```
    /// use transform_sdk::Decimal;
    ///
    /// assert_eq!(Decimal::from_parts(1999, 2), "19.99".parse().ok());
    /// assert_eq!(Decimal::from_parts(1, 39), None);
    /// ```
    pub fn from_parts(unscaled: i128, scale: u32) -> Option<Self> {
        let fits = scale <= MOST_DIGITS && unscaled.unsigned_abs() < power(MOST_DIGITS).unsigned_abs();
        fits.then_some(Self { unscaled, scale })
    }

    /// The number without its point: 1999 of `19.99`.
    pub fn unscaled(self) -> i128 {
        self.unscaled
    }

    /// The number of digits after the point: 2 of `19.99`.
    pub fn scale(self) -> u32 {
        self.scale
    }

    /// The sum. All three numbers get as many digits after the point as the longer of the two has; the result is None if
    /// one of them then has more than 38 digits.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        Self::from_parts(self.at_scale(scale)?.checked_add(other.at_scale(scale)?)?, scale)
    }

    /// The difference, with digits and None as in [`checked_add`](Self::checked_add).
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(-other)
    }

    /// The product, with the digits after the point of both. None if it has more than 38 digits;
    /// [`round`](Self::round) the factors to keep fewer.
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        Self::from_parts(self.unscaled.checked_mul(other.unscaled)?, self.scale + other.scale)
    }

    /// The number with at most `scale` digits after the point. A half is rounded away from zero, as in SQL.
    ///
    /// ```
    /// use transform_sdk::Decimal;
    ///
    /// let tax: Decimal = "-3.7885".parse()?;
    /// assert_eq!(tax.round(3).to_string(), "-3.789");
    /// assert_eq!(tax.round(9), tax);
    /// # Ok::<(), transform_sdk::ParseError>(())
    /// ```
    #[must_use]
    pub fn round(self, scale: u32) -> Self {
        let Some(lost) = self.scale.checked_sub(scale) else {
            return self;
        };
        let unit = power(lost);
        // Half a unit has the number's sign. Adding it cannot overflow: the sum is below 1.5 * 10^38, and an i128 holds 1.7.
        let unscaled = quotient(self.unscaled + self.unscaled.signum() * (unit / 2), unit);
        Self { unscaled, scale }
    }

    /// The nearest float.
    #[expect(
        clippy::cast_precision_loss,
        reason = "only a number that a float holds exactly is cast"
    )]
    pub fn to_f64(self) -> f64 {
        /// Floats hold integers up to here exactly, and powers of ten up to the next constant.
        const EXACT: u128 = 1 << 53;
        const EXACT_POWER: u32 = 22;
        if self.unscaled.unsigned_abs() <= EXACT && self.scale <= EXACT_POWER {
            // Both numbers are exact, so the division alone rounds, once.
            return self.unscaled as f64 / power(self.scale) as f64;
        }
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The number without its point if it had `scale` digits after it, which are not fewer than it has. None if these
    /// are more than 38 digits.
    fn at_scale(self, scale: u32) -> Option<i128> {
        if scale == self.scale {
            return Some(self.unscaled);
        }
        let unscaled = self.unscaled.checked_mul(power(scale - self.scale))?;
        Some(Self::from_parts(unscaled, scale)?.unscaled)
    }

    /// The same number with the fewest digits after the point.
    fn shortest(self) -> Self {
        let mut short = self;
        while short.scale > 0 && short.unscaled % 10 == 0 {
            short.unscaled /= 10;
            short.scale -= 1;
        }
        short
    }
}

/// 10 to this power, which is at most 38.
#[inline]
fn power(exponent: u32) -> i128 {
    const POWERS: [i128; MOST_DIGITS as usize + 1] = {
        let mut powers = [1; MOST_DIGITS as usize + 1];
        let mut exponent = 1;
        while exponent < powers.len() {
            powers[exponent] = powers[exponent - 1] * 10;
            exponent += 1;
        }
        powers
    };
    POWERS[exponent as usize]
}

/// The quotient, rounded toward zero. Numbers of 64 bits, as most are, take a fraction of the time.
fn quotient(number: i128, unit: i128) -> i128 {
    match (i64::try_from(number), i64::try_from(unit)) {
        (Ok(number), Ok(unit)) => (number / unit).into(),
        _ => number / unit,
    }
}

impl From<i32> for Decimal {
    fn from(number: i32) -> Self {
        i64::from(number).into()
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self {
            unscaled: number.into(),
            scale: 0,
        }
    }
}

impl Neg for Decimal {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            unscaled: -self.unscaled,
            ..self
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        match (self.at_scale(scale), other.at_scale(scale)) {
            (Some(one), Some(two)) => one.cmp(&two),
            // One with too many digits at this scale is farther from zero than any that has the scale already.
            (None, _) => self.unscaled.cmp(&0),
            (_, None) => 0.cmp(&other.unscaled),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Decimal {}

/// Equal numbers have one hash, whatever their digits.
impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let short = self.shortest();
        (short.unscaled, short.scale).hash(state);
    }
}

#[cfg(test)]
mod tests;
