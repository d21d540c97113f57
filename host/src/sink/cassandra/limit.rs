//! How many requests one node gets at one time: a fixed number, or one that is found while records flow.
//!
//! The number is found by trying: a while with it, then a while with a quarter more. More requests in flight are worth
//! their wait as long as they bring more of them through. While the node has capacity left, twice as many in flight are
//! twice as many a second, and none takes longer. Beyond that they only wait in the node instead of here. So the larger
//! number is taken when its gain in rate weighs more than its loss in latency; otherwise the number shrinks.
//!
//! Latencies that are small beside a batch's own wait do not count: up to there, more in flight is taken, since answers
//! that come several at a time cost less processor time than the same answers one by one. As long as a quarter more
//! would also be answered by then, nothing is compared, and up to twice as many are taken at once. So a start takes
//! some tenths of a second.
//!
//! Only the last comparison is remembered. A node that gets slower, by a fault or by other load, is given less within
//! some hundred milliseconds, and more again when it is back. An overloaded answer or a timeout halves the number at
//! once.

use std::time::{Duration, Instant};

/// Rate weighs so much more than latency: a quarter more in flight is taken when it brings at least one twentieth more
/// a second.
const RATE_WEIGHT: f64 = 4.0;

/// Seconds that a request may take for nothing: a batch's records have waited longer for one another.
const FREE_SECONDS: f64 = 0.01;

/// A try is this many times the number in flight.
const STEP: f64 = 1.25;

/// If latencies leave the room, at most this many times the number is taken at once.
const MOST_AT_ONCE: f64 = 2.0;

/// One window: long enough to tell rates apart, short enough to follow a node that changes.
const WINDOW: Duration = Duration::from_millis(100);

/// And so many answers for each request in flight; the first ones were sent in the window before.
const ANSWERS_EACH: f64 = 3.0;

/// A window counts where requests had to wait for others in most of it: else the load is the limit.
const BUSY_SHARE: f64 = 0.7;

/// Two requests: one being answered, one on its way.
const LEAST: f64 = 2.0;

/// More than any node handles at one time; Cassandra answers 128 native requests at once by default.
const MOST: f64 = 256.0;

const FIRST: f64 = 16.0;

/// Requests in flight at one node, as the settings have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InFlight {
    Found,
    Fixed(usize),
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestOutcome {
    Done,
    /// Too much for the node or for its replicas, it said.
    Overloaded,
    /// Not within the time that a request may take.
    Silent,
    /// The node did not do it, for another reason.
    Failed,
    /// The request was given up.
    None,
}

/// How many requests may be in flight at one node.
#[derive(Debug)]
pub enum Limit {
    Fixed(usize),
    Found(AdaptiveLimit),
}

/// A limit that is looked for: the greatest number of requests at which more of them do not only wait longer.
#[derive(Debug)]
pub struct AdaptiveLimit {
    base: f64,
    is_trying: bool,
    /// Requests that were in flight when it was halved: what they say is known.
    known: usize,
    window: Window,
    /// What was measured in the window with `base`.
    usual: Option<Measured>,
}

#[derive(Debug)]
struct Window {
    begun: Option<Instant>,
    /// Answers that belong to the window before.
    skipped: usize,
    answers: usize,
    busy: usize,
    latency: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Measured {
    /// Answers a second.
    rate: f64,
    /// Seconds.
    latency: f64,
}

impl Limit {
    /// Begins with the number that was asked for, or with `FIRST` where it is to be found.
    pub fn new(wanted: InFlight) -> Self {
        match wanted {
            InFlight::Fixed(number) => Self::Fixed(number.max(1)),
            InFlight::Found => Self::Found(AdaptiveLimit {
                base: FIRST,
                is_trying: false,
                known: 0,
                window: Window::new(0),
                usual: None,
            }),
        }
    }

    /// Requests at one time.
    pub fn get(&self) -> usize {
        match self {
            Self::Fixed(number) => *number,
            Self::Found(found) => whole(found.current()),
        }
    }

    /// A request has ended that was the last of `in_flight` when it was sent.
    pub fn note(&mut self, answer: RequestOutcome, latency: Duration, in_flight: usize, now: Instant) {
        let Self::Found(found) = self else { return };
        let is_known = found.known > 0;
        found.known = found.known.saturating_sub(1);
        match answer {
            RequestOutcome::Done => found.done(latency, in_flight, now),
            // The requests in flight with the refused one are refused, too: one step is enough for all of them.
            RequestOutcome::Overloaded | RequestOutcome::Silent if !is_known => found.back_off(in_flight),
            RequestOutcome::Overloaded | RequestOutcome::Silent | RequestOutcome::Failed | RequestOutcome::None => {}
        }
    }
}

impl AdaptiveLimit {
    fn current(&self) -> f64 {
        if self.is_trying {
            (self.base * STEP).max(self.base + 1.0).min(MOST)
        } else {
            self.base
        }
    }

    fn back_off(&mut self, in_flight: usize) {
        self.base = (self.current() / 2.0).max(LEAST);
        self.known = in_flight;
        self.usual = None;
        self.begin(false);
    }

    fn begin(&mut self, is_trying: bool) {
        self.window = Window::new(whole(self.current()));
        self.is_trying = is_trying;
    }

