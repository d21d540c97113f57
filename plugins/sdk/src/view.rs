//! Reads columns row by row without copying, and says which Rust type reads which column type.

use std::borrow::Cow;
use std::convert::Infallible;

use crate::abi::{Column, DataType, Values, Variable};
use crate::decimal::Decimal;
use crate::outcome::Reject;
use crate::parse_error::ParseError;
use crate::value::{Date, Json, Timestamp, Uuid};

/// A type that a field of an input may have: a [`Scalar`], or an `Option` of one where the column may hold nulls.
#[diagnostic::on_unimplemented(
    message = "a field of an input cannot be `{Self}`",
    label = "not a type that a column is read as",
    note = "supported: &str, &[u8], i32, i64, f64, bool, Uuid, Timestamp, Date, Decimal, Json, and Option of each",
    note = "for a list, a map or a nested struct take Json and parse its text; for a type of another crate take the one \
            of transform_sdk and convert the value"
)]
pub trait InputField<'b>: Sized {
    /// The type of the column.
    const DATA_TYPE: DataType;
    /// Whether the column may hold nulls.
    const NULLABLE: bool;
    /// The column, checked and borrowed.
    type View: Copy;
    /// A value of the column that this type cannot hold; [`Infallible`] if it holds them all.
    type Misfit: Misfit;
    /// Checks the column once for all rows. None means it has another type, or is a text that is not UTF-8.
    fn view(column: &'b Column) -> Option<Self::View>;
    /// Reads one row, counted from 0.
    ///
    /// # Panics
    /// If the column has no such row.
    fn at(view: Self::View, row: usize) -> Result<Self, Self::Misfit>;
}

/// The type of a value that is not null. The compiler may name this trait where the other one is meant, hence the same
/// diagnostic.
#[diagnostic::on_unimplemented(
    message = "a field of an input cannot be `{Self}`",
    label = "not a type that a column is read as",
    note = "supported: &str, &[u8], i32, i64, f64, bool, Uuid, Timestamp, Date, Decimal, Json, and Option of each",
    note = "for a list, a map or a nested struct take Json and parse its text; for a type of another crate take the one \
            of transform_sdk and convert the value"
)]
pub trait Scalar<'b>: Sized {
    /// The type of the column.
    const DATA_TYPE: DataType;
    /// The values, checked and borrowed.
    type View: Copy;
    /// A value that this type cannot hold; [`Infallible`] if it holds them all.
    type Misfit: Misfit;
    /// Checks the values once for all rows. None means they have another type, or are texts that are not UTF-8.
    fn view(values: &'b Values) -> Option<Self::View>;
    /// Reads one row, counted from 0.
    ///
    /// # Panics
    /// If there is no such row.
    fn at(view: Self::View, row: usize) -> Result<Self, Self::Misfit>;
}

/// A value of a column that the field's type cannot hold. The record is refused before the plugin's function is called.
pub trait Misfit {
    /// The refusal. `column` is the name of the field's column.
    fn reject(self, column: &str) -> Reject;
}

impl Misfit for Infallible {
    fn reject(self, _: &str) -> Reject {
        match self {}
    }
}

/// A text that is not a value of the field's type.
pub struct BadText<'b> {
    text: &'b str,
    error: ParseError,
}

impl Misfit for BadText<'_> {
    fn reject(self, column: &str) -> Reject {
        self.error.reject(column, self.text)
    }
}

/// A column of texts.
#[derive(Clone, Copy)]
pub struct TextView<'b> {
    offsets: &'b [i32],
    text: &'b str,
}

/// A column of bytes.
#[derive(Clone, Copy)]
pub struct BlobView<'b> {
    offsets: &'b [i32],
    bytes: &'b [u8],
}

/// A column that may hold nulls: its values, and one validity bit a row. Without validity no row is null.
#[derive(Clone, Copy)]
pub struct NullableView<'b, V> {
    validity: Option<&'b [u8]>,
    values: V,
}

