//! `host verify`: compares the rows that a file's records should have become with the rows that the store holds.
//!
//! The file goes through the plugin as in `host run`; [`expected`] keeps what each row must be in the end, where later
//! records have changed what earlier ones wrote; then every row is read back by its primary key and compared.

pub mod expected;

use std::io::Write;

use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::file_run::FileRun;
use crate::app::failure::Failure;
use crate::app::wire::Settings;
use crate::record::descriptor::{Descriptor, Rows};
use crate::sink::SinkError;
use crate::sink::read_back::ReadBack;
use expected::{Cells, End, Expected, Fate};

/// So many rows are read back at the same time: enough to keep a cluster busy, and few enough for one node.
const READS_IN_FLIGHT: usize = 64;

/// So many differences are shown in full.
const SHOWN: usize = 10;

/// The plugin's outcome for some of the file's records, in the order of the file.
#[derive(Debug, Default)]
pub struct Chunk {
    pub rows: Vec<Rows>,
    /// Records that did not decode or that the plugin refused.
    pub rejected: u64,
}

/// How many rows were compared with the store, and what differs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Rows that the file should have made, each primary key once.
    pub expected: u64,
    pub found: u64,
    pub missing: u64,
    pub different: u64,
    /// Records that make no row: refused, or with a value that no column takes.
    pub rejected: u64,
    /// The first rows that are missing or different, in the order of the file.
    pub first: Vec<String>,
}

/// Verifies the file that `settings.from` names against the store of `settings.to`.
pub async fn run(settings: &Settings, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let mut run = FileRun::open(settings)?;
    let descriptor = run.plugin().descriptor().clone();
    say_left_out(&descriptor, out)?;
    let store = settings.to.read_back(settings, &descriptor).await?;
    for remark in store.remarks() {
        writeln!(out, "note: {remark}").map_err(|error| Failure::Failed(error.into()))?;
    }
    let chunks = stream::try_unfold(&mut run, async |run| {
        let next = run.next().await?;
        Ok(next.map(|(_, made)| {
            (
                Chunk {
                    rows: made.rows,
                    rejected: made.rejects.len() as u64,
                },
                run,
            )
        }))
    });
    let report = compare(&*store, &descriptor, chunks).await?;
    conclude(&report, out)?;
    run.check_whole()
}

/// Prints which outputs are not compared: a topic may have been compacted since its rows were produced.
fn say_left_out(descriptor: &Descriptor, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    for (_, output, topic) in descriptor.topic_outputs() {
        writeln!(out, "output {} goes to topic {topic}: not compared", output.name)
            .map_err(|error| Failure::Failed(error.into()))?;
    }
    if descriptor.table_outputs().next().is_none() {
        let message = "no output of the plugin goes to a table, so there are no rows to read back";
        return Err(Failure::Usage(anyhow::Error::msg(message)));
    }
    Ok(())
}

/// Writes the report. Fails if a row is missing or different.
fn conclude(report: &VerifyReport, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let written = write_report(report, out);
    written.map_err(|error| Failure::Failed(error.into()))?;
    if report.missing + report.different == 0 {
        Ok(())
    } else {
        Err(Failure::Failed(anyhow::anyhow!(
            "{} missing, {} different of {} rows",
            report.missing,
            report.different,
            report.expected
        )))
    }
}

fn write_report(report: &VerifyReport, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
    for line in &report.first {
        writeln!(out, "{line}")?;
    }
    let left_out = report.missing + report.different - report.first.len() as u64;
    if left_out > 0 {
        writeln!(out, "and {left_out} more")?;
    }
    let VerifyReport {
        expected,
        found,
        missing,
        different,
        rejected,
        ..
    } = report;
    writeln!(
        out,
        "{expected} expected, {found} found, {missing} missing, {different} different ({rejected} rejected records make no row)"
    )
}

/// Reads back every row that the chunks make, and compares it.
pub async fn compare(
    store: &dyn ReadBack,
    descriptor: &Descriptor,
    chunks: impl Stream<Item = Result<Chunk, Failure>> + Send,
) -> Result<VerifyReport, Failure> {
    let mut report = VerifyReport::default();
    let mut expected = Expected::new(store, descriptor);
    let mut chunks = std::pin::pin!(chunks);
    while let Some(mut chunk) = chunks.try_next().await? {
        let is_table = |output: usize| descriptor.outputs[output].target.table().is_some();
        chunk.rows.retain(|rows| is_table(rows.output));
        report.rejected += chunk.rejected;
        report.rejected += expected.add(chunk.rows);
    }
    let fates = expected.into_fates();
    let mut answers = stream::iter(&fates)
        .map(|fate| async move { (fate, store.read(fate.output, &fate.row).await) })
        .buffered(READS_IN_FLIGHT);
    while let Some((fate, answer)) = answers.next().await {
        report.add(
            store,
            descriptor,
            fate,
            answer.map_err(reading_failed)?.map(|image| image.cells),
        );
    }
    Ok(report)
}

impl VerifyReport {
    fn add(&mut self, store: &dyn ReadBack, descriptor: &Descriptor, fate: &Fate, found: Option<Cells>) {
        let output = &descriptor.outputs[fate.output];
        let line = match (&fate.end, found) {
            (End::Overtaken, _) | (End::NoRow, None) => return,
            (End::NoRow, Some(_)) => {
                self.different += 1;
                format!("different  {}  {}: expected no row, found one", output.name, fate.key)
            }
            (End::Row(_), None) => {
                self.expected += 1;
                self.missing += 1;
                format!("missing    {}  {}", output.name, fate.key)
            }
            (End::Row(expected), Some(found)) => {
                self.expected += 1;
                self.found += 1;
                let columns = output.fields.iter().zip(expected.iter().zip(&found)).enumerate();
                let differences = columns.filter(|(_, (_, (expected, found)))| expected != found);
                let differences: Vec<String> = differences
                    .map(|(index, (field, (expected, found)))| {
                        let is_hidden = found.is_none() && store.may_hide(fate.output, index);
                        format!(
                            "{}: expected {}, found {}{}",
                            field.name,
                            shown(expected.as_deref()),
                            shown(found.as_deref()),
                            if is_hidden {
                                " (the column was dropped and added again)"
                            } else {
                                ""
                            }
                        )
                    })
                    .collect();
                if differences.is_empty() {
                    return;
                }
                self.different += 1;
                format!("different  {}  {}  {}", output.name, fate.key, differences.join("; "))
            }
        };
        if self.first.len() < SHOWN {
            self.first.push(line);
        }
    }
}

fn shown(cell: Option<&str>) -> String {
    cell.map_or_else(|| "no value".to_owned(), |text| format!("{text:?}"))
}

fn reading_failed(error: SinkError) -> Failure {
    Failure::Failed(anyhow::Error::new(error).context("reading the rows back failed"))
}

#[cfg(test)]
mod tests;
