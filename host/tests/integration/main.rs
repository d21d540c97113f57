//! The program on real servers: one Kafka, one Cassandra, one registry, all on loopback. `host/tests/run servers` starts
//! them and says where they are.

#[path = "../support/mod.rs"]
mod support;

#[path = "../sandbox/built.rs"]
#[allow(dead_code, reason = "only the building of a plugin is used here")]
mod built;

mod admin;
mod cassandra;
mod dead_letters;
mod delivery;
mod diff;
mod end_to_end;
mod errors;
mod explain;
mod halts;
mod logs;
mod metadata;
mod one_key;
mod one_key_tables;
mod references;
mod replays;
mod restart;
mod schema_evolution;
mod signing;
mod tables;
mod tokens;
mod topics;
mod traces;

/// These tests stop a server that all tests use, so they run alone.
mod stopped {
    mod outages;
}
