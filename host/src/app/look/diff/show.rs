//! Prints a comparison in words: the differences with examples, then the verdict.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};

use crate::pipeline::compare::report::{
    Cell, Codes, ColumnReport, ComparisonReport, Declared, Example, OutputReport, RejectExample, RowExample, Shown,
    Side, Tally,
};
use crate::pipeline::watch::shadowing::ShadowReport;
use crate::record::display::printable;

/// The number of characters of a digest that are shown, enough to distinguish builds.
const DIGEST_CHARS: usize = "sha256:".len() + 12;

/// At most so many columns are shown of a row that only one side makes.
const MAX_CELLS: usize = 4;

/// Writes the whole report.
pub fn report(report: &ComparisonReport, out: &mut (dyn Write + Send)) -> io::Result<()> {
    differences(report, out)?;
    let verdict = if report.is_same() {
        "no difference (exit code 0)"
    } else {
        "they differ (exit code 1)"
    };
    writeln!(out, "\n{verdict}")
}

/// Writes the state of a shadow, and the differences that it has found.
pub fn shadow(shadow: &ShadowReport, out: &mut (dyn Write + Send)) -> io::Result<()> {
    writeln!(
        out,
        "\nshadow since {}: {} of the batches, {} compared, {} passed over",
        shadow.since, shadow.share_percent, shadow.batches, shadow.batches_passed_over
    )?;
    if let Some(why) = &shadow.ended {
        writeln!(out, "it sees no more batches: {}", printable(why))?;
    }
    differences(&shadow.differences, out)?;
    let verdict = match (shadow.batches, shadow.differences.is_same()) {
        (0, true) => "nothing was compared",
        (_, true) => "no difference",
        (_, false) => "they differ",
    };
    writeln!(out, "\n{verdict}")
}

fn differences(report: &ComparisonReport, out: &mut (dyn Write + Send)) -> io::Result<()> {
    sides(report, out)?;
    report.outputs.iter().try_for_each(|found| output(found, out))?;
    places("rows in another order", &report.reordered, out)?;
    let rejects = &report.rejects;
    codes("rejected by the new one only", &rejects.gained, out)?;
    codes("rejected by the old one only", &rejects.lost, out)?;
    codes("rejected with another code", &rejects.changed, out)?;
    places("filtered by the new one only", &report.filtered.gained, out)?;
    places("filtered by the old one only", &report.filtered.lost, out)?;
    summary(report, out)
}

/// How often each kind of difference was found.
fn summary(report: &ComparisonReport, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let of = |count: fn(&OutputReport) -> u64| report.outputs.iter().map(count).sum::<u64>();
    let rejected = |codes: &Codes| codes.values().map(|tally| tally.count).sum::<u64>();
    let (rejects, filtered) = (&report.rejects, &report.filtered);
    writeln!(out, "\n{} records", report.records)?;
    writeln!(
        out,
        "  rows      {} equal, {} different, {} only in old, {} only in new",
        of(|output| output.equal),
        of(|output| output.different),
        of(|output| output.only_old.count),
        of(|output| output.only_new.count),
    )?;
    writeln!(
        out,
        "  rejected  {} by both, {} by new only, {} by old only, {} with another code",
        rejects.same,
        rejected(&rejects.gained),
        rejected(&rejects.lost),
        rejected(&rejects.changed),
    )?;
    writeln!(
        out,
        "  filtered  {} by both, {} by new only, {} by old only",
        filtered.same, filtered.gained.count, filtered.lost.count,
    )
}

fn sides(report: &ComparisonReport, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let mut table = plain();
    let mut add = |which: &str, side: &Side| {
        let digest: String = side.digest.chars().take(DIGEST_CHARS).collect();
        let time = format!("{} ns a record", side.ns_per_record(report.records));
        table.add_row([which, &side.name, &side.version, &digest, &time].map(printable));
    };
    add("old", &report.old);
    add("new", &report.new);
    writeln!(out, "{}", table.trim_fmt())
}

fn output(found: &OutputReport, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let deletes = if found.is_delete { ", deletes" } else { "" };
    write!(out, "\n{}{deletes}: ", printable(&found.target))?;
    match (&found.old, &found.new) {
        (Some(_), Some(_)) => writeln!(
            out,
            "{} rows equal, {} different, {} only in old, {} only in new",
            found.equal, found.different, found.only_old.count, found.only_new.count
        )?,
        (Some(_), None) => writeln!(out, "only the old one has it, with {} rows", found.only_old.count)?,
        (None, _) => writeln!(out, "only the new one has it, with {} rows", found.only_new.count)?,
    }
    if found.old.is_some() && found.new.is_some() {
        found.columns.iter().try_for_each(|found| column(found, out))?;
    }
    rows("rows only in old", &found.only_old, out)?;
    rows("rows only in new", &found.only_new, out)
}

