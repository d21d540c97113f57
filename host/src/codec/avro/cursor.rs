//! Reads Avro's binary encoding piece by piece from the bytes. Every reader returns `None` if the bytes are not as they
//! should be; `wrong` then says why.
//!
//! <https://avro.apache.org/docs/1.12.0/specification/#binary-encoding>

use std::fmt;

/// A varint has seven bits a byte, so ten bytes hold a long.
const VARINT_BYTES: usize = 10;

/// How deep the records, arrays and maps of one value may be nested; the limit for JSON is the same. A thread's stack
/// holds far more, but types that contain themselves could exhaust it without a limit.
const MAX_NESTED: usize = 127;

/// A datum that is read up to some byte.
pub struct Cursor<'a> {
    datum: &'a [u8],
    /// The whole datum as text, if it happens to be valid UTF-8. It often is, since the lengths of short strings are
    /// ASCII. Then its strings need not be checked one by one.
    text: Option<&'a str>,
    at: usize,
    nested: usize,
    wrong: Wrong,
}

/// Why something could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// The datum ends too early.
    End,
    Number,
    Int(i64),
    Length(i64),
    Boolean(u8),
    Text,
    Place {
        of: &'static str,
        place: i64,
        count: usize,
    },
    Uuid,
    BigDecimal,
    LongDecimal,
    ItemsOfNothing,
    TooDeep,
}

impl<'a> Cursor<'a> {
    /// Starts at the first byte.
    pub fn new(datum: &'a [u8]) -> Self {
        Self {
            datum,
            text: std::str::from_utf8(datum).ok(),
            at: 0,
            nested: 0,
            wrong: Wrong::End,
        }
    }

    /// Why the last read failed.
    pub fn wrong(&self) -> Wrong {
        self.wrong
    }

    /// Notes why something cannot be read, and returns `None`.
    #[cold]
    pub fn refuse<T>(&mut self, wrong: Wrong) -> Option<T> {
        self.wrong = wrong;
        None
    }

    /// Bytes that are not read yet.
    pub fn left(&self) -> usize {
        self.datum.len() - self.at
    }

    /// The place of the next byte.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Goes back to an earlier place.
    pub fn go_back(&mut self, at: usize) {
        self.at = at.min(self.at);
    }

    /// Reads a value one level deeper. Fails if that is too deep.
    pub fn nest<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.nested == MAX_NESTED {
            return self.refuse(Wrong::TooDeep);
        }
        self.nested += 1;
        let found = read(self);
        self.nested -= 1;
        found
    }

    /// The next `length` bytes.
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length);
        let Some((end, taken)) = end.and_then(|end| Some((end, self.datum.get(self.at..end)?))) else {
            return self.refuse(Wrong::End);
        };
        self.at = end;
        Some(taken)
    }

    /// The next N bytes.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// A boolean, which is a byte of 0 or 1.
    pub fn boolean(&mut self) -> Option<bool> {
        match self.array()? {
            [0] => Some(false),
            [1] => Some(true),
            [other] => self.refuse(Wrong::Boolean(other)),
        }
    }

    /// A zigzag varint: the lowest bit is the sign.
    #[inline]
    pub fn long(&mut self) -> Option<i64> {
        let zigzag = match self.datum.get(self.at) {
            Some(first) if *first < 0x80 => {
                self.at += 1;
                u64::from(*first)
            }
            _ => self.varint()?,
        };
        let half = (zigzag >> 1).cast_signed();
        Some(if zigzag & 1 == 0 { half } else { !half })
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        let rest = self.datum.get(self.at..)?;
        for (place, byte) in rest.iter().take(VARINT_BYTES).enumerate() {
            value |= u64::from(byte & 0x7F) << (7 * place);
            if *byte < 0x80 {
                self.at += place + 1;
                return Some(value);
            }
        }
        let is_cut = rest.len() < VARINT_BYTES;
        self.refuse(if is_cut { Wrong::End } else { Wrong::Number })
    }

    /// A long that must fit an int.
    pub fn int(&mut self) -> Option<i32> {
        let long = self.long()?;
        match long.try_into() {
            Ok(int) => Some(int),
            Err(_) => self.refuse(Wrong::Int(long)),
        }
    }

    /// Reads a place in the list: a union's branch, or an enum's symbol.
    pub fn one_of<'l, T>(&mut self, list: &'l [T], of: &'static str) -> Option<&'l T> {
        let place = self.long()?;
        let one = usize::try_from(place).ok().and_then(|place| list.get(place));
        one.or_else(|| {
            let count = list.len();
            self.refuse(Wrong::Place { of, place, count })
        })
    }

    /// A length and as many bytes.
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        self.take(length)
    }

    /// A length and a string of as many bytes.
    #[inline]
    pub fn text(&mut self) -> Option<&'a str> {
        let Some(text) = self.text else {
            return match std::str::from_utf8(self.bytes()?) {
                Ok(text) => Some(text),
                Err(_) => self.refuse(Wrong::Text),
            };
        };
        let length = self.length()?;
        let end = self.at.saturating_add(length);
        // This gives nothing if it would cut a character.
        match text.get(self.at..end) {
            Some(taken) => {
                self.at = end;
                Some(taken)
            }
            None if end > text.len() => self.refuse(Wrong::End),
            None => self.refuse(Wrong::Text),
        }
    }

    #[inline]
    fn length(&mut self) -> Option<usize> {
        let length = self.long()?;
        match length.try_into() {
            Ok(length) => Some(length),
            Err(_) => self.refuse(Wrong::Length(length)),
        }
    }

    /// Reads the items of an array or a map, which come in blocks; the last block is empty. Each item must take at
    /// least one byte, so there are no more of them than the datum has bytes.
    pub fn blocks(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        while let Some(count) = self.block()? {
            for _ in 0..count {
                item(self)?;
            }
        }
        Some(())
    }

    /// Skips the blocks of an array whose items take no bytes.
    pub fn empty_blocks(&mut self) -> Option<()> {
        while self.block()?.is_some() {}
        Some(())
    }

    /// The number of items in the next block. The inner `None` means that the last block was read.
    #[expect(
        clippy::option_option,
        reason = "the outer one means that the bytes cannot be read, as everywhere here"
    )]
    fn block(&mut self) -> Option<Option<u64>> {
        let count = self.long()?;
        if count < 0 {
            // The block's size in bytes follows, for readers that skip it.
            self.long()?;
        }
        Some((count != 0).then_some(count.unsigned_abs()))
    }
}

/// Worded to follow the name of a field.
impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => f.write_str("the record ends here"),
            Self::Number => write!(f, "a number takes more than {VARINT_BYTES} bytes"),
            Self::Int(value) => write!(f, "{value} is out of an int's range"),
            Self::Length(length) => write!(f, "a length is {length}"),
            Self::Boolean(byte) => write!(f, "a boolean is {byte}, expected 0 or 1"),
            Self::Text => f.write_str("a string is not UTF-8"),
            Self::Place { of, place, count } => write!(f, "{of} {place} of {count} is asked for"),
            Self::Uuid => f.write_str("a uuid is not one"),
            Self::BigDecimal => f.write_str("a big-decimal is not one"),
            Self::LongDecimal => f.write_str("a decimal has over a thousand digits"),
            Self::ItemsOfNothing => {
                f.write_str("an array has items that take no bytes, so that a few bytes could claim any number of them")
            }
            Self::TooDeep => write!(f, "values stand more than {MAX_NESTED} deep in one another"),
        }
    }
}
