//! Writes a CSV row as an Avro datum in Confluent's framing: 0x00, the schema's id as four bytes big endian, the datum.
//!
//! Each cell is converted to the type of the field with its column's name. A nullable field takes an empty cell.

use std::str::FromStr;

use chrono::{NaiveDate, NaiveDateTime};

use super::cell::CellError;
use crate::codec::schema::{Field, Schema, Shape};
use crate::csv_file::names;
use write::Value;

mod write;

/// A schema, and the column for each of its fields.
pub struct AvroEncoder {
    id: u32,
    fields: Vec<FieldPlan>,
    /// Columns that the schema has no field for.
    pub ignored_columns: Vec<String>,
}

struct FieldPlan {
    name: String,
    /// The column's place in the header, or `None` if the file has no such column.
    column: Option<usize>,
    /// The types that its cell can become, in the order of the field's union.
    kinds: Vec<Branch>,
    /// The place of null in the field's union.
    null_branch: Option<usize>,
    /// The encoded default.
    default: Option<Vec<u8>>,
}

/// A type, and its place in the field's union, if it is in one.
struct Branch {
    kind: Kind,
    place: Option<usize>,
}

/// Types that a cell can become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    String,
    Int,
    Long,
    Float,
    Double,
    Boolean,
    Date,
    TimestampMillis,
    TimestampMicros,
}

/// Why rows of the file cannot become datums of the schema.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("it is not a record, so it has no fields for columns")]
    NoRecord,
    #[error(
        "its field {field} is of a type that a CSV cell cannot become (string, int, long, float, double, boolean, date and timestamps can, and unions of null with one of them)"
    )]
    Type { field: String },
    /// Lists the fields, each with the column that may be meant.
    #[error("the file has none of its fields: {fields}; is this the right topic?")]
    NoColumns { fields: String },
    #[error("it needs fields that are not in the file and have neither a default nor null: {fields}")]
    Missing { fields: String },
}

impl AvroEncoder {
    /// Plans how rows under `header` become datums of the schema that the registry knows as `id`.
    pub fn new(schema: &Schema, id: u32, header: &[String]) -> Result<Self, SchemaError> {
        let record = match schema.root() {
            Shape::Record(index) => schema.record(*index),
            _ => None,
        };
        let record = record.ok_or(SchemaError::NoRecord)?;
        let mut fields = Vec::new();
        let mut missing = Vec::new();
        for field in &record.fields {
            let column = header
                .iter()
                .position(|name| *name == field.name || field.aliases.contains(name));
            let plan = plan(field, schema, column);
            if column.is_some() && plan.kinds.is_empty() {
                return Err(SchemaError::Type {
                    field: field.name.clone(),
                });
            }
            if column.is_none() && plan.null_branch.is_none() && plan.default.is_none() {
                missing.push(field.name.clone());
            }
            fields.push(plan);
        }
        if let Some(fields) = names::missing(missing.iter().map(String::as_str), header) {
            return Err(SchemaError::Missing { fields });
        }
        if fields.iter().all(|field| field.column.is_none()) {
            let fields = names::missing(fields.iter().map(|field| field.name.as_str()), header);
            return Err(SchemaError::NoColumns {
                fields: fields.unwrap_or_default(),
            });
        }
        let is_used = |place: usize| fields.iter().any(|field| field.column == Some(place));
        let ignored_columns = header
            .iter()
            .enumerate()
            .filter(|(place, _)| !is_used(*place))
            .map(|(_, name)| name.clone())
            .collect();
        Ok(Self {
            id,
            fields,
            ignored_columns,
        })
    }

    /// Encodes one row, with framing.
    pub fn encode(&self, cells: &[Option<String>]) -> Result<Vec<u8>, CellError> {
        let mut framed = vec![0];
        framed.extend(self.id.to_be_bytes());
        for field in &self.fields {
            let cell = field.column.and_then(|column| cells.get(column));
            field.write(cell.and_then(Option::as_deref), &mut framed)?;
        }
        Ok(framed)
    }
}

/// Plans one field. A type that a cell cannot become is fine for a field without a column.
fn plan(field: &Field, schema: &Schema, column: Option<usize>) -> FieldPlan {
    let (null_branch, kinds) = match &field.shape {
        Shape::Union(branches) => {
            let branch = |(place, branch): (usize, &Shape)| {
                Some(Branch {
                    kind: kind(branch)?,
                    place: Some(place),
                })
            };
            let null = branches.iter().position(|branch| *branch == Shape::Null);
            (null, branches.iter().enumerate().filter_map(branch).collect())
        }
        shape => {
            let only = kind(shape).map(|kind| Branch { kind, place: None });
            (None, only.into_iter().collect())
        }
    };
    let default = field.default.as_ref();
    FieldPlan {
        name: field.name.clone(),
        column,
        kinds,
        null_branch,
        default: default.and_then(|default| write::default(default, &field.shape, schema)),
    }
}

