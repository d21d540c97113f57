//! How long to wait before the next try. The wait doubles up to a cap, with jitter so that partitions do not all try
//! at once.

use std::time::Duration;

/// It is short enough that a hiccup costs little, and long enough not to hammer a server that restarts.
const FIRST: Duration = Duration::from_millis(100);

/// A server that comes back is noticed within this time.
const RETRY_CAP: Duration = Duration::from_secs(5);

/// A halted partition is tried this often, so that repairing the cause (creating the table) is enough and no restart
/// is needed.
const HALT_WAIT: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
/// The waits between the tries of one thing.
pub struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The wait before the next try of something that recovers by itself.
    pub fn next_retry(&mut self) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.tries.min(16)).min(RETRY_CAP);
        self.tries += 1;
        jittered(doubled)
    }

    /// The wait before the next try of something that an operator has to repair.
    pub fn next_halt(&mut self) -> Duration {
        self.tries += 1;
        jittered(HALT_WAIT)
    }
}

/// A random wait between half of it and all of it.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_cap_and_never_waits_less_than_half() {
        let mut backoff = Backoff::default();
        for expected in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            let wait = backoff.next_retry().as_millis();
            assert!((expected / 2..=expected).contains(&wait), "{wait} for {expected}");
        }
        for _ in 0..100 {
            assert!(backoff.next_retry() <= RETRY_CAP, "no overflow however often it fails");
        }
    }
}
