//! Columns built by appending: which Rust type becomes which column type. Nothing is allocated for a single row.

use std::borrow::Cow;

use crate::abi::{Column, DataType, Values, Variable};
use crate::value::{Date, Json, Timestamp, Uuid};

/// A type that a field of a row may have: a [`Cell`], or an `Option` of one.
#[diagnostic::on_unimplemented(
    message = "a field of a row cannot be `{Self}`",
    label = "not a type that a column is made of",
    note = "supported: &str, String, Cow<str>, &[u8], Vec<u8>, i32, i64, f64, bool, Uuid, Timestamp, Date, Json, and \
            Option of each"
)]
pub trait OutputField: Sized {
    const DATA_TYPE: DataType;
    const NULLABLE: bool;
    type Builder;
    fn builder(rows: usize) -> Self::Builder;
    fn append(self, builder: &mut Self::Builder);
    fn finish(builder: Self::Builder) -> Column;
}

/// A value that is there. The compiler may name this trait where [`OutputField`] is meant, hence the same words.
#[diagnostic::on_unimplemented(
    message = "a field of a row cannot be `{Self}`",
    label = "not a type that a column is made of",
    note = "supported: &str, String, Cow<str>, &[u8], Vec<u8>, i32, i64, f64, bool, Uuid, Timestamp, Date, Json, and \
            Option of each"
)]
pub trait Cell: Sized {
    const DATA_TYPE: DataType;
    type Builder: Places;
    fn append(self, builder: &mut Self::Builder);
    fn finish(builder: Self::Builder) -> Values;
}

/// Where values are appended; a null takes its place too.
pub trait Places {
    fn with_capacity(rows: usize) -> Self;
    fn append_null(&mut self);
}

/// Texts or bytes, one after the other.
pub struct Strings(Variable);

/// Room for texts or bytes that is made from the start, since growing means copying: what a status or a name needs, in
/// each of as many rows as a batch usually has.
const BYTES_PER_ROW: usize = 16;
const MOST_ROWS: usize = 4_096;

/// One bit a row, least significant first.
#[derive(Default)]
pub struct Bits {
    bytes: Vec<u8>,
    rows: usize,
}

pub struct Nullable<B> {
    validity: Bits,
    has_null: bool,
    values: B,
}

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

impl Strings {
    /// Panics at 2 GiB of one column, far above the memory that the host lets a plugin have.
    #[inline]
    fn push(&mut self, bytes: &[u8]) {
        append(&mut self.0.data, bytes);
        let end = i32::try_from(self.0.data.len()).expect("a column holds less than 2 GiB");
        self.0.offsets.push(end);
    }
}

/// Appends short texts, as most are, without a copy of any length, which is a call out of the guest.
#[inline]
fn append(data: &mut Vec<u8>, bytes: &[u8]) {
    if !append_twice::<8>(data, bytes) && !append_twice::<4>(data, bytes) {
        data.extend_from_slice(bytes);
    }
}

/// Appends N to 2 N bytes as their first N and their last N, which may overlap; false where there are more or less.
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

/// Rust type, column type, builder, how one value is appended, how the builder becomes the column.
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

    fn column<T: OutputField>(values: impl IntoIterator<Item = T>) -> Column {
        // More rows come than were said to, as from a plugin that makes several of one.
        let mut builder = T::builder(2);
        values.into_iter().for_each(|value| value.append(&mut builder));
        T::finish(builder)
    }

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
