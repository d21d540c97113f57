//! Reads a record straight from its bytes to a row of cells. There is one step for each field, in the order of the
//! schema. It takes the field into the inputs that want it, or skips it. Only JSON is copied.
//!
//! For a record that is damaged or does not fit, the answer is `None`. The plan then reads the record again to say what
//! is wrong.

use super::cursor::Cursor;
use super::value::{skip, wanted};
use crate::codec::cell::fit;
use crate::codec::schema::{RecordShape, Schema, Shape};
use crate::codec::spare::Spare;
use crate::codec::value::Cell;
use crate::record::columns::DataType;
use crate::record::descriptor::Input;

/// The steps for a record, one for each field.
pub struct Direct(Vec<Step>);

enum Step {
    Skip(Shape),
    Take {
        shape: Shape,
        takers: Vec<Taker>,
    },
    /// A string that one input takes as text. Most fields of most records are such.
    Text(Taker),
    /// A union of null and a string that one input takes as text.
    TextOrNull {
        null: Null,
        taker: Taker,
    },
}

/// An input that takes the field.
struct Taker {
    index: usize,
    wanted: DataType,
    nullable: bool,
}

/// Which branch of a union of two is null.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Null {
    First,
    Second,
}

impl Direct {
    /// Makes the steps. `takes` has for each input the field that it takes, if any.
    pub fn new(record: &RecordShape, inputs: &[Input], takes: &[Option<usize>]) -> Self {
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
        let shapes = record.fields.iter().map(|field| &field.shape);
        Self(shapes.enumerate().map(step).collect())
    }

    /// Reads one record, which must be the rest of the bytes, into the cells of the inputs that take its fields.
    pub fn read<'a>(
        &'a self,
        cursor: &mut Cursor<'a>,
        schema: &'a Schema,
        row: &mut [Cell<'a>],
        spare: &mut Spare,
    ) -> Option<()> {
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
                Step::Skip(shape) => skip(cursor, shape, schema)?,
                Step::Take { shape, takers } => {
                    let start = cursor.at();
                    for taker in takers {
                        cursor.go_back(start);
                        let found = wanted(cursor, shape, schema, taker.wanted)?;
                        let cell = fit(found, taker.wanted, spare).ok()?;
                        if matches!(cell, Cell::Null) && !taker.nullable {
                            return None;
                        }
                        *row.get_mut(taker.index)? = cell;
                    }
                }
            }
        }
        (cursor.left() == 0).then_some(())
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
