//! Passes a guest's log lines into the host's log: at a bounded rate, cut to a length, and without control characters.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::bindings::host::transform::log::Level;
use super::limits::Limits;

const WINDOW: Duration = Duration::from_secs(1);

/// Lets the lines of one plugin through. All its instances share it, so an instance that replaces a trapped one gets no
/// allowance of its own.
pub struct LogGate {
    plugin: Arc<str>,
    line_bytes: usize,
    window: Mutex<Window>,
}

/// Counts the lines of the current second.
struct Window {
    begun: Instant,
    lines: u32,
    left_out: u32,
    lines_per_second: u32,
}

/// What to do with a line.
#[derive(Debug, PartialEq, Eq)]
enum Admission {
    Write,
    /// A new second has begun, and this many lines of the last one were left out.
    WriteAfter {
        left_out: u32,
    },
    LeaveOut,
}

impl LogGate {
    /// Makes the gate of the plugin with this name.
    pub fn new(plugin: Arc<str>, limits: Limits) -> Self {
        Self {
            plugin,
            line_bytes: limits.log_line_bytes,
            window: Mutex::new(Window::new(limits.log_lines_per_second, Instant::now())),
        }
    }

    /// Longer lines are cut to this.
    pub fn line_bytes(&self) -> usize {
        self.line_bytes
    }

    /// Writes a line, or counts it if too many came this second.
    pub fn write(&self, level: Level, message: &str) {
        let admission = self.window.lock().admit(Instant::now());
        match admission {
            Admission::LeaveOut => return,
            Admission::WriteAfter { left_out } => self.report(left_out),
            Admission::Write => {}
        }
        let message = cut(message, self.line_bytes);
        let plugin = &*self.plugin;
        match level {
            Level::Debug => tracing::debug!(plugin, "{message}"),
            Level::Info => tracing::info!(plugin, "{message}"),
            Level::Warn => tracing::warn!(plugin, "{message}"),
            Level::Error => tracing::error!(plugin, "{message}"),
        }
    }

    fn report(&self, lines: u32) {
        tracing::warn!(
            plugin = &*self.plugin,
            lines,
            "log lines of the plugin left out (plugin.limits.log_lines_per_second)"
        );
    }
}

impl Drop for LogGate {
    fn drop(&mut self) {
        let window = self.window.get_mut();
        let left_out = window.left_out;
        if left_out > 0 {
            self.report(left_out);
        }
    }
}

impl Window {
    fn new(lines_per_second: u32, now: Instant) -> Self {
        Self {
            begun: now,
            lines: 0,
            left_out: 0,
            lines_per_second,
        }
    }

    fn admit(&mut self, now: Instant) -> Admission {
        let mut left_out = 0;
        if now.duration_since(self.begun) >= WINDOW {
            left_out = self.left_out;
            *self = Self::new(self.lines_per_second, now);
        }
        if self.lines >= self.lines_per_second {
            // With an allowance of 0 nothing is ever written, so the count of the last second is kept.
            self.left_out = self.left_out.saturating_add(left_out).saturating_add(1);
            return Admission::LeaveOut;
        }
        self.lines += 1;
        match left_out {
            0 => Admission::Write,
            left_out => Admission::WriteAfter { left_out },
        }
    }
}

/// Joins the lines of a text. A panic says where on its first line, and why on the next.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cuts a text between two characters. Characters that would break or colour a line of the log are escaped.
pub fn cut(text: &str, max_bytes: usize) -> String {
    let end = text.floor_char_boundary(max_bytes);
    let mut short = String::with_capacity(end);
    for c in text[..end].chars() {
        if c.is_control() {
            short.extend(c.escape_default());
        } else {
            short.push(c);
        }
    }
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
        assert_eq!(cut("größe", 4), "grö…");
        assert_eq!(cut("größe", 7), "größe");
        assert_eq!(cut("a\nb\x1b[31m", 100), "a\\nb\\u{1b}[31m");
        assert_eq!(cut("ü", 0), "…");
        assert_eq!(cut("", 0), "");
    }

    #[test]
    fn lines_and_their_indentation_become_one_line() {
        let panic = "panicked at src/lib.rs:91:14:\n  index out of bounds\r\n";
        assert_eq!(one_line(panic), "panicked at src/lib.rs:91:14: index out of bounds");
    }

    #[test]
    fn a_second_lets_its_lines_through_and_the_next_one_tells_how_many_it_left_out() {
        let begun = Instant::now();
        let mut window = Window::new(2, begun);
        let admissions: Vec<_> = (0..4).map(|_| window.admit(begun)).collect();
        assert_eq!(
            admissions,
            [
                Admission::Write,
                Admission::Write,
                Admission::LeaveOut,
                Admission::LeaveOut
            ]
        );
        assert_eq!(
            window.admit((begun + WINDOW).checked_sub(Duration::from_nanos(1)).unwrap()),
            Admission::LeaveOut
        );
        assert_eq!(window.admit(begun + WINDOW), Admission::WriteAfter { left_out: 3 });
        assert_eq!(window.admit(begun + WINDOW), Admission::Write);
        assert_eq!(window.admit(begun + WINDOW * 2), Admission::Write);
    }

    #[test]
    fn without_an_allowance_every_line_is_counted() {
        let begun = Instant::now();
        let mut window = Window::new(0, begun);
        for seconds in 0..3 {
            assert_eq!(window.admit(begun + WINDOW * seconds), Admission::LeaveOut);
        }
        assert_eq!(window.left_out, 3);
    }
}
