//! Makes record keys from a template with columns: `{order_id}-{customer_id}`.

use std::fmt;

/// The default template. With it all records of an order go to one partition, so its updates stay in order.
pub const DEFAULT_KEY: &str = "{order_id}-{customer_id}";

/// A template whose columns were found in the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTemplate {
    parts: Vec<Part>,
    missing: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// A column by its place in the header.
    Column(usize),
}

/// Why a template cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("--key {template:?}: no column {column}; the file has {}", .columns.join(", "))]
    NoSuchColumn {
        template: String,
        column: String,
        columns: Vec<String>,
    },
    #[error("--key {template:?}: a brace is not closed or not opened (write {{column}})")]
    Braces { template: String },
}

impl KeyTemplate {
    /// Finds the template's columns. A column that the file lacks is an error, except with [`DEFAULT_KEY`], which the
    /// user did not choose. Such a file is still produced, and each record is rejected with its reason when it is read.
    pub fn parse(template: &str, header: &[String]) -> Result<Self, KeyError> {
        let braces = || KeyError::Braces {
            template: template.to_owned(),
        };
        let mut parts = Vec::new();
        let mut missing = Vec::new();
        let mut rest = template;
        while let Some((text, after)) = rest.split_once('{') {
            let (column, after) = after.split_once('}').ok_or_else(braces)?;
            if text.contains('}') || column.contains('{') {
                return Err(braces());
            }
            parts.extend((!text.is_empty()).then(|| Part::Text(text.to_owned())));
            match header.iter().position(|name| name == column) {
                Some(place) => parts.push(Part::Column(place)),
                None if template == DEFAULT_KEY => missing.push(column.to_owned()),
                None => {
                    return Err(KeyError::NoSuchColumn {
                        template: template.to_owned(),
                        column: column.to_owned(),
                        columns: header.to_vec(),
                    });
                }
            }
            rest = after;
        }
        if rest.contains('}') {
            return Err(braces());
        }
        parts.extend((!rest.is_empty()).then(|| Part::Text(rest.to_owned())));
        Ok(Self { parts, missing })
    }

    /// Columns of the default key that the file lacks. They leave nothing in their place.
    pub fn missing_columns(&self) -> &[String] {
        &self.missing
    }

    /// The key of a row. An empty cell leaves nothing in its place.
    pub fn render(&self, fields: &[Option<String>]) -> Rendered {
        let mut key = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => key.push_str(text),
                Part::Column(place) => key.push_str(fields.get(*place).and_then(Option::as_deref).unwrap_or_default()),
            }
        }
        Rendered(key)
    }
}

/// A rendered key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered(pub String);

impl fmt::Display for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Vec<String> {
        ["order_id", "customer_id"].map(String::from).to_vec()
    }

    #[test]
    fn renders_columns_and_text_and_nothing_for_an_empty_cell() {
        let key = KeyTemplate::parse("{order_id}-{customer_id}", &header()).expect("well formed");
        assert_eq!(key.render(&[Some("a".into()), Some("b".into())]).0, "a-b");
        assert_eq!(key.render(&[Some("a".into()), None]).0, "a-");
        assert_eq!(
            KeyTemplate::parse("fixed", &header()).expect("no column").render(&[]).0,
            "fixed"
        );
    }

    #[test]
    fn only_the_default_key_does_without_a_column() {
        let header = ["order_id".to_owned()];
        let key = KeyTemplate::parse(DEFAULT_KEY, &header).expect("the default goes with every file");
        assert_eq!(key.missing_columns(), ["customer_id"]);
        assert_eq!(key.render(&[Some("a".into())]).0, "a-");
        assert!(KeyTemplate::parse("{customer_id}", &header).is_err());
    }

    #[test]
    fn refuses_unknown_columns_and_lone_braces() {
        let error = KeyTemplate::parse("{id}", &header()).expect_err("no such column");
        assert_eq!(
            error.to_string(),
            "--key \"{id}\": no column id; the file has order_id, customer_id"
        );
        for template in ["{order_id", "order_id}", "a}{order_id}", "{{order_id}"] {
            assert!(
                matches!(KeyTemplate::parse(template, &header()), Err(KeyError::Braces { .. })),
                "{template}"
            );
        }
    }
}
