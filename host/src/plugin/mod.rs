//! The sandbox: engine, component, instance, limits; everything a guest gives back is checked here before use.
pub mod limits;
