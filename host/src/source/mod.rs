//! Reads records from Kafka or a file and hands them out in batches per partition.
pub mod kafka;
