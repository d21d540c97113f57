//! One file a verb: wires the real parts with the settings and runs them.

pub mod failure;
