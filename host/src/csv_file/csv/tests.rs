//! Reads every kind of file that people call a CSV file.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::super::NdjsonReader;
use super::*;

struct Written {
    _folder: TempDir,
    path: PathBuf,
}

fn written(name: &str, content: &[u8]) -> Written {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    fs::write(&path, content).expect("a file in the temporary folder");
    Written { _folder: folder, path }
}

fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("a vector takes everything");
    encoder.finish().expect("a vector takes everything")
}

/// Shows every row as `line: a|b|-`, every bad row as `line! why`, and the counts.
fn read(content: &[u8]) -> (Vec<String>, Counts) {
    let file = written("orders.csv", content);
    let mut reader = CsvReader::open(&file.path).expect("a CSV file");
    let mut shown = Vec::new();
    for row in &mut reader {
        shown.push(match row {
            Ok(row) => {
                let cells: Vec<_> = row.fields.iter().map(|cell| cell.as_deref().unwrap_or("-")).collect();
                format!("{}: {}", row.line, cells.join("|"))
            }
            Err(InputError::BadRow { line, why, .. }) => format!("{line}! {why}"),
            Err(error) => panic!("{error}"),
        });
    }
    (shown, reader.counts())
}

fn refusal(content: &[u8]) -> String {
    let file = written("orders.csv", content);
    let error = CsvReader::open(&file.path).err().expect("no CSV file");
    error.to_string().replace(&file.path.display().to_string(), "FILE")
}

#[test]
fn reads_lf_crlf_byte_order_mark_and_a_last_line_without_end() {
    for content in [
        "a,b\n1,2\n3,4",
        "a,b\r\n1,2\r\n3,4\r\n",
        "\u{feff}a,b\n1,2\n3,4\n",
        " a , b \n1,2\n3,4\n",
    ] {
        let (rows, counts) = read(content.as_bytes());
        assert_eq!(rows, ["2: 1|2", "3: 3|4"], "{content:?}");
        assert_eq!((counts.rows, counts.blank, counts.bad), (2, 0, 0));
        let file = written("orders.csv", content.as_bytes());
        assert_eq!(CsvReader::open(&file.path).expect("a CSV file").header(), ["a", "b"]);
    }
}

#[test]
fn reads_carriage_returns_alone_and_mixed_line_ends_with_the_right_numbers() {
    assert_eq!(read(b"a,b\r1,2\r3,4\r").0, ["2: 1|2", "3: 3|4"]);
    assert_eq!(read(b"a,b\r1,2\r3,4").0, ["2: 1|2", "3: 3|4"]);
    assert_eq!(read(&gzipped(b"a;b\r1;2\r")).0, ["2: 1|2"]);
    assert_eq!(
        read(b"a,b\n1,2\r3,4\r\n\r\r5\r6,7").0,
        ["2: 1|2", "3: 3|4", "6! 1 fields where the header has 2", "7: 6|7"]
    );
    // Within quotes any line end belongs to the cell, and still counts as a line.
    assert_eq!(
        read(b"a,b\r\"1\rx\r\ny\nz\",2\r3\r4,\"5\"6\r").0,
        [
            "2: 1\rx\r\ny\nz|2",
            "6! 1 fields where the header has 2",
            "7! text follows a closing quote"
        ]
    );
    assert_eq!(
        read(b"a,b\r1,2\r\"3,4\r").0,
        [
            "2: 1|2",
            "3! the quote opened here is not closed before the end of the file"
        ]
    );
    let file = written("orders.ndjson", b"{\"a\":1}\r\r{\"a\":\"\\r\"}\r\n[\r");
    let lines: Vec<_> = NdjsonReader::open(&file.path)
        .expect("a file")
        .map(Result::unwrap)
        .collect();
    let expected = [(1, "{\"a\":1}"), (3, "{\"a\":\"\\r\"}"), (4, "[")].map(|(line, text)| (line, text.to_owned()));
    assert_eq!(lines, expected);
}

#[test]
fn reads_semicolons_and_tabs() {
    assert_eq!(read(b"a;b\n1,5;2\n").0, ["2: 1,5|2"]);
    assert_eq!(read(b"a\tb\n1\t2\n").0, ["2: 1|2"]);
}

#[test]
fn an_empty_cell_is_none_and_blanks_stay() {
    assert_eq!(read(b"a,b,c\n1,,\n\"\", x ,2\n").0, ["2: 1|-|-", "3: -| x |2"]);
}

