//! How far each partition has come: [`resume`] says where it goes on, [`ledger`] keeps what is settled and what the commits
//! say, [`offsets`] what may be committed, [`write_time`] the write timestamps of rows.

pub mod ledger;
pub mod offsets;
pub mod resume;
pub mod write_time;