fn kind(shape: &Shape) -> Option<Kind> {
    Some(match shape {
        Shape::String => Kind::String,
        Shape::Int => Kind::Int,
        Shape::Long => Kind::Long,
        Shape::Float => Kind::Float,
        Shape::Double => Kind::Double,
        Shape::Boolean => Kind::Boolean,
        Shape::Date => Kind::Date,
        Shape::Timestamp { units_a_millisecond: 1 } => Kind::TimestampMillis,
        Shape::Timestamp {
            units_a_millisecond: 1_000,
        } => Kind::TimestampMicros,
        _ => return None,
    })
}

impl FieldPlan {
    fn write(&self, cell: Option<&str>, out: &mut Vec<u8>) -> Result<(), CellError> {
        let Some(text) = cell else {
            match (self.null_branch, &self.default) {
                (Some(branch), _) => write::count(branch, out),
                (None, Some(default)) if self.column.is_none() => out.extend(default),
                _ => {
                    return Err(CellError::Null {
                        column: self.name.clone(),
                    });
                }
            }
            return Ok(());
        };
        let fits = |branch: &Branch| Some((branch.place, branch.kind.parse(text)?));
        let Some((place, value)) = self.kinds.iter().find_map(fits) else {
            return Err(CellError::Type {
                column: self.name.clone(),
                text: text.to_owned(),
                expected: self.expected(),
            });
        };
        if let Some(place) = place {
            write::count(place, out);
        }
        value.write(out);
        Ok(())
    }

    fn expected(&self) -> String {
        let names: Vec<_> = self.kinds.iter().map(|branch| branch.kind.name()).collect();
        names.join(" or ")
    }
}

impl Kind {
    /// The name of the type in a schema.
    fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::TimestampMillis => "timestamp-millis",
            Self::TimestampMicros => "timestamp-micros",
        }
    }

    fn parse(self, text: &str) -> Option<Value> {
        let text = if self == Self::String { text } else { text.trim() };
        Some(match self {
            Self::String => Value::String(text.to_owned()),
            Self::Int => Value::Int(text.parse().ok()?),
            Self::Long => Value::Long(text.parse().ok()?),
            Self::Float => Value::Float(number(text, |value: &f32| value.is_finite())?),
            Self::Double => Value::Double(number(text, |value: &f64| value.is_finite())?),
            Self::Boolean => Value::Boolean(text.to_ascii_lowercase().parse().ok()?),
            Self::Date => {
                let days = text
                    .parse::<NaiveDate>()
                    .ok()?
                    .signed_duration_since(NaiveDate::default())
                    .num_days();
                Value::Date(i32::try_from(days).ok()?)
            }
            Self::TimestampMillis => Value::TimestampMillis(timestamp(text)?.timestamp_millis()),
            Self::TimestampMicros => Value::TimestampMicros(timestamp(text)?.timestamp_micros()),
        })
    }
}

/// The float nearest to a number in digits. Rust also reads `inf` and `nan`, which are not numbers, and makes an
/// infinity of a number that is too large; both are refused here.
fn number<T: FromStr>(text: &str, is_finite: impl Fn(&T) -> bool) -> Option<T> {
    let first = text.trim_start_matches(['-', '+']).chars().next()?;
    let is_number = first.is_ascii_digit() || first == '.';
    text.parse().ok().filter(|value| is_number && is_finite(value))
}

