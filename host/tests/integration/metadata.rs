//! What is concluded from what Cassandra says of its tables, and what is not: from an answer that did not come, and from a
//! type of another table, nothing.

use std::sync::Arc;
use std::time::Duration;

use host::cassandra::asking::{Asking, Unanswered};
use host::cassandra::session;
use host::cassandra::table::{Table, TableError};
use host::record::columns::DataType;
use host::record::descriptor::{Descriptor, Effect};
use host::sink::cassandra::config::Config;
use host::sink::cassandra::fit::Mismatch;
use host::sink::cassandra::{CassandraSink, OpenError};
use scylla::client::session::Session;
use scylla::cluster::metadata::{CollectionType, ColumnType};

use crate::support::busy::Busy;
use crate::support::plugin;
use crate::support::program::{Job, Running};
use crate::support::sink::{config, descriptor, field, keyspace, output_to};

/// A class that the driver has no type for.
const ODD_TYPE: &str = "'org.apache.cassandra.db.marshal.CompositeType(org.apache.cassandra.db.marshal.UTF8Type,\
                        org.apache.cassandra.db.marshal.Int32Type)'";

async fn all(session: &Session, statements: &[String]) {
    for statement in statements {
        session.query_unpaged(statement.as_str(), ()).await.expect(statement);
    }
}

/// Types with quoted names and of a class of Cassandra's, in tables that the plugin has nothing to do with.
fn odd_types(keyspace: &str) -> [String; 4] {
    [
        format!("CREATE TYPE {keyspace}.\"Addr\" (street text)"),
        format!("CREATE TYPE {keyspace}.\"Two Words\" (home frozen<\"Addr\">)"),
        format!(
            "CREATE TABLE {keyspace}.people (id int PRIMARY KEY, home frozen<\"Addr\">, more list<frozen<\"Two Words\">>)"
        ),
        format!("CREATE TABLE {keyspace}.old (id int PRIMARY KEY, c {ODD_TYPE})"),
    ]
}

fn filled(name: &str, rows: &str) -> Job {
    let job = Job::set_up(name);
    let generated = [
        "generate",
        "orders",
        "--rows",
        rows,
        "--seed",
        "11",
        "--out",
        "orders.csv",
    ];
    job.host(&generated).succeeded();
    job.host(&["produce", "orders.csv"]).succeeded();
    job
}

/// In another keyspace, in the plugin's own, and in a column of its own table that it does not write.
#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_the_driver_does_not_know_concerns_only_what_is_written_to_it() {
    let job = filled("odd_types", "300");
    let (own, other) = (job.keyspace.clone(), format!("{}_other", job.keyspace));
    let session = session::connect(&config().session, &own).await.unwrap().into_driver();
    let ended = tokio::spawn(with_odd_types(job, other.clone())).await;
    // Whatever came of it: the tests after this one have sessions that such types empty.
    all(
        &session,
        &[format!("DROP KEYSPACE {own}"), format!("DROP KEYSPACE {other}")],
    )
    .await;
    ended.unwrap();
}

async fn with_odd_types(job: Job, other: String) {
    let own = &job.keyspace;
    let session = session::connect(&config().session, own)
        .await
        .expect("a session")
        .into_driver();
    let replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}";
    all(
        &session,
        &[format!("CREATE KEYSPACE {other} WITH replication = {replication}")],
    )
    .await;
    all(&session, &odd_types(&other)).await;
    all(&session, &odd_types(own)).await;
    all(&session, &[format!("ALTER TABLE {own}.orders ADD odd {ODD_TYPE}")]).await;

    let plugin = plugin();
    let table = format!("{own}.orders");
    job.host(&["setup"])
        .succeeded()
        .says(&format!("table {table}: was there"));
    let checked = job.host(&["check", "--plugin", &plugin]).succeeded();
    checked.says(&format!("10 of the 11 columns of table {table}"));
    let run = job.run(&["--exit-at-end"]).succeeded();
    run.says("read 300 records: 300 rows written");
    let verified = job.host(&["verify", "orders.csv", "--plugin", &plugin]).succeeded();
    verified.says(" 0 missing, 0 different");
    let explained = job.host(&["explain", "0@0", "--plugin", &plugin]).succeeded();
    explained.says("INSERT INTO");

    let fields = vec![field("id", DataType::Int32, false), field("c", DataType::Text, true)];
    let odd = descriptor(vec![output_to("old", Effect::Upsert, fields)]);
    let Err(OpenError::Fit(mismatches)) = CassandraSink::open(&config(), own, &odd).await else {
        panic!("a column of an unknown type was taken");
    };
    let names_it = |cql_type: &str| cql_type.contains("CompositeType");
    assert!(
        matches!(mismatches.as_slice(), [Mismatch::NotUnderstood { cql_type, .. }] if names_it(cql_type)),
        "{mismatches:?}"
    );
}

