//! What a registry's answer means, and what is no answer.
//!
//! An answer is about what was asked for: it will be the same for this id tomorrow. An outage is about the registry: no
//! connection, a time-out, 5xx, 429. Between the two stands a refusal that any web server could give, such as 404 without
//! a registry's own code: whether it is one, `Registry` finds out by asking something that every registry can answer.

use std::error::Error;
use std::fmt;

use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::RawError;

use crate::codec::schema::SchemaError;
use crate::record::causes::chain;

/// Confluent's error codes for "not found", which tell a registry's own 404 from that of any other web server.
/// <https://docs.confluent.io/platform/current/schema-registry/develop/api.html>
const NOT_FOUND: std::ops::RangeInclusive<u32> = 40_401..=40_403;

#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("the schema registry's address {url} is not an http:// or https:// URL")]
    BadUrl { url: String },
    /// No answer, an answer that says the registry is in trouble, or one that no registry gives.
    #[error(
        "the schema registry at {url} does not answer as one (`make up` starts one here; SCHEMA_REGISTRY_URL names another, with its path)"
    )]
    Unreachable {
        url: String,
        #[source]
        cause: Cause,
    },
    #[error("the schema registry at {url} does not accept the login")]
    Login {
        url: String,
        #[source]
        cause: Cause,
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

/// What the library says, in words fit for a chain of causes: its own `Display` repeats its source.
#[derive(Debug)]
pub struct Cause(SRCError);

/// What came instead of what was asked for; the later ones tell more of it.
#[derive(Debug)]
pub enum Said {
    /// Nothing, or that the registry is in trouble.
    Outage(Cause),
    Login(Cause),
    /// What a registry may say, and any other web server, too.
    Unclear(Cause),
    /// A registry's refusal.
    Refusal(Cause),
    /// A registry has no such thing.
    NotFound,
}

impl Said {
    /// The library gives the HTTP status in its text only.
    pub fn of(error: SRCError) -> Self {
        let cause = Cause(error);
        let code = cause.code();
        match cause.status() {
            Some(404) if NOT_FOUND.contains(&code) => Self::NotFound,
            Some(401 | 403) => Self::Login(cause),
            Some(408 | 429 | 500..) => Self::Outage(cause),
            // Its own codes begin with the status: 404 alone is its web server's.
            Some(status @ 400..) if code != 0 && code != u32::from(status) => Self::Refusal(cause),
            Some(status @ (409 | 422)) if code == u32::from(status) => Self::Refusal(cause),
            Some(400..) => Self::Unclear(cause),
            None if cause.is_unexpected_json() => Self::Unclear(cause),
            Some(_) | None => Self::Outage(cause),
        }
    }

    /// How much it tells: of several registries, the one that tells most is believed.
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

impl Cause {
    pub fn status(&self) -> Option<u16> {
        let after = self.0.error.split_once("failed with status ")?.1;
        after.split(' ').next()?.parse().ok()
    }

    /// Success by its status, and JSON, but not what a registry sends.
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

    /// The registry's code; 0 if it gave none.
    pub fn code(&self) -> u32 {
        self.raw().map_or(0, |raw| raw.error_code)
    }

    /// The registry's own words, or the library's.
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

impl From<SRCError> for Cause {
    fn from(error: SRCError) -> Self {
        Self(error)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.error)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
