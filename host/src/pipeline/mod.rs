//! The one that calls the stages.
pub mod config;
