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

#[cfg(target_arch = "wasm32")]
fn write(level: Level, message: &str) {
    crate::bindings::host::transform::log::write(level, message);
}

#[cfg(not(target_arch = "wasm32"))]
#[expect(clippy::print_stderr, reason = "there is no host outside of a component")]
fn write(level: Level, message: &str) {
    eprintln!("{level:?}: {message}");
}
