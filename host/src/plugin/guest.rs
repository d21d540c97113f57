//! What a guest's store holds on the host's side: the bound on its memory and the way to the log.

use std::sync::Arc;

use wasmtime::ResourceLimiter;

use super::bindings::host::transform::{columns, log};
use super::engine::MAX_TABLE_ELEMENTS;
use super::log::LogGate;

pub struct GuestState {
    memory_bytes: usize,
    /// What its memories hold together.
    pub held_bytes: usize,
    /// Set when the guest asked for more memory than it may have, so that the trap that follows is called by its name.
    pub wanted_too_much_memory: bool,
    log: Arc<LogGate>,
}

impl GuestState {
    pub fn new(memory_bytes: usize, log: Arc<LogGate>) -> Self {
        Self {
            memory_bytes,
            held_bytes: 0,
            wanted_too_much_memory: false,
            log,
        }
    }
}

/// A growth that is refused traps at once: a guest that is told "no" instead would go on in some way of its own.
impl ResourceLimiter for GuestState {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        if desired <= self.memory_bytes {
            self.held_bytes += desired - current;
            return Ok(true);
        }
        self.wanted_too_much_memory = true;
        Err(wasmtime::Error::msg("more memory than plugin.limits.memory_bytes"))
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }
}

impl columns::Host for GuestState {}

impl log::Host for GuestState {
    fn write(&mut self, level: log::Level, message: String) {
        self.log.write(level, &message);
    }
}
