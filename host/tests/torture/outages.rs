//! Servers that go away while records flow: the only broker, the dead-letter topic, the only Cassandra node for long.

use std::time::{Duration, Instant};

use crate::compare::{differences, find};
use crate::ledger::{self, Expected, Fate, Mix, Record};
use crate::life::Life;
use crate::size::{self, Scale};
use crate::stage::{Pace, Reading, Stage, Tuning, torture_program};
use crate::support::services;

/// Far more than any step takes.
const PATIENCE: Duration = Duration::from_mins(5);

/// Several times as long as a request may take there, and short beside what a node may be away.
const TIMED_OUT: Duration = Duration::from_millis(1500);

pub fn mix(records: usize, poison_per_mille: u32) -> Mix {
    Mix {
        records,
        partitions: 6,
        keys: i64::try_from(records / 4).unwrap(),
        poison_per_mille,
        shelf_per_mille: 40,
        has_endless: false,
    }
}

pub fn slow() -> Tuning {
    Tuning {
        partitions: 6,
        // Slowly, so that records wait whenever something happens.
        pace: Pace::Slow,
        ..Tuning::default()
    }
}

/// A member of the group of a reading.
pub fn member(stage: &Stage, reading: &Reading, name: &str) -> Life {
    stage.start(name, stage.command(&torture_program(), reading, &[]))
}

/// Waits until all is committed, ends the members well and compares.
pub fn is_whole(stage: &Stage, reading: &Reading, mut lives: Vec<Life>, expected: &Expected, records: usize) {
    stage.until_committed(reading, &mut lives, records, PATIENCE);
    for mut life in lives {
        life.ask_to_end();
        let ended = life.wait(Duration::from_mins(1));
        assert!(
            ended.is_some_and(|status| status.success()),
            "{ended:?}:\n{}",
            life.last_words()
        );
    }
    let found = find(stage, reading);
    let differences = differences(expected, &found);
    assert!(differences.is_none(), "TORTURE_SEED={}\n{differences}", size::seed());
    eprintln!(
        "{records} records: {} rows, {} dead letters, {} of them published more than once; nothing lost, nothing changed\n",
        found.table.len(),
        found.letters.len(),
        found.doubled.len()
    );
}

#[test]
fn the_only_broker_killed_and_restarted() {
    size::begins("the only broker killed");
    let scale = |reduced, full| Scale { reduced, full };
    let kills = scale(1, 5).of("TORTURE_BROKER_KILLS");
    let records = ledger::draw(
        &mix(scale(8000, 50_000).of("TORTURE_OUTAGE_RECORDS"), 10),
        &mut size::choices("broker"),
    );
    let expected = ledger::expected(&records);
    let stage = Stage::new("broker", slow());
    let reading = stage.reading("read");
    let mut lives = vec![member(&stage, &reading, "one"), member(&stage, &reading, "two")];
    for life in &mut lives {
        life.until("running", Duration::from_mins(1));
    }
    for slice in records.chunks(records.len().div_ceil(kills)) {
        stage.produce(slice);
        std::thread::sleep(Duration::from_millis(500));
        assert!(
            stage.committed(&reading) < i64::try_from(records.len()).unwrap(),
            "it is killed while records flow"
        );
        services(&["kill", "kafka-1"]);
        lives[0].until("waiting for the source", Duration::from_mins(1));
        services(&["start", "kafka-1"]);
    }
    is_whole(&stage, &reading, lives, &expected, records.len());
}

#[test]
fn nothing_is_committed_past_a_dead_letter_that_cannot_be_published() {
    size::begins("dead-letter topic unwritable");
    let records = ledger::draw(&mix(4000, 20), &mut size::choices("letters"));
    let expected = ledger::expected(&records);
    let stage = Stage::new(
        "letters",
        Tuning {
            partitions: 6,
            ..Tuning::default()
        },
    );
    let reading = stage.reading("read");
    stage.bound_letters(&reading, "1");
    stage.produce(&records);
    let mut life = member(&stage, &reading, "one");
    life.until("halted at the dead letters", Duration::from_mins(1));
    let seconds = Scale { reduced: 6, full: 60 }.of("TORTURE_UNWRITABLE_SECONDS");
    std::thread::sleep(Duration::from_secs(seconds));
    let first_letters = (0..stage.partitions).map(|number| {
        let of_partition = expected.letters.range((number, 0)..(number + 1, 0));
        of_partition.map(|((_, offset), _)| *offset).next().unwrap_or(i64::MAX)
    });
    let points = stage.commit_points(&reading);
    eprintln!("committed while no letter could be published: {points:?}");
    for (point, letter) in points.iter().zip(first_letters) {
        assert!(*point <= letter, "committed {point}, past the dead letter {letter}");
    }
    stage.bound_letters(&reading, "1048588");
    is_whole(&stage, &reading, vec![life], &expected, records.len());
}

