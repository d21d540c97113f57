//! `host try`: shows the first rows as a table, every reject with its line, and counts. It needs no server and writes
//! nothing.

use std::io::Write;
use std::num::NonZeroU64;

use anyhow::Context as _;
use comfy_table::{ContentArrangement, Table, presets};

use super::file_run::FileRun;
use crate::app::failure::Failure;
use crate::app::wire::Settings;
use crate::pipeline::batch::make::Made;
use crate::pipeline::watch::totals::Counts;
use crate::record::descriptor::{Descriptor, Output};
use crate::record::display;

/// Shows at most `limit` rows.
pub async fn run(settings: Settings, limit: NonZeroU64, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let mut run = FileRun::open(&settings)?;
    let descriptor = run.plugin().descriptor().clone();
    let mut tables = Tables::new(&descriptor, limit.get());
    let mut rejects = Vec::new();
    while let Some((records, made)) = run.next().await? {
        tables.add(&made);
        rejects.extend(
            made.rejects
                .iter()
                .map(|(record, reject)| format!("{}: {} ({})", records[*record].position, reject.message, reject.code)),
        );
    }
    show(out, &descriptor, &tables, &rejects, run.counts())
        .context("cannot write")
        .map_err(Failure::Failed)?;
    run.check_whole()
}

/// One table for each output.
struct Tables {
    tables: Vec<Table>,
    left: u64,
    outputs: Vec<Output>,
}

impl Tables {
    fn new(descriptor: &Descriptor, limit: u64) -> Self {
        let table = |output: &Output| {
            let mut table = Table::new();
            table
                .load_style(presets::NOTHING)
                .set_content_arrangement(ContentArrangement::Disabled);
            table.set_header(output.fields.iter().map(|field| field.name.as_str()));
            table
        };
        let outputs = descriptor.outputs.clone();
        Self {
            tables: outputs.iter().map(table).collect(),
            left: limit,
            outputs,
        }
    }

    fn add(&mut self, made: &Made) {
        for rows in &made.rows {
            let fields = &self.outputs[rows.output].fields;
            for row in 0..rows.batch.rows {
                if self.left == 0 {
                    return;
                }
                self.left -= 1;
                let cells = fields.iter().zip(&rows.batch.columns);
                let cells = cells.map(|(field, column)| display::text(field, column, row).unwrap_or_default());
                self.tables[rows.output].add_row(cells);
            }
        }
    }
}

fn show(
    out: &mut dyn Write,
    descriptor: &Descriptor,
    tables: &Tables,
    rejects: &[String],
    counts: &Counts,
) -> std::io::Result<()> {
    for (output, table) in descriptor.outputs.iter().zip(&tables.tables) {
        if table.row_count() > 0 {
            writeln!(out, "{} -> {}", output.name, output.target)?;
            writeln!(out, "{}\n", table.trim_fmt())?;
        }
    }
    if !rejects.is_empty() {
        writeln!(out, "rejected")?;
        rejects.iter().try_for_each(|reject| writeln!(out, "  {reject}"))?;
        writeln!(out)?;
    }
    writeln!(
        out,
        "{} records: {} rows, {} filtered, {}",
        counts.records,
        counts.rows_written,
        counts.filtered,
        counts.rejected_text()
    )
}
