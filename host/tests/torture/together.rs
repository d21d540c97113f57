//! Rows and progress become durable together where a store keeps both: the program is killed at every failpoint, and after
//! each death the table holds exactly the rows of the records before the progress that is kept.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rusqlite::Connection;

use crate::life::{Life, died_at_failpoint};
use crate::size::{self, Scale};
use crate::stage;

/// As `own_progress/source.rs` has it.
const PARTITIONS: i64 = 3;
const RECORDS: i64 = 8000;

const POINTS: [&str; 9] = [
    "received",
    "decoded",
    "transformed",
    "written",
    "published",
    "settled",
    "committed",
    "revoking",
    "revoked",
];

const PATIENCE: Duration = Duration::from_secs(60);

/// One life, which ends at the failpoint or at the last record; whether it died.
fn live(directory: &Path, failpoints: &str) -> bool {
    let mut command = Command::new(stage::torture_program());
    command
        .env("OWN_PROGRESS", directory.join("counted.db"))
        .env("PLUGIN", stage::plugin())
        .env("FAILPOINTS", failpoints);
    let mut life = Life::start(command, &directory.join("log"));
    let ended = life
        .wait(PATIENCE)
        .unwrap_or_else(|| panic!("it goes on:\n{}", life.last_words()));
    let has_died = died_at_failpoint(ended);
    assert!(has_died || ended.success(), "{ended:?}:\n{}", life.last_words());
    has_died
}

/// The progress of each partition; `Err` where the rows are not exactly those before it.
fn progress(directory: &Path) -> Result<BTreeMap<i64, i64>, String> {
    let database = Connection::open(directory.join("counted.db")).unwrap();
    let pairs = |query: &str| -> BTreeMap<i64, i64> {
        let mut statement = database.prepare(query).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let points = pairs("SELECT number, point FROM progress");
    let rows = pairs("SELECT number, count(*) FROM counted GROUP BY number");
    let places = pairs("SELECT number, count(DISTINCT place) FROM counted GROUP BY number");
    let last = pairs("SELECT number, max(place) + 1 FROM counted GROUP BY number");
    for (number, point) in &points {
        let of = |found: &BTreeMap<i64, i64>| found.get(number).copied().unwrap_or(0);
        if [of(&rows), of(&places), of(&last)] != [*point; 3] {
            return Err(format!(
                "partition {number} is kept up to {point}, and its table has {} rows of {} records, the last of them {}",
                of(&rows),
                of(&places),
                of(&last) - 1
            ));
        }
    }
    let strangers = rows.keys().find(|number| !points.contains_key(number));
    strangers.map_or(Ok(points.clone()), |number| {
        Err(format!("partition {number} has rows and no progress"))
    })
}

#[test]
fn rows_and_progress_of_one_transaction_are_never_apart() {
    size::begins("rows and progress of one transaction");
    let directory = tempfile::tempdir().unwrap();
    let mut choices = size::choices("together");
    let rounds = Scale { reduced: 3, full: 12 }.of("TORTURE_TOGETHER_ROUNDS");
    let mut deaths = BTreeMap::new();
    'rounds: for _ in 0..rounds {
        for point in POINTS {
            let most = if point.starts_with("revok") { 3 } else { 12 };
            let has_died = live(
                directory.path(),
                &format!("{point}={}*off->return", choices.u32(0..most)),
            );
            let kept = progress(directory.path()).unwrap_or_else(|wrong| panic!("killed at {point}: {wrong}"));
            *deaths.entry(point).or_insert(0) += u32::from(has_died);
            if kept.values().sum::<i64>() == PARTITIONS * RECORDS {
                break 'rounds;
            }
        }
    }
    eprintln!("deaths: {deaths:?}");
    assert!(
        POINTS
            .iter()
            .all(|point| deaths.get(point).is_some_and(|deaths| *deaths > 0)),
        "it died at every point: {deaths:?}"
    );
    assert!(!live(directory.path(), ""), "the last life reads to the end");
    let all: BTreeMap<_, _> = (0..PARTITIONS).map(|number| (number, RECORDS)).collect();
    assert_eq!(progress(directory.path()), Ok(all));
}

#[test]
fn progress_kept_before_its_rows_are_written_is_noticed() {
    size::begins("progress before its rows");
    // After some commits nothing is in flight, so that nothing is amiss: one of a few deaths has to show it.
    let is_noticed = |commits: u32| {
        let directory = tempfile::tempdir().unwrap();
        let late = "mutant-commit-before-write=return;staging=return(100)";
        let dies = live(directory.path(), &format!("{late};committed={commits}*off->return"));
        assert!(dies, "it dies right after a commit");
        progress(directory.path()).is_err()
    };
    assert!((4..12).any(is_noticed), "no death showed it");
}
