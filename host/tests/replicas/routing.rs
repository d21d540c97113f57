//! Where requests go, as the nodes themselves say it: each counts for every table the requests that it coordinated and the
//! partitions that it stored. A coordinator that does not store the rows of its requests is a detour.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, Int64Array, StringArray};
use host::record::columns::DataType;
use host::record::descriptor::{Descriptor, Effect};
use host::sink::cassandra::CassandraSink;
use host::sink::cassandra::config::{Config, CqlBatches};
use host::sink::{Sink, WriteBatch};
use scylla::client::session::Session;
use scylla::policies::load_balancing::{NodeIdentifier, SingleTargetLoadBalancingPolicy};
use scylla::statement::unprepared::Statement;
use scylla::value::{CqlValue, Row};
use uuid::Uuid;

use crate::support::sink::{batch, config, descriptor, field, keyspace_of, output_to, rows};

/// Rows of each table; with them no CQL batch of ten ends where a node's rows do.
const ROWS: usize = 607;

/// One for the rows of each node, and one for rows of all.
const TABLES: [&str; 4] = ["first", "second", "third", "all_nodes"];

/// Of one table at one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counted {
    /// Requests: a CQL batch is one.
    coordinated: usize,
    /// Partitions, which are rows here.
    stored: usize,
}

fn outputs() -> Descriptor {
    // With the columns of the key in another order than the table has them.
    let fields = || {
        vec![
            field("number", DataType::Int64, false),
            field("name", DataType::Text, false),
            field("what", DataType::Int32, false),
        ]
    };
    descriptor(TABLES.map(|table| output_to(table, Effect::Upsert, fields())).into())
}

fn rows_of(output: usize, keys: &[(String, i64)]) -> Arc<WriteBatch> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(keys.iter().map(|(_, number)| *number))),
        Arc::new(StringArray::from_iter_values(keys.iter().map(|(name, _)| name))),
        Arc::new(Int32Array::from(vec![1; keys.len()])),
    ];
    batch(output, columns, &vec![1; keys.len()])
}

