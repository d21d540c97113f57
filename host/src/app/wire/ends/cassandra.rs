//! A keyspace of Cassandra as a store: `cassandra://NODES/KEYSPACE`.

use std::io::Write;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::store::{Store, Tables};
use crate::app::failure::Failure;
use crate::app::say::say;
use crate::app::wire::Settings;
use crate::app::wire::finding::Finding;
use crate::app::wire::services::{cassandra_failure, connect_failure, schema_failure};
use crate::cassandra::asking::Unanswered;
use crate::cassandra::nodes;
use crate::cassandra::schema::{self, State, WANTED_REPLICAS};
use crate::cassandra::session;
use crate::config::address;
use crate::config::ends::{AddressDefaults, Kind, Refusal, StoreEnd};
use crate::record::descriptor::{Descriptor, Effect};
use crate::sink::Sink;
use crate::sink::cassandra::config::Config;
use crate::sink::cassandra::explain::Explainer;
use crate::sink::cassandra::read_back::CassandraReader;
use crate::sink::cassandra::{BoundOutput, CassandraSink, Cluster, Found, OpenError, find_outputs, replay};
use crate::sink::read_back::ReadBack;

/// Keyspaces of Cassandra. `--to` names one; its nodes come from there or from the settings.
pub const KIND: Kind<Arc<dyn Store>> = Kind {
    form: "cassandra://NODES/KEYSPACE",
    read,
};

/// The project's tables. cqlsh runs the same files.
const CQL_FILES: [&str; 1] = [include_str!("../../../../../cql/ecommerce.cql")];

/// A keyspace by its name. The settings have the nodes.
#[derive(Debug, Clone)]
struct Keyspace(String);

/// The keyspace that the settings name.
pub fn usual(defaults: AddressDefaults<'_>) -> Arc<dyn Store> {
    Arc::new(Keyspace(defaults.keyspace.to_owned()))
}

fn read(text: &str, defaults: AddressDefaults<'_>) -> Option<Result<Arc<dyn Store>, Refusal>> {
    address::is_cassandra(text).then(|| Ok(usual(defaults)))
}

impl StoreEnd for Keyspace {}

impl Store for Keyspace {
    fn place(&self) -> String {
        self.0.clone()
    }

    fn identity(&self) -> String {
        format!("cassandra {}", self.0)
    }

    fn connect(&self, settings: &Settings) -> BoxFuture<'static, Result<Arc<dyn Tables>, Failure>> {
        let (Self(keyspace), config) = (self.clone(), settings.cassandra.clone());
        async move {
            let cluster = Cluster::connect(&config, &keyspace).await.map_err(connect_failure)?;
            Ok(Arc::new(Connected { cluster, keyspace }) as _)
        }
        .boxed()
    }

    fn has_ttl(&self) -> bool {
        true
    }

    fn check<'a>(
        &'a self,
        settings: &'a Settings,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Vec<Finding>, Failure>> {
        compare_tables(&settings.cassandra, &self.0, descriptor).boxed()
    }

    fn setup<'a>(
        &'a self,
        settings: &'a Settings,
        replication_factor: Option<u8>,
        out: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<(), Failure>> {
        create_tables(&settings.cassandra, &self.0, replication_factor, out).boxed()
    }

    fn read_back<'a>(
        &'a self,
        settings: &'a Settings,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Box<dyn ReadBack>, Failure>> {
        async move {
            let opened = CassandraReader::open(&settings.cassandra, &self.0, descriptor).await;
            Ok(Box::new(opened.map_err(cassandra_failure)?) as _)
        }
        .boxed()
    }

    fn explainer<'a>(
        &'a self,
        settings: &'a Settings,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Option<Explainer>, OpenError>> {
        async move {
            if descriptor.table_outputs().next().is_none() {
                return Ok(None);
            }
            Explainer::open(&settings.cassandra, &self.0, descriptor)
                .await
                .map(Some)
        }
        .boxed()
    }
}

struct Connected {
    cluster: Cluster,
    keyspace: String,
}

impl Tables for Connected {
    fn open<'a>(
        &'a self,
        settings: &'a Settings,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Arc<dyn Sink>, Failure>> {
        async move {
            let (cluster, config) = (self.cluster.clone(), &settings.cassandra);
            let opened = CassandraSink::open_on(cluster, config, &self.keyspace, descriptor).await;
            Ok(Arc::new(opened.map_err(cassandra_failure)?) as _)
        }
        .boxed()
    }
}

