//! A third-party name stays in its folder, so that exchanging a library is a change of one folder.

use crate::code::Source;

/// Each library and the beginnings of the paths where its name may stand.
const PLACES: [(&str, &[&str]); 21] = [
    ("rdkafka", &["kafka/"]),
    ("wasmtime", &["plugin/"]),
    ("wasmtime_environ", &["plugin/"]),
    ("ssh_key", &["plugin/"]),
    ("scylla", &["cassandra/"]),
    ("openssl", &["cassandra/"]),
    ("rusqlite", &["sink/sqlite"]),
    ("schema_registry_converter", &["codec/"]),
    ("apache_avro", &["codec/"]),
    ("csv", &["csv_file/"]),
    ("csv_core", &["csv_file/"]),
    (
        "prometheus_client",
        &["pipeline/watch/metrics.rs", "pipeline/flow/scrape.rs"],
    ),
    ("opentelemetry", &["telemetry/otlp/"]),
    ("opentelemetry_otlp", &["telemetry/otlp/"]),
    ("opentelemetry_sdk", &["telemetry/otlp/"]),
    ("axum", &["admin/"]),
    ("hyper", &["admin/"]),
    ("hyper_util", &["admin/"]),
    ("subtle", &["admin/"]),
    ("clap", &["main.rs", "cli/"]),
    ("anyhow", &["main.rs", "cli/", "app/"]),
];

pub fn violations(source: &Source) -> Vec<String> {
    let strangers = PLACES
        .iter()
        .filter(|(_, places)| !places.iter().any(|place| source.path.starts_with(place)));
    strangers
        .flat_map(|(library, places)| {
            named(source, library).into_iter().map(move |line| {
                let places = places.join(", ");
                format!("{}:{line}: {library} stays in {places}", source.path)
            })
        })
        .collect()
}

/// The lines where a path starts with the library's name.
fn named(source: &Source, library: &str) -> Vec<usize> {
    let starts = |at: usize| match at.checked_sub(1).map(|before| source.at(before)) {
        Some("::") => at == 1 || !is_word(source.at(at - 2)),
        Some("." | "mod" | "fn" | "let") => false,
        _ => true,
    };
    let used = |at: usize| source.at(at + 1) == "::" || source.at(at.wrapping_sub(1)) == "use";
    let words = source.tokens.iter().enumerate();
    words
        .filter(|(at, token)| token.text == library && starts(*at) && used(*at))
        .map(|(_, token)| token.line)
        .collect()
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_') && text != "use"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        violations(&Source::new(path, text))
    }

    #[test]
    fn a_name_in_its_folder_is_allowed() {
        assert_eq!(found("kafka/member.rs", "use rdkafka::Message;"), [""; 0]);
        assert_eq!(found("kafka/producer/mod.rs", "use rdkafka::Message;"), [""; 0]);
    }

    #[test]
    fn a_name_outside_its_folder_is_found() {
        let found_in_app = found("app/setup.rs", "\nuse rdkafka::admin::AdminClient;");
        assert_eq!(found_in_app, ["app/setup.rs:2: rdkafka stays in kafka/"]);
        assert_eq!(found("source/kafka/poll.rs", "use rdkafka::Message;").len(), 1);
        assert_eq!(
            found("sink/mod.rs", "type Session = scylla::client::session::Session;").len(),
            1
        );
        assert_eq!(found("pipeline/mod.rs", "use ::wasmtime::Engine;").len(), 1);
        assert_eq!(found("sink/print.rs", "use rusqlite;").len(), 1);
        assert_eq!(found("codec/mod.rs", "fn f() -> anyhow::Result<()> {}").len(), 1);
    }

    #[test]
    fn a_module_of_the_same_name_is_none() {
        assert_eq!(
            found("app/run.rs", "use crate::csv::CsvReader; mod csv; let csv = x.csv;"),
            [""; 0]
        );
    }

    #[test]
    fn a_name_in_a_string_is_none() {
        assert_eq!(
            found(
                "telemetry/mod.rs",
                "const FILTER: &str = \"rdkafka::client=warn\"; // wasmtime::Engine"
            ),
            [""; 0]
        );
    }
}