#[diagnostic::do_not_recommend]
impl<'b, T: Scalar<'b>> InputField<'b> for T {
    const DATA_TYPE: DataType = T::DATA_TYPE;
    const NULLABLE: bool = false;
    type View = T::View;
    type Misfit = T::Misfit;

    fn view(column: &'b Column) -> Option<Self::View> {
        T::view(&column.values)
    }

    #[inline]
    fn at(view: Self::View, row: usize) -> Result<Self, T::Misfit> {
        <T as Scalar>::at(view, row)
    }
}

#[diagnostic::do_not_recommend]
impl<'b, T: Scalar<'b>> InputField<'b> for Option<T> {
    const DATA_TYPE: DataType = T::DATA_TYPE;
    const NULLABLE: bool = true;
    type View = NullableView<'b, T::View>;
    type Misfit = T::Misfit;

    fn view(column: &'b Column) -> Option<Self::View> {
        Some(NullableView {
            validity: column.validity.as_deref(),
            values: T::view(&column.values)?,
        })
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a call costs a guest more than its body: stack and epoch are checked in each"
    )]
    fn at(view: Self::View, row: usize) -> Result<Self, T::Misfit> {
        let is_valid = view.validity.is_none_or(|bits| bit(bits, row));
        is_valid.then(|| <T as Scalar>::at(view.values, row)).transpose()
    }
}

/// Reads the first `rows` values of a column, such as an output that a test looks at. None if the column has another
/// type, or a value that this one cannot hold.
///
/// ```
/// use transform_sdk::builder::column;
/// use transform_sdk::view::values;
///
/// let celsius = column([Some(21.5), None]);
/// assert_eq!(values::<Option<f64>>(&celsius, 2), Some(vec![Some(21.5), None]));
/// assert_eq!(values::<i64>(&celsius, 2), None);
/// ```
///
/// # Panics
/// If the column has fewer rows.
pub fn values<'b, T: InputField<'b>>(column: &'b Column, rows: usize) -> Option<Vec<T>> {
    let view = T::view(column)?;
    (0..rows).map(|row| T::at(view, row).ok()).collect()
}

impl<'b> TextView<'b> {
    /// Checks the whole column for UTF-8 at once, so that reading a row is only a slice.
    fn open(column: &'b Variable) -> Option<Self> {
        let text = simdutf8::basic::from_utf8(&column.data).ok()?;
        Some(Self {
            offsets: &column.offsets,
            text,
        })
    }

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a call costs a guest more than its body: stack and epoch are checked in each"
    )]
    fn at(self, row: usize) -> &'b str {
        let (start, end) = bounds(self.offsets, row);
        &self.text[start..end]
    }
}

impl<'b> Scalar<'b> for &'b str {
    const DATA_TYPE: DataType = DataType::Text;
    type View = TextView<'b>;
    type Misfit = Infallible;

    fn view(values: &'b Values) -> Option<TextView<'b>> {
        if let Values::Text(column) = values {
            TextView::open(column)
        } else {
            None
        }
    }

    #[inline]
    fn at(view: TextView<'b>, row: usize) -> Result<Self, Infallible> {
        Ok(view.at(row))
    }
}

impl<'b> Scalar<'b> for Json<'b> {
    const DATA_TYPE: DataType = DataType::Json;
    type View = TextView<'b>;
    type Misfit = Infallible;

    fn view(values: &'b Values) -> Option<TextView<'b>> {
        if let Values::Json(column) = values {
            TextView::open(column)
        } else {
            None
        }
    }

    #[inline]
    fn at(view: TextView<'b>, row: usize) -> Result<Self, Infallible> {
        Ok(Json(Cow::Borrowed(view.at(row))))
    }
}

impl<'b> Scalar<'b> for Decimal {
    const DATA_TYPE: DataType = DataType::Text;
    type View = TextView<'b>;
    type Misfit = BadText<'b>;

