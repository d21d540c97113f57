//! Three members that are killed again and again while a fourth one joins and leaves and records keep coming.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::compare::{Differences, Found, differences, find};
use crate::joiner::{self, Shared, now_ms};
use crate::ledger::{self, Expected, Mix, Record};
use crate::report::Report;
use crate::size::{self, Scale};
use crate::stage::{Reading, Stage, Tuning};
use crate::victims::{Ended, Rebalances, Step, Victim};

/// Ending well or reading to the end: far more than it takes.
const PATIENCE: Duration = Duration::from_mins(3);

pub struct Plan {
    pub mix: Mix,
    pub kills: usize,
    pub rebalances: usize,
    /// Failpoints of every life; a promise to break.
    pub more: &'static str,
}

/// What came of it.
pub struct Outcome {
    pub report: Report,
    pub found: Found,
    pub expected: Expected,
    pub differences: Differences,
    /// Whether every member could read up to the end after the last kill.
    pub has_finished: bool,
}

/// Carries a plan out on a reading of the stage.
pub fn carry_out(stage: &Stage, reading: &Reading, plan: &Plan) -> Outcome {
    let begun = Instant::now();
    let records = ledger::draw(&plan.mix, &mut size::choices("records"));
    let expected = ledger::expected(&records);
    let shared = Shared::default();
    let mut report = Report {
        records: records.len(),
        ..Report::default()
    };
    std::thread::scope(|scope| {
        let joining = scope.spawn(|| joiner::run(stage, reading, plan.more, plan.rebalances, &shared));
        let is_joining = || !joining.is_finished();
        kill(stage, reading, plan, &records, &shared, &mut report, &is_joining);
        joining.join().expect("the joiner does not fail");
    });
    report.rebalances = shared.rebalances.load(Ordering::Relaxed);
    report.cut_short = shared.cut_short.load(Ordering::Relaxed);
    report.joiner_killed = shared.killed.load(Ordering::Relaxed);
    report.killed_at.extend(shared.killed_at.lock().iter());
    report.kill_seconds = begun.elapsed().as_secs();
    let has_finished = finish(stage, reading, plan.more);
    let found = find(stage, reading);
    let differences = differences(&expected, &found);
    report.rows = found.table.len();
    report.letters = found.letters.len();
    report.seconds = begun.elapsed().as_secs();
    Outcome {
        report,
        found,
        expected,
        differences,
        has_finished,
    }
}

/// Kills until there were enough kills, and produces all records meanwhile; in the end the members end well.
fn kill(
    stage: &Stage,
    reading: &Reading,
    plan: &Plan,
    records: &[Record],
    shared: &Shared,
    report: &mut Report,
    is_joining: &dyn Fn() -> bool,
) {
    let mut slices = records.chunks(records.len().div_ceil(plan.kills.max(1)).max(1));
    let rebalances = if plan.rebalances > 0 {
        Rebalances::Some
    } else {
        Rebalances::None
    };
    let mut victims = ["m0", "m1", "m2"].map(|name| Victim::new(name, rebalances));
    while report.all_kills() < plan.kills || is_joining() {
        let is_calm = shared.is_calm.load(Ordering::Relaxed) && is_joining();
        for number in 0..victims.len() {
            if !victims[number].is_alive() {
                let doomed = victims.iter().filter(|victim| victim.is_doomed()).count();
                let is_doomed = report.all_kills() + doomed < plan.kills;
                victims[number].start(stage, reading, plan.more, is_doomed);
            }
            match victims[number].step(is_calm) {
                Step::Nothing => {}
                Step::ProduceSlice => {
                    if let Some(slice) = slices.next() {
                        stage.produce(slice);
                    }
                }
                Step::Died(ended) => report.killed(ended, now_ms()),
                Step::DiedWithOthers => {
                    report.killed(Ended::Together, now_ms());
                    for victim in victims.iter_mut().filter(|victim| victim.is_doomed()) {
                        victim.kill();
                        report.killed(Ended::Together, now_ms());
                    }
                }
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    for slice in slices {
        stage.produce(slice);
    }
    for victim in &mut victims {
        let Some(mut life) = victim.take() else { continue };
        // One that was only just started knows no signals yet.
        life.until("running", PATIENCE);
        life.ask_to_end();
        let ended = life.wait(PATIENCE);
        let is_well = ended.is_some_and(|status| status.success());
        assert!(
            is_well || !plan.more.is_empty(),
            "{} ({ended:?}):\n{}",
            victim.name,
            life.last_words()
        );
    }
}

/// The same members read up to the end, undisturbed.
fn finish(stage: &Stage, reading: &Reading, more: &str) -> bool {
    let lives = ["m0", "m1", "m2"].map(|name| {
        let victim = Victim::new(name, Rebalances::None);
        let mut command = victim.command(stage, reading, &["--exit-at-end", "--fail-fast"]);
        command.env("FAILPOINTS", more);
        stage.start(name, command)
    });
    lives.into_iter().fold(true, |all, mut life| {
        let ended = life.wait(PATIENCE);
        let is_well = ended.is_some_and(|status| status.success());
        if !is_well {
            eprintln!("does not read to the end ({ended:?}):\n{}", life.last_words());
        }
        all && is_well
    })
}

#[test]
fn kills_and_rebalances_lose_nothing_and_change_nothing() {
    size::begins("kills and rebalances");
    let scale = |reduced, full| Scale { reduced, full };
    let records = scale(6000, 200_000).of("TORTURE_RECORDS");
    let plan = Plan {
        mix: Mix {
            records,
            partitions: 12,
            keys: i64::try_from(records / 4).unwrap(),
            poison_per_mille: Scale { reduced: 10, full: 10 }.of("TORTURE_POISON_PER_MILLE"),
            shelf_per_mille: 60,
            has_endless: true,
        },
        kills: scale(30, 1000).of("TORTURE_KILLS"),
        rebalances: scale(6, 50).of("TORTURE_REBALANCES"),
        more: "",
    };
    let stage = Stage::new("kills", Tuning::default());
    let reading = stage.reading("killed");
    let begun = Instant::now();
    let mut outcome = carry_out(&stage, &reading, &plan);
    eprintln!("killed run: differences\n{}", outcome.differences);
    assert!(
        outcome.has_finished,
        "every member reads to the end (TORTURE_SEED={})",
        size::seed()
    );
    assert_eq!(stage.committed(&reading), i64::try_from(records).unwrap());
    assert!(outcome.differences.is_none(), "TORTURE_SEED={}", size::seed());

    let clean = stage.reading("clean");
    stage.read_to_end(&clean);
    let found = find(&stage, &clean);
    let clean_differences = differences(&outcome.expected, &found);
    eprintln!("clean run: differences\n{clean_differences}");
    assert!(clean_differences.is_none(), "TORTURE_SEED={}", size::seed());
    assert!(
        found.doubled.is_empty(),
        "a run without kills publishes each letter once"
    );
    assert!(found.table == outcome.found.table && found.letters == outcome.found.letters);
    assert!(found.shelf == outcome.found.shelf && !found.shelf.is_empty());

    outcome.report.seconds = begun.elapsed().as_secs();
    let explained = outcome.report.explain(&outcome.found.doubled);
    eprintln!("{}", outcome.report);
    assert_eq!(explained, Ok(()));
    assert!(outcome.report.all_kills() == plan.kills && outcome.report.rebalances >= plan.rebalances);
}
