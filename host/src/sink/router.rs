//! Rows of a plugin of which some go to tables and some to topics, each to the sink of its kind.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::topic::TopicSink;
use super::{Sink, SinkError, WriteBatch};
use crate::record::descriptor::{Descriptor, Target};

pub struct Router {
    tables: Arc<dyn Sink>,
    topics: TopicSink,
    /// Of each output of the descriptor, in order.
    ways: Vec<Way>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Table,
    Topic,
}

impl Router {
    /// Both sinks were opened for this plugin.
    pub fn new(tables: Arc<dyn Sink>, topics: TopicSink, descriptor: &Descriptor) -> Self {
        let ways = descriptor.outputs.iter().map(|output| match output.target {
            Target::Table(_) => Way::Table,
            Target::Topic(_) => Way::Topic,
        });
        Self {
            tables,
            topics,
            ways: ways.collect(),
        }
    }
}

impl Sink for Router {
    /// What either can bear.
    fn batches_in_flight(&self) -> usize {
        self.tables.batches_in_flight().min(self.topics.batches_in_flight())
    }

    fn write(&self, batch: Arc<WriteBatch>, which: Vec<u32>) -> BoxFuture<'_, Vec<Result<(), SinkError>>> {
        match self.ways[batch.output] {
            Way::Table => self.tables.write(batch, which),
            Way::Topic => self.topics.write(batch, which),
        }
    }
}
