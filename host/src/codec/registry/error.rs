//! Tells what a registry's answer means, and whether it is an answer at all.
//!
//! An answer is about what was asked for, and will be the same tomorrow. An outage is about the registry: no
//! connection, a time-out, 5xx, 429. Between the two are refusals that any web server could give, such as 404 without a
//! registry's own code. `Registry` then finds out whether the server is a registry with a request that every registry
//! can answer.

use std::error::Error;
use std::fmt;

use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::RawError;

use crate::codec::schema::SchemaError;
use crate::record::causes::chain;

/// Confluent's error codes for "not found", which tell a registry's own 404 from that of any other web server.
/// <https://docs.confluent.io/platform/current/schema-registry/develop/api.html>
const NOT_FOUND: std::ops::RangeInclusive<u32> = 40_401..=40_403;

/// Why a schema cannot be had from the registry.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("the schema registry's address {url} is not an http:// or https:// URL")]
    BadUrl { url: String },
    /// There is no answer, or one of a registry in trouble, or one that a registry does not give.
    #[error(
        "the schema registry at {url} does not answer as one (`make up` starts one here; SCHEMA_REGISTRY_URL names another, with its path)"
    )]
    Unreachable {
        url: String,
        #[source]
        cause: RegistryCause,
    },
    #[error("the schema registry at {url} does not accept the login")]
    Login {
        url: String,
        #[source]
        cause: RegistryCause,
    },
    #[error("the schema registry knows no schema with id {id}")]
    UnknownId { id: u32 },
    #[error("schema {id} cannot be read as Avro")]
    NotAvro {
        id: u32,
        #[source]
        cause: SchemaError,
    },
    #[error("schema {id} refers to subject {subject} version {version}, which the schema registry does not have")]
    UnknownReference { id: u32, subject: String, version: u32 },
    /// The registry's own words, such as why a schema is incompatible.
    #[error("the schema registry refuses: {message}")]
    Refused { message: String },
}

/// The library's error, worded for a chain of causes. Its own `Display` repeats its source.
#[derive(Debug)]
pub struct RegistryCause(SRCError);

/// The answer that came instead of a schema. Later variants tell more than earlier ones.
#[derive(Debug)]
pub enum Said {
    /// No answer, or the registry is in trouble.
    Outage(RegistryCause),
    Login(RegistryCause),
    /// An answer that a registry may give, but any other web server too.
    Unclear(RegistryCause),
    /// A registry's refusal.
    Refusal(RegistryCause),
    /// A registry does not have what was asked for.
    NotFound,
}

impl Said {
    /// Reads the library's error, which gives the HTTP status only in its text.
    pub fn of(error: SRCError) -> Self {
        let cause = RegistryCause(error);
        let code = cause.code();
        match cause.status() {
            Some(404) if NOT_FOUND.contains(&code) => Self::NotFound,
            Some(401 | 403) => Self::Login(cause),
            Some(408 | 429 | 500..) => Self::Outage(cause),
            // A registry's own codes begin with the status. 404 alone is from a web server.
            Some(status @ 400..) if code != 0 && code != u32::from(status) => Self::Refusal(cause),
            Some(status @ (409 | 422)) if code == u32::from(status) => Self::Refusal(cause),
            Some(400..) => Self::Unclear(cause),
            None if cause.is_unexpected_json() => Self::Unclear(cause),
            Some(_) | None => Self::Outage(cause),
        }
    }

    /// How much the answer tells. Among several registries, the answer that tells most is believed.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Outage(_) => 0,
            Self::Login(_) => 1,
            Self::Unclear(_) => 2,
            Self::Refusal(_) => 3,
            Self::NotFound => 4,
        }
    }
}

impl RegistryCause {
    /// The HTTP status.
    pub fn status(&self) -> Option<u16> {
        let after = self.0.error.split_once("failed with status ")?.1;
        after.split(' ').next()?.parse().ok()
    }

    /// Whether the answer was a success and JSON, but not what a registry sends.
    fn is_unexpected_json(&self) -> bool {
        let mut next = self.0.source();
        while let Some(error) = next {
            if let Some(json) = error.downcast_ref::<serde_json::Error>() {
                return json.is_data();
            }
            next = error.source();
        }
        false
    }

    /// The registry's code, or 0 if it gave none.
    pub fn code(&self) -> u32 {
        self.raw().map_or(0, |raw| raw.error_code)
    }

    /// The registry's own message, or the library's.
    pub fn message(&self) -> String {
        match self.raw() {
            Some(raw) if raw.error_code != 0 => raw.message.clone(),
            _ => chain(self),
        }
    }

    fn raw(&self) -> Option<&RawError> {
        self.0.source()?.downcast_ref()
    }
}

impl From<SRCError> for RegistryCause {
    fn from(error: SRCError) -> Self {
        Self(error)
    }
}

impl fmt::Display for RegistryCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.error)
    }
}

impl Error for RegistryCause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
