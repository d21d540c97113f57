//! Reads and shows UUIDs.

use std::fmt;
use std::str::FromStr;

use crate::parse_error::{Expected, ParseError};
use crate::value::Uuid;

/// Where the dashes are in the dashed form.
const DASHES: [usize; 4] = [8, 13, 18, 23];

impl Uuid {
    /// Reads a UUID in one of its usual forms, with digits of any case and no blanks around it: 32 hexadecimal digits;
    /// the same with dashes; the dashed form in braces or after `urn:uuid:`.
    ///
    /// ```
    /// use transform_sdk::Uuid;
    ///
    /// let id = Uuid::parse("0A1B2C3D4E5F46078899AABBCCDDEEF7")?;
    /// assert_eq!(id.to_string(), "0a1b2c3d-4e5f-4607-8899-aabbccddeef7");
    /// assert_eq!(Uuid::parse("{0a1b2c3d-4e5f-4607-8899-aabbccddeef7}"), Ok(id));
    /// # Ok::<(), transform_sdk::ParseError>(())
    /// ```
    #[inline]
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        read(text.as_bytes()).ok_or(ParseError(Expected::Uuid))
    }
}

impl FromStr for Uuid {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

#[inline]
fn read(text: &[u8]) -> Option<Uuid> {
    match text.try_into() {
        Ok(digits) => hex(digits),
        Err(_) => wrapped(text),
    }
}

/// Kept out of line, since most ids are digits alone.
#[cold]
fn wrapped(text: &[u8]) -> Option<Uuid> {
    let dashed = match text {
        [b'{', dashed @ .., b'}'] => dashed,
        _ => text.strip_prefix(b"urn:uuid:").unwrap_or(text),
    };
    let text: &[u8; 36] = dashed.try_into().ok()?;
    if DASHES.iter().any(|&at| text[at] != b'-') {
        return None;
    }
    let mut digits = [0; 32];
    digits[..8].copy_from_slice(&text[..8]);
    digits[8..12].copy_from_slice(&text[9..13]);
    digits[12..16].copy_from_slice(&text[14..18]);
    digits[16..20].copy_from_slice(&text[19..23]);
    digits[20..].copy_from_slice(&text[24..]);
    hex(&digits)
}

/// Reads all digits and checks them once at the end. The loop has no branch, so the compiler handles sixteen digits at
/// a time.
#[expect(clippy::needless_bitwise_bool, reason = "`&&` is a branch")]
fn hex(digits: &[u8; 32]) -> Option<Uuid> {
    let mut values = [0; 32];
    let mut is_wrong = false;
    for (value, &digit) in values.iter_mut().zip(digits) {
        let number = digit.wrapping_sub(b'0');
        let letter = (digit | 0x20).wrapping_sub(b'a');
        is_wrong |= (number > 9) & (letter > 5);
        *value = if number > 9 { letter.wrapping_add(10) } else { number };
    }
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(values.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    (!is_wrong).then_some(Uuid(bytes))
}

/// Writes the dashed form in lower case.
impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_uuid_is_shown_dashed() {
        let uuid = Uuid(std::array::from_fn(|i| u8::try_from(i).unwrap() * 0x11));
        assert_eq!(uuid.to_string(), "00112233-4455-6677-8899-aabbccddeeff");
    }

    #[test]
    fn all_forms_are_the_same_id() {
        let plain = Uuid::parse("0a1b2c3d4e5f46078899aabbccddeef7").unwrap();
        assert_eq!(plain.0[..3], [0x0a, 0x1b, 0x2c]);
        for text in [
            "0A1B2C3D-4E5F-4607-8899-AABBCCDDEEF7",
            "{0a1b2c3d-4e5f-4607-8899-aabbccddeef7}",
            "urn:uuid:0a1b2c3d-4e5f-4607-8899-AABBCCDDEEF7",
        ] {
            assert_eq!(text.parse(), Ok(plain), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "12345",
            "0a1b2c3d4e5f46078899aabbccddeef",
            "0a1b2c3d4e5f46078899aabbccddeef77",
            "ga1b2c3d4e5f46078899aabbccddeef7",
            "0a1b2c3d4-e5f-4607-8899-aabbccddeef7",
            "{0a1b2c3d-4e5f-4607-8899-aabbccddeef}",
            "{0a1b2c3d4e5f46078899aabbccddeef7}",
            "{0a1b2c3d-4e5f-4607-8899-aabbccddeef7",
            " 0a1b2c3d-4e5f-4607-8899-aabbccddeef7",
            "urn:uuid:0a1b2c3d4e5f46078899aabbccddeef7",
        ] {
            assert_eq!(Uuid::parse(text), Err(ParseError(Expected::Uuid)), "{text}");
        }
    }

    /// One of the forms, with a character or two exchanged or left out.
    fn nearly() -> impl Strategy<Value = String> {
        let form = prop_oneof!["[0-9a-fA-F]{32}", "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"];
        let wrapped = (
            form,
            prop_oneof![Just(("", "")), Just(("{", "}")), Just(("urn:uuid:", ""))],
        )
            .prop_map(|(form, (before, after))| format!("{before}{form}{after}"));
        (
            wrapped,
            proptest::collection::vec((any::<proptest::sample::Index>(), "[0-9a-g{}:é-]?"), 0..3),
        )
            .prop_map(|(mut text, changes)| {
                for (at, new) in changes {
                    let at = at.index(text.len());
                    if text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
                        text.replace_range(at..=at, &new);
                    }
                }
                text
            })
    }

    proptest! {
        #[test]
        fn the_library_reads_the_same(text in prop_oneof![nearly(), ".*"]) {
            let theirs = ::uuid::Uuid::try_parse(&text).ok().map(|id| Uuid(id.into_bytes()));
            prop_assert_eq!(Uuid::parse(&text).ok(), theirs);
        }

        #[test]
        fn the_library_shows_the_same(bytes: [u8; 16]) {
            prop_assert_eq!(Uuid(bytes).to_string(), ::uuid::Uuid::from_bytes(bytes).to_string());
            prop_assert_eq!(Uuid(bytes).to_string().parse(), Ok(Uuid(bytes)));
        }

        #[test]
        fn one_wrong_byte_spoils_an_id(bytes: [u8; 16], at in 0..32_usize, wrong in "[^0-9a-fA-F]") {
            let mut text = Uuid(bytes).to_string().replace('-', "");
            text.replace_range(at..=at, &wrong);
            prop_assert!(Uuid::parse(&text).is_err());
        }
    }
}
