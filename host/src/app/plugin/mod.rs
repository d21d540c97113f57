//! `host plugin …`: the verbs for authors (`new`, `build`, `inspect`), for signatures (`sign`), and for hosts that run: one
//! at its admin endpoint (`live`), or all that run what is published (`fleet`).

pub mod build;
pub mod fleet;
pub mod inspect;
pub mod live;
pub mod new;
pub mod sign;
