//! Finds the texts that stand for "no value", as exports write them.

/// Texts that exports write for a null, in any case, besides an empty text and one of blanks alone. A field that was
/// quoted twice leaves `""`.
pub const NULL_TEXTS: [&str; 5] = ["\"\"", "nan", "null", "none", "nat"];

/// The text without the blanks around it, unless it stands for null: it is empty or one of [`NULL_TEXTS`] in any case.
///
/// A plugin with further words for a null filters them:
///
/// ```
/// use transform_sdk::present;
///
/// assert_eq!(present(" delivered "), Some("delivered"));
/// assert_eq!(present(Some("NaN")), None);
/// assert_eq!(present(None), None);
/// assert_eq!(present("N/A").filter(|text| *text != "N/A"), None);
/// ```
// Nearly every text is longer than `NULL_TEXTS` and neither begins nor ends with a blank. Only this check is worth
// inlining.
#[inline]
pub fn present<'a>(text: impl Into<Option<&'a str>>) -> Option<&'a str> {
    let text = text.into()?;
    match text.as_bytes() {
        [first, _, _, _, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => Some(text),
        _ => looked_at(text),
    }
}

/// The same as [`present`], for a text of any kind.
#[cold]
fn looked_at(text: &str) -> Option<&str> {
    let text = text.trim();
    let is_null = text.is_empty() || NULL_TEXTS.iter().any(|null| text.eq_ignore_ascii_case(null));
    (!is_null).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_for_null_are_null_in_any_case_and_between_blanks() {
        for text in [
            "", " \t", "\"\"", "NaN", "nan", "NULL", "null", "None", "NaT", " nat\r\n", "\u{a0}",
        ] {
            assert_eq!(present(text), None, "{text:?}");
        }
        assert_eq!(present(None), None);
    }

    #[test]
    fn other_text_stays_but_for_its_blanks() {
        assert_eq!(present(" delivered \n"), Some("delivered"));
        for text in ["nano", "nulls", "no", "-", "N/A", "0"] {
            assert_eq!(present(Some(text)), Some(text));
        }
    }

    proptest! {
        #[test]
        fn the_usual_texts_are_as_any_text(text in "[ \\t\u{a0}a-clnotuN\"\u{e9}]{0,7}") {
            prop_assert_eq!(present(&*text), looked_at(&text));
        }
    }
}
