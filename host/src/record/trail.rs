//! Records which plugin a partition's records went through. It travels in the metadata of the offset commits.
//!
//! It answers two questions after a restart. The [`Fence`] says which plugin made the rows up to here. The [`Writers`]
//! are the plugins that may already have written rows of the records that are read next. If two plugins wrote rows of
//! one record with one write timestamp, the result would be a mixture of both. So if another plugin may have been there
//! first, the rows get a [`Raise`].

use std::fmt;
use std::str::FromStr;

use super::descriptor::Digest;
use super::position::{CommitPoint, Offset, WriteTime};
use super::topic_id::TopicId;

/// A plugin, and the first record of the partition that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    pub digest: Digest,
    /// The first record that the plugin took.
    pub from: Offset,
}

/// Plugins that may have written rows of records that are not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writers {
    #[default]
    Nobody,
    One(Digest),
    /// More than one plugin, or one that is not known.
    Several,
}

/// Raises the write timestamps of records before `until`, since another plugin may have written rows of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raise {
    /// Microseconds to add.
    pub by: u8,
    /// The first offset that is not raised.
    pub until: CommitPoint,
}

/// What is known about plugins at a commit point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trail {
    /// The fence of the last record before the commit point, or `None` if none was settled.
    pub fence: Option<Fence>,
    pub writers: Writers,
    pub raise: Option<Raise>,
}

impl Writers {
    /// Whether this plugin may have written.
    pub fn includes(self, digest: Digest) -> bool {
        match self {
            Self::Nobody => false,
            Self::One(one) => one == digest,
            Self::Several => true,
        }
    }

    /// Whether a plugin other than this one may have written.
    pub fn others_than(self, digest: Digest) -> bool {
        match self {
            Self::Nobody => false,
            Self::One(one) => one != digest,
            Self::Several => true,
        }
    }

    /// The union of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nobody, writers) | (writers, Self::Nobody) => writers,
            (Self::One(one), Self::One(other)) if one == other => self,
            _ => Self::Several,
        }
    }

    /// The plugins that are in both.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nobody, _) | (_, Self::Nobody) => Self::Nobody,
            (Self::Several, writers) | (writers, Self::Several) => writers,
            (Self::One(one), Self::One(other)) if one == other => self,
            _ => Self::Nobody,
        }
    }
}

impl Raise {
    /// The amount to add to the write timestamp of the record at this offset.
    pub fn at(self, offset: Offset) -> u8 {
        if offset.0 < self.until.0 { self.by } else { 0 }
    }
}

/// The metadata of an offset commit: `host/1 base=MICROS plugin=DIGEST from=OFFSET writers=DIGEST raise=N until=OFFSET
/// topic=ID`. Each part is there only if it is known. The name and version come first, so that another program's
/// metadata is never taken for ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Metadata {
    /// The write-timestamp base of the last record before the commit point.
    pub base: Option<WriteTime>,
    pub trail: Trail,
    /// The id of the offset's topic, even if another topic gets its name later.
    pub topic: Option<TopicId>,
}

const NAME: &str = "host/1";
const SEVERAL: &str = "several";

impl fmt::Display for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)?;
        if let Some(base) = self.base {
            write!(f, " base={}", base.0)?;
        }
        if let Some(fence) = self.trail.fence {
            write!(f, " plugin={} from={}", fence.digest, fence.from.0)?;
        }
        match self.trail.writers {
            Writers::Nobody => {}
            Writers::One(digest) => write!(f, " writers={digest}")?,
            Writers::Several => write!(f, " writers={SEVERAL}")?,
        }
        if let Some(raise) = self.trail.raise {
            write!(f, " raise={} until={}", raise.by, raise.until.0)?;
        }
        if let Some(topic) = self.topic {
            write!(f, " topic={topic}")?;
        }
        Ok(())
    }
}

/// Refuses metadata of other programs.
impl FromStr for Metadata {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split(' ');
        if words.next() != Some(NAME) {
            return Err(());
        }
        let mut metadata = Self::default();
        let (mut plugin, mut from, mut raise, mut until) = (None, None, None, None);
        for word in words {
            let (key, value) = word.split_once('=').ok_or(())?;
            match key {
                "base" => metadata.base = Some(WriteTime(number(value)?)),
                "plugin" => plugin = Some(value.parse()?),
                "from" => from = Some(Offset(number(value)?)),
                "writers" if value == SEVERAL => metadata.trail.writers = Writers::Several,
                "writers" => metadata.trail.writers = Writers::One(value.parse()?),
                "raise" => raise = Some(number(value)?),
                "topic" => metadata.topic = Some(value.parse()?),
                "until" => until = Some(CommitPoint(number(value)?)),
                // A newer version of this program wrote the word. The words that we understand are still true.
                _ => {}
            }
        }
        metadata.trail.fence = plugin.zip(from).map(|(digest, from)| Fence { digest, from });
        metadata.trail.raise = raise.zip(until).map(|(by, until)| Raise { by, until });
        Ok(metadata)
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, ()> {
    text.parse().map_err(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(byte: u8) -> Digest {
        Digest([byte; 32])
    }

    #[test]
    fn reads_back_its_own_metadata_and_nobody_elses() {
        let whole = Metadata {
            base: Some(WriteTime(1_538_000_000_000_016)),
            trail: Trail {
                fence: Some(Fence {
                    digest: digest(0xa1),
                    from: Offset(7),
                }),
                writers: Writers::One(digest(2)),
                raise: Some(Raise {
                    by: 2,
                    until: CommitPoint(900),
                }),
            },
            topic: Some(TopicId([0xfb; 16])),
        };
        let several = Metadata {
            base: None,
            trail: Trail {
                writers: Writers::Several,
                ..Trail::default()
            },
            topic: None,
        };
        for metadata in [whole, several, Metadata::default()] {
            assert_eq!(metadata.to_string().parse(), Ok(metadata), "{metadata}");
        }
        assert!(whole.to_string().len() < 1000, "brokers keep 4096 bytes");
        for foreign in [
            "",
            "base=5",
            "host/2 base=5",
            "host/1 base=",
            "host/1 base=x",
            "host/1 writers=sha256:zz",
            "host/1 plugin=md5:00",
            "host/1 topic=short",
        ] {
            assert_eq!(foreign.parse::<Metadata>(), Err(()), "{foreign:?}");
        }
        let newer = "host/1 base=5 colour=green".parse::<Metadata>();
        assert_eq!(newer.map(|metadata| metadata.base), Ok(Some(WriteTime(5))));
    }

    #[test]
    fn writers_are_told_apart() {
        let (one, other) = (Writers::One(digest(1)), Writers::One(digest(2)));
        assert_eq!(one.and(other), Writers::Several);
        assert_eq!((one.and(one), one.and(Writers::Nobody)), (one, one));
        assert_eq!(Writers::Several.within(one), one);
        assert_eq!(
            (one.within(other), one.within(Writers::Nobody)),
            (Writers::Nobody, Writers::Nobody)
        );
        assert!(Writers::Several.others_than(digest(1)) && other.others_than(digest(1)));
        assert!(!one.others_than(digest(1)) && !Writers::Nobody.others_than(digest(1)));
        assert!(one.includes(digest(1)) && !other.includes(digest(1)) && Writers::Several.includes(digest(1)));
    }

    #[test]
    fn a_raise_ends_where_nobody_else_has_been() {
        let raise = Raise {
            by: 3,
            until: CommitPoint(10),
        };
        assert_eq!((raise.at(Offset(9)), raise.at(Offset(10))), (3, 0));
    }
}
