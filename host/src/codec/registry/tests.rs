//! The registry's answers, given by a small HTTP server of the test's own.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use super::*;
use crate::connection::{Login, Secret};

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

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
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
        assert_eq!(*registry.by_id(7).await.expect("a schema"), Schema::String);
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
    assert_eq!(*registry.by_id(7).await.expect("registered meanwhile"), Schema::Long);
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
        .expect_err("nobody listens");
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
