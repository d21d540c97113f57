//! Reads `[sink.cassandra]`, and the nodes and the keyspace out of `cassandra://`.

use super::address::{self, CassandraAddress};
use super::pairs::both;
use super::values::Values;
use crate::cassandra::config::{Compression, Config as SessionConfig, Consistency};
use crate::connection::{CassandraConnection, ClientCertificate, Login, Secret, Tls};
use crate::sink::cassandra::config::{Config, CqlBatches};
use crate::sink::cassandra::limit::InFlight;

/// Where Cassandra is, and where rows go there.
pub(super) struct NodesAndKeyspace {
    pub nodes: Vec<String>,
    pub keyspace: String,
}

/// The nodes and the keyspace. An address in `--to` wins over `sink.cassandra.nodes` and `sink.cassandra.keyspace` unless
/// those come from a stronger place.
pub(super) fn place(values: &mut Values) -> NodesAndKeyspace {
    let read_nodes = |text: &str| address::nodes(text, 9042);
    let default_keyspace = values.parse("sink.cassandra.keyspace", |name| {
        address::keyspace(name).map(|()| name.to_owned())
    });
    let default_nodes = values.parse("sink.cassandra.nodes", read_nodes).unwrap_or_default();
    let read = |text: &str| -> Result<_, address::AddressError> {
        let Some(CassandraAddress { nodes, keyspace }) = address::cassandra(text)? else {
            return Ok((None, None));
        };
        Ok((nodes.as_deref().map(read_nodes).transpose()?, keyspace))
    };
    let (nodes, keyspace) = values.parse("sink.to", read).unwrap_or_default();
    let nodes = nodes.filter(|_| values.is_stronger("sink.to", "sink.cassandra.nodes"));
    let keyspace = keyspace.filter(|_| values.is_stronger("sink.to", "sink.cassandra.keyspace"));
    NodesAndKeyspace {
        nodes: nodes.unwrap_or(default_nodes),
        keyspace: keyspace.or(default_keyspace).unwrap_or_default(),
    }
}

/// How to reach Cassandra, and how to write to it.
pub(super) fn config(values: &mut Values, nodes: Vec<String>) -> Config {
    use Consistency::{All, EachQuorum, LocalOne, LocalQuorum, One, Quorum, Three, Two};
    let levels = [One, Two, Three, Quorum, All, LocalOne, LocalQuorum, EachQuorum];
    let (user, password) = ("sink.cassandra.client_id", "sink.cassandra.secret");
    let (certificate, key) = ("sink.cassandra.tls_certificate", "sink.cassandra.tls_key");
    let login = both(values, user, password).map(|(user, password)| Login {
        user,
        password: Secret::new(password),
    });
    let client = both(values, certificate, key).map(|(certificate, key)| ClientCertificate {
        certificate: certificate.into(),
        key: key.into(),
    });
    let ca = values.path("sink.cassandra.tls_ca");
    if client.is_some() && ca.is_none() {
        values.blame(
            certificate,
            "a client certificate without sink.cassandra.tls_ca; name the nodes' authority too",
        );
    }
    Config {
        session: SessionConfig {
            connection: CassandraConnection {
                nodes,
                login,
                tls: ca.map(|ca| Tls { ca, client }),
            },
            consistency: values.choice("sink.cassandra.consistency", &levels),
            request_timeout: values.millis("sink.cassandra.request_timeout_ms"),
            compression: values.choice(
                "sink.cassandra.compression",
                &[Compression::None, Compression::Lz4, Compression::Snappy],
            ),
        },
        in_flight: values
            .auto_or("sink.cassandra.writes_in_flight")
            .map_or(InFlight::Found, InFlight::Fixed),
        cql_batches: CqlBatches {
            partitions: values.auto_or("sink.cassandra.batch_partitions"),
            bytes: values.auto_or("sink.cassandra.batch_kib").map(|kib| kib << 10),
        },
        write_nulls: values.choice("sink.cassandra.write_nulls", &[true, false]),
        ttl: values.parse("sink.cassandra.ttl", str::parse).unwrap_or_default(),
    }
}
