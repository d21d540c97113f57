//! The sandbox with real components: in text form, such that must be refused; and the plugin `misbehaving`, which does
//! what a plugin must not do. Needs no server, but the compiler's target `wasm32-unknown-unknown`.

mod built;
mod cache;
mod calls;
mod contract;
mod descriptors;
mod isolation;
mod limits;
mod logs;
mod memory;
mod refusals;
mod shadow;
mod slot;
mod trial;
mod versions;
