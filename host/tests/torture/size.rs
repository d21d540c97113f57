//! How much a run does, from the environment, and the seed that all its choices come from.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// The seed of this run: `TORTURE_SEED`, or one from the clock. It is printed at the start of every test and is part of
/// every report.
pub fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let scale = Scale {
            reduced: from_clock(),
            full: from_clock(),
        };
        scale.of("TORTURE_SEED")
    })
}

fn from_clock() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::from(since_epoch.subsec_nanos()) % 1_000_000
}

/// A source of choices of its own for each part of a run, so that one part's choices do not depend on how far another
/// one is.
pub fn choices(part: &str) -> fastrand::Rng {
    let of_part = part.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    fastrand::Rng::with_seed(seed() ^ of_part)
}

/// A size as it is in `make test`, and in `make torture`.
#[derive(Debug, Clone, Copy)]
pub struct Scale<N> {
    pub reduced: N,
    pub full: N,
}

impl<N: std::str::FromStr> Scale<N> {
    /// What the environment says by this name, or what `TORTURE=full` (that is `make torture`) or its absence means.
    pub fn of(self, name: &str) -> N {
        match std::env::var(name) {
            Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
            Err(_) if is_full() => self.full,
            Err(_) => self.reduced,
        }
    }
}

fn is_full() -> bool {
    std::env::var("TORTURE").is_ok_and(|size| size == "full")
}

/// Says which test begins, and with which seed.
pub fn begins(test: &str) {
    eprintln!("== {test} (TORTURE_SEED={})", seed());
}
