//! Kafka as a system: the clients of a cluster and what they are told. It knows no stage, and `rdkafka` is named nowhere else.
//!
//! [`client`] makes the settings of every client, by its purpose; [`error`] sorts what clients are told. [`topic`] and
//! [`admin`] ask about topics, [`identity`] whether a topic is still the same one. [`member`] reads what a group assigns to
//! it, [`reader`] what it is told to read, which [`fetch`] and [`latest`] use; [`offsets`], [`begin`] and [`metadata`] are
//! about commits, [`record`] makes records of messages. [`producer`] writes. [`native`] is what librdkafka's Rust side lacks.

pub mod admin;
mod begin;
pub mod client;
pub mod error;
pub mod fetch;
pub mod identity;
pub mod latest;
pub mod member;
mod metadata;
mod native;
mod offsets;
pub mod producer;
pub mod reader;
pub mod record;
pub mod topic;
