//! Tests the registry's answers with a small HTTP server.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use super::*;
use crate::codec::schema::Shape;
use crate::connection::{Login, Secret};
use crate::record::causes::chain;

/// Answers each request with the next of `answers` (status line, body) and gives the requests back.
fn serve(answers: Vec<(&'static str, String)>) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let server = thread::spawn(move || {
        let answer = |(status, body): (&str, String)| {
            let (mut stream, _) = listener.accept().expect("a request");
            let mut request = vec![0; 8192];
            let length = stream.read(&mut request).expect("a request");
            let text = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(text.as_bytes()).expect("the client listens");
            String::from_utf8_lossy(&request[..length]).into_owned()
        };
        answers.into_iter().map(answer).collect()
    });
    (format!("http://{address}/registry"), server)
}

fn registry(url: &str) -> Registry {
    let auth = Some(Login {
        user: "ann".to_owned(),
        password: Secret::new("hush"),
    });
    Registry::new(&RegistryConnection {
        url: url.to_owned(),
        auth,
    })
    .expect("a URL")
}

/// Answers each path with the test's answer for it, as long as the test's process lives. Answers any other path as a
/// web server does.
fn serve_paths(answers: Vec<(&'static str, &'static str, String)>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a request");
            let mut request = vec![0; 8192];
            let length = stream.read(&mut request).expect("a request");
            let request = String::from_utf8_lossy(&request[..length]);
            let path = request.split(' ').nth(1).unwrap_or_default();
            let path = path.split('?').next().unwrap_or_default();
            noted.lock().push(path.to_owned());
            let answer = answers.iter().find(|(known, ..)| *known == path);
            let html = "<html>no such page</html>".to_owned();
            let (status, body) = answer.map_or(("404 Not Found", &html), |(_, status, body)| (status, body));
            let length = body.len();
            let text = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(text.as_bytes()).expect("the client listens");
        }
    });
    (format!("http://{address}"), asked)
}

/// A registry's answer about a subject that it does not have.
fn no_subject() -> (&'static str, &'static str, String) {
    let body = r#"{"error_code": 40401, "message": "Subject not found."}"#.to_owned();
    (
        "/subjects/host-asks-whether-this-is-a-schema-registry/versions/latest",
        "404 Not Found",
        body,
    )
}

fn answer(schema: &str, references: &serde_json::Value) -> String {
    serde_json::json!({"id": 1, "subject": "s", "version": 1, "schema": schema, "references": references}).to_string()
}

async fn by_id(status: &'static str, body: &str) -> Result<Arc<Schema>, RegistryError> {
    let (url, server) = serve(vec![(status, body.to_owned())]);
    let found = registry(&url).by_id(7).await;
    server.join().expect("the server answered");
    found
}

