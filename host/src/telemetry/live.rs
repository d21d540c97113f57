//! Draws a line at the bottom of the terminal again and again, without tearing the log lines above it.

use std::io::{self, Write};
use std::sync::LazyLock;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

/// Everything that is drawn on stderr. It is hidden if stderr is not a terminal.
static DRAWN: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// A line that is drawn until it is dropped.
#[derive(Debug)]
pub struct LiveLine(ProgressBar);

impl LiveLine {
    /// Starts the line. `None` if stderr is not a terminal.
    pub fn start() -> Option<Self> {
        if DRAWN.is_hidden() {
            return None;
        }
        let style = ProgressStyle::with_template("{wide_msg}").ok()?;
        Some(Self(DRAWN.add(ProgressBar::new_spinner().with_style(style))))
    }

    /// Replaces the text of the line.
    pub fn show(&self, text: String) {
        self.0.set_message(text);
    }
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Writes log lines to stderr. The live line is removed before each and drawn again below it.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogLines;

impl MakeWriter<'_> for LogLines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

impl Write for LogLines {
    /// `tracing-subscriber` writes a whole line with one call.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        DRAWN.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
