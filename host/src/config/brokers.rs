//! Kafka brokers and their security protocol. A user types or pastes them as `host:port`, comma separated, each with or
//! without a protocol before it, as on Confluent's pages and in a broker's `advertised.listeners`
//! (`SASL_SSL://host:9092`). `address` reads them.

use std::fmt;

/// The values of librdkafka's `security.protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

/// Brokers, and the protocol to speak with them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brokers {
    /// `host:port`, comma separated.
    pub list: String,
    /// The protocol that was written before the brokers, if any was.
    pub protocol: Option<Protocol>,
}

impl Protocol {
    const ALL: [Self; 4] = [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl];

    /// The protocol that an address begins with, in any case.
    pub fn of_scheme(scheme: &str) -> Option<Self> {
        let is_it = |protocol: &Self| protocol.name().eq_ignore_ascii_case(scheme);
        Self::ALL.into_iter().find(is_it)
    }

    /// The name as librdkafka writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    /// Whether the protocol logs in with SASL.
    pub fn has_login(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
