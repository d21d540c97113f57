//! Finds the texts that stand for "no value" in exported orders.

/// Words that exports write for a null, in any case. An empty field that was quoted twice leaves `""`.
const WORDS: [&str; 5] = ["\"\"", "nan", "null", "none", "nat"];

/// The text without surrounding blanks, unless it stands for null.
///
/// Nearly every text is longer than `WORDS` and neither begins nor ends with a blank. Only this check
/// is worth inlining.
#[inline]
pub fn present(text: Option<&str>) -> Option<&str> {
    let text = text?;
    match text.as_bytes() {
        [first, _, _, _, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => Some(text),
        _ => looked_at(text),
    }
}

/// The same as [`present`], for a text of any kind.
#[cold]
fn looked_at(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_null = text.is_empty() || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    (!is_null).then_some(text)
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
        fn the_usual_texts_are_as_any_text(text in "[ \\t\u{a0}a-clnotuN\"\u{e9}]{0,7}") {
            prop_assert_eq!(present(Some(&text)), looked_at(&text));
        }
    }
}
