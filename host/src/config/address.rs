//! Reads addresses as a user types them: `--from`, `--to`, `--plugin`, `--admin`, and lists of brokers and nodes.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::brokers::{Brokers, Protocol};

/// A topic, as `kafka://BROKERS/TOPIC` names it. A part that is left out comes from other settings: `kafka:///orders`,
/// `kafka://broker`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KafkaAddress {
    pub brokers: Option<String>,
    pub topic: Option<String>,
}

/// A keyspace, as `cassandra://NODES/KEYSPACE` names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CassandraAddress {
    pub nodes: Option<String>,
    pub keyspace: Option<String>,
}

/// A plugin, as `--plugin` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginAddress {
    File(PathBuf),
    Published {
        /// `None` means the brokers that records come from.
        brokers: Option<String>,
        topic: String,
        name: String,
    },
}

/// Why a text is not an address of the wanted kind, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("`{text}` is not a source of records; give {forms}")]
    NoSource { text: String, forms: String },
    #[error("`{text}` is not a place for rows; give {forms}")]
    NoSink { text: String, forms: String },
    #[error("the address has a login in it; put the login into {0}")]
    Login(&'static str),
    #[error("`{0}` is not a URL; write one that begins with http:// or https://")]
    NoUrl(String),
    #[error("`{0}` is more than one URL; give one of them")]
    Urls(String),
    #[error("`{0}` has brokers of several security protocols; all of them need the same one")]
    Protocols(String),
    #[error(
        "`{0}` does not begin with a security protocol of Kafka; give host:port, alone or after PLAINTEXT://, SSL://, \
         SASL_PLAINTEXT:// or SASL_SSL://"
    )]
    Protocol(String),
    #[error("`{0}` is not a valid topic name; use 1 to 249 letters, digits, `.`, `_` or `-`")]
    Topic(String),
    #[error("`{0}` is not a valid keyspace name; begin with a letter and use at most 48 letters, digits or `_`")]
    Keyspace(String),
    #[error("`{0}` is not the address of a published plugin; give kafka://BROKERS/TOPIC/NAME, or a file")]
    Plugin(String),
    #[error("`{0}` is not host:port")]
    Node(String),
    #[error("`{0}` is not an address to listen at; give IP:PORT (127.0.0.1:7171, [::1]:7171, 0.0.0.0:7171), or off")]
    Listen(String),
}

/// Whether and where the admin endpoint listens, as `--admin` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    Off,
    At(SocketAddr),
}

const DEFAULT_PORT: u16 = 9092;

/// The beginning of the address of a topic.
const KAFKA: &str = "kafka://";
/// The beginning of the address of a keyspace.
const CASSANDRA: &str = "cassandra://";

/// Whether the text is the address of a topic, be it good or bad.
pub fn is_kafka(text: &str) -> bool {
    text.starts_with(KAFKA)
}

/// Whether the text is the address of a keyspace, be it good or bad.
pub fn is_cassandra(text: &str) -> bool {
    text.starts_with(CASSANDRA)
}

/// Reads the address of a topic. `None` means that the text is another kind of address.
pub fn kafka(text: &str) -> Result<Option<KafkaAddress>, AddressError> {
    let Some((hosts, name)) = parts(text, KAFKA) else {
        return Ok(None);
    };
    let brokers = part(hosts);
    let topic = part(name);
    if hosts.contains('@') {
        return Err(AddressError::Login("KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"));
    }
    if let Some(brokers) = &brokers {
        self::brokers(brokers)?;
    }
    if let Some(topic) = &topic {
        self::topic(topic)?;
    }
    Ok(Some(KafkaAddress { brokers, topic }))
}

/// Reads the address of a keyspace. `None` means that the text is another kind of address.
pub fn cassandra(text: &str) -> Result<Option<CassandraAddress>, AddressError> {
    let Some((hosts, name)) = parts(text, CASSANDRA) else {
        return Ok(None);
    };
    if hosts.contains('@') {
        return Err(AddressError::Login("CASSANDRA_CLIENT_ID and CASSANDRA_SECRET"));
    }
    let nodes = part(hosts);
    let keyspace = part(name);
    if let Some(keyspace) = &keyspace {
        self::keyspace(keyspace)?;
    }
    Ok(Some(CassandraAddress { nodes, keyspace }))
}

