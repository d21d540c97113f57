//! Builds columns by appending, and says which Rust type becomes which column type.
//! No row causes an allocation of its own.

use std::borrow::Cow;

use crate::abi::{Column, DataType, Values, Variable};
use crate::decimal::Decimal;
use crate::value::{Date, Json, Timestamp, Uuid};

/// A type that a field of a row may have: a [`Cell`], or an `Option` of one, which makes the column nullable.
#[diagnostic::on_unimplemented(
    message = "a field of a row cannot be `{Self}`",
    label = "not a type that a column is made of",
    note = "supported: &str, String, Cow<str>, &[u8], Vec<u8>, i32, i64, f64, bool, Uuid, Timestamp, Date, Decimal, Json, \
            and Option of each",
    note = "for a list, a map or a nested struct take Json and write its JSON text; for a type of another crate take the \
            one of transform_sdk and convert the value"
)]
pub trait OutputField: Sized {
    /// The type of the column.
    const DATA_TYPE: DataType;
    /// Whether the column may hold nulls.
    const NULLABLE: bool;
    /// Collects the values of one column.
    type Builder;
    /// Makes an empty builder with room for `rows` values. It grows when more come.
    fn builder(rows: usize) -> Self::Builder;
    /// Appends this value as the column's next row.
    fn append(self, builder: &mut Self::Builder);
    /// Makes the column from everything that was appended.
    fn finish(builder: Self::Builder) -> Column;
}

/// The type of a value that is not null. The compiler may name this trait where the other one is meant, hence the same
/// diagnostic.
#[diagnostic::on_unimplemented(
    message = "a field of a row cannot be `{Self}`",
    label = "not a type that a column is made of",
    note = "supported: &str, String, Cow<str>, &[u8], Vec<u8>, i32, i64, f64, bool, Uuid, Timestamp, Date, Decimal, Json, \
            and Option of each",
    note = "for a list, a map or a nested struct take Json and write its JSON text; for a type of another crate take the \
            one of transform_sdk and convert the value"
)]
pub trait Cell: Sized {
    /// The type of the column.
    const DATA_TYPE: DataType;
    /// Collects the values of one column.
    type Builder: Places;
    /// Appends this value as the column's next row.
    fn append(self, builder: &mut Self::Builder);
    /// Makes the column's values from everything that was appended.
    fn finish(builder: Self::Builder) -> Values;
}

/// A builder of values that can also append a placeholder for a null.
pub trait Places {
    /// Makes an empty builder with room for `rows` values.
    fn with_capacity(rows: usize) -> Self;
    /// Appends the placeholder that a null has among the values: an empty text, zero or false.
    fn append_null(&mut self);
}

/// Builds a column of texts or bytes: the data of all rows one after the other, and the offsets between them.
pub struct Strings(Variable);

/// Bytes that are reserved for each row of a new column of texts, enough for a status or a name. Growing
/// later means copying.
const BYTES_PER_ROW: usize = 16;
/// Rows for which [`BYTES_PER_ROW`] are reserved at most: as many as a batch usually has.
const MOST_ROWS: usize = 4_096;

/// Builds a column of booleans, or a column's validity: one bit a row, least significant first.
#[derive(Default)]
pub struct Bits {
    bytes: Vec<u8>,
    rows: usize,
}

/// Builds a column that may hold nulls: a validity bit for each row beside the builder of the values.
pub struct Nullable<B> {
    validity: Bits,
    has_null: bool,
    values: B,
}

#[diagnostic::do_not_recommend]
impl<T: Cell> OutputField for T {
    const DATA_TYPE: DataType = T::DATA_TYPE;
    const NULLABLE: bool = false;
    type Builder = T::Builder;

    fn builder(rows: usize) -> Self::Builder {
        T::Builder::with_capacity(rows)
    }

    #[inline]
    fn append(self, builder: &mut Self::Builder) {
        <T as Cell>::append(self, builder);
    }

