//! Kafka brokers as one types or pastes them: `host:port`, comma separated, with a security protocol before each or none,
//! as Confluent's pages and a broker's `advertised.listeners` have it (`SASL_SSL://host:9092`).

use std::fmt;

use super::address::{self, AddressError};

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

const DEFAULT_PORT: u16 = 9092;

/// Each broker may have a protocol before it; those of all that have one must be the same.
pub fn read(text: &str) -> Result<Brokers, AddressError> {
    let mut protocol = None;
    let mut hosts = Vec::new();
    for broker in text.split(',').map(str::trim) {
        let Some((scheme, host)) = broker.split_once("://") else {
            hosts.push(broker);
            continue;
        };
        let found = Protocol::of_scheme(scheme).ok_or_else(|| AddressError::Protocol(address::shown(broker)))?;
        if protocol.is_some_and(|protocol| protocol != found) {
            return Err(AddressError::Protocols(address::shown(text)));
        }
        protocol = Some(found);
        // As a URL it may end so.
        hosts.push(host.strip_suffix('/').unwrap_or(host));
    }
    let list = address::nodes(&hosts.join(","), DEFAULT_PORT)?.join(",");
    Ok(Brokers { list, protocol })
}

impl Protocol {
    const ALL: [Self; 4] = [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl];

    fn of_scheme(scheme: &str) -> Option<Self> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn is_read(text: &str, list: &str, protocol: Option<Protocol>) {
        let list = list.to_owned();
        assert_eq!(read(text), Ok(Brokers { list, protocol }));
    }

    #[test]
    fn a_protocol_may_stand_before_each_broker() {
        is_read("a, b:1", "a:9092,b:1", None);
        let confluent = "SASL_SSL://a.confluent.cloud:9092";
        is_read(confluent, "a.confluent.cloud:9092", Some(Protocol::SaslSsl));
        is_read("ssl://a:1/, SSL://[::1]:9093", "a:1,[::1]:9093", Some(Protocol::Ssl));
        is_read("PLAINTEXT://a,b", "a:9092,b:9092", Some(Protocol::Plaintext));
        is_read("SASL_PLAINTEXT://[::1]", "[::1]:9092", Some(Protocol::SaslPlaintext));
    }

    #[test]
    fn other_forms_are_refused_in_one_line_that_says_what_is_right() {
        let error = |text: &str| read(text).unwrap_err().to_string();
        assert_eq!(
            error("SSL://a:1,PLAINTEXT://b:2"),
            "`SSL://a:1,PLAINTEXT://b:2` has brokers of several security protocols; all of them need the same one"
        );
        for bad in ["https://a:9092", "kafka://a:9092", "OUTSIDE://a:9092"] {
            assert_eq!(
                error(bad),
                format!(
                    "`{bad}` begins with no security protocol of Kafka; give host:port, alone or behind PLAINTEXT://, \
                     SSL://, SASL_PLAINTEXT:// or SASL_SSL://"
                )
            );
        }
        for bad in ["SASL_SSL://", "SSL://a:x", "SSL://a/b", "a;b", "a:1:2", "[::1", "[a]:1"] {
            assert!(error(bad).ends_with("is no host:port"), "{bad}: {}", error(bad));
        }
        assert!(!error("SASL_SSL://key:hunter2@a:9092").contains("hunter2"));
        assert!(!error("http://key:hunter2@a:9092").contains("hunter2"));
    }
}
