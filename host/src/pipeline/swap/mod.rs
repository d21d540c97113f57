//! Exchanges the plugin while records flow. [`swapper`] leads a candidate from its bytes into the [`slot`]. [`trial`]
//! plays it before the swap, [`probation`] watches it afterwards, and [`way_back`] knows where a rollback leads.
//! [`shadow`] runs a candidate beside the current plugin without a swap.

pub mod latest;
mod play;
pub mod plugins;
pub mod probation;
pub mod shadow;
pub mod slot;
pub mod swapper;
pub mod trial;
mod way_back;
