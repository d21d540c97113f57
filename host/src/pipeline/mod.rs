//! The one that calls the stages.
