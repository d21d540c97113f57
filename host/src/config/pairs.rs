//! Reads settings that mean something only together.

use super::table;
use super::values::Values;

/// Reads two settings that mean nothing without each other. Giving only one is a problem.
pub fn both(values: &mut Values, one: &str, other: &str) -> Option<(String, String)> {
    match (values.text(one), values.text(other)) {
        (Some(one), Some(other)) => return Some((one, other)),
        (None, None) => {}
        (Some(_), None) => values.blame(one, format!("given without {}", names(other))),
        (None, Some(_)) => values.blame(other, format!("given without {}", names(one))),
    }
    None
}

/// A key with its variable, for messages: `registry.auth (SCHEMA_REGISTRY_AUTH)`.
pub fn names(key: &str) -> String {
    match table::by_key(key) {
        Some(setting) if !setting.env.is_empty() => format!("{key} ({})", setting.env),
        _ => key.to_owned(),
    }
}