    fn done(&mut self, latency: Duration, in_flight: usize, now: Instant) {
        let current = self.current();
        let window = &mut self.window;
        if window.skipped > 0 {
            window.skipped -= 1;
            return;
        }
        let begun = *window.begun.get_or_insert(now);
        window.answers += 1;
        window.latency += latency;
        window.busy += usize::from(in_flight * 5 >= whole(current) * 4);
        let took = now.duration_since(begun);
        if took < WINDOW || (window.answers as f64) < current * ANSWERS_EACH {
            return;
        }
        let measured = Measured {
            rate: window.answers as f64 / took.as_secs_f64(),
            latency: window.latency.as_secs_f64() / window.answers as f64,
        };
        let is_busy = window.busy as f64 >= window.answers as f64 * BUSY_SHARE;
        match self.usual.take().filter(|_| is_busy) {
            Some(usual) if self.is_trying => {
                self.base = if is_worth_it(usual, measured) {
                    current
                } else {
                    (self.base / STEP).max(LEAST)
                };
                self.begin(false);
            }
            // Twice as many take twice as long, at most.
            _ if is_busy && measured.latency * STEP <= FREE_SECONDS => {
                let room = FREE_SECONDS / measured.latency;
                self.base = (self.base * room.min(MOST_AT_ONCE)).min(MOST);
                self.begin(false);
            }
            _ if is_busy => {
                self.usual = Some(measured);
                self.begin(true);
            }
            _ => self.begin(false),
        }
    }
}

fn is_worth_it(usual: Measured, tried: Measured) -> bool {
    if tried.latency <= FREE_SECONDS {
        return true;
    }
    let gain = (tried.rate / usual.rate).ln();
    let loss = (tried.latency / usual.latency.max(FREE_SECONDS)).ln();
    gain * RATE_WEIGHT > loss
}

impl Window {
    fn new(skipped: usize) -> Self {
        Self {
            begun: None,
            skipped,
            answers: 0,
            busy: 0,
            latency: Duration::ZERO,
        }
    }
}

fn whole(number: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between LEAST and MOST"
    )]
    let whole = number.round() as usize;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node that answers `servers` requests at one time, each in `service`; the rest wait. Runs for `seconds` with as
    /// many in flight as the limit allows, and gives the limit at the end.
    fn drive(limit: &mut Limit, servers: f64, service: f64, seconds: f64, load: usize, start: Instant) -> Instant {
        let (mut now, mut clock) = (start, 0.0);
        while clock < seconds {
            let in_flight = limit.get().min(load);
            let latency = service * (in_flight as f64 / servers).max(1.0);
            clock += latency / in_flight as f64;
            now = start + Duration::from_secs_f64(clock);
            limit.note(RequestOutcome::Done, Duration::from_secs_f64(latency), in_flight, now);
        }
        now
    }

    #[test]
    fn finds_the_knee_of_a_small_node_and_of_a_large_one() {
        for servers in [4.0, 16.0, 60.0] {
            let mut limit = Limit::new(InFlight::Found);
            drive(&mut limit, servers, 0.02, 60.0, 1000, Instant::now());
            let found = limit.get() as f64;
            assert!(
                (servers * 0.7..=servers * 1.6).contains(&found),
                "{servers} servers: {found}"
            );
        }
    }

    #[test]
    fn a_fast_node_gets_as_many_as_it_answers_before_anybody_notices() {
        for servers in [1.0, 4.0, 16.0] {
            let mut limit = Limit::new(InFlight::Found);
            drive(&mut limit, servers, 0.001, 20.0, 1000, Instant::now());
            let seconds = 0.001 * limit.get() as f64 / servers;
            assert!(
                (FREE_SECONDS / STEP / STEP..=FREE_SECONDS * STEP).contains(&seconds),
                "{servers} servers: {seconds} s"
            );
        }
    }

    /// By quarters, each compared with what was before, it would be half as many by then.
    #[test]
    fn a_fast_node_gets_them_soon() {
        let mut limit = Limit::new(InFlight::Found);
        drive(&mut limit, 2.0, 0.0003, 0.5, 1000, Instant::now());
        assert!(limit.get() >= 40, "{}", limit.get());
    }

    #[test]
    fn steps_back_from_a_node_that_gets_slow_and_returns() {
        for service in [0.002, 0.02] {
            let mut limit = Limit::new(InFlight::Found);
            let now = drive(&mut limit, 32.0, service, 60.0, 1000, Instant::now());
            let usual = limit.get();
            let now = drive(&mut limit, 3.0, service, 30.0, 1000, now);
            let slow = limit.get();
            drive(&mut limit, 32.0, service, 30.0, 1000, now);
            let back = limit.get();
            // It goes up and down by two steps.
            assert!(
                slow * 4 <= usual && back * 10 >= usual * 6,
                "{service} s: {usual}, slow {slow}, back {back}"
            );
        }
    }

    #[test]
    fn stays_where_the_load_is_what_limits() {
        let mut limit = Limit::new(InFlight::Found);
        drive(&mut limit, 60.0, 0.002, 10.0, 4, Instant::now());
        assert_eq!(limit.get(), whole(FIRST));
    }

    #[test]
    fn an_overloaded_node_gets_half_once_for_all_that_it_refuses_together() {
        let mut limit = Limit::new(InFlight::Found);
        let now = drive(&mut limit, 60.0, 0.002, 20.0, 1000, Instant::now());
        let usual = limit.get();
        for _ in 0..usual {
            limit.note(RequestOutcome::Overloaded, Duration::ZERO, usual, now);
        }
        assert!(
            (usual * 2 / 5..=usual * 2 / 3).contains(&limit.get()),
            "{usual}: {}",
            limit.get()
        );
    }

    #[test]
    fn a_fixed_one_stays() {
        let mut limit = Limit::new(InFlight::Fixed(7));
        drive(&mut limit, 1.0, 0.1, 5.0, 1000, Instant::now());
        limit.note(RequestOutcome::Overloaded, Duration::ZERO, 7, Instant::now());
        assert_eq!(limit.get(), 7);
    }
}
