//! Schemas that refer to others, and what registries answer about a schema: `check`, `run`, `explain` and the dead letters
//! say the same of it.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::json;

use crate::support::kafka::{self, Sent};
use crate::support::program::Job;
use crate::support::{http, plugin};

const ID: &str = "0a1b2c3d4e5f46078899aabbccddeef7";

/// Registers a schema that refers to subjects by the names of their types, and gives its id.
fn register(job: &Job, subject: &str, schema: &serde_json::Value, references: &[(&str, &str, u32)]) -> u32 {
    let reference =
        |(name, subject, version): &(&str, &str, u32)| json!({"name": name, "subject": subject, "version": version});
    let references: Vec<_> = references.iter().map(reference).collect();
    let body = json!({"schema": schema.to_string(), "references": references}).to_string();
    let registry = job.servers.registry.trim_start_matches("http://");
    let (address, path) = registry.split_once('/').expect("an address with a path");
    let path = format!("/{path}/subjects/{subject}/versions");
    let header = ("Content-Type", "application/vnd.schemaregistry.v1+json");
    let answer = http::ask(address, "POST", &path, &[header], body.as_bytes());
    let told: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"));
    told["id"]
        .as_u64()
        .and_then(|id| id.try_into().ok())
        .unwrap_or_else(|| panic!("{answer:?}"))
}

/// An order with more fields between those that the plugin takes.
fn order(name: &str, more: &serde_json::Value) -> serde_json::Value {
    let mut fields = vec![json!({"name": "order_id", "type": "string"})];
    fields.extend(more.as_array().cloned().unwrap_or_default());
    fields.push(json!({"name": "customer_id", "type": "string"}));
    fields.push(json!({"name": "order_purchase_timestamp", "type": "string"}));
    json!({"type": "record", "name": name, "namespace": "shop", "fields": fields})
}

fn framed(id: u32, parts: &[&[u8]]) -> Vec<u8> {
    [&[0], id.to_be_bytes().as_slice(), &parts.concat()].concat()
}

fn string(text: &str) -> Vec<u8> {
    let length = u8::try_from(2 * text.len()).expect("a short one");
    [&[length], text.as_bytes()].concat()
}

fn produce(job: &Job, values: &[Vec<u8>]) {
    let sent = values.iter().map(|value| Sent {
        key: None,
        value: Some(value),
        timestamp_ms: 1_500_000_000_000,
        headers: &[],
    });
    kafka::produce(&job.servers.kafka, &job.topic, &sent.collect::<Vec<_>>());
}

fn header(letter: &kafka::Seen, name: &str) -> String {
    letter.header(name).unwrap_or_default()
}

const MESSAGE: &str = "__connect.errors.exception.message";

#[test]
fn types_of_other_schemas_are_read_and_ids_that_there_are_not_cost_their_records_only() {
    let job = Job::set_up("references");
    let subject = |name: &str| format!("{}-{name}", job.topic);
    let (money, address, value) = (subject("money"), subject("addr"), subject("value"));
    let amount = json!([{"name": "amount", "type": "long"}]);
    register(
        &job,
        &money,
        &json!({"type": "record", "name": "Money", "namespace": "shop", "fields": amount}),
        &[],
    );
    let fields = json!([{"name": "street", "type": "string"}, {"name": "fee", "type": "shop.Money"}]);
    let schema = json!({"type": "record", "name": "Addr", "namespace": "shop", "fields": fields});
    register(&job, &address, &schema, &[("shop.Money", &money, 1)]);
    // Two levels, and a type that is referred to on two ways.
    let to_both = [("shop.Addr", address.as_str(), 1), ("shop.Money", money.as_str(), 1)];
    let more = json!([{"name": "addr", "type": "shop.Addr"}, {"name": "price", "type": ["null", "Money"]}]);
    let whole = register(&job, &value, &order("Order", &more), &to_both);
    // The second version of its subject: the first is the project's own.
    let union = json!(["null", "shop.Order"]);
    let union = register(&job, &subject("union"), &union, &[("shop.Order", &value, 2)]);

    let id = string(ID);
    let (rest, time) = (string(ID), string("2017-10-02 10:56:33"));
    let datum: &[&[u8]] = &[&id, b"\x02s\x0a", b"\x02\x0c", &rest, &time];
    let of_union = [&[b"\x02".as_slice()], datum].concat();
    let values = [
        framed(whole, datum),
        framed(union, &of_union),
        framed(99_999_999, datum),
        framed(0x8000_0001, datum),
    ];
    produce(&job, &values);

    let checked = job.host(&["check", "--plugin", &plugin()]);
    checked.says(&format!("fits      schema {value} version 2"));
    let seen = job.run(&["--exit-at-end"]).succeeded();
    seen.says("read 4 records: 2 rows written, 0 filtered, 2 rejected");
    let letters = kafka::read_all(&job.servers.kafka, &subject("dlq"));
    let mut said: Vec<_> = letters
        .iter()
        .map(|letter| (header(letter, "host.code"), header(letter, MESSAGE)))
        .collect();
    let unknown = |id: u32| {
        let message = format!("the value is framed as Avro, but the registry knows no schema {id}");
        ("unknown-schema".to_owned(), message)
    };
    // They are in partitions of their own, perhaps.
    said.sort();
    assert_eq!(said, [unknown(0x8000_0001), unknown(99_999_999)]);
}

/// A registry whose schema 1 uses a type that there is not, as the latest of every subject, too.
fn registry_of_half_a_schema() -> String {
    let schema = order("Order", &json!([{"name": "price", "type": "shop.Money"}])).to_string();
    let body = json!({"id": 1, "subject": "s", "version": 1, "schema": schema}).to_string();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a request");
            let _ = stream.read(&mut [0; 8192]).expect("a request");
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all((head + &body).as_bytes()).expect("the client listens");
        }
    });
    format!("http://{address}")
}

#[test]
fn why_a_schema_cannot_be_read_is_said_everywhere() {
    let mut job = Job::set_up("half_a_schema");
    job.variables
        .push(("SCHEMA_REGISTRY_URL".to_owned(), registry_of_half_a_schema()));
    produce(&job, &[framed(1, &[b"\x02a"])]);
    let why = "schema 1 cannot be read as Avro: field price of shop.Order: there is no type shop.Money, neither in it nor in \
               the schemas that it refers to (0)";
    let checked = job.host(&["check", "--plugin", &plugin()]);
    assert_eq!(checked.code, Some(2), "{checked:?}");
    checked.says(&format!(
        "MISMATCH  schema {}-value version 1: its records are rejected: {why}",
        job.topic
    ));
    let seen = job.run(&["--exit-at-end"]);
    seen.says("read 1 records: 0 rows written, 0 filtered, 1 rejected");
    let log: Vec<_> = seen
        .stderr
        .lines()
        .filter(|line| line.contains("become dead letters"))
        .collect();
    assert!(log.len() == 1 && log[0].contains(why), "{}", seen.stderr);
    let letters = kafka::read_all(&job.servers.kafka, &format!("{}-dlq", job.topic));
    assert_eq!(
        letters.iter().map(|letter| header(letter, MESSAGE)).collect::<Vec<_>>(),
        [why]
    );
    let partition = header(&letters[0], "__connect.errors.partition");
    let record = format!("{}/{partition}@0", job.topic);
    job.host(&["explain", &record, "--plugin", &plugin()]).says(why);
}
