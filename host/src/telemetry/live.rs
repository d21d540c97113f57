//! A line at the bottom of the terminal that is drawn again and again, and log lines above it that it does not tear.

use std::io::{self, Write};
use std::sync::LazyLock;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

/// Everything that is drawn on stderr. Hidden where that is no terminal.
static DRAWN: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Drawn until it is dropped.
#[derive(Debug)]
pub struct LiveLine(ProgressBar);

impl LiveLine {
    /// `None` where stderr is no terminal.
    pub fn start() -> Option<Self> {
        if DRAWN.is_hidden() {
            return None;
        }
        let style = ProgressStyle::with_template("{wide_msg}").ok()?;
        Some(Self(DRAWN.add(ProgressBar::new_spinner().with_style(style))))
    }

    pub fn show(&self, text: String) {
        self.0.set_message(text);
    }
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Writes log lines on stderr; the live line is taken away before each and put back below it.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogLines;

impl MakeWriter<'_> for LogLines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

impl Write for LogLines {
    /// `tracing-subscriber` writes a line at one time.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        DRAWN.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
