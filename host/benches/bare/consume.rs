//! Reads a topic from its beginning to its end and adds up the lengths of the values, no more.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::{Failure, Watch};

const ANSWER: Duration = Duration::from_secs(10);

pub fn run(brokers: &str, topic: &str) -> Result<(), Failure> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "bare")
        .set("enable.auto.commit", "false")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER)?;
    let partitions = metadata.topics().first().ok_or("no such topic")?.partitions();
    let mut list = TopicPartitionList::new();
    let mut wanted = 0;
    for partition in partitions {
        let (low, high) = consumer.fetch_watermarks(topic, partition.id(), ANSWER)?;
        list.add_partition_offset(topic, partition.id(), Offset::Offset(low))?;
        wanted += high - low;
    }
    let watch = Watch::start();
    consumer.assign(&list)?;
    let (mut records, mut bytes) = (0, 0);
    while records < wanted {
        let Some(message) = consumer.poll(ANSWER) else {
            return Err("the broker sends nothing".into());
        };
        bytes += message?.payload_len();
        records += 1;
    }
    watch.say(records.unsigned_abs());
    std::hint::black_box(bytes);
    Ok(())
}
