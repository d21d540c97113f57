//! The Cassandra sink by itself, without the program: settings, a keyspace, outputs and batches made by hand.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::ArrayRef;
use host::cassandra::config::{Compression, Config as SessionConfig, Consistency};
use host::cassandra::session;
use host::connection::CassandraConnection;
use host::record::columns::{Batch, DataType};
use host::record::descriptor::{Descriptor, Effect, Field, Output, Target};
use host::record::position::WriteTime;
use host::sink::WriteBatch;
use host::sink::cassandra::config::{Config, CqlBatches};
use host::sink::cassandra::limit::InFlight;
use host::sink::cassandra::ttl::Ttls;
use scylla::client::session::Session;
use scylla::statement::Statement;
use scylla::value::{CqlValue, Row};

pub fn config() -> Config {
    let nodes = super::variable("CASSANDRA_CONTACT_POINTS");
    Config {
        session: SessionConfig {
            connection: CassandraConnection {
                nodes: nodes.split(',').map(str::to_owned).collect(),
                login: None,
                tls: None,
            },
            consistency: Consistency::Quorum,
            request_timeout: Duration::from_secs(10),
            compression: Compression::None,
        },
        in_flight: InFlight::Found,
        cql_batches: CqlBatches::default(),
        write_nulls: false,
        ttl: Ttls::default(),
    }
}

/// A keyspace of the test's own, empty; tables are created with their keyspace written `KS`.
pub async fn keyspace(name: &str, tables: &[&str]) -> (Session, String) {
    keyspace_of(name, 1, tables).await
}

/// The same with so many replicas.
pub async fn keyspace_of(name: &str, replicas: usize, tables: &[&str]) -> (Session, String) {
    let keyspace = format!("cassandra_{name}");
    let session = session::connect(&config().session, &keyspace)
        .await
        .expect("a Cassandra that answers")
        .into_driver();
    let statements = [
        format!("DROP KEYSPACE IF EXISTS {keyspace}"),
        format!(
            "CREATE KEYSPACE {keyspace} WITH replication = \
             {{'class': 'SimpleStrategy', 'replication_factor': {replicas}}}"
        ),
    ];
    let tables = tables.iter().map(|table| table.replace("KS", &keyspace));
    for statement in statements.into_iter().chain(tables) {
        let mut statement = Statement::new(statement);
        // A busy machine may take long to change a schema.
        statement.set_request_timeout(Some(Duration::from_mins(1)));
        session
            .query_unpaged(statement, ())
            .await
            .expect("a statement of the test");
    }
    (session, keyspace)
}

pub async fn rows(session: &Session, cql: &str) -> Vec<Vec<Option<CqlValue>>> {
    let result = session.query_unpaged(cql, ()).await.expect("a query of the test");
    let result = result.into_rows_result().expect("rows");
    let rows = result.rows::<Row>().expect("rows");
    rows.map(|row| row.expect("a row").columns).collect()
}

pub fn field(name: &str, data_type: DataType, nullable: bool) -> Field {
    Field {
        name: name.to_owned(),
        data_type,
        nullable,
    }
}

/// An output to the table `visits`.
pub fn output(effect: Effect, fields: Vec<Field>) -> Output {
    output_to("visits", effect, fields)
}

pub fn output_to(table: &str, effect: Effect, fields: Vec<Field>) -> Output {
    Output {
        name: table.into(),
        target: Target::Table(table.into()),
        effect,
        fields,
    }
}

pub fn descriptor(outputs: Vec<Output>) -> Descriptor {
    Descriptor {
        name: "test".into(),
        version: "1.0.0".into(),
        inputs: vec![],
        lookups: vec![],
        outputs,
    }
}

pub fn batch(output: usize, columns: Vec<ArrayRef>, write_times: &[i64]) -> Arc<WriteBatch> {
    Arc::new(WriteBatch {
        output,
        batch: Batch {
            rows: write_times.len(),
            columns,
        },
        write_times: write_times.iter().copied().map(WriteTime).collect(),
        records: Arc::default(),
        source: Vec::new(),
        numbers: Vec::new(),
        parts: std::collections::BTreeMap::new(),
    })
}
