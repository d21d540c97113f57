//! Whether rows are split as a writer of CSV means them.

use proptest::prelude::*;

use super::*;

/// Every row of the text, whose lines all have an end.
fn split(text: &[u8], delimiter: u8) -> Vec<Vec<Vec<u8>>> {
    let mut splitter = Splitter::new(delimiter);
    let mut rows = Vec::new();
    for (index, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
        if splitter.push_line(line, index as u64 + 1) == Progress::Complete {
            rows.push(splitter.fields().map(<[u8]>::to_vec).collect());
            splitter.clear();
        }
    }
    rows
}

/// The fields of one line joined by `|`, with `!` behind them where text follows a closing quote.
fn fields(line: &str) -> String {
    let mut splitter = Splitter::new(b',');
    assert_eq!(
        splitter.push_line(format!("{line}\n").as_bytes(), 1),
        Progress::Complete,
        "{line}"
    );
    let fields: Vec<_> = splitter.fields().map(String::from_utf8_lossy).collect();
    let mark = if splitter.is_misquoted() { "!" } else { "" };
    format!("{}{mark}", fields.join("|"))
}

#[test]
fn detects_the_delimiter_outside_quotes() {
    assert_eq!(detect_delimiter(b"a,b,c\n"), b',');
    assert_eq!(detect_delimiter(b"a;b;c\r\n"), b';');
    assert_eq!(detect_delimiter(b"a\tb\n"), b'\t');
    assert_eq!(detect_delimiter(b"\"a,b,c\";d\n"), b';');
    assert_eq!(detect_delimiter(b"alone\n"), b',');
}

#[test]
fn a_quote_that_opens_in_the_middle_of_a_field_is_a_part_of_it() {
    assert_eq!(fields("a\"b,c"), "a\"b|c");
    assert_eq!(fields("a\"b,c\"d"), "a\"b|c\"d");
    assert_eq!(fields("a\"\",b"), "a\"\"|b");
    assert_eq!(fields(" \"a\",b"), " \"a\"|b");
}

#[test]
fn quotes_within_quotes_are_doubled() {
    assert_eq!(fields("\"\",\"\"\"\""), "|\"");
    assert_eq!(fields("\"a\"\"b\",\"\"\"c\"\"\""), "a\"b|\"c\"");
    assert_eq!(fields("\",\",\"\"\",\"\"\""), ",|\",\"");
}

#[test]
fn text_behind_a_closing_quote_is_found() {
    assert_eq!(fields("\"5\"6,a"), "56|a!");
    assert_eq!(fields("a,\"5\" "), "a|5 !");
    assert_eq!(fields("\"5\"6\",a"), "56\"|a!");
    assert_eq!(fields("\"5\"6\"\",\",\""), "56\"\"|,!");
    assert_eq!(fields("\"a,\"b\",c"), "a,b\"|c!");
    assert_eq!(fields("\"\"a\"\",b"), "a\"\"|b!");
}

#[test]
fn the_line_that_opened_the_last_quote_is_known() {
    let mut splitter = Splitter::new(b',');
    assert_eq!(splitter.push_line(b"a,\"b\r\n", 3), Progress::Open);
    assert_eq!(splitter.quote_line(), 3);
    assert_eq!(splitter.push_line(b"\r", 4), Progress::Open);
    assert_eq!(splitter.quote_line(), 3);
    assert_eq!(splitter.push_line(b"c\",d,\"e\n", 5), Progress::Open);
    assert_eq!(splitter.quote_line(), 5);
    assert_eq!(splitter.push_line(b"\"\r\n", 6), Progress::Complete);
    let fields: Vec<_> = splitter.fields().collect();
    assert_eq!(fields, [b"a".as_slice(), b"b\r\n\rc", b"d", b"e\n"]);
    assert!(!splitter.is_misquoted());
}

#[test]
fn a_row_begins_anew_after_one_that_was_given_up() {
    let mut splitter = Splitter::new(b',');
    assert_eq!(splitter.push_line(b"a,\"b\n", 1), Progress::Open);
    splitter.clear();
    assert_eq!(splitter.push_line(b"\xEF\xBB\xBFc,d\n", 2), Progress::Complete);
    let fields: Vec<_> = splitter.fields().collect();
    // This byte order mark does not begin the file.
    assert_eq!(fields, [b"\xEF\xBB\xBFc".as_slice(), b"d"]);
}

proptest! {
    #[test]
    fn reads_what_the_csv_crate_writes(
        rows in prop::collection::vec(prop::collection::vec("[a-z,;\"\t\r\n é]{0,8}", 2..5), 1..5)
    ) {
        for delimiter in *b",;\t" {
            let mut writer = csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).expect("a vector takes every row");
            }
            let text = writer.into_inner().expect("a vector takes every row");
            let expected: Vec<Vec<Vec<u8>>> =
                rows.iter().map(|row| row.iter().map(|field| field.clone().into_bytes()).collect()).collect();
            prop_assert_eq!(split(&text, delimiter), expected);
        }
    }

    #[test]
    fn any_bytes_are_split_without_panic(text in prop::collection::vec(any::<u8>(), 0..200)) {
        split(&[&text[..], b"\n"].concat(), b',');
    }

    #[test]
    fn quotes_are_told_from_text_behind_them(before in "[a,\"]{0,6}", after in "[a\"]{1,6}") {
        let quoted = format!("\"{}\"", before.replace('"', "\"\""));
        prop_assert_eq!(fields(&quoted), before.clone());
        // The first byte behind the closing quote is text, the others may be anything.
        prop_assert_eq!(fields(&format!("{quoted}x{after},b")), format!("{before}x{after}|b!"));
    }
}
