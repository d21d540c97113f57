//! What a version makes of a batch of records, sorted by record, and the order in which its rows are written.

pub mod gather;
pub mod make;
pub mod transformed;
pub mod turns;
pub mod version;
