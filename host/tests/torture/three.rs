//! Three Cassandra nodes, or three brokers, of which one or two are killed or stopped under load.

use std::time::Duration;

use crate::ledger;
use crate::outages::{is_whole, member, mix, slow};
use crate::size::{self, Scale};
use crate::stage::{Stage, Tuning};
use crate::support::services;

const A_MINUTE: Duration = Duration::from_mins(1);

/// Far more than any part takes.
const PATIENCE: Duration = Duration::from_mins(10);

/// Records in flight all the while: a server that goes away without work to do proves nothing.
fn records() -> usize {
    let scale = Scale {
        reduced: 12_000,
        full: 200_000,
    };
    scale.of("TORTURE_REPLICA_RECORDS")
}

#[test]
fn three_nodes_one_down_goes_on_two_down_waits() {
    size::begins("three Cassandra nodes");
    let records = ledger::draw(&mix(records(), 10), &mut size::choices("nodes"));
    let mut expected = ledger::expected(&records);
    // A request may wait in a node that is stopped.
    expected.late_s += PATIENCE.as_secs().cast_signed();
    let stage = Stage::new("nodes", slow());
    let reading = stage.reading("read");
    let part = records.len().div_ceil(4);
    let mut parts = records.chunks(part);
    let mut produce = || stage.produce(parts.next().unwrap());
    produce();
    let mut lives = vec![member(&stage, &reading, "one")];
    lives[0].until("running", A_MINUTE);
    services(&["kill", "cassandra-3"]);
    produce();
    stage.until_committed(&reading, &mut lives, 2 * part, PATIENCE);
    let said = lives[0].said();
    assert!(!said.contains("waiting for"), "nothing waits for one node:\n{said}");

    services(&["start", "cassandra-3"]);
    produce();
    services(&["pause", "cassandra-2"]);
    stage.until_committed(&reading, &mut lives, 3 * part, PATIENCE);

    let said = lives[0].said().len();
    services(&["kill", "cassandra-3"]);
    produce();
    while !lives[0].said()[said..].contains("waiting for the sink") {
        std::thread::sleep(Duration::from_millis(50));
        assert!(
            stage.committed(&reading) < i64::try_from(records.len()).unwrap(),
            "two nodes are away"
        );
    }
    std::thread::sleep(Duration::from_secs(1));
    let before = stage.committed(&reading);
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(
        stage.committed(&reading),
        before,
        "nothing is committed while two nodes are away"
    );
    services(&["resume", "cassandra-2"]);
    lives[0].until("the sink is back", A_MINUTE);
    services(&["start", "cassandra-3"]);
    is_whole(&stage, &reading, lives, &expected, records.len());
}

#[test]
fn three_brokers_one_killed_and_restarted() {
    size::begins("three brokers");
    let records = ledger::draw(&mix(records(), 10), &mut size::choices("brokers"));
    let expected = ledger::expected(&records);
    let tuning = Tuning { replicas: 3, ..slow() };
    let stage = Stage::new("brokers", tuning);
    let reading = stage.reading("read");
    let lives = ["one", "two"].map(|name| member(&stage, &reading, name));
    let brokers = ["kafka-1", "kafka-2", "kafka-3"];
    for (slice, broker) in records.chunks(records.len().div_ceil(brokers.len())).zip(brokers) {
        let (begin, end) = slice.split_at(slice.len() / 2);
        stage.produce(begin);
        services(&["kill", broker]);
        stage.produce(end);
        std::thread::sleep(Duration::from_secs(3));
        services(&["start", broker]);
    }
    is_whole(&stage, &reading, Vec::from(lives), &expected, records.len());
}
