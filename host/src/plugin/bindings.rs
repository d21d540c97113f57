//! The host's side of `wit/transform.wit`, generated at compile time. Arguments are borrowed, so a batch is copied only
//! once, into the guest's memory.

#![allow(clippy::pedantic, reason = "generated code")]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "plugin",
    ownership: Borrowing { duplicate_if_necessary: true },
});