/// What is sent with a statement does not have it, so it is read from the text.
#[tokio::test]
async fn a_tables_types_are_those_of_its_columns_frozen_or_not() {
    let table = "CREATE TABLE KS.Shapes (\"Part\" int, b int, a int, l list<text>, fl frozen<list<text>>, u frozen<\"Addr\">, \
                 m map<text, frozen<list<int>>>, t tuple<int, text>, v vector<float, 3>, d duration, s text STATIC, \
                 PRIMARY KEY ((\"Part\", b), a))";
    let (session, keyspace) = keyspace("shapes", &["CREATE TYPE KS.\"Addr\" (street text)", table]).await;
    let found = Table::find(&Asking::of(&session), &keyspace, "Shapes").await;
    let table = found.unwrap().unwrap();
    assert_eq!(table.name, "shapes");
    assert_eq!(table.partition_key, ["Part", "b"]);
    assert_eq!(table.clustering_key, ["a"]);
    assert!(table.not_understood.is_empty(), "{:?}", table.not_understood);
    let frozen = |column: &str| match &table.columns[column] {
        ColumnType::Collection { frozen, .. } | ColumnType::UserDefinedType { frozen, .. } => *frozen,
        other => panic!("{column} is {other:?}"),
    };
    assert_eq!(["l", "fl", "u", "m"].map(frozen), [false, true, true, false]);
    let ColumnType::Collection {
        typ: CollectionType::Map(_, value),
        ..
    } = &table.columns["m"]
    else {
        panic!("m is no map");
    };
    assert!(
        matches!(**value, ColumnType::Collection { frozen: true, .. }),
        "{value:?}"
    );
    assert!(matches!(table.columns["t"], ColumnType::Tuple(_)));
    assert!(matches!(table.columns["v"], ColumnType::Vector { dimensions: 3, .. }));
    all(&session, &[format!("DROP KEYSPACE {keyspace}")]).await;
}

/// Starts the verb while the node answers no statement, and lets it answer once this has been said.
fn begun_while_busy(job: &Job, busy: &Busy, arguments: &[&str]) -> Running {
    busy.begin();
    let before = busy.turned_away();
    let mut running = job.start(arguments);
    running.until("asking again for up to 60 s");
    busy.end();
    assert!(busy.turned_away() > before);
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_overloaded_at_the_start_is_asked_again_by_every_verb() {
    let mut job = filled("overloaded", "200");
    let busy = Busy::before(&job.servers.cassandra);
    job.servers.cassandra = busy.address.to_string();
    let plugin = plugin();
    let verbs: [(&[&str], &str); 5] = [
        (&["setup"], "was there, replication factor 1, 1 node is up"),
        (&["check", "--plugin", &plugin], "10 of the 10 columns"),
        (
            &["run", "--plugin", &plugin, "--exit-at-end"],
            "read 200 records: 200 rows written",
        ),
        (
            &["verify", "orders.csv", "--plugin", &plugin],
            " 0 missing, 0 different",
        ),
        (&["explain", "0@0", "--plugin", &plugin], "INSERT INTO"),
    ];
    for (arguments, says) in verbs {
        let seen = begun_while_busy(&job, &busy, arguments).finish().succeeded();
        seen.says(says);
        let said = seen.stderr.matches("asking again").count();
        assert_eq!(said, 1, "it is said once:\n{}", seen.stderr);
    }
}

fn through(busy: &Busy) -> Config {
    let mut through = config();
    through.session.connection.nodes = vec![busy.address.to_string()];
    through
}

fn visits(table: &str) -> Descriptor {
    descriptor(vec![output_to(
        table,
        Effect::Upsert,
        vec![field("who", DataType::Int32, false)],
    )])
}

/// The whole chain of causes on one line.
fn line(error: impl std::error::Error + Send + Sync + 'static) -> String {
    format!("{:#}", anyhow::Error::new(error))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_without_an_answer_is_no_table_that_is_missing() {
    let (session, keyspace) = keyspace("unanswered", &["CREATE TABLE KS.visits (who int PRIMARY KEY)"]).await;
    let busy = Busy::before(&config().session.connection.nodes[0]);
    let through = session::connect(&through(&busy).session, &keyspace)
        .await
        .unwrap()
        .into_driver();
    busy.begin();
    let impatient = Asking::within(&through, Duration::from_millis(700));
    let unanswered = Table::find(&impatient, &keyspace, "visits").await.unwrap_err();
    assert!(
        matches!(unanswered, Unanswered::Late { .. }) && unanswered.is_unreachable(),
        "{unanswered:?}"
    );
    let line = line(unanswered);
    assert!(
        line.starts_with("Cassandra did not say which keyspaces there are, asked for "),
        "{line}"
    );
    assert!(line.contains("Request breached global limit"), "{line}");
    busy.end();
    let found = Table::find(&impatient, &keyspace, "visits").await.unwrap();
    assert!(found.is_ok(), "{found:?}");
    all(&session, &[format!("DROP KEYSPACE {keyspace}")]).await;
}

/// As a swap does: the sink of a further plugin is opened over the connections of the first.
#[tokio::test(flavor = "multi_thread")]
async fn a_further_plugins_table_is_found_when_it_was_created_since_and_the_node_was_busy() {
    let (session, keyspace) = keyspace("beside", &["CREATE TABLE KS.visits (who int PRIMARY KEY)"]).await;
    let busy = Busy::before(&config().session.connection.nodes[0]);
    let config = through(&busy);
    let sink = Arc::new(
        CassandraSink::open(&config, &keyspace, &visits("visits"))
            .await
            .unwrap(),
    );
    let open = |table: &'static str| {
        let (sink, config, keyspace) = (Arc::clone(&sink), config.clone(), keyspace.clone());
        tokio::spawn(async move { sink.open_beside(&config, &keyspace, &visits(table)).await.map(drop) })
    };
    busy.begin();
    let (later, never) = (open("later"), open("never"));
    all(
        &session,
        &[format!("CREATE TABLE {keyspace}.later (who int PRIMARY KEY)")],
    )
    .await;
    assert!(!never.is_finished(), "nothing is concluded from no answer");
    busy.end();
    later.await.unwrap().unwrap();
    let missing = never.await.unwrap().unwrap_err();
    let OpenError::Table(TableError::NoTable { existing, .. }) = &missing else {
        panic!("{missing:?}");
    };
    assert_eq!(existing, &["later", "visits"]);
    all(&session, &[format!("DROP KEYSPACE {keyspace}")]).await;
}
