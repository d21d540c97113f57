//! Lines for the operator. The host bounds their rate and length; in native tests they go to stderr.

use crate::bindings::host::transform::log::Level;

pub fn debug(message: &str) {
    write(Level::Debug, message);
}

pub fn info(message: &str) {
    write(Level::Info, message);
}

pub fn warn(message: &str) {
    write(Level::Warn, message);
}

pub fn error(message: &str) {
    write(Level::Error, message);
}

/// From here on a panic says why before it ends in a trap: the host puts an error that is the last line before a trap
/// into the dead letter of the record. Plugins made with `#[transform]` do this by themselves.
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
