//! Wrong usage and wrong settings: one clear message, exit code 2, nothing secret, no panic.

use std::process::Stdio;

use crate::program::Program;

#[test]
fn an_unknown_verb_or_flag_gets_a_suggestion() {
    Program::new().snapshot("unknown-verb", &["rum"]);
    Program::new().snapshot("unknown-flag", &["run", "--plugni", "x.wasm"]);
    Program::new().snapshot("no-verb", &[]);
}

#[test]
fn a_setting_that_has_no_flag_is_told_where_to_say_it() {
    Program::new().snapshot("setting-as-flag", &["run", "--writes-in-flight", "0"]);
}

#[test]
fn a_setting_whose_flag_has_another_name_is_told_the_flag() {
    // Two tables have an address.
    Program::new().snapshot("settings-of-one-name", &["run", "--address", "127.0.0.1:7171"]);
}

#[test]
fn a_negative_number_gets_a_tip_of_its_own() {
    Program::new().snapshot("negative-number", &["generate", "orders", "--rows", "-5"]);
    Program::new().snapshot("one-word-too-many", &["generate", "orders", "5"]);
}

#[test]
fn a_number_that_has_to_be_one_at_least_says_so() {
    Program::new().snapshot("zero-limit", &["try", "orders.csv", "--limit", "0"]);
    Program::new().snapshot(
        "no-number",
        &["bench", "plugin", "x.wasm", "orders.csv", "--batch", "ten"],
    );
}

#[test]
fn a_bad_value_of_a_setting_is_told_with_its_place_and_what_is_right() {
    let file =
        "[sink.cassandra]\nwrites_in_flight = 0\ncompression = \"zip\"\nbatch_kib = 50_000\nbatch_bytes = 5000\n";
    Program::new()
        .file("host.toml", file)
        .env("HOST_CQL_BATCH_PARTITIONS", "-1")
        .snapshot("bad-cassandra-settings", &["run"]);
    // The stronger one is the one to blame.
    Program::new()
        .file("host.toml", file)
        .env("HOST_CASSANDRA_COMPRESSION", "LZ4")
        .env("HOST_WRITES_IN_FLIGHT", "abc")
        .env("HOST_CQL_BATCH_KIB", "16")
        .snapshot("bad-cassandra-variables", &["run"]);
}

#[test]
fn a_missing_argument_is_named() {
    Program::new().snapshot("missing-file", &["produce"]);
}

#[test]
fn a_bad_value_of_a_flag_says_what_is_right() {
    Program::new().snapshot("bad-from", &["run", "--from", "orders.xlsx"]);
    Program::new().snapshot("bad-to", &["run", "--to", "orders.parquet"]);
    Program::new().snapshot("bad-set", &["run", "--set", "date-order"]);
    Program::new().snapshot("bad-rate", &["produce", "orders.csv", "--rate", "fast"]);
    Program::new().snapshot("produce-to-a-file", &["produce", "orders.csv", "--to", "orders.ndjson"]);
    Program::new().snapshot("bad-log-level", &["run", "--log-level", "infoo"]);
}

#[test]
fn all_bad_settings_are_reported_at_once() {
    let file = "[source]\ngrup = \"x\"\nstart = \"now\"\n\n[source.kafka]\n\"enable.auto.commit\" = true\n\n\
                [pipeline]\nbatch_records = 0\n";
    Program::new()
        .file("host.toml", file)
        .file(".env", "HOST_PLUGINS=x.wasm\n")
        .env("HOST_CONSISTENCY", "MOST")
        .snapshot("bad-settings", &["run", "--to", "-", "--rewrite=16"]);
}

#[test]
fn a_settings_file_that_is_not_there_or_not_toml() {
    Program::new().snapshot("no-config-file", &["run", "--config", "other.toml"]);
    Program::new()
        .file("host.toml", "[sink.cassandra]\nsecret = hunter2\n")
        .snapshot("not-toml", &["run"]);
}

#[test]
fn secrets_are_in_no_error() {
    let program = Program::new()
        .file(
            "host.toml",
            "[registry]\nauht = \"key:hunter2\"\nurl = \"http://key:hunter2@registry\"\n",
        )
        .file(".env", "KAFKA_SASL_PASSWORD=hunter2 and more\n")
        .env("SCHEMA_REGISTRY_AUTH", "hunter2")
        .env("CASSANDRA_SECRET", "hunter2");
    let output = program.run(&["run", "--from", "kafka://key:hunter2@broker/orders"]);
    let said = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("6 settings are wrong"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let program = Program::new();
    let mut child = program
        .command(&["help", "run"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
