//! A row as a JSON object on one line: columns by the plugin's names, nulls left out; what a `json` column holds is
//! there digit for digit. A row with a value that JSON cannot hold is to be refused before.

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Misfit, SinkError};
use crate::record::columns::{Batch, DataType};
use crate::record::descriptor::Field;
use crate::record::display;

/// Checks that JSON can hold the row, which must have no NaN and no infinities. `batch` has a column for each of the
/// fields.
pub fn check(fields: &[Field], batch: &Batch, row: usize) -> Result<(), SinkError> {
    for (field, column) in fields.iter().zip(&batch.columns) {
        if field.data_type != DataType::Float64 || column.is_null(row) {
            continue;
        }
        let number = column.as_primitive::<Float64Type>().value(row);
        if !number.is_finite() {
            let misfit = Misfit {
                column: field.name.clone(),
                reason: format!("{} is not a number in JSON", display::not_finite(number)),
            };
            return Err(misfit.into());
        }
    }
    Ok(())
}

/// The same batch, a row that was checked.
pub fn object(fields: &[Field], batch: &Batch, row: usize) -> String {
    let mut text = String::from("{");
    for (field, column) in fields.iter().zip(&batch.columns) {
        if column.is_null(row) {
            continue;
        }
        let value = match field.data_type {
            DataType::Json => json(column.as_string::<i32>().value(row)),
            _ => display::json(field, column, row).to_string(),
        };
        // JSON's `null` in a `json` column is as good as none.
        if value == "null" {
            continue;
        }
        if text.len() > 1 {
            text.push(',');
        }
        text += &Value::from(field.name.as_str()).to_string();
        text.push(':');
        text += &value;
    }
    text.push('}');
    text
}

/// The text as it is, without the blanks and line ends between its values; a text that is no JSON as a string.
fn json(held: &str) -> String {
    if serde_json::from_str::<&RawValue>(held).is_err() {
        return Value::from(held).to_string();
    }
    let (mut is_string, mut is_escaped) = (false, false);
    let is_kept = |letter: &char| {
        if !is_string {
            is_string = *letter == '"';
            return !letter.is_ascii_whitespace();
        }
        is_string = is_escaped || *letter != '"';
        is_escaped = !is_escaped && *letter == '\\';
        true
    };
    held.chars().filter(is_kept).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, StringArray};

    use super::*;

    fn one(data_type: DataType, column: ArrayRef) -> Result<String, SinkError> {
        let field = Field {
            name: "x\"".into(),
            data_type,
            nullable: true,
        };
        let batch = Batch {
            rows: 1,
            columns: vec![column],
        };
        check(std::slice::from_ref(&field), &batch, 0)?;
        Ok(object(&[field], &batch, 0))
    }

    #[test]
    fn a_number_that_json_does_not_have_is_refused_with_its_column() {
        let float = |number: f64| one(DataType::Float64, Arc::new(Float64Array::from(vec![number])));
        for (number, said) in [
            (f64::NAN, "NaN"),
            (f64::INFINITY, "infinity"),
            (f64::NEG_INFINITY, "-infinity"),
        ] {
            let error = float(number).unwrap_err().to_string();
            assert_eq!(error, format!("column x\": {said} is not a number in JSON"));
        }
        assert_eq!(float(0.5).unwrap(), r#"{"x\"":0.5}"#);
        assert_eq!(float(f64::MAX).unwrap(), r#"{"x\"":1.7976931348623157e+308}"#);
    }

    #[test]
    fn what_json_holds_keeps_its_digits_and_is_on_one_line() {
        let text = |held: &str| one(DataType::Json, Arc::new(StringArray::from(vec![held]))).unwrap();
        for held in [
            "1e400",
            "12345678901234567890123",
            "1.10",
            "-0",
            "[1,{\"a\":\"x \\\\\\\" \\n y\"}]",
        ] {
            assert_eq!(text(held), format!("{{\"x\\\"\":{held}}}"));
        }
        assert_eq!(
            text("\n{ \"a b\" :\t[ 1 ,\r\n2 ], \"c\\\\\": \" \\\" d\" }"),
            "{\"x\\\"\":{\"a b\":[1,2],\"c\\\\\":\" \\\" d\"}}"
        );
        assert_eq!(text("null"), "{}");
        assert_eq!(text("no json"), "{\"x\\\"\":\"no json\"}");
    }
}
