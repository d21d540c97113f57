//! What is written about the settings is what the code has.

use std::path::Path;

use host::config::reference;

#[test]
fn the_table_of_settings_is_the_codes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let written = std::fs::read_to_string(&path).expect("docs/configuration.md");
    let expected = reference::fill(&written).expect("a place for the table");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, expected).expect("docs/configuration.md can be written");
    } else {
        assert!(
            written == expected,
            "docs/configuration.md is out of date; UPDATE_DOCS=1 rewrites its table"
        );
    }
}
