//! Shows a value to people: Avro by the registry's schema, JSON, text, or else hexadecimal with the reason.

use serde_json::{Value, json};

use crate::codec::Decoder;
use crate::codec::registry::Registry;
use crate::connection::RegistryConnection;
use crate::record::Record;
use crate::record::causes::chain;
use crate::record::columns::DataType;
use crate::record::descriptor::{Field, Input, Origin};
use crate::record::display::{hexadecimal, text};

/// A record's value, in the best form that it can be shown in.
pub enum Shown {
    /// A tombstone.
    Nothing,
    Json {
        format: &'static str,
        text: String,
    },
    Text(String),
    Hexadecimal {
        digits: String,
        /// Why the value has no better form.
        why: String,
    },
}

/// Shows the values of records. It reads each schema of the registry once.
pub struct Values {
    decoder: Decoder,
    field: Field,
}

impl Values {
    /// Makes a decoder with this registry. If the registry cannot be used, values in Avro are shown in hexadecimal.
    pub fn new(connection: &RegistryConnection) -> Self {
        let field = Field {
            name: "value".to_owned(),
            data_type: DataType::Json,
            nullable: true,
        };
        let whole = Input {
            field: field.clone(),
            origin: Origin::WholeValue,
        };
        let registry = Registry::new(connection)
            .inspect_err(|error| tracing::warn!(error = chain(error), "values in Avro cannot be read"))
            .ok();
        Self {
            decoder: Decoder::new(&[whole], registry),
            field,
        }
    }

    /// Finds the form for the record's value. It never fails: what cannot be decoded is shown in hexadecimal.
    pub async fn show(&self, record: &Record) -> Shown {
        let Some(value) = record.value.as_deref() else {
            return Shown::Nothing;
        };
        // Confluent's framing, as the decoder finds it.
        if value.len() >= 5 && value[0] == 0 {
            return match self.avro(record).await {
                Ok(text) => Shown::Json {
                    format: "Avro",
                    text: pretty(&text),
                },
                Err(why) => Shown::Hexadecimal {
                    digits: hexadecimal(value),
                    why,
                },
            };
        }
        match std::str::from_utf8(value) {
            Ok(text) if serde_json::from_str::<Value>(text).is_ok() => Shown::Json {
                format: "JSON",
                text: pretty(text),
            },
            Ok(text) => Shown::Text(text.to_owned()),
            Err(error) => Shown::Hexadecimal {
                digits: hexadecimal(value),
                why: format!("neither framed Avro nor text: {error}"),
            },
        }
    }

    async fn avro(&self, record: &Record) -> Result<String, String> {
        let decoded = self.decoder.decode(std::slice::from_ref(record)).await;
        let decoded = decoded.map_err(|error| format!("{:#}", anyhow::Error::new(error)))?;
        let column = decoded.batch.columns.first().filter(|_| decoded.batch.rows == 1);
        match (column, decoded.rejects.first()) {
            (Some(column), _) => Ok(text(&self.field, column, 0).unwrap_or_default()),
            (None, Some((_, reject))) => Err(reject.to_string()),
            (None, None) => Err("the decoder gives nothing".to_owned()),
        }
    }
}

impl Shown {
    /// The value as JSON: an object with `format` and `value`, or null for a tombstone.
    pub fn json(&self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Json { format, text } => json!({
                "format": format,
                "value": serde_json::from_str::<Value>(text).unwrap_or_else(|_| text.as_str().into()),
            }),
            Self::Text(text) => json!({"format": "text", "value": text}),
            Self::Hexadecimal { digits, why } => json!({"format": "hex", "value": digits, "why": why}),
        }
    }
}

/// Puts the JSON on several lines, unless that would change more than blanks, as with a number of too many digits or a
/// name that comes twice.
fn pretty(text: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(text).ok();
    let is_same = |value: &&Value| value.to_string() == without_blanks(text);
    match parsed.as_ref().filter(is_same) {
        Some(value) => format!("{value:#}"),
        None => text.to_owned(),
    }
}

/// JSON without the blanks between its parts.
fn without_blanks(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let (mut is_in_string, mut is_escaped) = (false, false);
    for c in text.chars() {
        if is_in_string || !c.is_ascii_whitespace() {
            kept.push(c);
        }
        if c == '"' && !is_escaped {
            is_in_string = !is_in_string;
        }
        is_escaped = is_in_string && c == '\\' && !is_escaped;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pretty_changes_nothing_but_blanks() {
        assert_eq!(
            pretty(r#"{ "a b": [1, "x \" y"] }"#),
            "{\n  \"a b\": [\n    1,\n    \"x \\\" y\"\n  ]\n}"
        );
        for odd in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":18446744073709551616000}"#,
            r#"{"a":1.0e5}"#,
            r#""\u00fc""#,
        ] {
            assert_eq!(pretty(odd), odd);
        }
    }
}
