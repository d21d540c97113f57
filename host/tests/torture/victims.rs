//! A member of the group that is killed again and again, each time in a way drawn from the seed.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::life::{Life, died_at_failpoint};
use crate::size;
use crate::stage::{Pace, Reading, Stage, torture_program};

/// The arrows of the record's way at which the program can die, and how often such a point is passed at most before it
/// strikes: a batch passes the first six, a commit the next, a rebalance the last two.
pub const POINTS: [(&str, u32); 9] = [
    ("received", 12),
    ("decoded", 12),
    ("transformed", 12),
    ("written", 12),
    ("published", 12),
    ("settled", 12),
    ("committed", 3),
    ("revoking", 1),
    ("revoked", 1),
];

/// The first point that only a rebalance passes.
const REBALANCE: usize = 7;

/// Whether partitions change hands during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rebalances {
    Some,
    None,
}

/// How a life is to end.
#[derive(Debug, Clone)]
pub enum Death {
    /// SIGKILL so long after its start, before or while it takes its partitions.
    Starting(Duration),
    /// SIGKILL so long after a slice of records was produced.
    Working(Duration),
    /// The same, and all other members at this moment, too.
    Together(Duration),
    /// At a failpoint, once it was passed so many times.
    At { point: usize, skip: u32 },
}

impl Death {
    /// `rebalances`: whether there are any, without which two of the points are never reached.
    fn draw(rebalances: Rebalances, choices: &mut fastrand::Rng) -> Self {
        let millis =
            |range: std::ops::Range<u64>, choices: &mut fastrand::Rng| Duration::from_millis(choices.u64(range));
        match choices.u32(..100) {
            0..8 => Self::Starting(millis(20..900, choices)),
            8..40 => Self::Working(millis(0..250, choices)),
            40..44 => Self::Together(millis(0..250, choices)),
            _ => {
                // Those of a rebalance are waited for, so they are drawn less often.
                let thirds = match rebalances {
                    Rebalances::Some => POINTS.len() * 3 - 2,
                    Rebalances::None => REBALANCE * 3,
                };
                let point = choices.usize(..thirds) / 3;
                Self::At {
                    point,
                    skip: choices.u32(..POINTS[point].1),
                }
            }
        }
    }

    /// As the crate `fail` reads it.
    fn failpoints(&self) -> Option<String> {
        match self {
            Self::At { point, skip } => Some(format!("{}={skip}*off->return", POINTS[*point].0)),
            _ => None,
        }
    }
}

/// How a life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Starting,
    Working,
    Together,
    /// At the failpoint that it was armed with.
    At(usize),
    /// By SIGKILL, since the failpoint it was armed with was not passed in time.
    NotReached(usize),
}

pub struct Victim {
    pub name: String,
    rebalances: Rebalances,
    choices: fastrand::Rng,
    life: Option<Life>,
    death: Option<Death>,
    born: Instant,
    /// When a slice is to be produced for it.
    slice_at: Option<Instant>,
    dies_at: Option<Instant>,
}

/// Ways of writing: each life has one of them, and what another life left is read by the next.
const WRITING: [&[(&str, &str)]; 6] = [
    &[],
    &[("HOST_WRITES_IN_FLIGHT", "8")],
    &[("HOST_CQL_BATCH_PARTITIONS", "0")],
    &[("HOST_CQL_BATCH_PARTITIONS", "50"), ("HOST_CQL_BATCH_KIB", "64")],
    &[("HOST_WRITES_IN_FLIGHT", "64"), ("HOST_CASSANDRA_COMPRESSION", "lz4")],
    &[("HOST_CASSANDRA_COMPRESSION", "snappy")],
];

/// What a victim asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    Nothing,
    /// Records, so that it dies at work.
    ProduceSlice,
    Died(Ended),
    /// It has died, and the others are to die with it.
    DiedWithOthers,
}

impl Victim {
    pub fn new(name: &str, rebalances: Rebalances) -> Self {
        Self {
            name: name.to_owned(),
            rebalances,
            choices: size::choices(name),
            life: None,
            death: None,
            born: Instant::now(),
            slice_at: None,
            dies_at: None,
        }
    }

