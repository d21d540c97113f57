//! Standard output and standard error of the verbs. Results go to stdout, everything else to stderr.

use std::error::Error;
use std::fmt;
use std::io::{self, Stdout, Write};
use std::panic;
use std::thread;

use crate::source::kafka;

/// Standard output that marks the one error that is not a failure: its reader has gone away.
pub struct Output(Stdout);

/// Marks a broken pipe on standard output, to tell it from a broken connection to a server.
#[derive(Debug)]
struct OutputClosed;

/// Standard output for a verb's results.
pub fn output() -> Output {
    Output(io::stdout())
}

/// Whether the error arose because standard output is no longer read.
pub fn is_closed(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| {
            cause
                .get_ref()
                .is_some_and(<dyn Error + Send + Sync>::is::<OutputClosed>)
        })
}

/// Prints `error: …`, on one line unless the message itself lists several things.
pub fn error(message: &str) {
    // If stderr is closed too, there is no way to report anything.
    let _ = writeln!(io::stderr(), "error: {}", message.trim_end());
}

/// Reports a panic, which is a mistake in this program, on one line instead of a page.
pub fn report_panics() {
    panic::set_hook(Box::new(|panic| {
        // The Kafka client asserts on records that it cannot take. That thread catches the panic and reports
        // what it means.
        if thread::current().name() == Some(kafka::POLL_THREAD) {
            return;
        }
        let message = panic.payload_as_str().unwrap_or("unknown").replace('\n', " ");
        let place = panic.location().map(|at| format!(" at {}:{}", at.file(), at.line()));
        let _ = writeln!(
            io::stderr(),
            "internal error: {message}{}; this is a mistake in host, please report it",
            place.unwrap_or_default()
        );
    }));
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(marked)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(marked)
    }
}

/// Marks a broken pipe as that of standard output, so that [`is_closed`] finds it.
fn marked(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        io::Error::new(io::ErrorKind::BrokenPipe, OutputClosed)
    } else {
        error
    }
}

impl fmt::Display for OutputClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("standard output is closed")
    }
}

impl Error for OutputClosed {}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn only_a_broken_pipe_on_standard_output_counts_as_closed() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        let shown = |error: io::Error| Err::<(), _>(error).context("cannot write the report").unwrap_err();
        assert!(is_closed(&shown(marked(broken()))));
        assert!(!is_closed(&shown(broken())));
        assert!(!is_closed(&shown(marked(io::ErrorKind::StorageFull.into()))));
    }
}
