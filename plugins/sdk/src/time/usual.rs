//! Reads the form `2017-10-02 10:56:33`, which most times have, eight characters at once.

use super::calendar;
use super::since_midnight;
use crate::value::{Date, Timestamp};

const HIGHEST_BITS: u64 = 0x8080_8080_8080_8080;

/// Eight characters compared with a form, one in each byte of a number, the first in the lowest byte. One operation on
/// the number works on all eight at once.
#[derive(Clone, Copy)]
struct Eight {
    /// The values of the digits, and 0 where the form has another character. Only meaningful if nothing is wrong.
    values: u64,
    /// The highest bit of some byte is set if a character does not match the form.
    wrong: u64,
}

/// Reads the form `2017-10-02 10:56:33`. Every digit has a fixed place, so nothing has to be searched for. The result
/// is the same as that of the other reader, which reads every form, the one with a `T` too.
#[inline]
pub fn usual(text: &[u8; 19]) -> Option<Timestamp> {
    let date = Eight::read(text, 0, *b"0000-00-");
    let middle = Eight::read(text, 8, *b"00 00:00");
    let time = Eight::read(text, 11, *b"00:00:00");
    if (date.wrong | middle.wrong | time.wrong) & HIGHEST_BITS != 0 {
        return None;
    }
    let days = calendar::days(date.number(0) * 100 + date.number(2), date.number(5), middle.number(0))?;
    let ms = since_midnight(time.number(0), time.number(3), time.number(6))?;
    Some(Timestamp(Date(days).midnight().0 + ms))
}

impl Eight {
    /// Compares the eight characters from `at` on with the form. A `0` in the form stands for any digit, every other
    /// character for itself.
    ///
    /// XOR with the form leaves 0 to 9 exactly where a digit is wanted and found, and 0 exactly where another character
    /// is wanted and found. `room` is the difference between the largest good value and 0x7f, so that adding it to
    /// anything larger sets the byte's highest bit. A byte of 0x80 or more has that bit set already. Only such a byte
    /// carries into the next one, and it is wrong in any case.
    #[inline]
    fn read(text: &[u8; 19], at: usize, form: [u8; 8]) -> Self {
        let room = form.map(|wanted| if wanted == b'0' { 0x80 - 10 } else { 0x80 - 1 });
        let text = text[at..].first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
        let values = text ^ u64::from_le_bytes(form);
        let wrong = values | values.wrapping_add(u64::from_le_bytes(room));
        Self { values, wrong }
    }

    /// The number made of the digits at this place and the next one.
    #[inline]
    fn number(self, at: usize) -> i32 {
        // Computed in every byte at once; a byte has room for 99.
        let numbers = self.values * 10 + (self.values >> 8);
        i32::from((numbers >> (8 * at)).to_le_bytes()[0])
    }
}
