//! The verbs that look at plugins, records and stores, and change nothing.

pub mod bench;
pub mod check;
pub mod diff;
pub mod explain;
mod file_run;
pub mod r#try;
pub mod verify;