#[test]
fn lines_are_right_under_quoted_newlines_and_blank_lines() {
    let (rows, counts) = read(b"\n\na,b\r\n\r\n\"x\r\ny\",\"say \"\"hi\"\"\"\r\n,\r\n   \r\n3,4\n");
    assert_eq!(rows, ["5: x\r\ny|say \"hi\"", "9: 3|4"]);
    assert_eq!((counts.rows, counts.blank, counts.bad), (2, 5, 0));
}

#[test]
fn a_row_with_too_few_or_too_many_fields_is_reported_and_reading_goes_on() {
    let (rows, counts) = read(b"a,b\n1\n1,2,3\n4,5\n");
    assert_eq!(
        rows,
        [
            "2! 1 fields where the header has 2",
            "3! 3 fields where the header has 2",
            "4: 4|5"
        ]
    );
    assert_eq!((counts.rows, counts.blank, counts.bad), (1, 0, 2));
}

#[test]
fn a_row_that_is_not_utf8_is_reported_with_its_line_and_column() {
    assert_eq!(
        read(b"a,b\n1,2\n3,S\xE3o Paulo\n5,6\n").0,
        ["2: 1|2", "3! b is not UTF-8", "4: 5|6"]
    );
    // Two halves of a character in two cells do not make a character.
    assert_eq!(read(b"a,b\n\xE2,\x82\xAC\n").0, ["2! a is not UTF-8"]);
}

#[test]
fn an_unclosed_quote_is_reported_with_the_line_that_opens_it() {
    let (rows, counts) = read(b"a,b\n1,2\n3,\"4\n5,6\n");
    assert_eq!(
        rows,
        [
            "2: 1|2",
            "3! the quote opened here is not closed before the end of the file"
        ]
    );
    assert_eq!(counts.bad, 1);
}

#[test]
fn rows_swallowed_by_a_stray_quote_are_reported_with_their_lines() {
    let (rows, _) = read(b"a,b\n1,\"2\n3,\"4\"\n5,6\n");
    assert_eq!(
        rows,
        ["2! text follows a closing quote (the row reaches to line 3)", "4: 5|6"]
    );
}

#[test]
fn tens_of_thousands_of_blank_lines_are_counted_fast() {
    let mut content = b"a,b\n1,2\n".to_vec();
    content.extend(b"\r\n".repeat(50_000));
    content.extend(b",\n".repeat(50_000));
    content.extend(b"3,4\n");
    let start = Instant::now();
    let (rows, counts) = read(&content);
    assert_eq!(rows, ["2: 1|2", "100003: 3|4"]);
    assert_eq!(counts.blank, 100_000);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn a_line_without_end_is_reported_and_not_kept() {
    let mut content = b"a,b\n".to_vec();
    content.extend(b"x".repeat(17 * 1024 * 1024));
    content.extend(b"\n3,4\n");
    assert_eq!(read(&content).0, ["2! the line is longer than 16 MiB", "3: 3|4"]);
}

#[test]
fn a_last_row_without_line_end_ends_with_the_file() {
    assert_eq!(read(b"a,b\n1,").0, ["2: 1|-"]);
    assert_eq!(read(b"a,b\n1,\"2\"").0, ["2: 1|2"]);
    assert_eq!(read(b"a,b\n\"1\n\",\"\"\"\"").0, ["2: 1\n|\""]);
    assert_eq!(read(b"a,b\n1,\"2\"3").0, ["2! text follows a closing quote"]);
    assert_eq!(
        read(b"a,b\n1,\"2\"\"").0,
        ["2! the quote opened here is not closed before the end of the file"]
    );
    assert_eq!(read(b"a,\"b\nc\"").0, [""; 0]);
}

#[test]
fn quotes_inside_a_field_that_has_none_around_it_stay() {
    assert_eq!(read(b"a,b\n5\"x,\"\"\n6\"\"y\",7\n").0, ["2: 5\"x|-", "3: 6\"\"y\"|7"]);
}

#[test]
fn a_byte_order_mark_is_dropped_at_the_beginning_of_the_file_only() {
    let (rows, _) = read("\u{feff}a,b\n\u{feff}1,2\n3,\u{feff}\n".as_bytes());
    assert_eq!(rows, ["2: \u{feff}1|2", "3: 3|\u{feff}"]);
    let twice = written("orders.csv", "\u{feff}\u{feff}a,b\n".as_bytes());
    let reader = CsvReader::open(&twice.path).expect("a CSV file");
    assert_eq!(reader.header(), ["\u{feff}a", "b"]);
}

#[test]
fn a_row_may_have_thousands_of_lines_and_fields_of_megabytes() {
    let lines = "x\r\n".repeat(5_000);
    let long = "y".repeat(3 * 1024 * 1024);
    let (rows, _) = read(format!("a,b\n\"{lines}\",\"{long}\"\n\"\"\"{long}\",2\n").as_bytes());
    assert_eq!(rows, [format!("2: {lines}|{long}"), format!("5003: \"{long}|2")]);
}

#[test]
fn a_quote_that_is_not_closed_within_the_bound_is_reported_and_reading_goes_on_below() {
    let line = "x".repeat(1024 * 1024 - 1);
    let mut content = "a,b\n1,2\n3,\"4\n".to_owned();
    content.extend(std::iter::repeat_n(format!("{line}\n"), 16));
    content.push_str("inside,still\n5,6\n");
    let expected = [
        "2: 1|2",
        "3! the quote opened here is not closed within 16 MiB",
        "21: 5|6",
    ];
    assert_eq!(read(content.as_bytes()).0, expected);
}

#[test]
fn what_is_no_csv_file_is_refused_with_what_it_looks_like() {
    let not_text = "FILE is not a text file in UTF-8: it looks like";
    let utf16: Vec<u8> = "a,b\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [b"\xFF\xFE".as_slice(), &utf16].concat();
    assert_eq!(refusal(&marked), format!("{not_text} UTF-16 (save it as UTF-8)"));
    assert_eq!(refusal(&utf16), format!("{not_text} UTF-16 (save it as UTF-8)"));
    assert_eq!(refusal(b"\x7FELF\x02\x01\0\x03"), format!("{not_text} a binary file"));
    assert!(refusal(b"PK\x03\x04....").contains("Excel"));
    assert!(refusal(b"S\xE3o,Paulo\n").contains("Latin-1"));
    assert_eq!(refusal(b""), "FILE is empty");
    assert_eq!(refusal(b"\xEF\xBB\xBF\n\r\n \n"), "FILE is empty");
    assert_eq!(
        refusal(b"a,b,a\n"),
        "FILE: no CSV header on line 1: the column a comes twice"
    );
    assert_eq!(
        refusal(b"a,,b\n"),
        "FILE: no CSV header on line 1: column 2 has no name"
    );
    assert!(refusal(b"a,\"b\n1,2\n").contains("never closed"));
    assert!(refusal(b"{\"a\": 1}\n").contains("like JSON"));
}

#[test]
fn a_missing_file_and_a_directory_are_told_apart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = CsvReader::open(&folder.path().join("none.csv")).err();
    assert!(matches!(missing, Some(InputError::Missing { .. })), "{missing:?}");
    let directory = CsvReader::open(folder.path()).err();
    assert!(matches!(directory, Some(InputError::Directory { .. })), "{directory:?}");
}

