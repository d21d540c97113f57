//! What librdkafka knows and its Rust side has no names for: a topic's id, and where a partition's log starts.
#![expect(
    unsafe_code,
    reason = "rdkafka 0.39 wraps neither rd_kafka_DescribeTopics nor rd_kafka_get_watermark_offsets; both are called here only"
)]

use std::ffi::{CStr, c_int};
use std::ptr::{self, NonNull};
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{IsError, RDKafkaErrorCode};

use crate::record::topic_id::TopicId;

/// Where the partition's log started when a broker last answered a fetch of it; `None` if that is not known. No broker
/// is asked.
pub fn log_start<C: ConsumerContext>(consumer: &BaseConsumer<C>, topic: &CStr, partition: i32) -> Option<i64> {
    let (mut low, mut high) = (-1, -1);
    // SAFETY: the client lives as long as `consumer`, the name and both numbers as long as the call, which keeps none of them.
    let code = unsafe {
        let client = consumer.client().native_ptr();
        sys::rd_kafka_get_watermark_offsets(client, topic.as_ptr(), partition, &raw mut low, &raw mut high)
    };
    (!code.is_error() && low >= 0).then_some(low)
}

/// The question for a topic's id, under way. It borrows the consumer, since its queue must go before the client.
pub struct Asked<'a, C: ConsumerContext> {
    queue: NonNull<sys::rd_kafka_queue_t>,
    _consumer: &'a BaseConsumer<C>,
}

/// What the brokers say. `None`: they are older than ids (before 2.8).
pub type IdAnswer = Result<Option<TopicId>, RDKafkaErrorCode>;

impl<'a, C: ConsumerContext> Asked<'a, C> {
    /// Asks, and does not wait. `None` where the client is out of memory.
    pub fn ask(consumer: &'a BaseConsumer<C>, topic: &CStr, timeout: Duration) -> Option<Self> {
        let client = consumer.client().native_ptr();
        let mut names = [topic.as_ptr()];
        // SAFETY: the client lives longer than `Self`, by its lifetime. The request copies the topics and the options,
        // and their makers destroy them after it. The queue is destroyed with `Self`.
        unsafe {
            let queue = NonNull::new(sys::rd_kafka_queue_new(client))?;
            let topics = sys::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len());
            let options =
                sys::rd_kafka_AdminOptions_new(client, sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
            // A time that is not taken leaves the usual one.
            sys::rd_kafka_AdminOptions_set_request_timeout(options, millis(timeout), ptr::null_mut(), 0);
            sys::rd_kafka_DescribeTopics(client, topics, options, queue.as_ptr());
            sys::rd_kafka_AdminOptions_destroy(options);
            sys::rd_kafka_TopicCollection_destroy(topics);
            Some(Self {
                queue,
                _consumer: consumer,
            })
        }
    }

    /// The answer, if it comes within this time.
    pub fn answer(&self, wait: Duration) -> Option<IdAnswer> {
        // SAFETY: the queue is there as long as `self`; the event is read before it is destroyed, and nothing of it is kept.
        unsafe {
            let event = NonNull::new(sys::rd_kafka_queue_poll(self.queue.as_ptr(), millis(wait)))?;
            let answer = read(event);
            sys::rd_kafka_event_destroy(event.as_ptr());
            Some(answer)
        }
    }
}

impl<C: ConsumerContext> Drop for Asked<'_, C> {
    fn drop(&mut self) {
        // SAFETY: made by `ask`, destroyed once; an answer that comes later finds its queue closed and is thrown away.
        unsafe { sys::rd_kafka_queue_destroy(self.queue.as_ptr()) }
    }
}

/// # Safety
/// The event is one that librdkafka has given out and that is not destroyed yet.
unsafe fn read(event: NonNull<sys::rd_kafka_event_t>) -> IdAnswer {
    // SAFETY: what is asked of the event belongs to it, and lives as long.
    unsafe {
        let code = sys::rd_kafka_event_error(event.as_ptr());
        if code.is_error() {
            return Err(code.into());
        }
        let result = sys::rd_kafka_event_DescribeTopics_result(event.as_ptr());
        if result.is_null() {
            return Err(RDKafkaErrorCode::BadMessage);
        }
        let mut count = 0;
        let topics = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if topics.is_null() || count == 0 {
            return Err(RDKafkaErrorCode::UnknownTopic);
        }
        let topic = *topics;
        let code = sys::rd_kafka_error_code(sys::rd_kafka_TopicDescription_error(topic));
        if code.is_error() {
            return Err(code.into());
        }
        let id = sys::rd_kafka_TopicDescription_topic_id(topic);
        if id.is_null() {
            return Ok(None);
        }
        let halves = [
            sys::rd_kafka_Uuid_most_significant_bits(id),
            sys::rd_kafka_Uuid_least_significant_bits(id),
        ];
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&halves[0].to_be_bytes());
        bytes[8..].copy_from_slice(&halves[1].to_be_bytes());
        Ok((halves != [0, 0]).then_some(TopicId(bytes)))
    }
}

fn millis(time: Duration) -> c_int {
    c_int::try_from(time.as_millis()).unwrap_or(c_int::MAX)
}
