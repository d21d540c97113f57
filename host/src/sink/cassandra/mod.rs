//! cassandra
pub mod config;
