//! A guest that never ends in one partition, and how long the records of another one take meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use scylla::client::session::Session;

use crate::joiner::now_ms;
use crate::ledger::{Fate, Record};
use crate::outages::{good, member};
use crate::size::{self, Scale};
use crate::stage::{Reading, Stage, Tuning};
use crate::support::cassandra;

const DEADLINE_MS: u32 = 1000;
/// Endless records for each phase.
const ENDLESS: i64 = 4;
/// Half of the least p99 that counts as slow: below, it is the machine that is measured.
const LEAST_MS: f64 = 25.0;
const BURNING: i32 = 0;
const FLOWING: i32 = 1;
/// Records of the flowing partition in each phase, one every so often.
const RECORDS: i64 = 200;
const EVERY: Duration = Duration::from_millis(12);

/// Latencies from produced to visible, in ms, of records that flow in partition 1.
fn phase(stage: &Stage, reading: &Reading, first: i64, session: &Session) -> Vec<f64> {
    let select = format!("SELECT id FROM {}.ledger WHERE id = ?", reading.keyspace);
    std::thread::scope(|scope| {
        let (sent, arriving) = std::sync::mpsc::channel();
        let watching = scope.spawn(move || {
            let mut latencies = Vec::new();
            stage.runtime.block_on(async {
                let select = session.prepare(select).await.unwrap();
                for (id, produced) in arriving {
                    let produced: Instant = produced;
                    loop {
                        let result = session.execute_unpaged(&select, (id,)).await.unwrap();
                        if result.into_rows_result().unwrap().rows_num() > 0 {
                            break;
                        }
                        assert!(produced.elapsed() < Duration::from_mins(1), "row {id} never comes");
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    latencies.push(produced.elapsed().as_secs_f64() * 1000.0);
                }
            });
            latencies
        });
        for id in first..first + RECORDS {
            let produced = Instant::now();
            stage.send(&[good(FLOWING, id, now_ms())]);
            sent.send((id, produced)).unwrap();
            std::thread::sleep(EVERY.saturating_sub(produced.elapsed()));
        }
        drop(sent);
        watching.join().unwrap()
    })
}

/// The latencies of the phases of one kind: of each, the median, the p99 and the longest.
#[derive(Default)]
struct Phases {
    spreads: Vec<[f64; 3]>,
}

impl Phases {
    fn add(&mut self, mut latencies: Vec<f64>) {
        latencies.sort_by(f64::total_cmp);
        let count = latencies.len();
        self.spreads
            .push([count / 2, count * 99 / 100, count - 1].map(|at| latencies[at]));
    }

    /// Of the middle phase: a machine that stops for a tenth of a second delays a dozen records in a row, and with that
    /// decides the p99 of its phase, but not of half of them.
    fn p99(&self) -> f64 {
        let mut p99s: Vec<_> = self.spreads.iter().map(|spread| spread[1]).collect();
        p99s.sort_by(f64::total_cmp);
        p99s[(p99s.len() - 1) / 2]
    }

    fn longest(&self) -> f64 {
        self.spreads.iter().map(|spread| spread[2]).fold(0.0, f64::max)
    }
}

fn endless() -> Record {
    Record {
        value: Some(br#"{"id":0,"behaviour":"loop"}"#.to_vec()),
        fate: Fate::Filtered,
        ..good(BURNING, 0, now_ms())
    }
}

#[test]
fn an_endless_guest_of_one_partition_delays_no_other() {
    size::begins("endless neighbour");
    let tuning = Tuning {
        partitions: 2,
        deadline_ms: DEADLINE_MS,
        ..Tuning::default()
    };
    let stage = Stage::new("neighbour", tuning);
    let reading = stage.reading("read");
    let mut life = member(&stage, &reading, "one");
    life.until("running", Duration::from_mins(1));
    let session = stage.runtime.block_on(cassandra::session(&stage.servers.cassandra));
    let rounds = Scale { reduced: 3, full: 15 }.of("TORTURE_NEIGHBOUR_ROUNDS");
    let (mut alone, mut beside_others, mut beside_guest) = (Phases::default(), Phases::default(), Phases::default());
    let mut first = 1;
    let mut next_phase = || {
        first += RECORDS;
        phase(&stage, &reading, first - RECORDS, &session)
    };
    next_phase();
    for _ in 0..rounds {
        alone.add(next_phase());
        beside_others.add(while_a_core_burns(&mut next_phase));
        // A deadline for each at least, which is more than the phase takes.
        let until = stage.commit_points(&reading)[0] + ENDLESS;
        stage.produce(&(0..ENDLESS).map(|_| endless()).collect::<Vec<_>>());
        beside_guest.add(next_phase());
        assert!(
            stage.commit_points(&reading)[0] < until,
            "it still burns when the phase ends"
        );
        while stage.commit_points(&reading)[0] < until {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    for (name, phases) in [
        ("alone", &alone),
        ("beside a busy thread of another process", &beside_others),
        ("beside an endless guest", &beside_guest),
    ] {
        let spreads = &phases.spreads;
        eprintln!("{RECORDS} records, ms to be visible (median, p99, most), by round, {name}: {spreads:.1?}");
    }
    let bound = 2.0 * alone.p99().max(beside_others.p99()).max(LEAST_MS);
    assert!(
        beside_guest.p99() <= bound,
        "p99 {} ms, at most {bound} ms",
        beside_guest.p99()
    );
    assert!(
        beside_guest.longest() < f64::from(DEADLINE_MS),
        "a record waited for a deadline"
    );
}

/// Keeps a core busy meanwhile: what a guest that never ends takes from the machine, it may take.
fn while_a_core_burns<T>(run: impl FnOnce() -> T) -> T {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        let result = run();
        is_over.store(true, Ordering::Relaxed);
        result
    })
}
