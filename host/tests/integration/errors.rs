//! What is wrong at the start: one clear line, the right exit code.

use crate::support::plugin;
use crate::support::program::Job;

/// A port on which nothing listens.
const NOBODY: &str = "127.0.0.1:1";

#[test]
fn servers_that_do_not_answer_are_exit_code_3_with_their_address() {
    let mut job = Job::set_up("away");
    job.write("orders.csv", "order_id,customer_id\na,b\n");
    let good = std::mem::replace(&mut job.servers.kafka, NOBODY.to_owned());
    job.run(&["--exit-at-end"]).failed(3, &["Kafka", NOBODY]);
    job.host(&["produce", "orders.csv"]).failed(3, &["Kafka", NOBODY]);
    job.host(&["check", "--plugin", &plugin()]).failed(3, &[NOBODY]);
    job.servers.kafka = good;
    let good = std::mem::replace(&mut job.servers.cassandra, NOBODY.to_owned());
    job.run(&["--exit-at-end"]).failed(3, &["Cassandra", NOBODY]);
    job.host(&["verify", "orders.csv", "--plugin", &plugin()])
        .failed(3, &["Cassandra", NOBODY]);
    job.host(&["setup"]).failed(3, &["Cassandra", NOBODY]);
    job.servers.cassandra = good;
    job.servers.registry = format!("http://{NOBODY}");
    job.host(&["produce", "orders.csv"])
        .failed(3, &["schema registry", NOBODY]);
}

#[test]
fn what_is_not_set_up_is_exit_code_2_with_the_remedy() {
    let job = Job::new("bare");
    job.write("orders.csv", "order_id,customer_id\na,b\n");
    job.run(&["--exit-at-end"]).failed(2, &["host setup"]);
    job.host(&["produce", "orders.csv"])
        .failed(2, &[&job.topic, "host setup"]);
    let seen = job.host(&["check", "--plugin", &plugin()]);
    assert_eq!(seen.code, Some(2), "{}\n{}", seen.stdout, seen.stderr);
}
