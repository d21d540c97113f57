//! A Cassandra with TLS, client certificates and passwords: what connects, and what each wrong setting says.
//!
//! `CASSANDRA_CONTACT_POINTS` is its address, `SERVICES_SECURE` holds `ca.pem`, `client.crt`, `client.key`.

use std::path::PathBuf;

use crate::support::variable;
use host::cassandra::config::Config;
use host::cassandra::session::{ConnectError, connect};
use host::cassandra::tls::TlsError;
use host::connection::{CassandraConnection, ClientCertificate, Login, Secret, Tls};

fn file(name: &str) -> PathBuf {
    PathBuf::from(variable("SERVICES_SECURE")).join(name)
}

fn config() -> Config {
    Config {
        connection: CassandraConnection {
            nodes: vec![variable("CASSANDRA_CONTACT_POINTS")],
            login: Some(login("app-secret")),
            tls: Some(Tls {
                ca: file("ca.pem"),
                client: Some(ClientCertificate {
                    certificate: file("client.crt"),
                    key: file("client.key"),
                }),
            }),
        },
        ..crate::support::sink::config().session
    }
}

fn login(password: &str) -> Login {
    Login {
        user: "app".into(),
        password: Secret::new(password),
    }
}

#[tokio::test]
async fn the_right_certificates_and_password_connect() {
    let session = connect(&config(), "secure").await.expect("a session").into_driver();
    session
        .query_unpaged("SELECT key FROM system.local", ())
        .await
        .expect("an answer");
}

#[tokio::test]
async fn a_wrong_or_missing_login_is_named_without_its_password() {
    let mut wrong = config();
    wrong.connection.login = Some(login("wrong-secret"));
    let error = connect(&wrong, "secure").await.expect_err("a refusal");
    assert!(matches!(error, ConnectError::LoginRefused { .. }), "{error:?}");
    assert!(!error.is_unreachable());
    let (debug, line) = (format!("{error:?}"), format!("{:#}", anyhow::Error::new(error)));
    assert!(
        !debug.contains("wrong-secret") && !line.contains("wrong-secret"),
        "{line}"
    );
    wrong.connection.login = None;
    let error = connect(&wrong, "secure").await.expect_err("a refusal");
    assert!(matches!(error, ConnectError::LoginNeeded { .. }), "{error:?}");
}

#[tokio::test]
async fn a_ca_that_did_not_sign_the_node_is_a_failed_handshake() {
    let mut wrong = config();
    wrong.connection.tls = Some(Tls {
        // A certificate of its own, which signed nothing.
        ca: file("client.crt"),
        client: None,
    });
    let error = connect(&wrong, "secure").await.expect_err("a refusal");
    assert!(matches!(error, ConnectError::Handshake { .. }), "{error:?}");
    let line = format!("{:#}", anyhow::Error::new(error));
    assert!(line.contains("certificate verify failed"), "{line}");
}

#[tokio::test]
async fn a_plain_connection_to_a_secure_node_is_unreachable() {
    let mut plain = config();
    plain.connection.tls = None;
    let error = connect(&plain, "secure").await.expect_err("a refusal");
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn files_that_are_no_certificates_are_named() {
    let tls = |ca: PathBuf, certificate: PathBuf, key: PathBuf| Tls {
        ca,
        client: Some(ClientCertificate { certificate, key }),
    };
    let (ca, certificate, key) = (file("ca.pem"), file("client.crt"), file("client.key"));
    let cases = [
        (
            tls(file("none.pem"), certificate.clone(), key.clone()),
            "CA certificate",
        ),
        (tls(ca.clone(), key.clone(), key), "client certificate"),
        (tls(ca.clone(), certificate.clone(), certificate.clone()), "client key"),
        (
            tls(ca, certificate, file("server.key")),
            "is not that of the client certificate",
        ),
    ];
    for (tls, words) in cases {
        let mut wrong = config();
        wrong.connection.tls = Some(tls);
        let Err(ConnectError::Tls(error)) = connect(&wrong, "secure").await else {
            panic!("{words}: no error of the settings");
        };
        assert!(error.to_string().contains(words), "{words}: {error}");
        assert!(!matches!(error, TlsError::Library(_)), "{error:?}");
    }
}
