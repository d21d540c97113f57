//! `host try`: the first rows as a table, every reject with its line, then counts. No server, nothing written.

use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroU64;

use anyhow::Context as _;
use comfy_table::{ContentArrangement, Table, presets};

use super::failure::Failure;
use super::rehearsal::{Rehearsal, Scene};
use crate::config::settings::Settings;
use crate::record::descriptor::{Descriptor, Output};
use crate::record::display;

/// Shows at most `limit` rows.
pub async fn run(settings: Settings, limit: NonZeroU64, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let mut rehearsal = Rehearsal::open(&settings)?;
    let descriptor = rehearsal.plugin().descriptor().clone();
    let mut tables = Tables::new(&descriptor, limit.get());
    let mut counts = Counts::default();
    let mut rejects = Vec::new();
    while let Some(scene) = rehearsal.next().await? {
        tables.add(&scene);
        counts.add(&scene);
        rejects.extend(scene.rejects.iter().map(|(record, reject)| {
            format!(
                "{}: {} ({})",
                scene.records[*record].position, reject.message, reject.code
            )
        }));
    }
    show(out, &descriptor, &tables, &rejects, &counts)
        .context("cannot write")
        .map_err(Failure::Failed)?;
    rehearsal.check_whole()
}

/// One table for each output.
struct Tables {
    tables: Vec<Table>,
    left: u64,
    outputs: Vec<Output>,
}

#[derive(Default)]
struct Counts {
    records: usize,
    rows: usize,
    filtered: usize,
    rejected: BTreeMap<String, usize>,
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

    fn add(&mut self, scene: &Scene) {
        for rows in &scene.rows {
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

impl Counts {
    fn add(&mut self, scene: &Scene) {
        self.records += scene.records.len();
        self.rows += scene.rows.iter().map(|rows| rows.batch.rows).sum::<usize>();
        self.filtered += scene.filtered;
        for (_, reject) in &scene.rejects {
            *self.rejected.entry(reject.code.to_string()).or_default() += 1;
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
    let by_code: Vec<_> = counts
        .rejected
        .iter()
        .map(|(code, count)| format!("{code} {count}"))
        .collect();
    let by_code = if by_code.is_empty() {
        String::new()
    } else {
        format!(" ({})", by_code.join(", "))
    };
    let rejected: usize = counts.rejected.values().sum();
    writeln!(
        out,
        "{} records: {} rows, {} filtered, {rejected} rejected{by_code}",
        counts.records, counts.rows, counts.filtered
    )
}
