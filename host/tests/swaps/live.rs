//! Many swaps under steady load: nothing lost, every row of the plugin that the fences say, and how long records take
//! meanwhile, beside how long they take without.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::scene::{PARTITIONS, Scene, digest, name, variant};
use crate::support::{http, variable_or};

/// One load, whatever the phase: so many records at a time, so often.
const TOGETHER: i64 = 9;
const EVERY: Duration = Duration::from_millis(12);

/// A swap at a time, with this pause after it: far more often than anybody would.
const PAUSE_MS: u64 = 60;

/// What a phase came to.
struct Phase {
    name: &'static str,
    latencies_ms: Vec<f64>,
    records: i64,
    took: Duration,
}

impl Phase {
    fn quantile(&self, part: usize) -> f64 {
        let mut sorted = self.latencies_ms.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[(sorted.len() - 1) * part / 100]
    }

    fn say(&self) {
        eprintln!(
            "{}: {} records in {:.1} s, {:.0} records/s; ms from record to row: p50 {:.1}, p99 {:.1}, most {:.1}",
            self.name,
            self.records,
            self.took.as_secs_f64(),
            self.records as f64 / self.took.as_secs_f64(),
            self.quantile(50),
            self.quantile(99),
            self.quantile(100),
        );
    }
}

/// Steady load while `meanwhile` runs. Every batch's last record is looked for until its row is there.
fn phase(scene: &Scene, name: &'static str, meanwhile: impl FnOnce()) -> Phase {
    let is_over = AtomicBool::new(false);
    let begun = Instant::now();
    let select = format!("SELECT id FROM {}.variants WHERE id = ?", scene.job.keyspace);
    std::thread::scope(|scope| {
        let (sent, arriving) = std::sync::mpsc::channel::<(i64, Instant)>();
        let watching = scope.spawn(|| {
            let arriving = arriving;
            scene.runtime.block_on(async {
                let select = scene.session.prepare(select).await.unwrap();
                let mut latencies = Vec::new();
                for (id, produced) in arriving {
                    while scene
                        .session
                        .execute_unpaged(&select, (id,))
                        .await
                        .unwrap()
                        .into_rows_result()
                        .unwrap()
                        .rows_num()
                        == 0
                    {
                        assert!(produced.elapsed() < Duration::from_mins(1), "{id} never comes");
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    latencies.push(produced.elapsed().as_secs_f64() * 1000.0);
                }
                latencies
            })
        });
        let over = &is_over;
        let loading = scope.spawn(move || {
            let mut records = 0;
            while !over.load(Ordering::Relaxed) {
                let produced = Instant::now();
                let last = scene.produce(TOGETHER, 0);
                records += TOGETHER;
                sent.send((last, produced)).unwrap();
                std::thread::sleep(EVERY.saturating_sub(produced.elapsed()));
            }
            records
        });
        meanwhile();
        is_over.store(true, Ordering::Relaxed);
        let records = loading.join().unwrap();
        let latencies_ms = watching.join().unwrap();
        let phase = Phase {
            name,
            latencies_ms,
            records,
            took: begun.elapsed(),
        };
        phase.say();
        phase
    })
}

fn swap(address: &str, component: &[u8]) -> Json {
    let wasm = [("Content-Type", "application/wasm")];
    let answer = http::ask(address, "PUT", "/plugin", &wasm, component);
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.body).unwrap()
}

/// What a swap takes beyond compiling and checking, in milliseconds.
struct Work {
    trial: f64,
    announce: f64,
    put: f64,
}

impl Work {
    fn whole(&self) -> f64 {
        self.own() + self.announce
    }

    /// Without the wait for the broker's acknowledgement.
    fn own(&self) -> f64 {
        self.trial + self.put
    }
}

/// What swaps came to.
#[derive(Default)]
struct Swaps {
    /// Milliseconds beyond compiling and checking, by phase, and of those two.
    work: Vec<Work>,
    assembling: Vec<f64>,
    resident_kib: Vec<u64>,
}

/// Of each partition: the first offset of each stretch, and its digest.
type Fences = BTreeMap<String, BTreeMap<i64, String>>;