/// Reads the value of `--plugin`.
pub fn plugin(text: &str) -> Result<PluginAddress, AddressError> {
    let Some((hosts, place)) = parts(text, KAFKA) else {
        return Ok(PluginAddress::File(text.into()));
    };
    if hosts.contains('@') {
        return Err(AddressError::Login("KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"));
    }
    let brokers = part(hosts);
    if let Some(brokers) = &brokers {
        self::brokers(brokers)?;
    }
    let (topic, name) = place.split_once('/').unwrap_or((place, ""));
    self::topic(topic)
        .and_then(|()| self::topic(name))
        .map_err(|_| AddressError::Plugin(shown(text)))?;
    Ok(PluginAddress::Published {
        brokers,
        topic: topic.to_owned(),
        name: name.to_owned(),
    })
}

/// Reads a comma separated list of `host`, `host:port` and `[ipv6]:port`. Each result has a port.
pub fn nodes(text: &str, default_port: u16) -> Result<Vec<String>, AddressError> {
    let nodes: Result<Vec<String>, AddressError> = text
        .split(',')
        .map(str::trim)
        .filter(|node| !node.is_empty())
        .map(|node| with_port(node, default_port).ok_or_else(|| AddressError::Node(shown(node))))
        .collect();
    match nodes {
        Ok(nodes) if nodes.is_empty() => Err(AddressError::Node(shown(text))),
        result => result,
    }
}

/// Reads the brokers. Each may have a protocol before it, but only one protocol may appear.
pub fn brokers(text: &str) -> Result<Brokers, AddressError> {
    let mut protocol = None;
    let mut hosts = Vec::new();
    for broker in text.split(',').map(str::trim) {
        let Some((scheme, host)) = broker.split_once("://") else {
            hosts.push(broker);
            continue;
        };
        let found = Protocol::of_scheme(scheme).ok_or_else(|| AddressError::Protocol(shown(broker)))?;
        if protocol.is_some_and(|protocol| protocol != found) {
            return Err(AddressError::Protocols(shown(text)));
        }
        protocol = Some(found);
        // Pasted URLs may end in a slash.
        hosts.push(host.strip_suffix('/').unwrap_or(host));
    }
    let list = nodes(&hosts.join(","), DEFAULT_PORT)?.join(",");
    Ok(Brokers { list, protocol })
}

/// Reads an HTTP address and returns it without `/` at its end. `login` names the place for the login, for the error
/// about a login in the address.
pub fn url(text: &str, login: &'static str) -> Result<String, AddressError> {
    let text = text.trim();
    if text.contains('@') {
        return Err(AddressError::Login(login));
    }
    if text.matches("://").count() > 1 {
        return Err(AddressError::Urls(shown(text)));
    }
    match text.split_once("://") {
        Some((scheme, rest))
            if ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
                && rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
                && !rest.contains(|c: char| c.is_whitespace() || c == ',') =>
        {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(AddressError::NoUrl(shown(text))),
    }
}

/// Reads an address to listen at, or `off`. `localhost` means the loopback address.
pub fn listen(text: &str) -> Result<Listen, AddressError> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("off") {
        return Ok(Listen::Off);
    }
    let address = match text.strip_prefix("localhost:") {
        Some(port) => port
            .parse()
            .ok()
            .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        None => text.parse().ok(),
    };
    address.map(Listen::At).ok_or_else(|| AddressError::Listen(shown(text)))
}

/// Checks the name of a topic against Kafka's rules.
pub fn topic(name: &str) -> Result<(), AddressError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if (1..=249).contains(&name.len()) && name.chars().all(legal) && name != "." && name != ".." {
        Ok(())
    } else {
        Err(AddressError::Topic(shown(name)))
    }
}

/// Checks the name of a keyspace against Cassandra's rules.
pub fn keyspace(name: &str) -> Result<(), AddressError> {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if begins && name.len() <= 48 && name.chars().all(legal) {
        Ok(())
    } else {
        Err(AddressError::Keyspace(shown(name)))
    }
}

