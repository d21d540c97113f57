//! TLS to Cassandra: which certificates are trusted and which one is shown. The driver checks that the node's
//! certificate names the IP address it connected to (a `subjectAltName` of type IP), so that a certificate of another
//! machine, even one by the same CA, is refused.

use std::path::PathBuf;

use openssl::error::ErrorStack;
use openssl::ssl::{SslConnector, SslConnectorBuilder, SslFiletype, SslMethod, SslVerifyMode};
use scylla::client::session::OpenSsl010Config;

use crate::connection::Tls;

/// A certificate or key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the CA certificate {path} cannot be read as PEM")]
    Ca { path: PathBuf, source: ErrorStack },
    #[error("the client certificate {path} cannot be read as PEM")]
    Certificate { path: PathBuf, source: ErrorStack },
    #[error("the client key {path} cannot be read as PEM, or is not that of the client certificate")]
    Key { path: PathBuf, source: ErrorStack },
    #[error("OpenSSL cannot be set up")]
    Library(#[source] ErrorStack),
}

/// The driver's settings for TLS with this CA and, if there is one, this client certificate. Verifies the server's
/// certificate always. Fails if a file cannot be read or the key does not fit the certificate.
pub fn context(tls: &Tls) -> Result<OpenSsl010Config, TlsError> {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(TlsError::Library)?;
    builder.set_verify(SslVerifyMode::PEER);
    builder.set_ca_file(&tls.ca).map_err(|source| TlsError::Ca {
        path: tls.ca.clone(),
        source,
    })?;
    if let Some(client) = &tls.client {
        show_certificate(&mut builder, &client.certificate, &client.key)?;
    }
    Ok(OpenSsl010Config::new(builder))
}

fn show_certificate(builder: &mut SslConnectorBuilder, certificate: &PathBuf, key: &PathBuf) -> Result<(), TlsError> {
    builder
        .set_certificate_chain_file(certificate)
        .map_err(|source| TlsError::Certificate {
            path: certificate.clone(),
            source,
        })?;
    builder
        .set_private_key_file(key, SslFiletype::PEM)
        .map_err(|source| TlsError::Key {
            path: key.clone(),
            source,
        })
}
