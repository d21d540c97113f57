//! Fills a new topic with records that no decoder can read. One of every `every` is stamped two hours ahead of the clock.

use std::time::{Duration, UNIX_EPOCH};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::{Failure, Watch};

const AHEAD_MS: i64 = 7_200_000;

const PARTITIONS: i32 = 3;

const PATIENCE: Duration = Duration::from_mins(1);

/// With `every` 0, none is stamped ahead.
pub async fn run(brokers: &str, topic: &str, count: u64, every: u64) -> Result<(), Failure> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    let admin: AdminClient<DefaultClientContext> = config.create()?;
    // Brokers refuse records that are stamped ahead unless the topic allows them.
    let new = NewTopic::new(topic, PARTITIONS, TopicReplication::Fixed(1))
        .set("message.timestamp.after.max.ms", "9223372036854775807");
    for made in admin.create_topics([&new], &AdminOptions::new()).await? {
        made.map_err(|(topic, error)| format!("{topic}: {error}"))?;
    }
    let producer: BaseProducer = config.create()?;
    let now_ms = i64::try_from(UNIX_EPOCH.elapsed()?.as_millis())?;
    let watch = Watch::start();
    for number in 0..count {
        let is_ahead = every > 0 && number % every == 0;
        let value = format!("{{no json, number {number}");
        let mut record = BaseRecord::<[u8], str>::to(topic)
            .payload(value.as_str())
            .timestamp(now_ms + if is_ahead { AHEAD_MS } else { 0 });
        while let Err((error, back)) = producer.send(record) {
            if !matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
                return Err(error.into());
            }
            record = back;
            producer.poll(Duration::from_millis(10));
        }
    }
    producer.flush(PATIENCE)?;
    watch.say(count);
    Ok(())
}
