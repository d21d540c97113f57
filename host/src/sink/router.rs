//! Rows of a plugin of which some go to tables and some to topics, each to the sink of its kind.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::topic::TopicSink;
use super::{Order, Sink, SinkError, WriteBatch};

/// Hands rows for tables to one sink and rows for topics to another, where a plugin has both.
pub struct Router {
    tables: Arc<dyn Sink>,
    topics: TopicSink,
}

impl Router {
    /// Both sinks were opened for one plugin.
    pub fn new(tables: Arc<dyn Sink>, topics: TopicSink) -> Self {
        Self { tables, topics }
    }
}

impl Sink for Router {
    /// The lower of the two bounds.
    fn batches_in_flight(&self) -> usize {
        self.tables.batches_in_flight().min(self.topics.batches_in_flight())
    }

    fn order(&self) -> Order {
        self.tables.order()
    }

    fn arrange(&self, writes: &mut [WriteBatch]) {
        self.tables.arrange(writes);
    }

    fn write(&self, batch: Arc<WriteBatch>, which: Vec<u32>) -> BoxFuture<'_, Vec<Result<(), SinkError>>> {
        if self.topics.takes(batch.output) {
            self.topics.write(batch, which)
        } else {
            self.tables.write(batch, which)
        }
    }
}