/// The status has the latest ones only.
fn gather(fences: &mut Fences, address: &str) {
    let answer = http::ask(address, "GET", "/status.json", &[], b"");
    let status: Json = serde_json::from_str(&answer.body).unwrap();
    for (partition, said) in status["partitions"].as_object().unwrap() {
        for fence in said["fences"].as_array().unwrap() {
            let digest = fence["digest"].as_str().unwrap().to_owned();
            let known = fences
                .entry(partition.clone())
                .or_default()
                .insert(fence["from"].as_i64().unwrap(), digest.clone());
            assert!(
                known.is_none_or(|known| known == digest),
                "{partition}: a fence is no other one later"
            );
        }
    }
}

impl Swaps {
    fn swap(&mut self, process: u32, address: &str, component: &[u8], fences: &mut Fences) {
        // As seldom as the status forgets none.
        if self.work.len().is_multiple_of(8) {
            gather(fences, address);
        }
        let done = swap(address, component);
        assert_eq!(done["outcome"], "swapped", "{done}");
        let of = |phase: &str| done["times"][phase].as_f64().unwrap();
        self.work.push(Work {
            trial: of("trial_ms"),
            announce: of("announce_ms"),
            put: of("put_ms"),
        });
        self.assembling.push(of("assemble_ms"));
        self.resident_kib.push(resident_kib(process));
        std::thread::sleep(Duration::from_millis(variable_or("SWAP_PAUSE_MS", PAUSE_MS)));
    }

    fn say(&self, name: &str) {
        let sorted = |values: &[f64]| {
            let mut sorted = values.to_vec();
            sorted.sort_by(f64::total_cmp);
            (
                sorted[sorted.len() / 2],
                sorted[sorted.len() * 99 / 100],
                sorted[sorted.len() - 1],
            )
        };
        let [own, whole] = [Work::own, Work::whole].map(|part| self.work.iter().map(part).collect::<Vec<_>>());
        let (own, work, assembling) = (sorted(&own), sorted(&whole), sorted(&self.assembling));
        eprintln!(
            "{} {name}: ms beyond compiling and checking: middle {:.1}, p99 {:.1}, most {:.1}; compiling and checking: middle {:.0}, most {:.0}",
            self.work.len(),
            work.0,
            work.1,
            work.2,
            assembling.0,
            assembling.2,
        );
        eprintln!(
            "  trying and putting alone: middle {:.1}, p99 {:.1}, most {:.1}",
            own.0, own.1, own.2
        );
        let mut longest: Vec<_> = self.work.iter().collect();
        longest.sort_by(|one, other| other.whole().total_cmp(&one.whole()));
        for Work { trial, announce, put } in longest.into_iter().take(5) {
            eprintln!("  of the longest: {trial:.1} ms to try, {announce:.1} to announce, {put:.1} to put");
        }
    }
}

