//! Settings in two shapes: what flags, environment and `host.toml` say (strict, in `file`), and what the program
//! works with ([`Settings`], validated and typed). Building them does no I/O beyond reading those files, and reports
//! all bad values at once.

pub mod settings;