async fn write(sink: &CassandraSink, output: usize, keys: &[(String, i64)]) {
    let answers = sink
        .write(rows_of(output, keys), (0..).take(keys.len()).collect())
        .await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

/// The host ids of the nodes, and a query that one of them answers for itself.
fn nodes(session: &Session) -> Vec<Uuid> {
    let state = session.get_cluster_state();
    state.get_nodes_info().iter().map(|node| node.host_id).collect()
}

async fn ask(session: &Session, node: Uuid, cql: String) -> Vec<Vec<Option<CqlValue>>> {
    let mut statement = Statement::new(cql);
    let only = SingleTargetLoadBalancingPolicy::new(NodeIdentifier::HostId(node), None);
    statement.set_load_balancing_policy(Some(only));
    let answer = session
        .query_unpaged(statement, ())
        .await
        .expect("the node answers")
        .into_rows_result()
        .expect("rows");
    let rows = answer.rows::<Row>().expect("rows of any columns");
    rows.map(|row| row.expect("a row").columns).collect()
}

/// Up to which token rows are whose, as each node says of itself.
async fn ring(session: &Session) -> BTreeMap<i64, Uuid> {
    let mut ring = BTreeMap::new();
    for node in nodes(session) {
        for cells in ask(session, node, "SELECT tokens FROM system.local".to_owned()).await {
            let Some(CqlValue::Set(tokens)) = &cells[0] else {
                panic!("{cells:?}");
            };
            let tokens = tokens.iter().filter_map(CqlValue::as_text);
            ring.extend(tokens.map(|token| (token.parse::<i64>().expect("a token"), node)));
        }
    }
    ring
}

/// Keys, by the node that has their first replica, with the tokens that the server has for them.
async fn keys_by_node(session: &Session, keyspace: &str) -> BTreeMap<Uuid, Vec<(String, i64)>> {
    let sink = CassandraSink::open(&config(), keyspace, &outputs()).await;
    let sink = sink.expect("a sink");
    let keys: Vec<(String, i64)> = (0..)
        .take(5 * ROWS)
        .map(|number| (format!("name {number}"), number))
        .collect();
    write(&sink, 3, &keys).await;
    let ring = ring(session).await;
    let mut by_node: BTreeMap<Uuid, Vec<_>> = BTreeMap::new();
    let query = format!("SELECT name, number, token(name, number) FROM {keyspace}.all_nodes");
    for cells in rows(session, &query).await {
        let [
            Some(CqlValue::Text(name)),
            Some(CqlValue::BigInt(number)),
            Some(CqlValue::BigInt(token)),
        ] = &cells[..]
        else {
            panic!("{cells:?}");
        };
        let owner = ring.range(token..).chain(&ring).next().expect("a node").1;
        by_node.entry(*owner).or_default().push((name.clone(), *number));
    }
    assert_eq!(by_node.len(), 3, "rows for every node");
    by_node
}

async fn counted(session: &Session, keyspace: &str, table: &str) -> BTreeMap<Uuid, Counted> {
    let mut counted = BTreeMap::new();
    for node in nodes(session) {
        let count = async |view: &str| {
            let query = format!(
                "SELECT \"count\" FROM system_views.{view} WHERE keyspace_name = '{keyspace}' AND table_name = '{table}'"
            );
            let rows = ask(session, node, query).await;
            let count = rows.first().and_then(|cells| cells[0].as_ref()?.as_bigint());
            usize::try_from(count.unwrap_or(0)).expect("a count")
        };
        let found = Counted {
            coordinated: count("coordinator_write_latency").await,
            stored: count("local_write_latency").await,
        };
        counted.insert(node, found);
    }
    counted
}

/// A keyspace with so many replicas, and a table of it that has nothing but the rows of one node.
async fn tables(name: &str, replicas: usize) -> (Session, String) {
    let create = |table: &str| {
        format!("CREATE TABLE KS.{table} (name text, number bigint, what int, PRIMARY KEY ((name, number)))")
    };
    let create = TABLES.map(create);
    keyspace_of(name, replicas, &create.each_ref().map(String::as_str)).await
}

/// How rows are sent.
struct Way {
    name: &'static str,
    config: Config,
    /// Rows of one request, at most.
    rows: usize,
}

impl Way {
    /// Requests for so many rows of one node.
    fn requests(&self, rows: usize) -> usize {
        rows.div_ceil(self.rows)
    }
}

/// In CQL batches, as many in one as the server takes without a warning, and each by itself.
fn ways() -> [Way; 2] {
    let alone = CqlBatches {
        partitions: Some(0),
        bytes: None,
    };
    let config_alone = Config {
        cql_batches: alone,
        ..config()
    };
    [
        Way {
            name: "batches",
            config: config(),
            rows: 10,
        },
        Way {
            name: "alone",
            config: config_alone,
            rows: 1,
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_goes_to_a_node_that_stores_all_its_rows() {
    for way in ways() {
        for replicas in [1_usize, 2] {
            let (session, keyspace) = tables(&format!("routing_{}_{replicas}", way.name), replicas).await;
            let keys = keys_by_node(&session, &keyspace).await;
            let sink = CassandraSink::open(&way.config, &keyspace, &outputs()).await.unwrap();
            for (output, (node, keys)) in keys.iter().enumerate() {
                write(&sink, output, &keys[..ROWS]).await;
                let found = counted(&session, &keyspace, TABLES[output]).await;
                let story = format!("{}, {replicas} replicas, rows of {node}: {found:?}", way.name);
                let stored: Vec<usize> = found
                    .values()
                    .map(|node| node.stored)
                    .filter(|count| *count > 0)
                    .collect();
                assert_eq!(stored, vec![ROWS; replicas], "{story}");
                let total: usize = found.values().map(|node| node.coordinated).sum();
                assert_eq!(total, way.requests(ROWS), "{story}");
                let astray = found.values().any(|node| node.stored == 0 && node.coordinated > 0);
                assert!(!astray, "{story}");
            }
        }
    }
}

/// Of rows of all nodes in one write, none shares a CQL batch with rows of another node.
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_several_nodes_are_coordinated_each_by_its_own() {
    for way in ways() {
        let (session, keyspace) = tables(&format!("routing_mixed_{}", way.name), 1).await;
        let keys = keys_by_node(&session, &keyspace).await;
        let sink = CassandraSink::open(&way.config, &keyspace, &outputs()).await.unwrap();
        // Of every node another number of rows, none of them a multiple of ten.
        let shares = [ROWS, ROWS / 2, ROWS / 5];
        let mut mixed: Vec<(String, i64)> = Vec::new();
        for (keys, share) in keys.values().zip(shares) {
            mixed.extend_from_slice(&keys[..share]);
        }
        mixed.sort_by_key(|(_, number)| *number);
        write(&sink, 0, &mixed).await;
        let found = counted(&session, &keyspace, TABLES[0]).await;
        for (node, share) in keys.keys().zip(shares) {
            let expected = Counted {
                coordinated: way.requests(share),
                stored: share,
            };
            assert_eq!(found[node], expected, "{}, {node}: {found:?}", way.name);
        }
    }
}
