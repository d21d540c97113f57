//! What the polling thread works with, and how it tells the pipeline what it has.

use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::sync::mpsc;

use super::Flags;
use super::reading::Reading;
use super::rebalance::Context;
use crate::source::{Event, Until};

/// The polling thread: [`super::poll`] takes records, [`super::rest`] and [`super::remade`] look at what is not a record.
pub struct Poller {
    pub consumer: Arc<BaseConsumer<Context>>,
    pub events: mpsc::UnboundedSender<Event>,
    pub flags: Arc<Flags>,
    pub until: Until,
    pub brokers: String,
    pub topic: String,
    pub chunk_records: usize,
    pub topic_refresh: Duration,
}

impl Poller {
    pub(super) fn topic_name(&self) -> &CString {
        &self.consumer.context().topic
    }

    pub(super) fn hand_out(&self, reading: &mut Reading) {
        if !reading.gathered.is_empty() {
            self.send(Event::Records {
                partition: Arc::clone(&reading.assigned.partition),
                records: reading.take_gathered(),
            });
        }
    }

    pub(super) fn send(&self, event: Event) {
        // The pipeline has gone: it closes this thread, too.
        let _ = self.events.send(event);
    }
}
