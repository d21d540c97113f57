//! The parts of the polling thread, and how it sends events to the pipeline.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::Flags;
use super::reading::Reading;
use super::rebalance::Context;
use crate::kafka::identity::Identity;
use crate::kafka::member::Member;
use crate::source::{Event, Until};

/// The polling thread: [`super::poll`] takes records, [`super::rest`] and [`super::remade`] look at what is not a record.
pub struct Poller {
    pub member: Member<Context>,
    pub events: mpsc::UnboundedSender<Event>,
    pub flags: Arc<Flags>,
    pub until: Until,
    pub brokers: String,
    pub topic: String,
    pub chunk_records: usize,
    pub topic_refresh: Duration,
}

impl Poller {
    pub(super) fn identity(&self) -> &Identity {
        &self.member.listener().identity
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
        // An error means that the pipeline has ended. It closes this thread, too.
        let _ = self.events.send(event);
    }
}
