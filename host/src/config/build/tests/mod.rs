//! Tests which place wins, which values are refused, and that no secret is shown.

mod kinds;
mod said;

use std::path::Path;

use super::*;
use crate::cassandra::config::Consistency;
use crate::connection::Secret;
use crate::source::kafka::config::Start;
use kinds::{KINDS, TestSource, TestStore};

/// A working directory and an environment of its own.
struct Place {
    directory: tempfile::TempDir,
    flags: Flags,
    variables: Vec<(String, String)>,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            flags: Flags::default(),
            variables: Vec::new(),
        }
    }

    fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.directory.path().join(name), text).unwrap();
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    fn flag(mut self, key: &'static str, flag: &'static str, value: &str) -> Self {
        self.flags.set(key, flag, Some(value));
        self
    }

    fn load(&self) -> Result<Loaded<TestSource, TestStore>, Problems> {
        load(
            &self.flags,
            &Surroundings {
                variables: self.variables.clone(),
                directory: self.directory.path().to_owned(),
                ..Surroundings::default()
            },
            &KINDS,
        )
    }

    fn settings(&self) -> Settings<TestSource, TestStore> {
        self.load().unwrap_or_else(|problems| panic!("{problems}")).settings
    }

    /// The problems as shown, without the directory's name.
    fn problems(&self) -> String {
        let Err(problems) = self.load() else {
            panic!("nothing was refused");
        };
        problems
            .to_string()
            .replace(&format!("{}/", self.directory.path().display()), "")
    }
}

#[test]
fn nothing_said_gives_the_defaults_of_the_main_job() {
    let settings = Place::new().settings();
    assert_eq!(settings.from, TestSource::Topic("ecommerce-orders".into()));
    assert_eq!(settings.to, TestStore::Keyspace("ecommerce".into()));
    assert_eq!(settings.dead_letters, DeadLetters::Topic("ecommerce-orders-dlq".into()));
    assert_eq!(settings.kafka.brokers, "127.0.0.1:9092");
    assert!(settings.kafka.properties.is_empty());
    assert_eq!(settings.registry.url, "http://127.0.0.1:8081");
    assert_eq!(settings.cassandra.session.connection.nodes, ["127.0.0.1:9042"]);
    assert_eq!(settings.cassandra.session.consistency, Consistency::Quorum);
    assert_eq!(settings.source.group, "ecommerce-group");
    assert_eq!(settings.source.start, Start::Earliest);
    assert!(!settings.cassandra.write_nulls);
    // The stages' own defaults, which their tests use, are the documented ones.
    assert_eq!(
        format!("{:?}", settings.pipeline),
        format!("{:?}", pipeline::config::Config::default())
    );
    assert_eq!(
        format!("{:?}", settings.plugin.limits),
        format!("{:?}", Limits::default())
    );
    assert_eq!(settings.log, telemetry::Config::default());
}

#[test]
fn a_ttl_is_of_all_tables_or_of_those_that_it_names() {
    let place = Place::new().file("host.toml", "[sink.cassandra]\nttl = '30d, events=12h'");
    let of = |place: &Place, table: &str| place.settings().cassandra.ttl.of(table).map(|ttl| ttl.to_string());
    assert_eq!(of(&place, "orders").as_deref(), Some("30d"));
    assert_eq!(of(&place, "events").as_deref(), Some("12h"));
    let place = place.env("HOST_CASSANDRA_TTL", "events=1h");
    assert_eq!(of(&place, "orders"), None);
    let place = place.flag("sink.cassandra.ttl", "--ttl", "none");
    assert!(place.settings().cassandra.ttl.is_empty());
}

#[test]
fn flag_over_environment_over_dot_env_over_file_over_default() {
    let mut place = Place::new();
    let group = |place: &Place| place.settings().source.group;
    assert_eq!(group(&place), "ecommerce-group");
    place = place.file("host.toml", "[source]\ngroup = 'file'");
    assert_eq!(group(&place), "file");
    place = place.file(".env", "HOST_GROUP=dotenv");
    assert_eq!(group(&place), "dotenv");
    place = place.env("HOST_GROUP", "environment");
    assert_eq!(group(&place), "environment");
    place = place.flag("source.group", "--group", "flag");
    assert_eq!(group(&place), "flag");
}

#[test]
fn an_empty_variable_is_not_given_and_still_hides_its_line_in_dot_env() {
    let place = Place::new().file(".env", "HOST_GROUP=dotenv").env("HOST_GROUP", "");
    assert_eq!(place.settings().source.group, "ecommerce-group");
}

