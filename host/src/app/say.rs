//! Lines that a verb writes as it goes on.

use std::io::Write;

use super::failure::Failure;

/// Writes a line of output. If it cannot be written, the verb ends.
pub fn say(out: &mut (dyn Write + Send), line: &str) -> Result<(), Failure> {
    writeln!(out, "{line}").map_err(|error| Failure::Failed(error.into()))
}
