//! What stands for "no value" in exported orders.

/// Words that exports write for a null, in any case. `""` is what a twice quoted empty field leaves.
const WORDS: [&str; 5] = ["\"\"", "nan", "null", "none", "nat"];

/// The text without surrounding blanks, unless it stands for null.
pub fn present(text: Option<&str>) -> Option<&str> {
    let text = trim(text?);
    let is_null = text.is_empty() || text.len() <= 4 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    (!is_null).then_some(text)
}

/// As `str::trim`, which reads characters from both ends; nearly no text has anything to trim.
fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_for_null_are_null_in_any_case_and_between_blanks() {
        for text in [
            "", " \t", "\"\"", "NaN", "nan", "NULL", "null", "None", "NaT", " nat\r\n", "\u{a0}",
        ] {
            assert_eq!(present(Some(text)), None, "{text:?}");
        }
        assert_eq!(present(None), None);
    }

    #[test]
    fn other_text_stays_but_for_its_blanks() {
        assert_eq!(present(Some(" delivered \n")), Some("delivered"));
        for text in ["nano", "nulls", "no", "-", "N/A", "0"] {
            assert_eq!(present(Some(text)), Some(text));
        }
    }

    proptest! {
        #[test]
        fn blanks_are_those_of_every_text(text in "[ \\t\u{a0}a-c\u{e9}]{0,6}") {
            prop_assert_eq!(trim(&text), text.trim());
        }
    }
}
