//! Rows as NDJSON: one object a row, columns by the plugin's names, nulls left out.

use std::io::{self, Write};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{Order, Sink, SinkError, WriteBatch, object};
use crate::record::descriptor::{Descriptor, Effect, Output};

/// Prints rows. Outputs that delete print nothing.
pub struct PrintSink<W = io::Stdout> {
    outputs: Vec<Output>,
    out: Mutex<W>,
    closed: watch::Sender<bool>,
}

impl PrintSink {
    /// On standard output.
    pub fn new(descriptor: &Descriptor) -> Self {
        Self::on(io::stdout(), descriptor)
    }

    /// The same for another plugin.
    #[must_use]
    pub fn beside(&self, descriptor: &Descriptor) -> Self {
        Self {
            closed: self.closed.clone(),
            ..Self::new(descriptor)
        }
    }
}

impl<W: Write + Send> PrintSink<W> {
    /// Writes rows of this plugin to `out`, one JSON object a line.
    pub fn on(out: W, descriptor: &Descriptor) -> Self {
        Self {
            outputs: descriptor.outputs.clone(),
            out: Mutex::new(out),
            closed: watch::Sender::new(false),
        }
    }

    /// Comes back once the reader of the output has gone away (`… | head`). From then on no write is
    /// answered, so nothing unread counts as written, and nothing is tried again; the program should end quietly.
    pub async fn closed(&self) {
        let mut closed = self.closed.subscribe();
        // The sender lives as long as `self`.
        let _ = closed.wait_for(|closed| *closed).await;
    }

    /// All of the rows, or none where the output cannot be written, but for rows that JSON cannot hold.
    fn print(&self, batch: &WriteBatch, which: &[u32]) -> io::Result<Vec<Result<(), SinkError>>> {
        let output = &self.outputs[batch.output];
        if output.effect == Effect::Delete {
            return Ok(which.iter().map(|_| Ok(())).collect());
        }
        let mut lines = String::new();
        let results = which.iter().map(|row| {
            let row = *row as usize;
            object::check(&output.fields, &batch.batch, row)?;
            lines += &object::object(&output.fields, &batch.batch, row);
            lines.push('\n');
            Ok(())
        });
        let results = results.collect();
        let mut out = self.out.lock();
        out.write_all(lines.as_bytes())?;
        out.flush()?;
        Ok(results)
    }
}

impl<W: Write + Send> Sink for PrintSink<W> {
    /// Rows are printed in the order of their records.
    fn batches_in_flight(&self) -> usize {
        1
    }

    /// The last line of a key is the one that stands.
    fn order(&self) -> Order {
        Order::Given
    }

    fn write(&self, batch: Arc<WriteBatch>, which: Vec<u32>) -> BoxFuture<'_, Vec<Result<(), SinkError>>> {
        async move {
            let error = match self.print(&batch, &which) {
                Ok(results) => return results,
                Err(error) => error,
            };
            if error.kind() == io::ErrorKind::BrokenPipe {
                self.closed.send_replace(true);
                return std::future::pending().await;
            }
            let error = Arc::new(error);
            let failed = |_| Err(SinkError::file(Arc::clone(&error)));
            which.iter().map(failed).collect()
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sink::fixture::{descriptor, write_batch};

    #[tokio::test]
    async fn prints_one_object_a_row_without_nulls_and_only_the_rows_asked_for() {
        let sink = PrintSink::on(Vec::new(), &descriptor());
        let results = sink
            .write(
                write_batch(&[(1, Some("a"), 1), (2, None, 1), (3, None, 1)]),
                vec![0, 2],
            )
            .await;
        assert!(results.len() == 2 && results.iter().all(Result::is_ok));
        let out = sink.out.into_inner();
        let expected = concat!(
            r#"{"id":"00000000-0000-0000-0000-000000000001","at":"1970-01-01T00:00:01Z","status":"a"}"#,
            "\n",
            r#"{"id":"00000000-0000-0000-0000-000000000003","at":"1970-01-01T00:00:03Z"}"#,
            "\n"
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[tokio::test]
    async fn no_row_is_answered_once_the_reader_is_gone_and_closed_says_so() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let sink = PrintSink::on(Gone, &descriptor());
        assert!(
            tokio::time::timeout(Duration::from_millis(10), sink.closed())
                .await
                .is_err()
        );
        tokio::select! {
            results = sink.write(write_batch(&[(1, None, 1)]), vec![0]) => panic!("answered {results:?}"),
            () = sink.closed() => {}
        }
    }
}
