//! Writes lines to the host's log, for the operator. The host bounds their rate and length. Native tests write
//! them to stderr.

use crate::bindings::host::transform::log::Level;

/// Writes a line that helps to debug the plugin.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// Writes a line about normal work.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Writes a line about something odd that the plugin can cope with.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// Writes a line about a failure. If the plugin traps right after it, the host puts this line into the
/// record's dead letter.
pub fn error(message: &str) {
    write(Level::Error, message);
}

/// From now on a panic logs its message with [`error`] before it ends in a trap, so that the record's dead letter says
/// why. A plugin made with `#[transform]` calls this by itself.
pub fn panics() {
    if cfg!(target_arch = "wasm32") {
        std::panic::set_hook(Box::new(|panic| error(&panic.to_string())));
    }
}

#[cfg(target_arch = "wasm32")]
fn write(level: Level, message: &str) {
    crate::bindings::host::transform::log::write(level, message);
}

#[cfg(not(target_arch = "wasm32"))]
#[expect(clippy::print_stderr, reason = "there is no host outside of a component")]
fn write(level: Level, message: &str) {
    eprintln!("{level:?}: {message}");
}