/// Reads `2017-10-02 10:56:33` as UTC, with or without a `T` and a fraction, or RFC 3339 with an offset.
fn timestamp(text: &str) -> Option<chrono::DateTime<chrono::Utc>> {
    if let Ok(time) = chrono::DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    Some(text.replacen(' ', "T", 1).parse::<NaiveDateTime>().ok()?.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{"type":"record","name":"R","fields":[
        {"name":"id","type":"string"},
        {"name":"n","type":["null","long"],"default":null},
        {"name":"at","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},
        {"name":"kind","type":"string","default":"none"}]}"#;

    fn schema(text: &str) -> Schema {
        Schema::parse(text).expect("a schema")
    }

    fn header(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn frames_with_the_schema_id_and_reads_back() {
        let encoder = AvroEncoder::new(&schema(SCHEMA), 7, &header(&["n", "id", "extra", "at"])).expect("plans");
        assert_eq!(encoder.ignored_columns, ["extra"]);
        let framed = encoder
            .encode(&[
                Some("12".into()),
                Some("a".into()),
                Some("x".into()),
                Some("1970-01-01 00:00:01".into()),
            ])
            .expect("encodes");
        assert_eq!(framed[..5], [0, 0, 0, 0, 7]);
        // The bytes mean "a", 12 in branch 1, 1000 ms in branch 1, and the default "none".
        assert_eq!(framed[5..], [2, b'a', 2, 24, 2, 0xd0, 0x0f, 8, b'n', b'o', b'n', b'e']);
    }

    #[test]
    fn says_which_cell_does_not_fit() {
        let encoder = AvroEncoder::new(&schema(SCHEMA), 7, &header(&["id", "n"])).expect("plans");
        let error = encoder
            .encode(&[Some("a".into()), Some("many".into())])
            .expect_err("no number");
        assert_eq!(error.to_string(), "column n: \"many\" is not a valid long");
        let error = encoder.encode(&[None, None]).expect_err("id is not nullable");
        assert_eq!(
            error.to_string(),
            "column id is empty, and the schema does not allow null there"
        );
    }

    #[test]
    fn numbers_fit_or_are_refused() {
        let kinds = [Kind::Int, Kind::Long, Kind::Float, Kind::Double];
        let taken = |text: &str| kinds.map(|kind| kind.parse(text).is_some());
        for (text, expected) in [
            ("1e400", [false; 4]),
            ("-1e400", [false; 4]),
            ("inf", [false; 4]),
            ("-Infinity", [false; 4]),
            ("NaN", [false; 4]),
            ("+nan", [false; 4]),
            ("1,5", [false; 4]),
            ("1e39", [false, false, false, true]),
            ("-3.5e38", [false, false, false, true]),
            ("3.4028235e38", [false, false, true, true]),
            ("0.1", [false, false, true, true]),
            (".5", [false, false, true, true]),
            (" -7 ", [true; 4]),
            ("2147483648", [false, true, true, true]),
            ("-9223372036854775808", [false, true, true, true]),
            ("9223372036854775808", [false, false, true, true]),
            ("5.0", [false, false, true, true]),
        ] {
            assert_eq!(taken(text), expected, "{text}");
        }
        // Digits are rounded to the nearest float, as everywhere. Below the smallest one that is zero.
        assert_eq!(Kind::Float.parse("0.1"), Some(Value::Float(0.1)));
        assert_eq!(Kind::Double.parse("1e-400"), Some(Value::Double(0.0)));
    }

    #[test]
    fn fields_without_a_column_may_be_of_any_type() {
        let text = r#"{"type":"record","name":"R","fields":[
            {"name":"id","type":["null","long","string"]},
            {"name":"tags","type":["null",{"type":"array","items":"string"}],"default":null}]}"#;
        let encoder = AvroEncoder::new(&schema(text), 7, &header(&["id"])).expect("plans");
        let datum = |cell: &str| encoder.encode(&[Some(cell.into())]).expect("encodes")[5..].to_vec();
        // The first branch that takes the text counts.
        assert_eq!(datum("6"), [2, 12, 0]);
        assert_eq!(datum("x"), [4, 2, b'x', 0]);
        let error = AvroEncoder::new(&schema(text), 7, &header(&["id", "tags"]))
            .err()
            .expect("no cell is an array");
        assert!(error.to_string().contains("its field tags"), "{error}");
    }

    #[test]
    fn a_file_of_something_else_is_refused() {
        let text = r#"{"type":"record","name":"R","fields":[{"name":"id","type":["null","string"]}]}"#;
        let error = AvroEncoder::new(&schema(text), 7, &header(&["payment"]))
            .err()
            .expect("no field has a column");
        assert_eq!(
            error.to_string(),
            "the file has none of its fields: id; is this the right topic?"
        );
    }

    #[test]
    fn names_and_defaults_that_stricter_readers_refuse_are_no_hindrance() {
        let text = r#"{"type":"record","name":"order-$1","namespace":"shop-eu.v1","fields":[
            {"name":"order-id","type":"string","default":null},
            {"name":"n","type":"long","default":"0"}]}"#;
        let encoder = AvroEncoder::new(&schema(text), 7, &header(&["order-id", "n"])).expect("plans");
        let framed = encoder.encode(&[Some("a".into()), Some("1".into())]).expect("encodes");
        assert_eq!(framed[5..], *b"\x02a\x02");
        let error = AvroEncoder::new(&schema(text), 7, &header(&["order-id"])).err();
        let error = error.expect("a default that is not a long");
        assert!(error.to_string().ends_with("neither a default nor null: n"), "{error}");
    }

    #[test]
    fn names_the_fields_that_the_file_lacks() {
        let error = AvroEncoder::new(&schema(SCHEMA), 7, &header(&["n"]))
            .err()
            .expect("id is missing");
        assert!(error.to_string().ends_with("neither a default nor null: id"), "{error}");
        let error = AvroEncoder::new(&schema(SCHEMA), 7, &header(&["n", " ID"]))
            .err()
            .expect("id is missing");
        assert!(error.to_string().ends_with("id (the file has \" ID\")"), "{error}");
    }
}
