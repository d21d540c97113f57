//! Reads a file of settings as text: UTF-8 with or without a byte order mark, or UTF-16 with one, with any line ends. A
//! file that exists but cannot be read is an error, since its settings would be ignored silently.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Far more than a file written by hand has. A file that never ends (a device, a pipe) must not fill the memory.
const MAX_BYTES: u64 = 1 << 20;

const UTF_8: &[u8] = b"\xEF\xBB\xBF";
const UTF_16_LE: &[u8] = b"\xFF\xFE";
const UTF_16_BE: &[u8] = b"\xFE\xFF";

/// Why a file that exists cannot be read as text.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    #[error("is a link to a file that does not exist; repair or remove the link")]
    Dangling,
    #[error("is a directory, not a file; remove it or give it another name")]
    Directory,
    #[error("cannot be read ({0}); give this user the right to read it, or remove it")]
    Denied(io::Error),
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("is longer than {} MiB; is it the right file?", MAX_BYTES >> 20)]
    TooLong,
    /// Lines are counted from 1.
    #[error("line {line} is not UTF-8; save the file as UTF-8")]
    NotUtf8 { line: usize },
    #[error("line {line} has a NUL character, as UTF-16 without a byte order mark has; save the file as UTF-8")]
    Zero { line: usize },
    #[error("begins as UTF-16 but is not valid UTF-16; save the file as UTF-8")]
    NotUtf16,
}

/// The file's text with LF line ends, or `None` if there is no such file.
pub fn read(path: &Path) -> Result<Option<String>, TextError> {
    let bytes = match bytes(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            return match error.kind() {
                io::ErrorKind::NotFound if fs::symlink_metadata(path).is_ok() => Err(TextError::Dangling),
                io::ErrorKind::NotFound => Ok(None),
                io::ErrorKind::IsADirectory => Err(TextError::Directory),
                io::ErrorKind::PermissionDenied => Err(TextError::Denied(error)),
                _ => Err(TextError::Unreadable(error)),
            };
        }
    };
    if bytes.len() as u64 > MAX_BYTES {
        return Err(TextError::TooLong);
    }
    let text = decode(&bytes)?;
    if let Some(at) = text.find('\0') {
        return Err(TextError::Zero {
            line: line_of(&text.as_bytes()[..at]),
        });
    }
    Ok(Some(text.replace("\r\n", "\n").replace('\r', "\n")))
}

/// The file's bytes, at most one more than [`MAX_BYTES`].
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Result<String, TextError> {
    if let Some(units) = bytes.strip_prefix(UTF_16_LE) {
        return from_utf16(units, u16::from_le_bytes);
    }
    if let Some(units) = bytes.strip_prefix(UTF_16_BE) {
        return from_utf16(units, u16::from_be_bytes);
    }
    let bytes = bytes.strip_prefix(UTF_8).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| TextError::NotUtf8 {
        line: line_of(bytes.get(..error.valid_up_to()).unwrap_or_default()),
    })?;
    Ok(text.to_owned())
}

fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, TextError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    match String::from_utf16(&units) {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err(TextError::NotUtf16),
    }
}

/// The number of the line that follows this text, counted from 1, with any line ends.
fn line_of(before: &[u8]) -> usize {
    let ends = before.iter().enumerate().filter(|(at, byte)| match byte {
        b'\n' => true,
        b'\r' => before.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    ends.count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    fn said(bytes: &[u8]) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        match read(file.path()) {
            Ok(text) => text.unwrap(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn text_is_read_with_and_without_a_byte_order_mark_and_with_all_line_ends() {
        let text = "a=é\nb=€😀\n";
        let marked = format!("\u{feff}{text}");
        assert_eq!(said(text.as_bytes()), text);
        assert_eq!(said(marked.as_bytes()), text);
        assert_eq!(said(&utf16(&marked, u16::to_le_bytes)), text);
        assert_eq!(said(&utf16(&marked, u16::to_be_bytes)), text);
        assert_eq!(said(b"a\r\nb\rc\n"), "a\nb\nc\n");
        assert_eq!(said(b""), "");
    }

    #[test]
    fn what_is_no_text_is_refused_with_the_line() {
        assert!(said(b"a\r\nb\rcaf\xe9\n").starts_with("line 3 is not UTF-8"));
        assert!(said(&utf16("ab\n", u16::to_le_bytes)).starts_with("line 1 has a NUL character"));
        // UTF-32 begins as UTF-16 does.
        assert!(said(b"\xFF\xFE\0\0a\0\0\0").contains("a NUL character"));
        assert!(said(b"\xFF\xFEa").starts_with("begins as UTF-16"));
        assert!(said(b"\xFF\xFE\x00\xD8a\0").starts_with("begins as UTF-16"));
        assert!(said(&vec![b'#'; 2 << 20]).starts_with("is longer than 1 MiB"));
    }

    #[test]
    fn no_file_is_none_and_what_is_there_in_its_place_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        assert!(matches!(read(&file), Ok(None)));
        std::os::unix::fs::symlink("nowhere", &file).unwrap();
        assert!(matches!(read(&file), Err(TextError::Dangling)));
        assert!(matches!(read(folder.path()), Err(TextError::Directory)));
        std::os::unix::fs::symlink("round", folder.path().join("round")).unwrap();
        assert!(matches!(
            read(&folder.path().join("round")),
            Err(TextError::Unreadable(_))
        ));
    }
}
