//! The host's state in a guest's store: the bound on its memory, the clock of its call, and its way to the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{ResourceLimiter, UpdateDeadline};

use super::bindings::host::transform::{columns, log};
use super::engine::{MAX_TABLE_ELEMENTS, TICK};
use super::guest_thread;
use super::log::LogGate;
use super::stop::Stop;

/// A call runs at least this long, by the wall clock, before it can be stopped. Nearly all calls end within it, so a
/// swap that comes at the same moment does not throw their work away.
const STOPPABLE: Duration = Duration::from_millis(100);

/// The state of one guest.
pub struct GuestState {
    memory_bytes: usize,
    /// Bytes of all its memories together.
    pub held_bytes: usize,
    /// Set when the guest asked for more memory than it may have, to tell the cause of the trap that follows.
    pub wanted_too_much_memory: bool,
    /// Tells when a call is to end before its deadline.
    pub stop: Stop,
    /// Set when a call was ended because of [`Self::stop`].
    pub was_stopped: bool,
    call: Call,
    log: Arc<LogGate>,
    /// The last line of the call, if it was an error. It is held back: if the guest traps next, the line says why.
    last_words: Option<String>,
}

impl GuestState {
    /// Makes the state of a new guest, which may have `memory_bytes` of memory.
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

    /// Starts the clock of a call.
    pub fn begin_call(&mut self, deadline: Duration) {
        self.call = Call::begin(deadline);
    }

    /// Decides at every tick whether the call goes on.
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

    /// Takes the line that is held back, so that it does not go to the log.
    pub fn take_last_words(&mut self) -> Option<String> {
        self.last_words.take()
    }

    /// Writes the line that is held back to the log.
    pub fn write_last_words(&mut self) {
        if let Some(message) = self.last_words.take() {
            self.log.write(log::Level::Error, &message);
        }
    }
}

/// The clock of a call, in processor time of its thread. On a busy machine, or at a lower priority, a call takes longer
/// by the wall clock, and no good record may be rejected for that. A guest cannot sleep, so it cannot cheat this clock.
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

/// Processor time of the calling thread so far.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Neither part is ever negative.
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// Refusing growth traps at once. A guest that only got an error could go on in its own way.
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
            // The line is held as long as the call takes, so only as much of it is kept as can be shown.
            message.truncate(message.floor_char_boundary(self.log.line_bytes() + 1));
            message.shrink_to_fit();
            self.last_words = Some(message);
        } else {
            self.log.write(level, &message);
        }
    }
}