#[test]
fn hosts_in_an_address_give_way_only_to_what_was_said_more_strongly() {
    let file = "[source]\nfrom = 'kafka://file:1/t'\n[sink]\nto = 'cassandra://file/k'";
    let place = Place::new().file("host.toml", file);
    let settings = place.settings();
    assert_eq!(settings.kafka.brokers, "file:1");
    assert_eq!(settings.topic, "t");
    assert_eq!(settings.cassandra.session.connection.nodes, ["file:9042"]);
    let place = place
        .env("KAFKA_BOOTSTRAP_SERVERS", "env:2")
        .env("CASSANDRA_CONTACT_POINTS", "env");
    let settings = place.settings();
    assert_eq!(settings.kafka.brokers, "env:2");
    assert_eq!(settings.from, TestSource::Topic("t".into()));
    assert_eq!(settings.cassandra.session.connection.nodes, ["env:9042"]);
    assert_eq!(settings.to, TestStore::Keyspace("k".into()));
    let place = place.flag("source.from", "--from", "kafka://flag:3/u");
    assert_eq!(place.settings().kafka.brokers, "flag:3");
    assert_eq!(place.settings().dead_letters, DeadLetters::Topic("u-dlq".into()));
}

#[test]
fn with_a_file_as_source_dead_letters_go_to_a_file_beside_the_output_or_the_input() {
    let place = Place::new().flag("source.from", "--from", "in/orders.csv");
    let file = |path: &str| DeadLetters::File(path.into());
    assert_eq!(place.settings().dead_letters, file("in/orders.csv.dead-letters.ndjson"));
    let place = place.flag("sink.to", "--to", "out/orders.db");
    assert_eq!(place.settings().dead_letters, file("out/orders.db.dead-letters.ndjson"));
    // Said for runs from Kafka, and more weakly than the file that is read now.
    let place = place.env("HOST_DEAD_LETTERS", "some-topic");
    assert_eq!(place.settings().dead_letters, file("out/orders.db.dead-letters.ndjson"));
    let place = place.flag("dead_letters.to", "--dead-letters", "bad.ndjson");
    assert_eq!(place.settings().dead_letters, file("bad.ndjson"));
    let place = place.flag("dead_letters.to", "--dead-letters", "some-topic");
    assert!(place.problems().contains("ends in .ndjson"), "{}", place.problems());
}

#[test]
fn dead_letters_never_go_where_records_come_from() {
    let topic = Place::new().flag("dead_letters.to", "--dead-letters", "ecommerce-orders");
    assert!(topic.problems().starts_with("--dead-letters: "), "{}", topic.problems());
    let file =
        Place::new()
            .flag("source.from", "--from", "a.ndjson")
            .flag("dead_letters.to", "--dead-letters", "a.ndjson");
    assert!(file.problems().starts_with("--dead-letters: "), "{}", file.problems());
}

#[test]
fn all_problems_are_reported_at_once_each_with_its_place_and_the_nearest_key() {
    let file = "[source]\ngrup = 'x'\nstart = 'now'\n\n[sink.cassandra]\nconsistency = 'MOST'\nwrites_in_flight = 0\n\
                [pipelin]\nbatch_records = 5\n[pipeline]\nbatch_records = [1, 2]\n[registry.url]\nhost = 'x'\n";
    let place = Place::new()
        .file("host.toml", file)
        .file(".env", "HOST_GRUOP=x")
        .env("HOST_BATCH_RECORD", "7")
        .flag("source.from", "--from", "orders.xlsx");
    let found = place.problems();
    for line in [
        "settings are wrong:",
        "host.toml:2: unknown setting source.grup; did you mean source.group?",
        "host.toml:3: source.start: `now` is not one of earliest, latest",
        "host.toml:6: sink.cassandra.consistency: `MOST` is not one of ONE, TWO, THREE, QUORUM, ALL",
        "host.toml:7: sink.cassandra.writes_in_flight: `0` is neither auto nor a whole number of requests from 1 to 32768",
        "host.toml:8: unknown table [pipelin]; did you mean [pipeline]?",
        "host.toml:11: pipeline.batch_records takes one value",
        "host.toml:12: registry.url takes one value",
        ".env: HOST_GRUOP: unknown setting; did you mean HOST_GROUP?",
        "HOST_BATCH_RECORD: unknown setting; did you mean HOST_BATCH_RECORDS?",
        "--from: `orders.xlsx` is not a source of records; give kafka://BROKERS/TOPIC, or a file that ends in .csv",
    ] {
        assert!(found.contains(line), "{line}\nis not in\n{found}");
    }
    assert!(found.starts_with("10 settings"), "{found}");
}

