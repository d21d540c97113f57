//! The run itself: [`supervisor`] follows the source and keeps a [`lane`] for each assigned partition; its [`worker`] takes
//! each batch from its records to [`settle`]. [`look`] and [`scrape`] say how the run stands.

pub mod lane;
pub mod look;
pub mod parts;
pub mod scrape;
pub mod settle;
mod status_file;
pub mod supervisor;
pub mod worker;
