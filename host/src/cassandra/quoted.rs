//! Names as CQL takes them in any spelling.

/// The name in double quotes: `"order_id"`.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
