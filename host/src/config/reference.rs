//! The table of all settings in `docs/configuration.md`, written from [`SETTINGS`].

use std::fmt::Write;

use super::table::SETTINGS;

/// The document's table stands between these two lines.
pub const BEGIN: &str = "<!-- settings: written from the code -->";
pub const END: &str = "<!-- end of settings -->";

/// A Markdown table for each section of `host.toml`.
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

/// `document` with its table replaced by the code's; `None` if it has no place for it.
pub fn fill(document: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{}\n{END}{after}", markdown()))
}

/// librdkafka's properties have dots in their own names: those are written in quotes.
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
