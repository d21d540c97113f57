//! What a guest's store holds on the host's side: the bound on its memory, the clock of its call and the way to the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{ResourceLimiter, UpdateDeadline};

use super::bindings::host::transform::{columns, log};
use super::engine::{MAX_TABLE_ELEMENTS, TICK};
use super::guest_thread;
use super::log::LogGate;
use super::stop::Stop;

/// A call has so long, by the clock on the wall, before it is stopped: nearly all are through by then, and what was
/// worked out is not thrown away for the sake of a swap that came at the same moment.
const STOPPABLE: Duration = Duration::from_millis(100);

pub struct GuestState {
    memory_bytes: usize,
    /// What its memories hold together.
    pub held_bytes: usize,
    /// Set when the guest asked for more memory than it may have, so that the trap that follows is called by its name.
    pub wanted_too_much_memory: bool,
    /// When a call is to end before its deadline.
    pub stop: Stop,
    /// Set when a call was ended because of [`Self::stop`].
    pub was_stopped: bool,
    call: Call,
    log: Arc<LogGate>,
    /// The last line of the call if it was an error. It is held back: where the guest traps next, it says why.
    last_words: Option<String>,
}

impl GuestState {
    pub fn new(memory_bytes: usize, log: Arc<LogGate>) -> Self {
        Self {
            memory_bytes,
            held_bytes: 0,
            wanted_too_much_memory: false,
            stop: Stop::default(),
            was_stopped: false,
            call: Call::begin(Duration::ZERO),
            log,
            last_words: None,
        }
    }

    pub fn begin_call(&mut self, deadline: Duration) {
        self.call = Call::begin(deadline);
    }

    /// What becomes of the call, asked at every tick.
    pub fn tick(&mut self) -> UpdateDeadline {
        let took = processor_time().saturating_sub(self.call.begun);
        if took >= self.call.deadline {
            return UpdateDeadline::Interrupt;
        }
        if self.call.since.elapsed() >= STOPPABLE && self.stop.is_asked() {
            self.was_stopped = true;
            return UpdateDeadline::Interrupt;
        }
        if took >= TICK {
            guest_thread::give_way();
        }
        UpdateDeadline::Continue(1)
    }

    /// What the guest said last, if that was an error; it is not in the log then.
    pub fn take_last_words(&mut self) -> Option<String> {
        self.last_words.take()
    }

    /// Writes what is held back.
    pub fn write_last_words(&mut self) {
        if let Some(message) = self.last_words.take() {
            self.log.write(log::Level::Error, &message);
        }
    }
}

/// A call of the guest, in processor time of its thread: on a busy machine, or at a lower priority, a call takes longer
/// by the clock on the wall, and no good record must be rejected for that. Nor can a guest sleep.
struct Call {
    begun: Duration,
    since: Instant,
    deadline: Duration,
}

impl Call {
    fn begin(deadline: Duration) -> Self {
        Self {
            begun: processor_time(),
            since: Instant::now(),
            deadline,
        }
    }
}

/// Of the calling thread, so far.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Neither is ever negative.
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// A growth that is refused traps at once: a guest that is told "no" instead would go on in some way of its own.
impl ResourceLimiter for GuestState {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        if desired <= self.memory_bytes {
            self.held_bytes += desired - current;
            return Ok(true);
        }
        self.wanted_too_much_memory = true;
        Err(wasmtime::Error::msg("more memory than plugin.limits.memory_mib"))
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }
}

impl columns::Host for GuestState {}

impl log::Host for GuestState {
    fn write(&mut self, level: log::Level, mut message: String) {
        self.write_last_words();
        if level == log::Level::Error {
            // Held as long as the call takes, so no more of it than is ever shown.
            message.truncate(message.floor_char_boundary(self.log.line_bytes() + 1));
            message.shrink_to_fit();
            self.last_words = Some(message);
        } else {
            self.log.write(level, &message);
        }
    }
}
