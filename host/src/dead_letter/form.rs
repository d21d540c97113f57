//! How much of its record a letter holds: all of it, where the topic takes that, else what can be left out without a loss,
//! since the record itself has it.

/// The forms of a letter, from the whole one to the smallest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    Whole,
    /// The reason is cut.
    ShortMessage,
    /// The value is left where it is, too.
    NoValue,
    /// The record's own headers, too.
    NoHeaders,
    /// The key, too.
    NoKey,
}

/// Where a part of the record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    InLetter,
    ByReference,
}

/// A reason that is longer is cut: room in the topic is reckoned with it.
const MESSAGE_BYTES: usize = 8 * 1024;

const SHORT_MESSAGE_BYTES: usize = 256;

/// What a letter may take beside its record, in bytes. The reason is 8 KiB at most. The other headers are two dozen names
/// of 45 bytes at most (1 KiB), a topic's name (249), two codes (64 each), a digest (71), numbers and times (20 each), and
/// name and version of the plugin, which have the other 6 KiB.
pub const ROOM_BYTES: usize = 16 * 1024;

impl Form {
    pub const ALL: [Self; 5] = [
        Self::Whole,
        Self::ShortMessage,
        Self::NoValue,
        Self::NoHeaders,
        Self::NoKey,
    ];

    /// The next smaller one.
    pub fn smaller(self) -> Option<Self> {
        Self::ALL.into_iter().find(|form| *form > self)
    }

    pub fn is_by_reference(self) -> bool {
        self >= Self::NoValue
    }

    pub fn message_bytes(self) -> usize {
        if self == Self::Whole {
            MESSAGE_BYTES
        } else {
            SHORT_MESSAGE_BYTES
        }
    }

    pub fn value(self) -> Part {
        self.part(Self::NoValue)
    }

    pub fn headers(self) -> Part {
        self.part(Self::NoHeaders)
    }

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
