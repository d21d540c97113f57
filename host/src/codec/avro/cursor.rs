//! Avro's binary encoding, piece by piece, straight from the bytes. `None` wherever they are not what they should be: it
//! is for apache-avro to say what is wrong.
//!
//! <https://avro.apache.org/docs/1.12.0/specification/#binary-encoding>

use apache_avro::types::Value;

use super::MAX_ALLOCATION_BYTES;

/// Seven bits a byte: ten hold a long.
const VARINT_BYTES: usize = 10;

/// A datum, read up to some byte.
pub struct Cursor<'a> {
    datum: &'a [u8],
    /// The datum as text, if it happens to be one: the lengths of short strings are ASCII. Then its strings need not be
    /// checked one by one.
    text: Option<&'a str>,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(datum: &'a [u8]) -> Self {
        Self {
            datum,
            text: std::str::from_utf8(datum).ok(),
            at: 0,
        }
    }

    pub fn is_at_end(&self) -> bool {
        self.at == self.datum.len()
    }

    /// The next `length` bytes.
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.datum.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub fn boolean(&mut self) -> Option<bool> {
        match self.array()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    /// A zigzag varint: the lowest bit is the sign.
    #[inline]
    pub fn long(&mut self) -> Option<i64> {
        let first = *self.datum.get(self.at)?;
        let zigzag = if first < 0x80 {
            self.at += 1;
            u64::from(first)
        } else {
            self.varint()?
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
        None
    }

    pub fn int(&mut self) -> Option<i32> {
        self.long()?.try_into().ok()
    }

    /// A place in a list: a union's branch, an enum's symbol.
    pub fn place(&mut self) -> Option<usize> {
        self.long()?.try_into().ok()
    }

    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        self.take(length)
    }

    #[inline]
    pub fn text(&mut self) -> Option<&'a str> {
        let Some(text) = self.text else {
            return std::str::from_utf8(self.bytes()?).ok();
        };
        let length = self.length()?;
        let end = self.at.checked_add(length)?;
        // Nothing where a character would be cut.
        let taken = text.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    #[inline]
    fn length(&mut self) -> Option<usize> {
        self.place().filter(|length| *length <= MAX_ALLOCATION_BYTES)
    }

    /// The items of an array or a map, in blocks, the last of which is empty. What apache-avro would need for them, with
    /// `Item` for each, is bounded as it bounds it, so that both refuse the same.
    pub fn blocks<Item>(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        let mut total = 0_usize;
        loop {
            let mut length = self.long()?;
            if length == 0 {
                return Some(());
            }
            if length < 0 {
                // The block's size in bytes, for who wants to skip it unread.
                self.long()?;
                length = length.checked_neg()?;
            }
            let length = usize::try_from(length).ok()?;
            total = total.checked_add(length)?;
            if total.checked_mul(size_of::<Item>())? > MAX_ALLOCATION_BYTES {
                return None;
            }
            for _ in 0..length {
                item(self)?;
            }
        }
    }
}

/// What apache-avro keeps for each item of an array, and of a map.
pub type ArrayItem = Value;
pub type MapItem = (String, Value);
