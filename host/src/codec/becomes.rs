//! Tells before there is a record whether values of an Avro type become values of a data type. It fits some sample
//! values of the type as if they came from a record, so the answer agrees with what the codec does.

use uuid::Uuid;

use crate::record::columns::DataType;

use super::cell::fit;
use super::schema::Shape;
use super::spare::Spare;
use super::value::RecordValue;

/// How many values of a type fit a data type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Becomes {
    Always,
    /// Some values fit, others do not.
    Sometimes,
    Never,
}

/// A text for each data type that can be read from text, and one that is only text.
const TEXTS: [&str; 6] = [
    "text",
    "true",
    "1",
    "0x00",
    "2017-10-02",
    "e481f51c-bdc5-4d67-8af7-39f0b4ad5b81",
];

/// Whether values of this shape become the wanted type. For a union, ask about its branches one by one.
pub fn becomes(shape: &Shape, wanted: DataType) -> Becomes {
    if wanted == DataType::Json {
        return Becomes::Always;
    }
    let samples = samples(shape);
    let count = samples.len();
    let fits = |found: RecordValue<'_>| fit(found, wanted, &mut Spare::default()).is_ok();
    match samples.into_iter().filter(|found| fits(found.clone())).count() {
        0 => Becomes::Never,
        fitting if fitting == count => Becomes::Always,
        _ => Becomes::Sometimes,
    }
}

/// Sample values of a type that differ in what they fit.
fn samples(shape: &Shape) -> Vec<RecordValue<'_>> {
    let texts = |texts: &[&'static str]| texts.iter().map(|text| RecordValue::Text((*text).into())).collect();
    match shape {
        Shape::Null => vec![RecordValue::Null],
        Shape::Boolean => vec![RecordValue::Boolean(true)],
        Shape::Int | Shape::TimeMillis => vec![RecordValue::Integer(i64::from(i32::MAX))],
        Shape::Long | Shape::TimeMicros => vec![RecordValue::Integer(1), RecordValue::Integer(i64::MAX)],
        Shape::Float => vec![RecordValue::Single(0.5)],
        Shape::Double => vec![RecordValue::Double(0.5)],
        Shape::Bytes | Shape::Fixed { .. } => vec![RecordValue::Bytes(b"\xFF")],
        Shape::String => texts(&TEXTS),
        Shape::Enum(symbols) => symbols.iter().map(|symbol| RecordValue::Text(symbol.into())).collect(),
        Shape::Decimal { scale: 0, .. } => {
            vec![
                RecordValue::Number("1".into()),
                RecordValue::Number("99999999999999999999".into()),
            ]
        }
        Shape::Decimal { .. } | Shape::BigDecimal => vec![RecordValue::Number("1.5".into())],
        Shape::Uuid(_) => vec![RecordValue::Uuid(Uuid::nil())],
        Shape::Date => vec![RecordValue::Date(1)],
        Shape::Timestamp { .. } => vec![
            RecordValue::Timestamp(1),
            RecordValue::Timestamp(i64::from(i32::MAX) + 1),
        ],
        Shape::Duration => texts(&["P0M0DT0.000S"]),
        Shape::Array(_) => vec![RecordValue::Structure("an array")],
        Shape::Map(_) => vec![RecordValue::Structure("a map")],
        Shape::Record(_) => vec![RecordValue::Structure("a record")],
        Shape::Union(branches) => branches.iter().flat_map(samples).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_what_is_what_fits() {
        let of = |shape: Shape, wanted| becomes(&shape, wanted);
        let decimal = |scale| Shape::Decimal { scale, bytes: None };
        let stamp = Shape::Timestamp { units_a_millisecond: 1 };
        assert_eq!(of(Shape::Int, DataType::Int64), Becomes::Always);
        assert_eq!(of(Shape::Long, DataType::Int32), Becomes::Sometimes);
        assert_eq!(of(stamp.clone(), DataType::Int64), Becomes::Always);
        assert_eq!(of(stamp, DataType::Boolean), Becomes::Never);
        assert_eq!(of(Shape::String, DataType::Text), Becomes::Always);
        assert_eq!(of(Shape::String, DataType::Timestamp), Becomes::Sometimes);
        assert_eq!(of(decimal(2), DataType::Float64), Becomes::Always);
        assert_eq!(of(decimal(0), DataType::Int64), Becomes::Sometimes);
        assert_eq!(of(Shape::Array(Box::new(Shape::Int)), DataType::Text), Becomes::Never);
        assert_eq!(of(Shape::Array(Box::new(Shape::Int)), DataType::Json), Becomes::Always);
        let symbols = ["A", "B"].map(str::to_owned);
        assert_eq!(of(Shape::Enum(symbols.clone().into()), DataType::Int32), Becomes::Never);
        assert_eq!(of(Shape::Enum(symbols.into()), DataType::Text), Becomes::Always);
    }
}