#[test]
fn other_programs_variables_are_told_and_not_refused() {
    let place = Place::new().env("HOST_IP", "10.0.0.1").env("HOSTNAME", "box");
    assert_eq!(place.load().unwrap().strangers, ["HOST_IP"]);
}

#[test]
fn a_file_that_is_named_must_be_there_and_be_toml() {
    let mut place = Place::new();
    place.flags.file = Some("other.toml".into());
    assert!(
        place.problems().starts_with("other.toml: there is no such file"),
        "{}",
        place.problems()
    );
    let place = place.file("other.toml", "[source]\ngroup 'x'\n");
    assert!(
        place.problems().contains("other.toml:2: not TOML"),
        "{}",
        place.problems()
    );
}

#[test]
fn a_kafka_login_brings_its_protocol_unless_the_file_says_otherwise() {
    let shown = |settings: &Settings<TestSource, TestStore>| -> Vec<String> {
        let properties = &settings.kafka.properties;
        properties
            .iter()
            .map(|(name, value)| format!("{name}={}", value.reveal()))
            .collect()
    };
    let place = Place::new()
        .env("KAFKA_SASL_USERNAME", "key")
        .env("KAFKA_SASL_PASSWORD", "hunter2");
    let mut expected = vec![
        "sasl.mechanism=PLAIN",
        "sasl.password=hunter2",
        "sasl.username=key",
        "security.protocol=SASL_SSL",
    ];
    assert_eq!(shown(&place.settings()), expected);
    let file = "[source.kafka]\n\"security.protocol\" = 'SASL_PLAINTEXT'\nsasl.mechanism = 'SCRAM-SHA-256'\n\"fetch.min.bytes\" = 5";
    let place = place.file("host.toml", file);
    expected[0] = "sasl.mechanism=SCRAM-SHA-256";
    expected[3] = "security.protocol=SASL_PLAINTEXT";
    expected.insert(0, "fetch.min.bytes=5");
    assert_eq!(shown(&place.settings()), expected);
    let half = Place::new().env("KAFKA_SASL_USERNAME", "key").problems();
    assert!(
        half.contains("KAFKA_SASL_USERNAME: given without") && half.contains("KAFKA_SASL_PASSWORD"),
        "{half}"
    );
}

#[test]
fn properties_that_the_host_needs_for_its_promises_are_refused_with_the_reason() {
    let file = "[source.kafka]\n\"enable.auto.commit\" = true\n\"group.id\" = 'x'\nacks = 1";
    let found = Place::new().file("host.toml", file).problems();
    for line in [
        "host.toml:2: source.kafka.enable.auto.commit: cannot be set here: the host commits",
        "host.toml:3: source.kafka.group.id: cannot be set here: use source.group",
        "host.toml:4: source.kafka.acks: cannot be set here: ",
    ] {
        assert!(found.contains(line), "{line}\nis not in\n{found}");
    }
}

#[test]
fn cassandra_logins_and_certificates_come_whole() {
    let file = "[sink.cassandra]\nclient_id = 'app'\nsecret = 'hunter2'\ntls_ca = 'ca.pem'\ntls_certificate = 'c.pem'\ntls_key = 'k.pem'";
    let settings = Place::new().file("host.toml", file).settings();
    let connection = settings.cassandra.session.connection;
    assert_eq!(
        connection.login.map(|login| login.password),
        Some(Secret::new("hunter2"))
    );
    let tls = connection.tls.unwrap();
    assert_eq!(tls.ca, Path::new("ca.pem"));
    assert_eq!(tls.client.unwrap().key, Path::new("k.pem"));
    let half = Place::new()
        .env("HOST_CASSANDRA_TLS_KEY", "k.pem")
        .env("CASSANDRA_SECRET", "hunter2")
        .problems();
    assert!(half.starts_with("2 settings are wrong"), "{half}");
}

