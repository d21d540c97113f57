//! Produces and reads records with the plain client.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigSource, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

/// A record as a plain consumer sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub timestamp_ms: Option<i64>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Seen {
    /// The last header of this name, as text.
    pub fn header(&self, name: &str) -> Option<String> {
        let found = self.headers.iter().rev().find(|(key, _)| key == name)?;
        Some(String::from_utf8(found.1.clone()?).unwrap())
    }
}

pub struct Sent<'a> {
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub timestamp_ms: i64,
    pub headers: &'a [(&'a str, &'a [u8])],
}

pub fn produce(brokers: &str, topic: &str, records: &[Sent<'_>]) {
    produce_to(brokers, topic, 0, records);
}

pub fn produce_to(brokers: &str, topic: &str, partition: i32, records: &[Sent<'_>]) {
    // The topic says what is too large.
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("message.max.bytes", "100000000")
        .create()
        .unwrap();
    for record in records {
        let mut headers = OwnedHeaders::new();
        for (key, value) in record.headers {
            headers = headers.insert(Header {
                key,
                value: Some(*value),
            });
        }
        let mut message = BaseRecord::<[u8], [u8]>::to(topic)
            .partition(partition)
            .timestamp(record.timestamp_ms)
            .headers(headers);
        message.key = record.key;
        message.payload = record.value;
        producer.send(message).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(30)).unwrap();
}

/// Every record of a topic, up to its ends.
pub fn read_all(brokers: &str, topic: &str) -> Vec<Seen> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "test-reader")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let timeout = Duration::from_secs(20);
    let metadata = consumer.fetch_metadata(Some(topic), timeout).unwrap();
    let mut list = TopicPartitionList::new();
    let mut wanted = 0;
    for partition in metadata.topics()[0].partitions() {
        let (low, high) = consumer.fetch_watermarks(topic, partition.id(), timeout).unwrap();
        wanted += high - low;
        list.add_partition_offset(topic, partition.id(), Offset::Beginning)
            .unwrap();
    }
    consumer.assign(&list).unwrap();
    let end = Instant::now() + timeout;
    let mut seen = Vec::new();
    while i64::try_from(seen.len()).unwrap() < wanted {
        assert!(Instant::now() < end, "{} of {wanted} records of {topic}", seen.len());
        if let Some(message) = consumer.poll(Duration::from_millis(200)) {
            seen.push(to_seen(&message.unwrap()));
        }
    }
    seen
}

/// Sets one property of a topic, and all others back to what they are by default.
pub async fn configure(brokers: &str, topic: &str, name: &str, value: &str) {
    let asked = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(name, value);
    let answers = admin(brokers)
        .alter_configs([&asked], &AdminOptions::new())
        .await
        .unwrap();
    for answer in answers {
        answer.unwrap();
    }
}

pub async fn create_topic(brokers: &str, topic: &str, config: &[(&str, &str)]) {
    let mut wanted = NewTopic::new(topic, 1, TopicReplication::Fixed(1));
    for (key, value) in config {
        wanted = wanted.set(key, value);
    }
    for answer in admin(brokers)
        .create_topics(&[wanted], &AdminOptions::new())
        .await
        .unwrap()
    {
        answer.unwrap();
    }
}

/// Deletes the topic and makes another one of its name, as soon as the brokers let it be made.
pub async fn make_anew(brokers: &str, topic: &str) {
    delete(brokers, topic).await;
    let admin = admin(brokers);
    let wanted = NewTopic::new(topic, 1, TopicReplication::Fixed(1));
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let made = admin.create_topics([&wanted], &AdminOptions::new()).await.unwrap();
        match made.into_iter().next().unwrap() {
            Ok(_) => return,
            Err((_, error)) => assert!(Instant::now() < end, "{error}"),
        }
    }
}

pub async fn delete(brokers: &str, topic: &str) {
    let deleted = admin(brokers)
        .delete_topics(&[topic], &AdminOptions::new())
        .await
        .unwrap();
    for answer in deleted {
        answer.unwrap();
    }
}

pub async fn add_partitions(brokers: &str, topic: &str, count: usize) {
    let wanted = NewPartitions::new(topic, count);
    let answers = admin(brokers)
        .create_partitions(&[wanted], &AdminOptions::new())
        .await
        .unwrap();
    for answer in answers {
        answer.unwrap();
    }
}

/// Where partition 0 begins and ends, every mark counted.
pub fn watermarks(brokers: &str, topic: &str) -> (i64, i64) {
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    consumer.fetch_watermarks(topic, 0, Duration::from_secs(20)).unwrap()
}

/// How a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transaction {
    Committed,
    Aborted,
}

/// Sends these values to partition 0 in one transaction.
pub fn in_a_transaction(brokers: &str, topic: &str, values: &[String], end: Transaction) {
    let timeout = Duration::from_secs(20);
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("transactional.id", format!("test-{topic}"))
        .create()
        .unwrap();
    producer.init_transactions(timeout).unwrap();
    producer.begin_transaction().unwrap();
    for value in values {
        let message = BaseRecord::<[u8], [u8]>::to(topic)
            .partition(0)
            .payload(value.as_bytes());
        producer.send(message).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(timeout).unwrap();
    match end {
        Transaction::Committed => producer.commit_transaction(timeout).unwrap(),
        Transaction::Aborted => producer.abort_transaction(timeout).unwrap(),
    }
}

/// Commits for a group what its commit of partition 0 says, again: as a commit that comes late does.
pub fn commit_again(brokers: &str, group: &str, topic: &str) -> impl FnOnce() {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, 0);
    let committed = consumer.committed_offsets(list, Duration::from_secs(20)).unwrap();
    move || consumer.commit(&committed, CommitMode::Sync).unwrap()
}

/// The value that is the topic's own; `None` where the brokers' default holds.
pub async fn topic_config(brokers: &str, topic: &str, key: &str) -> Option<String> {
    let asked = [ResourceSpecifier::Topic(topic)];
    let answers = admin(brokers)
        .describe_configs(&asked, &AdminOptions::new())
        .await
        .unwrap();
    let answer = answers.into_iter().next().unwrap().unwrap();
    let entry = answer
        .get(key)
        .filter(|entry| entry.source == ConfigSource::DynamicTopic)?;
    entry.value.clone()
}

/// Deletes the records of a partition before this offset, as retention does.
pub async fn delete_before(brokers: &str, topic: &str, partition: i32, offset: i64) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(offset))
        .unwrap();
    let deleted = admin(brokers)
        .delete_records(&list, &AdminOptions::new())
        .await
        .unwrap();
    assert_eq!(deleted.elements()[0].offset(), Offset::Offset(offset));
}

fn admin(brokers: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap()
}

/// The sum of the offsets that a group has committed for a topic.
pub fn committed(brokers: &str, group: &str, topic: &str, partitions: i32) -> i64 {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_range(topic, 0, partitions - 1);
    let committed = consumer.committed_offsets(list, Duration::from_secs(20)).unwrap();
    committed
        .elements()
        .iter()
        .filter_map(|element| element.offset().to_raw())
        .filter(|offset| *offset >= 0)
        .sum()
}

fn to_seen(message: &BorrowedMessage<'_>) -> Seen {
    let bytes = |part: Option<&[u8]>| part.map(<[u8]>::to_vec);
    Seen {
        key: bytes(message.key()),
        value: bytes(message.payload()),
        timestamp_ms: message.timestamp().to_millis(),
        headers: message
            .headers()
            .map(|headers| {
                headers
                    .iter()
                    .map(|header| (header.key.to_owned(), bytes(header.value)))
                    .collect()
            })
            .unwrap_or_default(),
    }
}
