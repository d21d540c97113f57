//! How much of its record a letter holds. It holds all of it if the topic takes that. Otherwise parts are left out,
//! which can be read from the record itself.

/// The forms of a letter, from the whole one to the smallest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LetterForm {
    Whole,
    /// The reject's message is cut.
    ShortMessage,
    /// The value is left out too.
    NoValue,
    /// The record's own headers are left out too.
    NoHeaders,
    /// The key is left out too.
    NoKey,
}

/// Where to find a part of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    InLetter,
    ByReference,
}

/// The most bytes of a reject's message in a whole letter. [`ROOM_BYTES`] counts on this bound.
const MESSAGE_BYTES: usize = 8 * 1024;

const SHORT_MESSAGE_BYTES: usize = 256;

/// The most bytes of a letter beside its record. The reject's message is 8 KiB at most. The other headers are two dozen
/// names of 45 bytes at most (1 KiB), a topic's name (249), two codes (64 each), a digest (71), numbers and times (20
/// each), and name and version of the plugin, which have the other 6 KiB.
pub const ROOM_BYTES: usize = 16 * 1024;

impl LetterForm {
    /// All forms, the largest first.
    pub const ALL: [Self; 5] = [
        Self::Whole,
        Self::ShortMessage,
        Self::NoValue,
        Self::NoHeaders,
        Self::NoKey,
    ];

    /// The next smaller form.
    pub fn smaller(self) -> Option<Self> {
        Self::ALL.into_iter().find(|form| *form > self)
    }

    /// Whether parts of the record are left out.
    pub fn is_by_reference(self) -> bool {
        self >= Self::NoValue
    }

    /// The most bytes of the reject's message.
    pub fn message_bytes(self) -> usize {
        if self == Self::Whole {
            MESSAGE_BYTES
        } else {
            SHORT_MESSAGE_BYTES
        }
    }

    /// Where to find the record's value.
    pub fn value(self) -> Part {
        self.part(Self::NoValue)
    }

    /// Where to find the record's own headers.
    pub fn headers(self) -> Part {
        self.part(Self::NoHeaders)
    }

    /// Where to find the record's key.
    pub fn key(self) -> Part {
        self.part(Self::NoKey)
    }

    fn part(self, from: Self) -> Part {
        if self >= from {
            Part::ByReference
        } else {
            Part::InLetter
        }
    }
}