/// Whether the name ends as that of a file of JSON lines.
pub fn is_ndjson(text: &str) -> bool {
    ends(text, &[".ndjson", ".jsonl"])
}

/// Appends to the whole name: `orders.db` becomes `orders.db.dead-letters.ndjson`.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Splits `scheme://hosts/name` into hosts and name. The hosts may begin with a protocol of their own; its slashes do
/// not end them.
fn parts<'a>(text: &'a str, scheme: &str) -> Option<(&'a str, &'a str)> {
    let rest = text.strip_prefix(scheme)?;
    let of_protocol = |at: usize| {
        let (before, behind) = rest.split_at(at);
        before.ends_with(':') && behind.starts_with("//") || before.ends_with(":/")
    };
    let mut slashes = rest.match_indices('/').map(|(at, _)| at);
    let end = slashes.find(|at| !of_protocol(*at));
    Some(match end {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, ""),
    })
}

fn part(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn with_port(node: &str, default_port: u16) -> Option<String> {
    let odd = |c: char| c.is_whitespace() || matches!(c, '@' | '/' | ';');
    if node.contains(odd) {
        return None;
    }
    // A zone may follow, as in `fe80::1%eth0`.
    let is_ipv6 = |text: &str| {
        text.split('%')
            .next()
            .is_some_and(|text| text.parse::<Ipv6Addr>().is_ok())
    };
    let has_port = match node.strip_prefix('[') {
        Some(rest) => {
            let (_, behind) = rest.split_once(']').filter(|(inside, _)| is_ipv6(inside))?;
            !behind.is_empty()
        }
        None if is_ipv6(node) => return Some(format!("[{node}]:{default_port}")),
        None if node.matches(':').count() > 1 => return None,
        None => node.contains(':'),
    };
    if !has_port {
        return Some(format!("{node}:{default_port}"));
    }
    let (host, port) = node.rsplit_once(':')?;
    (!host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)).then(|| node.to_owned())
}

/// Whether a file's name ends in one of these, in any case, and has something before it.
pub fn ends(text: &str, endings: &[&str]) -> bool {
    let lower = text.to_ascii_lowercase();
    endings
        .iter()
        .any(|ending| lower.ends_with(ending) && lower.len() > ending.len())
}

