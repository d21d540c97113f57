//! Kafka brokers as one types or pastes them: `host:port`, comma separated, with a security protocol before each or none,
//! as Confluent's pages and a broker's `advertised.listeners` have it (`SASL_SSL://host:9092`).

use std::fmt;

/// What librdkafka calls `security.protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brokers {
    /// `host:port`, comma separated.
    pub list: String,
    /// What stands before each of them.
    pub protocol: Option<Protocol>,
}

impl Protocol {
    const ALL: [Self; 4] = [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl];

    /// The protocol that an address begins with, in any case.
    pub fn of_scheme(scheme: &str) -> Option<Self> {
        let is_it = |protocol: &Self| protocol.name().eq_ignore_ascii_case(scheme);
        Self::ALL.into_iter().find(is_it)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    pub fn has_login(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
