//! Writes a row as a JSON object: cells become strings, empty cells null, and members are in the order of the header.

use serde_json::{Map, Value};

/// Writes the object. `fields[i]` belongs to `header[i]`.
pub fn object(header: &[String], fields: &[Option<String>]) -> Vec<u8> {
    let members = header.iter().zip(fields);
    let object: Map<String, Value> = members
        .map(|(name, cell)| (name.clone(), cell.as_deref().map_or(Value::Null, Value::from)))
        .collect();
    Value::Object(object).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_cells_are_null_and_the_order_is_the_headers() {
        let json = object(&["b".into(), "a".into()], &[Some("x\"y".into()), None]);
        assert_eq!(json, br#"{"b":"x\"y","a":null}"#);
    }
}
