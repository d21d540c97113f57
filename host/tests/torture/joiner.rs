//! One more member, that joins the group and leaves it again, over and over: each time partitions change hands.
//!
//! A rebalance counts when the brokers say so: the group is stable, and the member has partitions, or is gone.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::size;
use crate::stage::{Reading, Stage, torture_program};

/// After this long without a rebalance the other members are left alone until it is through.
const UNTIL_CALM: Duration = Duration::from_secs(4);

/// Leaving takes this long at most, and so does a rebalance after it.
const PATIENCE: Duration = Duration::from_mins(1);

/// If the group is stable, the joiner has nothing and no member is killed for this long, the rebalance was cut short.
///
/// A cooperative rebalance takes two rounds: the members first give partitions up, and by joining again let the new one
/// have them. Where each that gives up dies in between and comes back under its name, the brokers hand it what it has
/// now and no second round follows: what was given up waits unread until the next rebalance. Nothing is lost.
const CUT_SHORT: Duration = Duration::from_secs(15);

/// What joiner and killer know of one another.
#[derive(Debug, Default)]
pub struct Shared {
    /// The joiner asks that no member is killed for now.
    pub is_calm: AtomicBool,
    pub rebalances: AtomicUsize,
    /// Times that the joiner got no partitions, see [`CUT_SHORT`].
    pub cut_short: AtomicUsize,
    /// Times that the joiner itself was killed instead of leaving.
    pub killed: AtomicUsize,
    /// When, in ms since the epoch.
    pub killed_at: parking_lot::Mutex<Vec<i64>>,
}

/// Joins and leaves until there were so many rebalances. Every fifth time it is killed instead of leaving.
pub fn run(stage: &Stage, reading: &Reading, more: &str, wanted: usize, shared: &Shared) {
    let mut choices = size::choices("joiner");
    let group = Group::new(stage, reading);
    while shared.rebalances.load(Ordering::Relaxed) < wanted {
        let mut command = stage.command(&torture_program(), reading, &[]);
        command.env("FAILPOINTS", more);
        let mut life = stage.start("joiner", command);
        if !group.until(shared, CUT_SHORT, |members| {
            members.is_some_and(|members| members.has_joiner)
        }) {
            shared.cut_short.fetch_add(1, Ordering::Relaxed);
        }
        std::thread::sleep(Duration::from_millis(choices.u64(50..800)));
        if choices.u32(..5) == 0 {
            life.kill();
            shared.killed.fetch_add(1, Ordering::Relaxed);
            shared.killed_at.lock().push(now_ms());
        } else {
            life.ask_to_end();
            let ended = life.wait(PATIENCE);
            assert!(
                ended.is_some_and(|status| status.success()),
                "the joiner does not leave well ({ended:?}):\n{}",
                life.last_words()
            );
        }
        let is_without = group.until(shared, PATIENCE, |members| {
            members.is_some_and(|members| !members.has_joiner && members.count == 3)
        });
        assert!(is_without, "the group goes on without the joiner");
        std::thread::sleep(Duration::from_millis(choices.u64(50..800)));
    }
}

pub fn now_ms() -> i64 {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(since_epoch.as_millis()).unwrap()
}

struct Group {
    client: BaseConsumer,
    name: String,
}

/// A stable group.
struct Members {
    count: usize,
    /// With partitions.
    has_joiner: bool,
}

impl Group {
    fn new(stage: &Stage, reading: &Reading) -> Self {
        let client = ClientConfig::new()
            .set("bootstrap.servers", &stage.servers.kafka)
            .create()
            .unwrap();
        Self {
            client,
            name: reading.group.clone(),
        }
    }

    /// Waits until the group is stable and this holds, and counts a rebalance then; `false` where it does not within
    /// `patience`, the other members left alone in the end.
    fn until(&self, shared: &Shared, patience: Duration, holds: impl Fn(Option<Members>) -> bool) -> bool {
        let begun = Instant::now();
        let mut is_there = holds(self.members());
        while !is_there && begun.elapsed() < UNTIL_CALM + patience {
            if begun.elapsed() > UNTIL_CALM {
                shared.is_calm.store(true, Ordering::Relaxed);
            }
            std::thread::sleep(Duration::from_millis(50));
            is_there = holds(self.members());
        }
        shared.is_calm.store(false, Ordering::Relaxed);
        shared.rebalances.fetch_add(usize::from(is_there), Ordering::Relaxed);
        is_there
    }

    /// The members, if the group is stable.
    fn members(&self) -> Option<Members> {
        let list = self
            .client
            .fetch_group_list(Some(&self.name), Duration::from_secs(10))
            .ok()?;
        let group = list.groups().first()?;
        // A static member is called by its instance's name, others by the program's.
        let joiner = group.members().iter().find(|member| member.id().starts_with("host-"));
        (group.state() == "Stable").then(|| Members {
            count: group.members().len(),
            has_joiner: joiner.is_some_and(|member| has_partitions(member.assignment().unwrap_or_default())),
        })
    }
}

/// Version (i16), then the number of topics (i32) with their partitions.
fn has_partitions(assignment: &[u8]) -> bool {
    assignment.get(2..6).is_some_and(|topics| topics != [0; 4])
}
