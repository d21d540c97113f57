//! Record keys from a template over columns: `{order_id}-{customer_id}`.

use std::fmt;

/// A template, its columns found in the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTemplate {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// A column by its place in the header.
    Column(usize),
}

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
    pub fn parse(template: &str, header: &[String]) -> Result<Self, KeyError> {
        let braces = || KeyError::Braces {
            template: template.to_owned(),
        };
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some((text, after)) = rest.split_once('{') {
            let (column, after) = after.split_once('}').ok_or_else(braces)?;
            if text.contains('}') || column.contains('{') {
                return Err(braces());
            }
            let place = header
                .iter()
                .position(|name| name == column)
                .ok_or_else(|| KeyError::NoSuchColumn {
                    template: template.to_owned(),
                    column: column.to_owned(),
                    columns: header.to_vec(),
                })?;
            parts.extend((!text.is_empty()).then(|| Part::Text(text.to_owned())));
            parts.push(Part::Column(place));
            rest = after;
        }
        if rest.contains('}') {
            return Err(braces());
        }
        parts.extend((!rest.is_empty()).then(|| Part::Text(rest.to_owned())));
        Ok(Self { parts })
    }

    /// The key of a row; an empty cell leaves nothing in its place.
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
