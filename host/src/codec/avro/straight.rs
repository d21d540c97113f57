//! A record straight from its bytes to a row of cells: a list of steps, one a field in the order of the schema, each
//! taking the field into the inputs that want it, or skipping it. Nothing is copied.
//!
//! It reads what apache-avro reads and nothing more: what is skipped is checked as if it were taken. Where a record is not
//! as it should be, holds what is not read here, or does not fit, the answer is `None`: `tree` reads it again, and knows
//! the words for what is wrong.

use num_bigint::BigInt;
use uuid::Uuid;

use crate::codec::cell::{Cell, Found, fit};
use crate::codec::spare::Spare;
use crate::record::columns::DataType;
use crate::record::descriptor::Input;

use super::cursor::{ArrayItem, Cursor, MapItem};
use super::shape::{DURATION_BYTES, Shape, UUID_BYTES, UuidForm};
use super::show::{show_decimal, show_duration};

/// What becomes of each field.
pub struct Straight(Vec<Step>);

enum Step {
    Skip(Shape),
    Take {
        shape: Shape,
        takers: Vec<Taker>,
    },
    /// A string that one input wants as text: what most fields of most records are.
    Text(Taker),
    /// A union of null and a string, likewise.
    TextOrNull {
        null: Null,
        taker: Taker,
    },
}

/// An input.
struct Taker {
    index: usize,
    wanted: DataType,
    nullable: bool,
}

/// The branch of null in a union of two.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Null {
    First,
    Second,
}

impl Straight {
    /// `takes` has for each input the field that it takes, if it takes one.
    pub fn new(shapes: &[Shape], inputs: &[Input], takes: &[Option<usize>]) -> Self {
        let step = |(field, shape): (usize, &Shape)| {
            let each = inputs.iter().zip(takes).enumerate();
            let wanting = |(index, (input, taken)): (usize, (&Input, &Option<usize>))| {
                (*taken == Some(field)).then_some(Taker {
                    index,
                    wanted: input.field.data_type,
                    nullable: input.field.nullable,
                })
            };
            Step::new(shape, each.filter_map(wanting).collect())
        };
        Self(shapes.iter().enumerate().map(step).collect())
    }

    /// Reads one record, which must be all of the bytes, into the cells of the inputs that take its fields.
    pub fn read<'a>(&'a self, datum: &'a [u8], row: &mut [Cell<'a>], spare: &mut Spare) -> Option<()> {
        let mut cursor = Cursor::new(datum);
        for step in &self.0 {
            match step {
                Step::TextOrNull { null, taker } => {
                    let branch = match cursor.long()? {
                        0 => Null::First,
                        1 => Null::Second,
                        _ => return None,
                    };
                    let cell = row.get_mut(taker.index)?;
                    if branch != *null {
                        *cell = Cell::Text(cursor.text()?.into());
                    } else if taker.nullable {
                        *cell = Cell::Null;
                    } else {
                        return None;
                    }
                }
                Step::Text(taker) => *row.get_mut(taker.index)? = Cell::Text(cursor.text()?.into()),
                Step::Skip(shape) => skip(&mut cursor, shape)?,
                Step::Take { shape, takers } => {
                    let found = take(&mut cursor, shape)?;
                    for taker in takers {
                        *row.get_mut(taker.index)? = taker.cell(found.clone(), spare)?;
                    }
                }
            }
        }
        cursor.is_at_end().then_some(())
    }
}

impl Step {
    fn new(shape: &Shape, mut takers: Vec<Taker>) -> Self {
        let wants_text = matches!(
            takers.as_slice(),
            [Taker {
                wanted: DataType::Text,
                ..
            }]
        );
        let branches = match shape {
            Shape::Union(branches) => branches.as_slice(),
            _ => &[],
        };
        let null = match branches {
            [Shape::Null, Shape::String] => Some(Null::First),
            [Shape::String, Shape::Null] => Some(Null::Second),
            _ => None,
        };
        let taker = takers.pop_if(|_| wants_text && (null.is_some() || *shape == Shape::String));
        match (taker, null) {
            (Some(taker), Some(null)) => Self::TextOrNull { null, taker },
            (Some(taker), None) => Self::Text(taker),
            (None, _) if takers.is_empty() => Self::Skip(shape.clone()),
            (None, _) => Self::Take {
                shape: shape.clone(),
                takers,
            },
        }
    }
}