    fn view(values: &'b Values) -> Option<TextView<'b>> {
        <&str as Scalar>::view(values)
    }

    fn at(view: TextView<'b>, row: usize) -> Result<Self, BadText<'b>> {
        let text = view.at(row);
        Self::parse(text).map_err(|error| BadText { text, error })
    }
}

impl<'b> Scalar<'b> for &'b [u8] {
    const DATA_TYPE: DataType = DataType::Blob;
    type View = BlobView<'b>;
    type Misfit = Infallible;

    fn view(values: &'b Values) -> Option<BlobView<'b>> {
        let Values::Blob(column) = values else { return None };
        Some(BlobView {
            offsets: &column.offsets,
            bytes: &column.data,
        })
    }

    #[inline]
    fn at(view: BlobView<'b>, row: usize) -> Result<Self, Infallible> {
        let (start, end) = bounds(view.offsets, row);
        Ok(&view.bytes[start..end])
    }
}

impl<'b> Scalar<'b> for bool {
    const DATA_TYPE: DataType = DataType::Boolean;
    type View = &'b [u8];
    type Misfit = Infallible;

    fn view(values: &'b Values) -> Option<&'b [u8]> {
        if let Values::Boolean(bits) = values {
            Some(bits)
        } else {
            None
        }
    }

    #[inline]
    fn at(view: &'b [u8], row: usize) -> Result<Self, Infallible> {
        Ok(bit(view, row))
    }
}

impl<'b> Scalar<'b> for Uuid {
    const DATA_TYPE: DataType = DataType::Uuid;
    type View = &'b [u8];
    type Misfit = Infallible;

    fn view(values: &'b Values) -> Option<Self::View> {
        if let Values::Uuid(bytes) = values {
            Some(bytes)
        } else {
            None
        }
    }

    #[inline]
    fn at(view: Self::View, row: usize) -> Result<Self, Infallible> {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&view[16 * row..16 * (row + 1)]);
        Ok(Self(bytes))
    }
}

/// Implements [`Scalar`] for columns of one number a row.
macro_rules! numbers {
    ($($type:ty, $case:ident, $number:ty, $wrap:expr;)*) => {$(
        impl<'b> Scalar<'b> for $type {
            const DATA_TYPE: DataType = DataType::$case;
            type View = &'b [$number];
            type Misfit = Infallible;

            fn view(values: &'b Values) -> Option<Self::View> {
                if let Values::$case(numbers) = values { Some(numbers) } else { None }
            }

            #[inline]
            fn at(view: Self::View, row: usize) -> Result<Self, Infallible> {
                Ok($wrap(view[row]))
            }
        }
    )*};
}

numbers! {
    i32, Int32, i32, std::convert::identity;
    i64, Int64, i64, std::convert::identity;
    f64, Float64, f64, std::convert::identity;
    Timestamp, Timestamp, i64, Timestamp;
    Date, Date, i32, Date;
}

/// Where the row begins and ends. The host gives offsets that rise from 0; a negative or falling one causes a panic
/// when the data is sliced.
#[inline]
fn bounds(offsets: &[i32], row: usize) -> (usize, usize) {
    #[expect(clippy::cast_sign_loss, reason = "a negative offset is behind the end of any text")]
    let place = |offset: i32| offset as u32 as usize;
    // The later offset comes first: if it exists, so does the other.
    let end = place(offsets[row + 1]);
    (place(offsets[row]), end)
}

#[inline]
fn bit(bits: &[u8], row: usize) -> bool {
    bits[row / 8] >> (row % 8) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(offsets: &[i32], row: usize) -> String {
        let column = Variable {
            offsets: offsets.to_vec(),
            data: b"abc".to_vec(),
        };
        TextView::open(&column).unwrap().at(row).to_owned()
    }

    #[test]
    fn a_text_is_between_its_offset_and_the_next() {
        assert_eq!(text(&[0, 1, 1, 3], 0), "a");
        assert_eq!(text(&[0, 1, 1, 3], 1), "");
        assert_eq!(text(&[0, 1, 1, 3], 2), "bc");
    }

    #[test]
    #[should_panic(expected = "out of bounds")]
    fn a_negative_offset_is_no_place() {
        text(&[0, -1], 0);
    }

    #[test]
    #[should_panic(expected = "begin")]
    fn offsets_do_not_fall() {
        text(&[0, 2, 1], 1);
    }
}