#[test]
fn many_swaps_lose_nothing_and_rows_change_exactly_at_the_fences() {
    let swaps: usize = variable_or("SWAPS", 100);
    let scene = Scene::new("swap_live");
    let whole = [variant("one", ""), variant("two", "")];
    let new: Vec<_> = (0..swaps / 10)
        .map(|number| variant(&format!("new{number}"), ""))
        .collect();
    scene.place(&whole[0]);
    let mut running = scene.start(&["--admin", "127.0.0.1:0"]);
    let line = running.until("page, metrics and status at http://");
    let address = line
        .split("http://")
        .nth(1)
        .and_then(|rest| rest.split('/').next())
        .unwrap();
    let process = running.id();
    let mut fences = Fences::new();
    phase(&scene, "to warm up", || std::thread::sleep(Duration::from_secs(10)));
    // The other one is compiled once; from then on each is the one before the other.
    let mut back_and_forth = Swaps::default();
    back_and_forth.swap(process, address, &whole[1], &mut fences);
    // Servers and machine change within minutes, so the two kinds of phase take turns, and rounds are compared.
    let rounds = (swaps / 50).max(2);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let seconds = with.last().map_or(Duration::from_secs(6), |phase: &Phase| phase.took);
        without.push(phase(&scene, "without swaps", || std::thread::sleep(seconds)));
        with.push(phase(&scene, "back and forth", || {
            for _ in 0..swaps / rounds {
                let number = back_and_forth.work.len();
                back_and_forth.swap(process, address, &whole[(number + 1) % 2], &mut fences);
            }
        }));
    }
    let mut compiled = Swaps::default();
    let compiling = phase(&scene, "to new ones", || {
        for component in &new {
            compiled.swap(process, address, component, &mut fences);
        }
    });
    back_and_forth.say("swaps back and forth");
    compiled.say("swaps to new ones");
    let resident = &back_and_forth.resident_kib;
    let last = resident[resident.len() - 1];
    eprintln!(
        "resident {} KiB after the first swap, {} KiB after a fifth of them, {last} KiB after the last, {} KiB after the new ones",
        resident[0],
        resident[swaps / 5],
        compiled.resident_kib.last().unwrap(),
    );
    let (even, odd): (Vec<_>, Vec<_>) = without.iter().enumerate().partition(|(round, _)| round % 2 == 0);
    let middle = |half: &[(usize, &Phase)]| Middle::of(half.iter().map(|(_, phase)| *phase));
    let usual = Middle::of(&without);
    Middle::of(&with).say("back and forth", &usual);
    Middle::of([&compiling]).say("to new ones", &usual);
    middle(&odd).say("every second phase without swaps, to the others", &middle(&even));
    let produced = usize::try_from(scene.produced()).unwrap();
    let rows = scene.until_rows(produced);
    assert_eq!(rows.len(), produced, "each record has one row");
    scene.until_settled(produced);
    gather(&mut fences, address);
    check(&scene, &fences, whole.iter().chain(&new));
    // What the compiler and two plugins take is taken by then.
    assert!(last * 10 <= resident[swaps / 5] * 13, "memory grows: {resident:?} KiB");
    running.signal("-TERM");
    running.finish().succeeded();
}

/// The middle of several phases: ms from record to row, records a second.
struct Middle {
    p50: f64,
    p99: f64,
    rate: f64,
}

impl Middle {
    fn of<'a>(phases: impl IntoIterator<Item = &'a Phase>) -> Self {
        let phases: Vec<_> = phases.into_iter().collect();
        let middle = |figure: &dyn Fn(&Phase) -> f64| {
            let mut sorted: Vec<_> = phases.iter().map(|phase| figure(phase)).collect();
            sorted.sort_by(f64::total_cmp);
            f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2])
        };
        Self {
            p50: middle(&|phase| phase.quantile(50)),
            p99: middle(&|phase| phase.quantile(99)),
            rate: middle(&|phase| phase.records as f64 / phase.took.as_secs_f64()),
        }
    }

    fn say(&self, name: &str, usual: &Self) {
        eprintln!(
            "{name}: p50 {:.1} ms ({:.2} x), p99 {:.1} ms ({:.2} x), {:.0} records/s ({:.3} x)",
            self.p50,
            self.p50 / usual.p50,
            self.p99,
            self.p99 / usual.p99,
            self.rate,
            self.rate / usual.rate
        );
    }
}

/// Every row is of the plugin that its fence names.
fn check<'a>(scene: &Scene, fences: &Fences, components: impl Iterator<Item = &'a Vec<u8>>) {
    let names: BTreeMap<String, String> = components
        .map(|component| (digest(component), name(component)))
        .collect();
    let rows = scene.rows();
    for ((number, offset), row) in &rows {
        let partition = format!("{}/{number}", scene.job.topic);
        let (from, digest) = fences[&partition].range(..=offset).next_back().unwrap();
        assert_eq!(
            row.made_by, names[digest],
            "{partition}@{offset}, behind the fence at {from}"
        );
    }
    assert_eq!(fences.len(), usize::try_from(PARTITIONS).unwrap());
    let fences: usize = fences.values().map(BTreeMap::len).sum();
    eprintln!(
        "{} rows, each of the plugin that its fence names; {fences} fences",
        rows.len()
    );
}

fn resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
