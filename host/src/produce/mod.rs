//! CSV into Kafka.
