//! What a guest's store holds on the host's side: its memory bound and its log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::ResourceLimiter;

use super::bindings::host::transform::{columns, log};
use super::limits::Limits;

pub struct GuestState {
    limits: Limits,
    /// Set when the guest asked for more memory than it may have, so that the trap that follows is called by its name.
    pub wanted_too_much_memory: bool,
    /// The plugin's name, once it is known.
    pub name: Arc<str>,
    window: Window,
}

/// Log lines of the current second.
struct Window {
    begun: Instant,
    lines: u32,
    left_out: u32,
}

impl GuestState {
    pub fn new(limits: Limits, name: Arc<str>) -> Self {
        let window = Window {
            begun: Instant::now(),
            lines: 0,
            left_out: 0,
        };
        Self {
            limits,
            wanted_too_much_memory: false,
            name,
            window,
        }
    }
}

impl ResourceLimiter for GuestState {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        if desired <= self.limits.memory_bytes {
            return Ok(true);
        }
        self.wanted_too_much_memory = true;
        Err(wasmtime::Error::msg("memory limit"))
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= 20_000)
    }
}

impl columns::Host for GuestState {}

impl log::Host for GuestState {
    fn write(&mut self, level: log::Level, message: String) {
        if self.window.begun.elapsed() >= Duration::from_secs(1) {
            if self.window.left_out > 0 {
                tracing::warn!(plugin = %self.name, lines = self.window.left_out, "log lines left out (plugin.limits.log_lines_per_second)");
            }
            self.window = Window {
                begun: Instant::now(),
                lines: 0,
                left_out: 0,
            };
        }
        if self.window.lines >= self.limits.log_lines_per_second {
            self.window.left_out += 1;
            return;
        }
        self.window.lines += 1;
        let message = cut(&message, self.limits.log_line_bytes);
        match level {
            log::Level::Debug => tracing::debug!(plugin = %self.name, "{message}"),
            log::Level::Info => tracing::info!(plugin = %self.name, "{message}"),
            log::Level::Warn => tracing::warn!(plugin = %self.name, "{message}"),
            log::Level::Error => tracing::error!(plugin = %self.name, "{message}"),
        }
    }
}

/// The first bytes of a text, cut between two characters; what would break or colour a line of the log is escaped.
pub fn cut(text: &str, max_bytes: usize) -> String {
    let end = (0..=max_bytes.min(text.len()))
        .rev()
        .find(|&end| text.is_char_boundary(end))
        .unwrap_or(0);
    let escaped = |c: char| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    let mut short: String = text[..end].chars().map(escaped).collect();
    if end < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_between_characters_and_escapes_control_characters() {
        assert_eq!(cut("größe", 3), "gr…");
        assert_eq!(cut("a\nb\x1b[31m", 100), "a\\nb\\u{1b}[31m");
        assert_eq!(cut("", 0), "");
    }
}