#[test]
fn gzip_is_unpacked_and_a_cut_archive_ends_with_an_error() {
    let file = written("orders.csv.gz", &gzipped(b"a,b\n1,2\n"));
    let rows: Vec<_> = CsvReader::open(&file.path)
        .expect("a CSV file")
        .map(|row| row.expect("a row").line)
        .collect();
    assert_eq!(rows, [2]);

    let noise: Vec<u8> = (0..60_000u32)
        .flat_map(|row| format!("{},{row}\n", row.wrapping_mul(2_654_435_761)).into_bytes())
        .collect();
    let mut packed = gzipped(&[b"a,b\n".as_slice(), &noise].concat());
    packed.truncate(packed.len() / 2);
    let file = written("cut.csv.gz", &packed);
    let last = CsvReader::open(&file.path).expect("the start is whole").last();
    assert!(matches!(last, Some(Err(InputError::Unreadable { .. }))), "{last:?}");
}

#[test]
fn ndjson_gives_each_line_with_its_number() {
    for (name, content) in [
        ("a.ndjson", b"\xEF\xBB\xBF{\"a\":1}\r\n\n  \n[2]\n\xFF\n3".to_vec()),
        ("a.ndjson.gz", gzipped(b"{\"a\":1}\n\n\n[2]\n\xFF\n3")),
    ] {
        let file = written(name, &content);
        let mut reader = NdjsonReader::open(&file.path).expect("a text file");
        let lines: Vec<_> = (&mut reader)
            .map(|line| line.map_err(|error| error.to_string()))
            .collect();
        assert_eq!(lines[0], Ok((1, "{\"a\":1}".to_owned())));
        assert_eq!(lines[1], Ok((4, "[2]".to_owned())));
        assert!(
            lines[2]
                .as_ref()
                .is_err_and(|error| error.ends_with(":5: the line is not UTF-8")),
            "{lines:?}"
        );
        assert_eq!(lines[3], Ok((6, "3".to_owned())));
        assert_eq!(
            reader.counts(),
            Counts {
                rows: 3,
                blank: 2,
                bad: 1
            }
        );
    }
}
