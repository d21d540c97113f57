//! Three Cassandra nodes. Replication factor 3, QUORUM: with one down everything goes on, with two down everything
//! waits. Fewer replicas: [`routing`].

#[path = "../support/mod.rs"]
mod support;

mod routing;

use std::time::Duration;

use support::kafka::committed;
use support::program::Job;
use support::{cassandra, orders, services};

#[tokio::test(flavor = "multi_thread")]
async fn one_node_down_goes_on_two_down_waits_and_resumes() {
    let job = Job::new("replicas");
    job.host(&["setup"]).succeeded().says("3");
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "3000",
        "--seed",
        "21",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    job.host(&["produce", "orders.csv", "--limit", "1000"]).succeeded();

    services(&["kill", "cassandra-3"]);
    job.run(&["--exit-at-end"])
        .succeeded()
        .says("read 1000 records: 1000 rows written");

    services(&["kill", "cassandra-2"]);
    job.host(&["produce", "orders.csv"]).succeeded();
    let mut running = job.start_run(&["--exit-at-end"]);
    running.until("waiting for the sink");
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(
        committed(&job.servers.kafka, &job.group, &job.topic, 3),
        1000,
        "nothing is committed meanwhile"
    );
    services(&["start", "cassandra-2"]);
    running.until("the sink is back");
    services(&["start", "cassandra-3"]); // for those that come after
    running
        .finish()
        .succeeded()
        .says("read 3000 records: 3000 rows written");

    let session = cassandra::session(&job.servers.cassandra).await;
    let found = cassandra::orders(&session, &job.keyspace).await;
    let expected = orders::expected(&job.read("orders.csv"));
    assert!(found == expected, "{} of {} rows", found.len(), expected.len());
}
