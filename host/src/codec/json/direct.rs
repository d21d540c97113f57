//! Reads an object straight from its text: names and strings without escapes are read here, and any other value by
//! `serde_json`. It accepts only what `serde_json` accepts. The answer is `None` if it is not sure.

use serde_json::value::RawValue;

use super::Member;

/// Whether the name needs no escapes in a record's text. [`read`] may look only for such names.
pub fn is_plain(name: &str) -> bool {
    !name.bytes().any(is_end)
}

/// Reads the object, which must be all of the text, into `members`.
pub fn read<'a>(text: &'a str, names: &[String], members: &mut [Option<Member<'a>>]) -> Option<()> {
    let mut rest = after(blank(text), b'{')?;
    if let Some(end) = after(rest, b'}') {
        return end.is_empty().then_some(());
    }
    // Records have their members in one order, which is often that of the inputs.
    let mut likely = 0;
    loop {
        let (place, value) = name(rest, names, likely)?;
        let (value, end) = value_at(after(blank(value), b':')?)?;
        if let Some(place) = place {
            *members.get_mut(place)? = Some(value);
            likely = place + 1;
        }
        let end = blank(end);
        match end.as_bytes().first()? {
            b',' => rest = after(end, b',')?,
            b'}' => return after(end, b'}')?.is_empty().then_some(()),
            _ => return None,
        }
    }
}

/// The place of the member's name among the wanted names, and the text that follows it.
fn name<'a>(text: &'a str, names: &[String], likely: usize) -> Option<(Option<usize>, &'a str)> {
    let inside = text.strip_prefix('"')?;
    if let Some(rest) = names
        .get(likely)
        .and_then(|likely| inside.strip_prefix(likely.as_str()))
        && let Some(rest) = rest.strip_prefix('"')
    {
        return Some((Some(likely), rest));
    }
    let (name, rest) = plain(inside)?;
    Some((names.iter().position(|wanted| wanted == name), rest))
}

/// The value that the text starts with, and the text that follows it.
fn value_at(text: &str) -> Option<(Member<'_>, &str)> {
    if let Some((inside, rest)) = text.strip_prefix('"').and_then(plain) {
        return Some((Member::Text(inside), rest));
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let value = values.next()?.ok()?;
    Some((Member::Raw(value), text.get(values.byte_offset()..)?))
}

/// The text without the sign and the blanks that it starts with.
fn after(text: &str, sign: u8) -> Option<&str> {
    text.strip_prefix(char::from(sign)).map(blank)
}

/// The text without the blanks that it starts with, of JSON's four kinds.
fn blank(text: &str) -> &str {
    match text.as_bytes().first() {
        Some(b' ' | b'\t' | b'\n' | b'\r') => text.trim_start_matches([' ', '\t', '\n', '\r']),
        _ => text,
    }
}

const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);

/// Splits the text at the closing quote. `None` if an escape, a control character or the end comes first.
fn plain(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let (words, last) = bytes.as_chunks::<8>();
    // The search looks at eight bytes at once.
    let end = if let Some(place) = words.iter().position(|word| ends_in(*word) != 0) {
        8 * place + ends_in(*words.get(place)?).trailing_zeros() as usize / 8
    } else {
        8 * words.len() + last.iter().position(|byte| is_end(*byte))?
    };
    let (inside, rest) = text.split_at_checked(end)?;
    Some((inside, rest.strip_prefix('"')?))
}

/// Whether plain text ends at this byte.
fn is_end(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

/// Sets the highest bit of each byte that is a quote, a backslash or a control character. Only the first of them is
/// certain, since subtraction borrows from the bytes after it.
fn ends_in(word: [u8; 8]) -> u64 {
    let word = u64::from_le_bytes(word);
    let zero = |word: u64| word.wrapping_sub(LOW) & !word;
    let control = word.wrapping_sub(LOW * 0x20) & !word;
    (zero(word ^ (LOW * u64::from(b'"'))) | zero(word ^ (LOW * u64::from(b'\\'))) | control) & HIGH
}
