//! Holds what the program knows of Cassandra, for every stage that reads or writes there. It knows no stage itself.
//!
//! [`session`] connects as [`config`] says ([`tls`] where it is asked for) and knows the [`nodes`]; [`asking`] asks again
//! where the cluster has no answer, [`system_schema`] reads what tables there are, [`table`] says what one of them is,
//! [`schema`] creates them. [`convert`] turns Arrow values into CQL's [`types`], [`show`] those into text, [`binding`] says
//! which field goes to which column, [`key`] when two keys are one. [`read`] reads a row by its primary key, [`prepared`]
//! sends rows through a chosen node, [`cluster`] and [`ring`] say which nodes there are and which have the rows of a
//! token. [`errors`] says what an error of the driver means.
//!
//! The driver's crate is named in this folder and nowhere else.

pub mod asking;
pub mod binding;
pub mod cluster;
pub mod config;
pub mod convert;
pub mod errors;
pub mod key;
pub mod nodes;
pub mod prepared;
pub mod quoted;
pub mod read;
mod retry;
pub mod ring;
pub mod schema;
pub mod session;
pub mod show;
pub mod system_schema;
pub mod table;
pub mod tls;
pub mod types;