fn column(found: &ColumnReport, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let (name, count) = (printable(&found.name), found.values.count);
    match (&found.old, &found.new) {
        (Some(old), Some(new)) if old == new && count == 0 => return Ok(()),
        (Some(old), Some(new)) if old == new => writeln!(out, "  column {name}: {count} rows differ")?,
        (Some(old), Some(new)) => writeln!(
            out,
            "  column {name}: was {}, is {}; {count} rows differ",
            declared(old),
            declared(new)
        )?,
        (None, Some(new)) => writeln!(
            out,
            "  column {name}: added ({}), not null in {count} rows",
            declared(new)
        )?,
        (Some(old), None) => writeln!(
            out,
            "  column {name}: removed ({}), was not null in {count} rows",
            declared(old)
        )?,
        (None, None) => {}
    }
    let mut table = plain();
    let names = found.values.examples.first().map_or(&[][..], |example| &example.row);
    table.set_header(header("record", names).chain(["old".to_owned(), "new".to_owned()]));
    for Example { record, row, old, new } in &found.values.examples {
        let cells = row.iter().map(|cell| shown(Some(&cell.value)));
        let values = [shown(old.as_ref()), shown(new.as_ref())];
        table.add_row([printable(record)].into_iter().chain(cells).chain(values));
    }
    indented(&table, out)
}

fn rows(title: &str, found: &Tally<RowExample>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let Some(first) = found.examples.first() else {
        return Ok(());
    };
    writeln!(out, "  {title}: {}", found.count)?;
    let mut table = plain();
    let is_cut = first.row.len() > MAX_CELLS;
    let more = || is_cut.then(|| "…".to_owned());
    table.set_header(header("record", &first.row[..first.row.len().min(MAX_CELLS)]).chain(more()));
    for example in &found.examples {
        let cells = example.row.iter().take(MAX_CELLS);
        let cells = cells.map(|cell| shown(Some(&cell.value)));
        table.add_row([printable(&example.record)].into_iter().chain(cells).chain(more()));
    }
    indented(&table, out)
}

/// The names above a table of cells.
fn header(first: &str, cells: &[Cell]) -> impl Iterator<Item = String> {
    let names = cells.iter().map(|cell| printable(&cell.column));
    [first.to_owned()].into_iter().chain(names.collect::<Vec<_>>())
}

fn codes(title: &str, codes: &Codes, out: &mut (dyn Write + Send)) -> io::Result<()> {
    if codes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    for (code, found) in codes {
        writeln!(out, "  {}: {} records", printable(code), found.count)?;
        let mut table = plain();
        for RejectExample { record, old, new } in &found.examples {
            let messages: Vec<_> = [old, new].into_iter().flatten().map(printable).collect();
            table.add_row([printable(record), messages.join("  ->  ")]);
        }
        indented(&table, out)?;
    }
    Ok(())
}

fn places(title: &str, found: &Tally<String>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    if found.count == 0 {
        return Ok(());
    }
    let more = if found.count > found.examples.len() as u64 {
        ", …"
    } else {
        ""
    };
    let examples: Vec<_> = found.examples.iter().map(printable).collect();
    writeln!(
        out,
        "\n{title}: {} records\n    {}{more}",
        found.count,
        examples.join(", ")
    )
}

fn plain() -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn indented(table: &Table, out: &mut (dyn Write + Send)) -> io::Result<()> {
    if table.row_count() == 0 {
        return Ok(());
    }
    table.trim_fmt().lines().try_for_each(|line| writeln!(out, "   {line}"))
}

fn declared(declared: &Declared) -> String {
    let nullable = if declared.nullable { "nullable" } else { "required" };
    format!("{} {nullable}", declared.data_type)
}

/// Shows a value. Text that could be taken for something else stands in quotes.
fn shown(value: Option<&Shown>) -> String {
    match value {
        None => "absent".to_owned(),
        Some(Shown::Null) => "null".to_owned(),
        Some(Shown::Text(text)) if text.trim() != text || matches!(text.as_str(), "" | "null" | "absent") => {
            format!("\"{}\"", printable(text))
        }
        Some(Shown::Text(text)) => printable(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_apart_and_steer_nothing() {
        let text = |text: &str| shown(Some(&Shown::Text(text.to_owned())));
        assert_eq!(
            (shown(None).as_str(), shown(Some(&Shown::Null)).as_str()),
            ("absent", "null")
        );
        assert_eq!((text("null").as_str(), text("").as_str()), ("\"null\"", "\"\""));
        assert_eq!(text(" a").as_str(), "\" a\"");
        assert_eq!(text("a\u{1b}[31m\nb"), "a\\u{1b}[31m\\nb");
    }

    #[test]
    fn what_it_comes_to_is_said_last() {
        let mut found = ComparisonReport::default();
        let said = |found: &ComparisonReport| {
            let mut out = Vec::new();
            report(found, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert!(said(&found).ends_with("\nno difference (exit code 0)\n"));
        found.filtered.gained.note(|| "orders/0@7".to_owned());
        let text = said(&found);
        assert!(
            text.contains("filtered by the new one only: 1 records\n    orders/0@7\n"),
            "{text}"
        );
        assert!(
            text.ends_with("0 by both, 1 by new only, 0 by old only\n\nthey differ (exit code 1)\n"),
            "{text}"
        );
    }
}