/// Compares the plugin's outputs with the columns of their tables.
async fn compare_tables(config: &Config, keyspace: &str, descriptor: &Descriptor) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    let session = session::connect(&config.session, keyspace)
        .await
        .map_err(connect_failure)?;
    let found = find_outputs(&session.asking(), keyspace, descriptor).await;
    for (index, found) in found.map_err(|unanswered| cassandra_failure(unanswered.into()))? {
        let output = &descriptor.outputs[index];
        match found {
            Found::Fits(BoundOutput { table, bindings }) => {
                findings.push(Finding::Fits(format!(
                    "output {}: {} of the {} columns of table {}.{}",
                    output.name,
                    bindings.len(),
                    table.columns.len() + table.not_understood.len(),
                    table.keyspace,
                    table.name
                )));
                if output.effect == Effect::Upsert {
                    let remarks = replay::remarks(&session.asking(), &table, &bindings, &config.ttl).await;
                    findings.extend(remarks.into_iter().map(Finding::Note));
                }
            }
            Found::Misfits(mismatches) => {
                let mismatches = mismatches.into_iter();
                findings.extend(mismatches.map(|mismatch| Finding::Mismatch(mismatch.to_string())));
            }
            Found::Missing(missing) => {
                findings.push(Finding::Mismatch(format!("output {}: {missing}", output.name)));
            }
        }
    }
    Ok(findings)
}

/// Creates the keyspace and the tables, and prints a line for each.
async fn create_tables(
    config: &Config,
    keyspace: &str,
    replication_factor: Option<u8>,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let keyspace = schema::keyspace_name(keyspace).map_err(schema_failure)?;
    let session = session::connect(&config.session, &keyspace)
        .await
        .map_err(connect_failure)?;
    let asking = session.asking();
    let nodes = nodes::up(&asking).await.map_err(unanswered_failure)?;
    let replicas = match (replication_factor, &nodes) {
        (Some(factor), _) => usize::from(factor),
        (None, Ok(nodes)) => *nodes.clamp(&1, &WANTED_REPLICAS),
        (None, Err(unknown)) => {
            let why =
                format!("how many nodes Cassandra has is not known, and --replication-factor is not given: {unknown}");
            return Err(Failure::Unreachable(anyhow::Error::msg(why)));
        }
    };
    for file in CQL_FILES {
        let created = schema::create(&asking, file, &keyspace, replicas).await;
        for (index, thing) in created.map_err(schema_failure)?.into_iter().enumerate() {
            let state = match thing.state {
                State::Created => "created",
                State::WasThere => "was there",
            };
            // Each file creates its keyspace first.
            let aside = if index == 0 {
                let factor = schema::replication_factor(&asking, &keyspace).await;
                let factor = factor.map_err(unanswered_failure)?.unwrap_or(replicas);
                match &nodes {
                    Ok(nodes) => format!(", {}", replication(factor, *nodes)),
                    Err(unknown) => format!(", replication factor {factor}; {unknown}"),
                }
            } else {
                String::new()
            };
            say(out, &format!("{}: {state}{aside}", thing.what))?;
        }
    }
    Ok(())
}

fn unanswered_failure(unanswered: Unanswered) -> Failure {
    cassandra_failure(unanswered.into())
}

/// The replication factor in words, with a remark if QUORUM cannot be met or tolerates no node that is down.
fn replication(factor: usize, nodes: usize) -> String {
    let quorum = factor / 2 + 1;
    let remark = if nodes < quorum {
        format!(": QUORUM needs {quorum} of them and cannot be met")
    } else if factor < WANTED_REPLICAS {
        format!(": with {WANTED_REPLICAS} of each QUORUM would go on with one down")
    } else {
        String::new()
    };
    let are = if nodes == 1 { "node is" } else { "nodes are" };
    format!("replication factor {factor}, {nodes} {are} up{remark}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_replication_factor_says_what_it_means_for_quorum() {
        assert_eq!(replication(3, 3), "replication factor 3, 3 nodes are up");
        assert_eq!(
            replication(1, 1),
            "replication factor 1, 1 node is up: with 3 of each QUORUM would go on with one down"
        );
        assert_eq!(
            replication(3, 1),
            "replication factor 3, 1 node is up: QUORUM needs 2 of them and cannot be met"
        );
        assert_eq!(replication(3, 2), "replication factor 3, 2 nodes are up");
    }
}