/// The typed text as an error may show it. Text with an `@` may hold a password, so it is hidden.
pub(super) fn shown(text: &str) -> String {
    if text.contains('@') {
        "***".to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_ending_in_any_case() {
        assert!(ends("a/B.CSV.GZ", &[".csv", ".csv.gz"]));
        assert!(!ends("orders.xlsx", &[".csv"]) && !ends(".csv", &[".csv"]));
    }

    #[test]
    fn what_an_address_leaves_out_is_left_open() {
        let named = |brokers: Option<&str>, topic: Option<&str>| {
            Ok(Some(KafkaAddress {
                brokers: brokers.map(Into::into),
                topic: topic.map(Into::into),
            }))
        };
        assert_eq!(kafka("kafka://a:1,b:2/t"), named(Some("a:1,b:2"), Some("t")));
        assert_eq!(kafka("kafka:///t"), named(None, Some("t")));
        assert_eq!(kafka("kafka://a:1"), named(Some("a:1"), None));
        assert_eq!(kafka("kafka://SSL://a:1/t"), named(Some("SSL://a:1"), Some("t")));
        assert_eq!(
            kafka("kafka://SASL_SSL://a:1,SASL_SSL://b:2/t"),
            named(Some("SASL_SSL://a:1,SASL_SSL://b:2"), Some("t"))
        );
        assert_eq!(kafka("kafka://SSL://a"), named(Some("SSL://a"), None));
        assert!(matches!(kafka("kafka://a:1/t/u"), Err(AddressError::Topic(_))));
        assert!(matches!(kafka("kafka://http://a:1/t"), Err(AddressError::Protocol(_))));
    }

    #[test]
    fn a_login_in_an_address_is_refused_and_not_shown() {
        for error in [
            kafka("kafka://u:hunter2@b/t").unwrap_err(),
            cassandra("cassandra://u:hunter2@n/k").unwrap_err(),
        ] {
            assert!(matches!(error, AddressError::Login(_)), "{error}");
            assert!(!error.to_string().contains("hunter2"));
        }
        assert_eq!(shown("http://u:hunter2@x"), "***");
    }

    #[test]
    fn a_plugin_is_a_file_or_was_published_under_a_name() {
        let published = |brokers: Option<&str>| {
            Ok(PluginAddress::Published {
                brokers: brokers.map(Into::into),
                topic: "host-plugins".to_owned(),
                name: "clean".to_owned(),
            })
        };
        assert_eq!(plugin("kafka://a:1,b/host-plugins/clean"), published(Some("a:1,b")));
        assert_eq!(plugin("kafka:///host-plugins/clean"), published(None));
        assert_eq!(
            plugin("kafka://SSL://a:1/host-plugins/clean"),
            published(Some("SSL://a:1"))
        );
        assert_eq!(plugin("a/b.wasm"), Ok(PluginAddress::File("a/b.wasm".into())));
        for bad in [
            "kafka://a",
            "kafka://a/t",
            "kafka://a/t/",
            "kafka://a/t/n/m",
            "kafka://a//n",
        ] {
            assert_eq!(plugin(bad), Err(AddressError::Plugin(bad.to_owned())));
        }
        assert!(matches!(plugin("kafka://u:p@a/t/n"), Err(AddressError::Login(_))));
    }

    #[test]
    fn nodes_get_the_default_port_and_keep_their_own() {
        let nodes = |text| nodes(text, 9042);
        assert_eq!(
            nodes("a, b:1 ,[::1],[::1]:7,::1"),
            Ok(["a:9042", "b:1", "[::1]:9042", "[::1]:7", "[::1]:9042"]
                .map(String::from)
                .to_vec())
        );
        for bad in [
            "", ",", ":9042", "a:x", "a:0", "a:70000", "a b", "[::1", "a:1:2", "[]:1", "[a]:1", "[::1]x",
        ] {
            assert!(nodes(bad).is_err(), "{bad}");
        }
    }
    #[test]
    fn a_url_is_one_address_on_the_web_without_its_last_slash() {
        let url = |text| url(text, "LOGIN");
        assert_eq!(
            url(" https://r/apis/ccompat/v7/ "),
            Ok("https://r/apis/ccompat/v7".into())
        );
        assert_eq!(url("HTTP://[::1]:8081"), Ok("HTTP://[::1]:8081".into()));
        for bad in [
            "",
            "r:8081",
            "http://",
            "http:///v7",
            "ftp://r",
            "http://a b",
            "http://a,b",
        ] {
            assert_eq!(url(bad), Err(AddressError::NoUrl(bad.into())));
        }
        let several = "http://a:8081,http://b:8081";
        assert_eq!(url(several), Err(AddressError::Urls(several.into())));
        assert_eq!(url("https://u:p@r"), Err(AddressError::Login("LOGIN")));
    }

    fn is_read(text: &str, list: &str, protocol: Option<Protocol>) {
        let list = list.to_owned();
        assert_eq!(brokers(text), Ok(Brokers { list, protocol }));
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
        let error = |text: &str| brokers(text).unwrap_err().to_string();
        assert_eq!(
            error("SSL://a:1,PLAINTEXT://b:2"),
            "`SSL://a:1,PLAINTEXT://b:2` has brokers of several security protocols; all of them need the same one"
        );
        for bad in ["https://a:9092", "kafka://a:9092", "OUTSIDE://a:9092"] {
            assert_eq!(
                error(bad),
                format!(
                    "`{bad}` does not begin with a security protocol of Kafka; give host:port, alone or after PLAINTEXT://, \
                     SSL://, SASL_PLAINTEXT:// or SASL_SSL://"
                )
            );
        }
        for bad in ["SASL_SSL://", "SSL://a:x", "SSL://a/b", "a;b", "a:1:2", "[::1", "[a]:1"] {
            assert!(error(bad).ends_with("is not host:port"), "{bad}: {}", error(bad));
        }
        assert!(!error("SASL_SSL://key:hunter2@a:9092").contains("hunter2"));
        assert!(!error("http://key:hunter2@a:9092").contains("hunter2"));
    }
}
