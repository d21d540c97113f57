//! Reads ids: 32 hexadecimal digits, or a UUID with its dashes.

use transform_sdk::{Reject, Uuid};

use crate::shown;

const DASHES: [usize; 4] = [8, 13, 18, 23];

/// Reads the id in `text`, which must have no blanks around it. `column` is only for the message.
pub fn parse(column: &str, text: &str) -> Result<Uuid, Reject> {
    read(text.as_bytes()).ok_or_else(|| bad_uuid(column, text))
}

fn read(text: &[u8]) -> Option<Uuid> {
    if let Ok(digits) = text.try_into() {
        return hex(digits);
    }
    dashed(text)
}

/// Kept out of line, since most ids have no dashes.
#[cold]
fn dashed(text: &[u8]) -> Option<Uuid> {
    let text: &[u8; 36] = text.try_into().ok()?;
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

#[cold]
fn bad_uuid(column: &str, text: &str) -> Reject {
    let text = shown(text);
    Reject::new(
        "bad-uuid",
        format!("{column}: `{text}` is neither 32 hexadecimal digits nor a dashed uuid"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_and_dashed_digits_are_the_same_id() {
        let plain = parse("order_id", "0a1b2c3d4e5f46078899aabbccddeef7").unwrap();
        assert_eq!(plain.0[..3], [0x0a, 0x1b, 0x2c]);
        assert_eq!(parse("order_id", "0A1B2C3D-4E5F-4607-8899-AABBCCDDEEF7"), Ok(plain));
    }

    #[test]
    fn anything_else_is_rejected_with_column_and_text() {
        for text in [
            "0a1b2c3d4e5f46078899aabbccddeef",
            "0a1b2c3d4e5f46078899aabbccddeef77",
            "ga1b2c3d4e5f46078899aabbccddeef7",
            "0a1b2c3d4-e5f-4607-8899-aabbccddeef7",
            "{0a1b2c3d-4e5f-4607-8899-aabbccddeef}",
            "12345",
        ] {
            let reject = parse("order_id", text).unwrap_err();
            assert_eq!(reject.code, "bad-uuid");
            assert!(
                reject.message.starts_with(&format!("order_id: `{text}` is neither")),
                "{}",
                reject.message
            );
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_shows(bytes: [u8; 16]) {
            let dashed = Uuid(bytes).to_string();
            prop_assert_eq!(parse("order_id", &dashed), Ok(Uuid(bytes)));
            prop_assert_eq!(parse("order_id", &dashed.replace('-', "").to_uppercase()), Ok(Uuid(bytes)));
        }

        #[test]
        fn one_wrong_byte_spoils_an_id(bytes: [u8; 16], at in 0..32_usize, wrong in "[^0-9a-fA-F]") {
            let mut text = Uuid(bytes).to_string().replace('-', "");
            text.replace_range(at..=at, &wrong);
            prop_assert!(parse("order_id", &text).is_err());
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = parse("order_id", &text);
        }
    }
}