    pub fn is_alive(&self) -> bool {
        self.life.is_some()
    }

    /// Whether it is going to be killed.
    pub fn is_doomed(&self) -> bool {
        self.life.is_some() && self.death.is_some()
    }

    /// Starts it; with `is_doomed` it gets a death of its own. `more` are failpoints of all lives.
    pub fn start(&mut self, stage: &Stage, reading: &Reading, more: &str, is_doomed: bool) {
        self.death = is_doomed.then(|| Death::draw(self.rebalances, &mut self.choices));
        let mut command = self.command(stage, reading, &[]);
        let own = self.death.as_ref().and_then(Death::failpoints);
        let all: Vec<_> = own
            .into_iter()
            .chain((!more.is_empty()).then(|| more.to_owned()))
            .collect();
        command.env("FAILPOINTS", all.join(";"));
        if let Pace::Usual = stage.tuning.pace {
            command.envs(WRITING[self.choices.usize(..WRITING.len())].iter().copied());
        }
        self.born = Instant::now();
        self.life = Some(stage.start(&self.name, command));
        self.slice_at = None;
        self.dies_at = match self.death {
            Some(Death::Starting(after)) => Some(self.born + after),
            _ => None,
        };
    }

    pub fn command(&self, stage: &Stage, reading: &Reading, arguments: &[&str]) -> Command {
        let mut all = vec!["--group-instance", &self.name];
        all.extend(arguments);
        stage.command(&torture_program(), reading, &all)
    }

    /// Looks after it; with `is_calm` it is left alone for now.
    pub fn step(&mut self, is_calm: bool) -> Step {
        let Some(life) = &mut self.life else {
            return Step::Nothing;
        };
        if let Some(status) = life.ended() {
            let at_point = match self.death {
                Some(Death::At { point, .. }) if died_at_failpoint(status) => Some(point),
                _ => None,
            };
            let Some(point) = at_point else {
                panic!("{} ended by itself ({status}):\n{}", self.name, life.last_words());
            };
            self.life = None;
            return Step::Died(Ended::At(point));
        }
        let now = Instant::now();
        let is_working = !matches!(self.death, Some(Death::Starting(_)));
        if is_working && self.slice_at.is_none() && life.said().contains("running") {
            self.slice_at = Some(now + Duration::from_millis(self.choices.u64(100..500)));
        }
        if self.dies_at.is_none() && self.slice_at.is_some_and(|at| now >= at) {
            self.dies_at = Some(now + self.patience());
            return Step::ProduceSlice;
        }
        if self.death.is_some() && !is_calm && self.dies_at.is_some_and(|at| now >= at) {
            return self.execute();
        }
        Step::Nothing
    }

    /// How long after its slice it dies.
    fn patience(&self) -> Duration {
        match self.death {
            Some(Death::Starting(after) | Death::Working(after) | Death::Together(after)) => after,
            // A point of a rebalance is only reached in one.
            Some(Death::At { point: REBALANCE.., .. }) => Duration::from_secs(10),
            Some(Death::At { .. }) => Duration::from_secs(2),
            // It lives on, and asks for another slice after a while.
            None => Duration::from_secs(1),
        }
    }

    fn execute(&mut self) -> Step {
        let death = self.death.clone();
        self.kill();
        match death {
            Some(Death::Starting(_)) | None => Step::Died(Ended::Starting),
            Some(Death::Working(_)) => Step::Died(Ended::Working),
            Some(Death::Together(_)) => Step::DiedWithOthers,
            Some(Death::At { point, .. }) => Step::Died(Ended::NotReached(point)),
        }
    }

    /// SIGKILL, now.
    pub fn kill(&mut self) {
        if let Some(mut life) = self.life.take() {
            life.kill();
        }
    }

    /// The life, to be ended well.
    pub fn take(&mut self) -> Option<Life> {
        self.life.take()
    }
}