#[test]
fn plugin_settings_come_from_the_file_and_from_flags() {
    let mut place = Place::new().file("host.toml", "[plugin.settings]\ndate-order = 'dmy'\nlimit = 5");
    place.flags.set_plugin(&[("date-order".into(), "mdy".into())]);
    let expected = [("date-order", "mdy"), ("limit", "5")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(place.settings().plugin.settings, expected);
}

#[test]
fn secrets_are_shown_nowhere() {
    let file = "[source.kafka]\n\"ssl.key.password\" = 'hunter2'\n\"group.id\" = 'hunter2'\n[registry]\nauth = 'hunter2'\n\
                url = 'http://u:hunter2@x'\nauht = 'hunter2'\n";
    let place = Place::new()
        .file("host.toml", file)
        .file(".env", "KAFKA_SASL_PASSWORD=hunter2 with blanks\nOK=1\n")
        .flag("source.from", "--from", "kafka://u:hunter2@b/t");
    let problems = place.load().unwrap_err();
    assert!(problems.0.len() >= 5, "{problems}");
    assert!(!format!("{problems}{problems:?}").contains("hunter2"), "{problems}");
    assert!(problems.to_string().contains(".env:1: not of the form"), "{problems}");
    let broken = Place::new()
        .file("host.toml", "[registry]\nauth = hunter2\n")
        .problems();
    assert!(
        broken.contains("host.toml:2") && !broken.contains("hunter2"),
        "{broken}"
    );

    let good = Place::new()
        .env("KAFKA_SASL_USERNAME", "key")
        .env("KAFKA_SASL_PASSWORD", "hunter2")
        .env("SCHEMA_REGISTRY_AUTH", "key:hunter2")
        .env("CASSANDRA_CLIENT_ID", "app")
        .env("CASSANDRA_SECRET", "hunter2");
    let settings = good.settings();
    assert_eq!(
        settings.registry.auth.as_ref().map(|login| login.password.reveal()),
        Some("hunter2")
    );
    assert!(!format!("{settings:?} {:?}", good.flags.file).contains("hunter2"));
}

#[test]
fn the_admin_endpoint_is_on_for_kafka_off_for_files_and_never_open_without_a_token() {
    let address = |place: &Place| {
        place
            .settings()
            .admin
            .map(|admin| (admin.address.to_string(), admin.if_taken))
    };
    let flag = |text: &'static str| Place::new().flag("admin.address", "--admin", text);
    let default = Some(("127.0.0.1:7171".to_owned(), IfTaken::AnotherPort));
    assert_eq!(address(&Place::new()), default);
    let file = Place::new().flag("source.from", "--from", "orders.csv");
    assert_eq!(address(&file), None);
    let asked = Some(("127.0.0.1:7171".to_owned(), IfTaken::Fail));
    assert_eq!(address(&file.flag("admin.address", "--admin", "localhost:7171")), asked);
    assert_eq!(address(&flag("off")), None);
    assert_eq!(address(&flag("[::1]:1")), Some(("[::1]:1".to_owned(), IfTaken::Fail)));
    for bad in ["7171", "example.com:7171", "127.0.0.1", "on"] {
        assert!(flag(bad).problems().contains("is not an address to listen at"), "{bad}");
    }
    for open in ["0.0.0.0:7171", "192.168.0.7:7171", "[::]:7171"] {
        let found = flag(open).problems();
        assert!(found.contains("needs admin.token (HOST_ADMIN_TOKEN)"), "{found}");
        let token = flag(open).env("HOST_ADMIN_TOKEN", "0123456789abcdef");
        let admin = token.settings().admin.unwrap();
        assert_eq!(admin.token, Some(Secret::new("0123456789abcdef")));
        assert!(!format!("{admin:?}").contains("0123456789abcdef"));
    }
    for short in ["hunter2", "0123456789abcde", "0123456789 abcdef"] {
        let found = Place::new().env("HOST_ADMIN_TOKEN", short).problems();
        assert!(
            found.contains("HOST_ADMIN_TOKEN: the value is not of the right form"),
            "{found}"
        );
        assert!(!found.contains(short), "{found}");
    }
}

#[test]
fn spans_go_nowhere_unless_somebody_says_where() {
    assert_eq!(Place::new().settings().otlp, None);
    let share_alone = Place::new().env("HOST_OTLP_SHARE", "50%");
    assert_eq!(share_alone.settings().otlp, None);
    let file = Place::new().file("host.toml", "[otlp]\naddress = \"https://collector:4318/\"\n");
    let otlp = file.settings().otlp.unwrap();
    assert_eq!(
        (otlp.address.as_str(), otlp.share.to_string().as_str()),
        ("https://collector:4318", "1%")
    );
    assert_eq!(file.flag("otlp.address", "--otlp", "off").settings().otlp, None);
    let bad = Place::new().flag("otlp.address", "--otlp", "http://user:hunter2@collector:4318");
    let found = bad.env("HOST_OTLP_SHARE", "0.1%").problems();
    assert!(
        found.contains("OTEL_EXPORTER_OTLP_HEADERS") && found.contains("HOST_OTLP_SHARE"),
        "{found}"
    );
    assert!(!found.contains("hunter2"), "{found}");
}
