//! Standard output as a store: `-`.

use std::sync::{Arc, OnceLock};

use anyhow::anyhow;
use futures::FutureExt as _;
use futures::future::{BoxFuture, pending, ready};

use super::store::{Store, Tables};
use crate::app::failure::Failure;
use crate::app::wire::Settings;
use crate::config::ends::{AddressDefaults, Kind, Refusal, StoreEnd};
use crate::record::descriptor::Descriptor;
use crate::sink::Sink;
use crate::sink::print::PrintSink;
use crate::sink::read_back::ReadBack;

/// Standard output, which `--to -` names.
pub const KIND: Kind<Arc<dyn Store>> = Kind {
    form: "- for standard output",
    read,
};

#[derive(Debug)]
struct StandardOutput;

fn read(text: &str, _: AddressDefaults<'_>) -> Option<Result<Arc<dyn Store>, Refusal>> {
    (text == "-").then(|| Ok(Arc::new(StandardOutput) as _))
}

impl StoreEnd for StandardOutput {}

impl Store for StandardOutput {
    fn place(&self) -> String {
        "standard output".to_owned()
    }

    fn identity(&self) -> String {
        "stdout".to_owned()
    }

    fn connect(&self, _: &Settings) -> BoxFuture<'static, Result<Arc<dyn Tables>, Failure>> {
        ready(Ok(Arc::new(Printed::default()) as _)).boxed()
    }

    fn is_standard_output(&self) -> bool {
        true
    }

    fn read_back<'a>(
        &'a self,
        _: &'a Settings,
        _: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Box<dyn ReadBack>, Failure>> {
        let message = "rows that were printed cannot be read back: --to cassandra://NODES/KEYSPACE or FILE.db";
        ready(Err(Failure::Usage(anyhow!(message)))).boxed()
    }
}

/// The sink of the first plugin. The sinks of further ones share with it whether there is still a reader.
#[derive(Default)]
struct Printed(OnceLock<Arc<PrintSink>>);

impl Tables for Printed {
    fn open<'a>(
        &'a self,
        _: &'a Settings,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Arc<dyn Sink>, Failure>> {
        let sink = match self.0.get() {
            Some(first) => Arc::new(first.beside(descriptor)),
            None => Arc::clone(self.0.get_or_init(|| Arc::new(PrintSink::new(descriptor)))),
        };
        ready(Ok(sink as _)).boxed()
    }

    fn closed(&self) -> BoxFuture<'static, ()> {
        match self.0.get().cloned() {
            Some(sink) => async move { sink.closed().await }.boxed(),
            None => pending().boxed(),
        }
    }
}