#[tokio::test]
async fn a_schema_is_fetched_once_with_the_login() {
    let (url, server) = serve(vec![("200 OK", r#"{"schema": "\"string\""}"#.to_owned())]);
    let registry = registry(&url);
    for _ in 0..2 {
        assert_eq!(registry.by_id(7).await.expect("a schema").root(), &Shape::String);
    }
    let requests = server.join().expect("the server answered");
    assert!(requests[0].starts_with("GET /registry/schemas/ids/7"), "{requests:?}");
    assert!(requests[0].contains("Basic YW5uOmh1c2g="), "{requests:?}");
}

#[tokio::test]
async fn an_unknown_id_is_asked_for_again() {
    let unknown = (
        "404 Not Found",
        r#"{"error_code": 40403, "message": "none"}"#.to_owned(),
    );
    let (url, server) = serve(vec![unknown, ("200 OK", r#"{"schema": "\"long\""}"#.to_owned())]);
    let registry = registry(&url);
    assert!(matches!(
        registry.by_id(7).await,
        Err(RegistryError::UnknownId { id: 7 })
    ));
    assert_eq!(
        registry.by_id(7).await.expect("registered meanwhile").root(),
        &Shape::Long
    );
    server.join().expect("the server answered");
}

#[tokio::test]
async fn answers_are_told_apart() {
    let unreachable = |found| matches!(found, Err(RegistryError::Unreachable { .. }));
    assert!(unreachable(by_id("500 Internal Server Error", "").await));
    assert!(unreachable(by_id("503 Service Unavailable", "{}").await));
    assert!(unreachable(by_id("404 Not Found", "<html>no such page</html>").await));
    assert!(unreachable(by_id("200 OK", "<html>welcome</html>").await));
    assert!(unreachable(by_id("200 OK", "{}").await));
    for status in ["401 Unauthorized", "403 Forbidden"] {
        assert!(matches!(by_id(status, "").await, Err(RegistryError::Login { .. })));
    }
    for body in [
        r#"{"schema": "syntax", "schemaType": "PROTOBUF"}"#,
        r#"{"schema": "{\"type\": \"no\"}"}"#,
    ] {
        let found = by_id("200 OK", body).await;
        assert!(matches!(found, Err(RegistryError::NotAvro { id: 7, .. })), "{found:?}");
    }
}

#[tokio::test]
async fn the_latest_schema_may_be_missing_and_a_refusal_keeps_the_registrys_words() {
    let (url, server) = serve(vec![
        (
            "404 Not Found",
            r#"{"error_code": 40401, "message": "no subject"}"#.to_owned(),
        ),
        (
            "200 OK",
            r#"{"subject": "s", "id": 3, "version": 2, "schema": "\"int\""}"#.to_owned(),
        ),
        (
            "409 Conflict",
            r#"{"error_code": 409, "message": "READER_FIELD_MISSING_DEFAULT_VALUE"}"#.to_owned(),
        ),
        ("200 OK", r#"{"id": 4}"#.to_owned()),
    ]);
    let registry = registry(&url);
    assert_eq!(registry.latest("s").await.expect("an answer"), None);
    let found = registry.latest("s").await.expect("an answer").expect("a schema");
    assert_eq!(
        (found.id, found.version, found.schema.as_str()),
        (3, Some(2), "\"int\"")
    );
    let refused = registry.register("s", "\"int\"").await.expect_err("incompatible");
    assert_eq!(
        refused.to_string(),
        "the schema registry refuses: READER_FIELD_MISSING_DEFAULT_VALUE"
    );
    assert_eq!(registry.register("s", "\"int\"").await.expect("an id").id, 4);
    server.join().expect("the server answered");
}

#[tokio::test]
async fn a_registry_that_is_down_is_named_without_credentials() {
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port();
    let error = registry(&format!("http://bob:pa@ss@127.0.0.1:{port}/x@y"))
        .by_id(1)
        .await
        .expect_err("the port is closed");
    let text = chain(&error);
    assert!(
        text.starts_with(&format!("the schema registry at http://127.0.0.1:{port}/x@y does not")),
        "{text}"
    );
    assert!(
        !text.contains("pa@ss") && !text.contains("hush") && !text.contains("bob"),
        "{text}"
    );
}

#[test]
fn what_is_no_url_is_refused_at_once() {
    for url in ["", "localhost:8081", "ftp://host", "http://", "http://ok,https://:80"] {
        let connection = RegistryConnection {
            url: url.to_owned(),
            auth: None,
        };
        assert!(
            matches!(Registry::new(&connection), Err(RegistryError::BadUrl { .. })),
            "{url}"
        );
    }
}

/// Asks a registry for id 7, which it answers like this. It answers other requests well.
async fn seven(status: &'static str, body: &str) -> Result<Arc<Schema>, RegistryError> {
    let (url, _) = serve_paths(vec![("/schemas/ids/7", status, body.to_owned()), no_subject()]);
    registry(&url).by_id(7).await
}

#[tokio::test]
async fn an_answer_about_one_id_is_an_answer_whatever_its_code() {
    for body in [
        r#"{"error_code": 404, "message": "HTTP 404 Not Found"}"#,
        r#"{"error_code": 40401, "message": "Subject not found"}"#,
        r#"{"error_code": 40403, "message": "Schema not found"}"#,
        r#"{"message": "no"}"#,
        "Not Found",
        "",
    ] {
        let found = seven("404 Not Found", body).await;
        assert!(
            matches!(found, Err(RegistryError::UnknownId { id: 7 })),
            "{body}: {found:?}"
        );
    }
    for (status, body) in [
        ("400 Bad Request", r#"{"error_code": 400, "message": "odd"}"#),
        ("400 Bad Request", "odd"),
        ("422 Unprocessable Entity", r#"{"error_code": 42201, "message": "odd"}"#),
        ("410 Gone", "odd"),
        ("200 OK", "{}"),
        (
            "200 OK",
            r#"{"schema": "\"int\"", "references": [{"name": "a", "subject": "b", "version": -1}]}"#,
        ),
    ] {
        let found = seven(status, body).await;
        assert!(
            matches!(found, Err(RegistryError::Refused { .. })),
            "{status} {body}: {found:?}"
        );
    }
    for status in [
        "408 Request Timeout",
        "429 Too Many Requests",
        "500 Internal Server Error",
        "503 Service Unavailable",
    ] {
        let found = seven(status, r#"{"error_code": 50001, "message": "busy"}"#).await;
        assert!(
            matches!(found, Err(RegistryError::Unreachable { .. })),
            "{status}: {found:?}"
        );
    }
}

#[tokio::test]
async fn no_registry_is_asked_for_an_id_that_is_no_id() {
    let (url, asked) = serve_paths(Vec::new());
    for id in [1 << 31, u32::MAX] {
        let found = registry(&url).by_id(id).await;
        assert!(matches!(found, Err(RegistryError::UnknownId { .. })), "{found:?}");
    }
    assert_eq!(asked.lock().len(), 0);
}

/// The address lacks its path, so every answer is 404, in the words of Confluent's or any other server.
#[tokio::test]
async fn a_wrong_address_is_not_an_unknown_id() {
    for body in [
        r#"{"error_code": 404, "message": "HTTP 404 Not Found"}"#,
        "<html>no such page</html>",
    ] {
        let (url, _) = serve_paths(vec![
            ("/schemas/ids/7", "404 Not Found", body.to_owned()),
            (no_subject().0, "404 Not Found", body.to_owned()),
        ]);
        let found = registry(&url).by_id(7).await;
        let Err(error @ RegistryError::Unreachable { .. }) = found else {
            panic!("{body}: {found:?}")
        };
        assert!(
            chain(&error).contains("with its path): HTTP request to schema registry failed with status 404"),
            "{}",
            chain(&error)
        );
    }
}

#[tokio::test]
async fn of_two_registries_the_one_that_answers_is_believed() {
    let down = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port");
    let unknown = r#"{"error_code": 40403, "message": "Schema not found"}"#;
    let (up, _) = serve_paths(vec![("/schemas/ids/7", "404 Not Found", unknown.to_owned())]);
    for urls in [format!("{up},http://{down}"), format!("http://{down},{up}")] {
        let found = registry(&urls).by_id(7).await;
        assert!(matches!(found, Err(RegistryError::UnknownId { id: 7 })), "{found:?}");
    }
}

#[tokio::test]
async fn what_a_schema_refers_to_is_fetched_once_and_put_in() {
    let money =
        r#"{"type": "record", "name": "Money", "namespace": "shop", "fields": [{"name": "amount", "type": "long"}]}"#;
    let address = r#"{"type": "record", "name": "shop.Addr", "fields": [{"name": "fee", "type": "shop.Money"}]}"#;
    let order = r#"{"type": "record", "name": "shop.Order", "fields": [{"name": "a", "type": "Addr"}, {"name": "p", "type": "Money"}]}"#;
    let to_money = serde_json::json!({"name": "shop.Money", "subject": "a money/1?", "version": 2});
    let to_address = serde_json::json!({"name": "shop.Addr", "subject": "addr", "version": 1});
    let (url, asked) = serve_paths(vec![
        (
            "/schemas/ids/7",
            "200 OK",
            answer(order, &serde_json::json!([to_address, to_money])),
        ),
        (
            "/subjects/addr/versions/1",
            "200 OK",
            answer(address, &serde_json::json!([to_money])),
        ),
        (
            "/subjects/a%20money%2F1%3F/versions/2",
            "200 OK",
            answer(money, &serde_json::Value::Null),
        ),
    ]);
    let schema = registry(&url).by_id(7).await.expect("a schema");
    let Shape::Record(order) = schema.root() else {
        panic!("{schema:?}")
    };
    assert_eq!(schema.record(*order).expect("a record").fields.len(), 2);
    assert_eq!(asked.lock().len(), 3, "{asked:?}");
}

#[tokio::test]
async fn what_cannot_be_referred_to_is_said_with_its_whole_chain() {
    let uses =
        r#"{"type": "record", "name": "Order", "namespace": "shop", "fields": [{"name": "p", "type": "shop.Money"}]}"#;
    let to = |subject: &str| serde_json::json!([{"name": "shop.Money", "subject": subject, "version": 1}]);
    let gone = r#"{"error_code": 40402, "message": "Version not found."}"#.to_owned();
    let (url, _) = serve_paths(vec![
        ("/schemas/ids/1", "200 OK", answer(uses, &to("gone"))),
        ("/schemas/ids/2", "200 OK", answer(uses, &to("circle"))),
        (
            "/schemas/ids/3",
            "200 OK",
            answer(
                uses,
                &serde_json::json!([{"name": "x", "subject": "other", "version": 1}]),
            ),
        ),
        ("/schemas/ids/4", "200 OK", answer(uses, &to("down"))),
        ("/schemas/ids/5", "200 OK", answer(uses, &to("proto"))),
        ("/subjects/gone/versions/1", "404 Not Found", gone),
        (
            "/subjects/proto/versions/1",
            "200 OK",
            r#"{"schema": "syntax", "schemaType": "PROTOBUF"}"#.to_owned(),
        ),
        ("/subjects/circle/versions/1", "200 OK", answer(uses, &to("circle"))),
        (
            "/subjects/other/versions/1",
            "200 OK",
            answer(r#""string""#, &serde_json::Value::Null),
        ),
        ("/subjects/down/versions/1", "503 Service Unavailable", String::new()),
        no_subject(),
    ]);
    let registry = registry(&url);
    let mut said = Vec::new();
    for id in 1..=5 {
        said.push(chain(&registry.by_id(id).await.expect_err("an error")));
    }
    assert_eq!(
        said[..2],
        [
            "schema 1 refers to subject gone version 1, which the schema registry does not have",
            "schema 2 cannot be read as Avro: it refers to subject circle version 1, which refers back to itself",
        ]
    );
    assert_eq!(
        said[2],
        "schema 3 cannot be read as Avro: field p of shop.Order: there is no type shop.Money, neither in it nor in the \
         schemas that it refers to (1)"
    );
    assert!(said[3].contains("failed with status 503"), "{}", said[3]);
    assert_eq!(
        said[4],
        "schema 5 cannot be read as Avro: it refers to subject proto version 1: it is of the kind PROTOBUF"
    );
}
