//! TLS, SASL and passwords everywhere: what connects, and what each wrong setting says.

#[path = "../support/mod.rs"]
mod support;

mod cassandra_secure;

use support::program::Job;
use support::variable;

/// The names of the environment that people already have, and certificates by `host.toml`.
fn job(name: &str) -> Job {
    let mut job = Job::new(name);
    for (name, value) in [
        ("KAFKA_SASL_USERNAME", "app"),
        ("KAFKA_SASL_PASSWORD", "app-secret"),
        ("CASSANDRA_CLIENT_ID", "app"),
        ("CASSANDRA_SECRET", "app-secret"),
    ] {
        job.variables.push((name.to_owned(), value.to_owned()));
    }
    // The sections of `host.toml` that the job itself writes come before.
    job.more_settings = format!(
        "tls_ca = \"{secure}/ca.pem\"\ntls_certificate = \"{secure}/client.crt\"\ntls_key = \"{secure}/client.key\"\n\
         [source.kafka]\n\"ssl.ca.location\" = \"{secure}/ca.pem\"\n",
        secure = variable("SERVICES_SECURE")
    );
    job
}

#[test]
fn the_whole_way_with_tls_sasl_and_passwords() {
    let job = job("secure");
    job.host(&["setup"]).succeeded();
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "200",
        "--seed",
        "31",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    job.host(&["produce", "orders.csv"]).succeeded();
    let seen = job.run(&["--exit-at-end"]).succeeded();
    seen.says("read 200 records: 200 rows written");
    assert!(!seen.stderr.contains("app-secret") && !seen.stdout.contains("app-secret"));
}

#[test]
fn a_wrong_password_is_said_without_being_shown() {
    let mut wrong = job("wrong");
    wrong
        .variables
        .push(("CASSANDRA_SECRET".to_owned(), "not-the-password".to_owned()));
    let seen = wrong.host(&["setup"]);
    assert_ne!(seen.code, Some(0));
    assert!(!seen.stderr.contains("not-the-password"), "{}", seen.stderr);
    let mut wrong = job("wrong_kafka");
    wrong
        .variables
        .push(("KAFKA_SASL_PASSWORD".to_owned(), "not-the-password".to_owned()));
    let seen = wrong.run(&["--exit-at-end", "--to", "-"]);
    assert_ne!(seen.code, Some(0));
    assert!(!seen.stderr.contains("not-the-password"), "{}", seen.stderr);
}
