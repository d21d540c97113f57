//! The ends that a run can have: where records come from and where rows go. Each is one file here, which says how its
//! addresses are written and joins the port ([`source::Source`], [`store::Store`]) with the parts that do the work.

pub(super) mod cassandra;
pub(super) mod file;
pub(super) mod kafka;
pub mod source;
pub(super) mod sqlite;
pub(super) mod stdout;
pub mod store;