/// A request that has timed out here is applied when the node goes on, and so is the one that was sent in its place.
#[test]
fn writes_that_time_out_and_are_applied_twice_change_nothing() {
    size::begins("write time-outs");
    let scale = Scale {
        reduced: 3000,
        full: 50_000,
    };
    let mix = Mix {
        shelf_per_mille: 700,
        ..mix(scale.of("TORTURE_TIMED_OUT_RECORDS"), 5)
    };
    let records = ledger::draw(&mix, &mut size::choices("time-outs"));
    let mut expected = ledger::expected(&records);
    // A request that waits in a stopped node counts its TTL from when that goes on.
    expected.late_s += TIMED_OUT.as_secs().cast_signed();
    let stage = Stage::new("timeouts", slow());
    let reading = stage.reading("read");
    let mut command = stage.command(&torture_program(), &reading, &[]);
    command.env("HOST_REQUEST_TIMEOUT_MS", "300");
    let mut life = stage.start("one", command);
    life.until("running", Duration::from_mins(1));
    for slice in records.chunks(records.len().div_ceil(3)) {
        let said = life.said().len();
        stage.send(slice);
        std::thread::sleep(Duration::from_millis(300));
        services(&["pause", "cassandra-1"]);
        std::thread::sleep(TIMED_OUT);
        services(&["resume", "cassandra-1"]);
        for words in ["waiting for the sink", "the sink is back"] {
            let end = Instant::now() + Duration::from_mins(1);
            while !life.said()[said..].contains(words) {
                assert!(Instant::now() < end, "{words:?} was not said:\n{}", life.last_words());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
    is_whole(&stage, &reading, vec![life], &expected, records.len());
}

#[test]
fn memory_stays_flat_while_cassandra_is_stopped() {
    size::begins("cassandra stopped");
    let scale = |reduced, full| Scale { reduced, full };
    let waiting = scale(80_000, 1_000_000).of("TORTURE_WAITING_RECORDS");
    let settled = scale(15_000, 50_000).of("TORTURE_STEADY_RECORDS");
    let stopped = Duration::from_secs(Scale { reduced: 15, full: 120 }.of("TORTURE_STOPPED_SECONDS"));
    let records = ledger::draw(&mix(waiting, 1), &mut size::choices("memory"));
    let mut expected = ledger::expected(&records);
    expected.late_s += stopped.as_secs().cast_signed();
    let tuning = Tuning {
        partitions: 6,
        batch_records: 1000,
        ..Tuning::default()
    };
    let stage = Stage::new("memory", tuning);
    let reading = stage.reading("read");
    stage.produce(&records);
    let mut life = member(&stage, &reading, "one");
    while stage.committed(&reading) < i64::try_from(settled).unwrap() {
        std::thread::sleep(Duration::from_millis(100));
    }
    let steady = life.resident_kib();
    services(&["pause", "cassandra-1"]);
    let begun = Instant::now();
    let before = stage.committed(&reading);
    assert!(before < i64::try_from(waiting).unwrap(), "records wait");
    let mut most = steady;
    while begun.elapsed() < stopped {
        most = most.max(life.resident_kib());
        std::thread::sleep(Duration::from_millis(100));
    }
    let after = stage.committed(&reading);
    services(&["resume", "cassandra-1"]);
    eprintln!(
        "stopped for {} s with {} of {waiting} records waiting: {steady} KiB before, at most {most} KiB",
        begun.elapsed().as_secs(),
        i64::try_from(waiting).unwrap() - after,
    );
    life.until("waiting for the sink", Duration::from_secs(1));
    assert!(most * 10 <= steady * 12, "memory grows from {steady} KiB to {most} KiB");
    is_whole(&stage, &reading, vec![life], &expected, records.len());
}

/// Records of one partition that do nothing wrong, for those that only look at when they arrive.
pub fn good(partition: i32, id: i64, timestamp_ms: i64) -> Record {
    let text = serde_json::json!({"id": id, "behaviour": "good", "number": 1, "note": null}).to_string();
    Record {
        partition,
        value: Some(text.into_bytes()),
        timestamp_ms,
        fate: Fate::Filtered,
    }
}
