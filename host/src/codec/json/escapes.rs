//! Replaces the escapes of a JSON string by their characters (RFC 8259, section 7).

use std::str::Chars;

/// Appends the string between the quotes to `text`, with its escapes replaced. `None` if an escape is not valid.
pub fn unescaped(inside: &str, mut text: String) -> Option<String> {
    let mut rest = inside;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut chars = escape.chars();
        text.push(character(&mut chars)?);
        rest = chars.as_str();
    }
    text.push_str(rest);
    Some(text)
}

/// The character of the escape that follows the backslash.
fn character(chars: &mut Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        same @ ('"' | '\\' | '/') => same,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => utf16(chars)?,
        _ => return None,
    })
}

/// Reads `\u`'s four hex digits, which are a unit of UTF-16. A character beyond the first 65,536 takes two units, each
/// with its own backslash.
fn utf16(chars: &mut Chars<'_>) -> Option<char> {
    let first = unit(chars)?;
    if !(0xD800..0xDC00).contains(&first) {
        return char::from_u32(first);
    }
    let second = match (chars.next()?, chars.next()?) {
        ('\\', 'u') => unit(chars)?,
        _ => return None,
    };
    let low = second.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
    char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + low)
}

fn unit(chars: &mut Chars<'_>) -> Option<u32> {
    (0..4).try_fold(0, |unit, _| Some(unit << 4 | chars.next()?.to_digit(16)?))
}