    fn finish(builder: Self::Builder) -> Column {
        Column {
            validity: None,
            values: <T as Cell>::finish(builder),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T: Cell> OutputField for Option<T> {
    const DATA_TYPE: DataType = T::DATA_TYPE;
    const NULLABLE: bool = true;
    type Builder = Nullable<T::Builder>;

    fn builder(rows: usize) -> Self::Builder {
        Nullable {
            validity: Bits::with_capacity(rows),
            has_null: false,
            values: T::Builder::with_capacity(rows),
        }
    }

    #[inline]
    fn append(self, builder: &mut Self::Builder) {
        builder.validity.push(self.is_some());
        if let Some(value) = self {
            value.append(&mut builder.values);
        } else {
            builder.has_null = true;
            builder.values.append_null();
        }
    }

    fn finish(builder: Self::Builder) -> Column {
        let validity = builder.has_null.then_some(builder.validity.bytes);
        Column {
            validity,
            values: T::finish(builder.values),
        }
    }
}

/// Makes a column of these values, such as an input of a batch that a test makes.
///
/// ```
/// use transform_sdk::abi::Batch;
/// use transform_sdk::builder::column;
///
/// let columns = vec![column(["t-1", "t-2"]), column([Some(21.5), None])];
/// let batch = Batch { rows: 2, columns };
/// # assert_eq!(batch.columns[1].validity, Some(vec![0b01]));
/// ```
pub fn column<T: OutputField>(values: impl IntoIterator<Item = T>) -> Column {
    let values = values.into_iter();
    let mut builder = T::builder(values.size_hint().0);
    values.for_each(|value| value.append(&mut builder));
    T::finish(builder)
}

impl Strings {
    /// Panics when one column reaches 2 GiB, far above the memory that the host allows a plugin.
    #[inline]
    fn push(&mut self, bytes: &[u8]) {
        append(&mut self.0.data, bytes);
        let end = i32::try_from(self.0.data.len()).expect("a column holds less than 2 GiB");
        self.0.offsets.push(end);
    }
}

/// Appends the bytes. Most texts are short; they are copied in fixed sizes, because a copy of variable length is a
/// call out of the guest.
#[inline]
fn append(data: &mut Vec<u8>, bytes: &[u8]) {
    if !append_twice::<8>(data, bytes) && !append_twice::<4>(data, bytes) {
        data.extend_from_slice(bytes);
    }
}

/// Appends N to 2 N bytes as their first N and their last N, which may overlap. Returns false, and appends nothing, for
/// any other length.
#[inline]
fn append_twice<const N: usize>(data: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let (Some(first), Some(last)) = (bytes.first_chunk::<N>(), bytes.last_chunk::<N>()) else {
        return false;
    };
    if bytes.len() > 2 * N {
        return false;
    }
    let begin = data.len();
    data.extend_from_slice(first);
    data.truncate(begin + bytes.len() - N);
    data.extend_from_slice(last);
    true
}

impl Places for Strings {
    fn with_capacity(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self(Variable {
            offsets,
            data: Vec::with_capacity(rows.min(MOST_ROWS) * BYTES_PER_ROW),
        })
    }

    #[inline]
    fn append_null(&mut self) {
        self.push(&[]);
    }
}

impl Bits {
    #[inline]
    fn push(&mut self, is_set: bool) {
        let bit = u8::from(is_set) << (self.rows % 8);
        match self.bytes.get_mut(self.rows / 8) {
            Some(last) => *last |= bit,
            None => self.bytes.push(bit),
        }
        self.rows += 1;
    }
}

impl Places for Bits {
    fn with_capacity(rows: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(rows.div_ceil(8)),
            rows: 0,
        }
    }

    #[inline]
    fn append_null(&mut self) {
        self.push(false);
    }
}

impl<T: Default> Places for Vec<T> {
    fn with_capacity(rows: usize) -> Self {
        Vec::with_capacity(rows)
    }

    #[inline]
    fn append_null(&mut self) {
        self.push(T::default());
    }
}

/// Each line: Rust type, column type, builder, how one value is appended, how the builder becomes the values.
macro_rules! cells {
    ($($type:ty, $case:ident, $builder:ty, $append:expr, $finish:expr;)*) => {$(
        impl Cell for $type {
            const DATA_TYPE: DataType = DataType::$case;
            type Builder = $builder;

            #[inline]
            fn append(self, builder: &mut $builder) {
                let append: fn(&mut $builder, Self) = $append;
                append(builder, self);
            }

            fn finish(builder: $builder) -> Values {
                let finish: fn($builder) -> _ = $finish;
                Values::$case(finish(builder))
            }
        }
    )*};
}

cells! {
    &str, Text, Strings, |to, text| to.push(text.as_bytes()), |built| built.0;
    String, Text, Strings, |to, text| to.push(text.as_bytes()), |built| built.0;
    Cow<'_, str>, Text, Strings, |to, text| to.push(text.as_bytes()), |built| built.0;
    Decimal, Text, Strings, |to, number| to.push(number.shown().as_bytes()), |built| built.0;
    &[u8], Blob, Strings, |to, bytes| to.push(bytes), |built| built.0;
    Vec<u8>, Blob, Strings, |to, bytes| to.push(&bytes), |built| built.0;
    Json<'_>, Json, Strings, |to, json| to.push(json.0.as_bytes()), |built| built.0;
    bool, Boolean, Bits, |to, value| to.push(value), |built| built.bytes;
    i32, Int32, Vec<i32>, |to, value| to.push(value), |built| built;
    i64, Int64, Vec<i64>, |to, value| to.push(value), |built| built;
    f64, Float64, Vec<f64>, |to, value| to.push(value), |built| built;
    Uuid, Uuid, Vec<[u8; 16]>, |to, value| to.push(value.0), |built| built.into_flattened();
    Timestamp, Timestamp, Vec<i64>, |to, value| to.push(value.0), |built| built;
    Date, Date, Vec<i32>, |to, value| to.push(value.0), |built| built;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_null_takes_its_place_and_clears_its_bit() {
        let column = column([Some("ab"), None, Some("c")]);
        assert_eq!(column.validity, Some(vec![0b101]));
        let Values::Text(text) = column.values else {
            panic!("{column:?}")
        };
        assert_eq!((text.offsets, text.data), (vec![0, 2, 2, 3], b"abc".to_vec()));
    }

    #[test]
    fn texts_of_any_length_stand_behind_one_another() {
        let texts: Vec<String> = (0..40)
            .map(|length| ('a'..='z').cycle().take(length).collect())
            .collect();
        let Values::Text(text) = column(texts.iter().map(String::as_str)).values else {
            panic!()
        };
        assert_eq!(text.data, texts.concat().as_bytes());
        assert_eq!(text.offsets.len(), texts.len() + 1);
    }

    #[test]
    fn more_rows_than_were_announced_fit_too() {
        let mut builder = <&str>::builder(1);
        for text in ["a", "b", "c"] {
            OutputField::append(text, &mut builder);
        }
        let Values::Text(text) = <&str as OutputField>::finish(builder).values else {
            panic!()
        };
        assert_eq!(text.offsets, [0, 1, 2, 3]);
    }

    #[test]
    fn room_for_texts_is_bounded_however_many_rows_come() {
        assert_eq!(
            Strings::with_capacity(100_000).0.data.capacity(),
            MOST_ROWS * BYTES_PER_ROW
        );
    }

    #[test]
    fn a_column_without_nulls_has_no_validity() {
        assert_eq!(column([Some(1), Some(2)]).validity, None);
    }

    #[test]
    fn the_ninth_bit_opens_the_second_byte() {
        let Values::Boolean(bits) = column((0..9).map(|i| i % 2 == 0)).values else {
            panic!()
        };
        assert_eq!(bits, [0b0101_0101, 1]);
    }
}