impl Taker {
    fn cell<'a>(&self, found: Found<'a>, spare: &mut Spare) -> Option<Cell<'a>> {
        let cell = fit(found, self.wanted, spare).ok()?;
        (self.nullable || !matches!(cell, Cell::Null)).then_some(cell)
    }
}

fn take<'a>(cursor: &mut Cursor<'a>, shape: &'a Shape) -> Option<Found<'a>> {
    Some(match shape {
        Shape::Union(branches) => {
            let branch = cursor.place()?;
            return take(cursor, branches.get(branch)?);
        }
        Shape::String => Found::Text(cursor.text()?.into()),
        Shape::Null => Found::Null,
        Shape::Boolean => Found::Boolean(cursor.boolean()?),
        Shape::Int => Found::Integer(cursor.int()?.into()),
        Shape::Long => Found::Integer(cursor.long()?),
        Shape::Float => Found::Single(f32::from_le_bytes(cursor.array()?)),
        Shape::Double => Found::Double(f64::from_le_bytes(cursor.array()?)),
        Shape::Bytes => Found::Bytes(cursor.bytes()?),
        Shape::Fixed { bytes } => Found::Bytes(cursor.take(*bytes)?),
        Shape::Enum(symbols) => {
            let place = usize::try_from(cursor.int()?).ok()?;
            Found::Text(symbols.get(place)?.into())
        }
        Shape::Decimal { scale, bytes } => show_decimal(BigInt::from_signed_bytes_be(digits(cursor, *bytes)?), *scale),
        Shape::Uuid(form) => Found::Uuid(uuid(cursor, *form)?),
        Shape::Date => Found::Date(cursor.int()?),
        // Rounded down, so that times before 1970 keep their order.
        Shape::Timestamp { units_a_millisecond } => Found::Timestamp(cursor.long()?.div_euclid(*units_a_millisecond)),
        Shape::Duration => Found::Text(show_duration(cursor.array::<DURATION_BYTES>()?.into()).into()),
        // No single value, so it fits no input but one that wants JSON; or not read here.
        Shape::Array(_) | Shape::Map(_) | Shape::Record(_) | Shape::Other => return None,
    })
}

/// As deep as types nest, which `shape` bounds.
fn skip<'a>(cursor: &mut Cursor<'a>, shape: &'a Shape) -> Option<()> {
    match shape {
        Shape::Union(branches) => {
            let branch = cursor.place()?;
            skip(cursor, branches.get(branch)?)
        }
        Shape::Array(items) => cursor.blocks::<ArrayItem>(|cursor| skip(cursor, items)),
        Shape::Map(values) => cursor.blocks::<MapItem>(|cursor| {
            cursor.text()?;
            skip(cursor, values)
        }),
        Shape::Record(fields) => fields.iter().try_for_each(|field| skip(cursor, field)),
        // Taking these would write a text.
        Shape::Decimal { bytes, .. } => digits(cursor, *bytes).map(drop),
        Shape::Duration => cursor.take(DURATION_BYTES).map(drop),
        leaf => take(cursor, leaf).map(drop),
    }
}

/// The digits of a decimal.
fn digits<'a>(cursor: &mut Cursor<'a>, bytes: Option<usize>) -> Option<&'a [u8]> {
    match bytes {
        Some(length) => cursor.take(length),
        None => cursor.bytes(),
    }
}

fn uuid(cursor: &mut Cursor<'_>, form: UuidForm) -> Option<Uuid> {
    match form {
        UuidForm::Text => Uuid::parse_str(cursor.text()?).ok(),
        UuidForm::Bytes => Uuid::from_slice(cursor.bytes()?).ok(),
        UuidForm::Fixed => Some(Uuid::from_bytes(cursor.array::<UUID_BYTES>()?)),
    }
}
