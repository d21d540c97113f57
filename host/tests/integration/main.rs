//! The program on real servers: one Kafka, one Cassandra, one registry, all on loopback. `host/tests/run servers` starts
//! them and says where they are.

#[path = "../support/mod.rs"]
mod support;

mod cassandra;
mod dead_letters;
mod end_to_end;
mod errors;
mod outages;
mod restart;
mod schema_evolution;
