//! Writes the table of all settings in `docs/configuration.md` from [`SETTINGS`].

use std::fmt::Write;

use super::table::SETTINGS;

/// The line before the document's table.
pub const BEGIN: &str = "<!-- settings: written from the code -->";
/// The line after the document's table.
pub const END: &str = "<!-- end of settings -->";

/// Writes a Markdown table for each section of `host.toml`.
pub fn markdown() -> String {
    let mut text = String::new();
    let mut section = "";
    for setting in SETTINGS {
        let (table, name) = split(setting.key);
        if table != section {
            section = table;
            let _ = write!(
                text,
                "\n### `[{table}]`\n\n| key | environment | flag | default | value | what it does |\n|---|---|---|---|---|---|\n"
            );
        }
        let default = match (setting.default, setting.derived) {
            ("", derived) => derived.to_owned(),
            (default, _) => format!("`{default}`"),
        };
        let _ = writeln!(
            text,
            "| `{name}` | {} | {} | {default} | {} | {} |",
            code(setting.env),
            code(setting.flag),
            setting.form,
            setting.doc
        );
    }
    text
}

/// The document with its table replaced by the code's, or `None` if it does not have the two lines around the table.
pub fn fill(document: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}\n{END}{after}", markdown()))
}

/// Splits a key into table and name. librdkafka's properties have dots in their own names, so they are quoted.
fn split(key: &str) -> (&str, String) {
    if let Some(property) = key.strip_prefix(super::table::KAFKA_PROPERTIES) {
        return ("source.kafka", format!("\"{property}\""));
    }
    let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
    (table, name.to_owned())
}

fn code(name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!("`{name}`")
    }
}
