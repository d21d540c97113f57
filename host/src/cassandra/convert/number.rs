//! Numbers into CQL's number types. An integer goes in exactly or not at all; a `float64` goes into a `float` column
//! rounded to the nearest one, since hardly any decimal fraction would fit otherwise, but never to an infinity.

use num_bigint::BigInt;
use scylla::value::{CqlDecimal, CqlVarint};

use super::{Misfit, does_not_fit, native_name};
use crate::cassandra::types::{CqlValue, NativeType};

/// Every integer up to this size has a double of its own: 53 bits of significand.
const EXACT_IN_DOUBLE: u64 = 1 << f64::MANTISSA_DIGITS;
/// Every integer up to this size has a float of its own: 24 bits of significand.
const EXACT_IN_FLOAT: u64 = 1 << f32::MANTISSA_DIGITS;

/// Puts an integer into a numeric column without changing its value; a column that cannot hold it is a misfit.
pub fn from_integer(number: i64, to: &NativeType) -> Result<CqlValue, Misfit> {
    let too_large = || does_not_fit(number, native_name(to));
    match to {
        NativeType::TinyInt => number.try_into().map(CqlValue::TinyInt).map_err(|_| too_large()),
        NativeType::SmallInt => number.try_into().map(CqlValue::SmallInt).map_err(|_| too_large()),
        NativeType::Int => number.try_into().map(CqlValue::Int).map_err(|_| too_large()),
        NativeType::BigInt => Ok(CqlValue::BigInt(number)),
        NativeType::Varint => Ok(CqlValue::Varint(CqlVarint::from(BigInt::from(number)))),
        NativeType::Decimal => Ok(CqlValue::Decimal(CqlDecimal::from_signed_be_bytes_and_exponent(
            BigInt::from(number).to_signed_bytes_be(),
            0,
        ))),
        NativeType::Double if number.unsigned_abs() <= EXACT_IN_DOUBLE => Ok(CqlValue::Double(number as f64)),
        NativeType::Float if number.unsigned_abs() <= EXACT_IN_FLOAT =>
        {
            #[expect(clippy::cast_possible_truncation, reason = "at most 24 bits, checked in the guard")]
            Ok(CqlValue::Float(number as f64 as f32))
        }
        NativeType::Double | NativeType::Float => Err(Misfit(format!(
            "{number} has no exact {} (use bigint, varint or decimal)",
            native_name(to)
        ))),
        to => Err(Misfit(format!("int64 cannot become {}", native_name(to)))),
    }
}

/// Puts a double into a `double`, or rounds it to a `float`. A number too large for a `float`, or a column of any other
/// type, is a misfit.
pub fn from_float(number: f64, to: &NativeType) -> Result<CqlValue, Misfit> {
    match to {
        NativeType::Double => Ok(CqlValue::Double(number)),
        NativeType::Float => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "rounds to nearest; overflow is checked below"
            )]
            let rounded = number as f32;
            if rounded.is_infinite() && number.is_finite() {
                return Err(does_not_fit(format_args!("{number:e}"), "float"));
            }
            Ok(CqlValue::Float(rounded))
        }
        to => Err(Misfit(format!("float64 cannot become {}", native_name(to)))),
    }
}
