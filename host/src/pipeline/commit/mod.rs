//! How far each partition has come: [`book`] keeps what is settled and what the commits say, [`offsets`] what may be
//! committed, [`write_time`] the write timestamps of rows.

pub mod book;
pub mod offsets;
pub mod write_time;
