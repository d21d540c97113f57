//! Tells when two values of a primary key are the same one to the server.

use num_bigint::BigInt;
use scylla::value::CqlDecimal;

use super::show::show;
use super::types::{ColumnType, CqlValue, NativeType};

/// The two parts of a primary key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPart {
    Partition,
    Clustering,
}

/// Tells values of a key column apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// The bytes that are bound.
    AsBound,
    /// The values, as [`text`] has them.
    ByValue,
}

impl Compared {
    /// The comparison for a column of this type in this part of the primary key.
    pub fn of(column_type: &ColumnType<'_>, part: KeyPart) -> Self {
        match column_type {
            // The server compares a clustering column by value, and a partition key by its bytes.
            ColumnType::Native(NativeType::Decimal) if part == KeyPart::Clustering => Self::ByValue,
            ColumnType::Native(_) => Self::AsBound,
            // The server puts the elements of sets and maps in order.
            _ => Self::ByValue,
        }
    }
}

/// The same text for values that are one to the server where it compares by value.
pub fn text(value: CqlValue) -> String {
    show(&shortest(value)).unwrap_or_default()
}

/// A decimal without zeros at its end.
fn shortest(value: CqlValue) -> CqlValue {
    let CqlValue::Decimal(decimal) = &value else {
        return value;
    };
    let (bytes, scale) = decimal.as_signed_be_bytes_slice_and_exponent();
    let digits = BigInt::from_signed_bytes_be(bytes).to_string();
    let kept = digits.trim_end_matches('0');
    let zeros = i32::try_from(digits.len() - kept.len()).unwrap_or(i32::MAX);
    let (kept, scale) = match kept.parse::<BigInt>() {
        Ok(kept) => (kept, scale.saturating_sub(zeros)),
        Err(_) => (BigInt::ZERO, 0),
    };
    CqlValue::Decimal(CqlDecimal::from_signed_be_bytes_and_exponent(
        kept.to_signed_bytes_be(),
        scale,
    ))
}
