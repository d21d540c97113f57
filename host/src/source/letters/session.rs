//! Finds out where a replay begins and with which generation, from the metadata of earlier replays' commits.
//!
//! One session is one plugin with its settings, one filter and one sink, as a fingerprint. The same session continues
//! where it stopped, whether it was killed or had ended. Another session begins at the oldest letter, and its floor is
//! above every generation that earlier sessions may have written with (`top`), so that its rows replace theirs. `top`
//! is committed before anything is written with it. Each run has a number of its own, by which another run notices that
//! it has begun.

use std::collections::BTreeMap;

use crate::record::letter::replay::MAX_GENERATION;

/// The metadata begins with a name and a version, so that another program's is never taken for ours.
const PREFIX: &str = "host-replay/1 ";

/// The metadata of a replay's commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The fingerprint.
    pub session: String,
    /// The lowest generation that the session writes with.
    pub floor: u8,
    /// The highest generation that this or an earlier session may have written with.
    pub top: u8,
    pub run: String,
}

/// A commit of an earlier replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    pub point: i64,
    pub mark: Option<Mark>,
}

/// What a replay starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub mark: Mark,
    /// Where each partition is read from. A partition that is missing here is read from its beginning.
    pub points: BTreeMap<i32, i64>,
    pub is_resumed: bool,
}

/// There is no generation left for another session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent;

/// Continues the session of this fingerprint, or begins it with a floor of at least `given`.
pub fn open(
    committed: &BTreeMap<i32, Committed>,
    fingerprint: &str,
    run: &str,
    given: Option<u8>,
) -> Result<Session, Spent> {
    let marks: Vec<_> = committed.values().filter_map(|commit| commit.mark.as_ref()).collect();
    let top = marks.iter().map(|mark| mark.top).max();
    let is_resumed = !marks.is_empty() && marks.iter().all(|mark| mark.session == fingerprint);
    let (floor, points) = if is_resumed {
        let floor = marks.iter().map(|mark| mark.floor).max().unwrap_or(1);
        let of_ours = committed.iter().filter(|(_, commit)| commit.mark.is_some());
        (floor, of_ours.map(|(number, commit)| (*number, commit.point)).collect())
    } else {
        let floor = top.map_or(1, |top| top.saturating_add(1)).max(given.unwrap_or(1));
        (floor, BTreeMap::new())
    };
    if floor > MAX_GENERATION {
        return Err(Spent);
    }
    let mark = Mark {
        session: fingerprint.to_owned(),
        floor,
        top: top.map_or(floor, |top| top.max(floor)),
        run: run.to_owned(),
    };
    Ok(Session {
        mark,
        points,
        is_resumed,
    })
}

impl Mark {
    /// The text that a commit's metadata carries.
    pub fn format(&self) -> String {
        let Self {
            session,
            floor,
            top,
            run,
        } = self;
        format!("{PREFIX}session={session} floor={floor} top={top} run={run}")
    }

    /// Reads what [`Self::format`] wrote; `None` for any other text.
    pub fn parse(metadata: &str) -> Option<Self> {
        let mut parts = metadata.strip_prefix(PREFIX)?.split(' ');
        let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=');
        let mark = Self {
            session: part("session")?.to_owned(),
            floor: part("floor")?.parse().ok()?,
            top: part("top")?.parse().ok()?,
            run: part("run")?.to_owned(),
        };
        parts.next().is_none().then_some(mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed(commits: &[(i32, i64, Option<&Mark>)]) -> BTreeMap<i32, Committed> {
        let commit = |&(number, point, mark): &(i32, i64, Option<&Mark>)| {
            let mark = mark.cloned();
            (number, Committed { point, mark })
        };
        commits.iter().map(commit).collect()
    }

    #[test]
    fn the_first_session_begins_at_the_oldest_letter_with_generation_1() {
        let session = open(&BTreeMap::new(), "a", "r", None).unwrap();
        assert_eq!((session.mark.floor, session.mark.top), (1, 1));
        assert!(session.points.is_empty() && !session.is_resumed);
        assert_eq!(open(&BTreeMap::new(), "a", "r", Some(4)).unwrap().mark.floor, 4);
    }

    #[test]
    fn the_same_session_goes_on_and_a_new_partition_is_read_from_its_beginning() {
        let first = open(&BTreeMap::new(), "a", "r", None).unwrap().mark;
        let earlier = committed(&[(0, 7, Some(&first)), (2, 9, Some(&first)), (3, 5, None)]);
        let session = open(&earlier, "a", "s", None).unwrap();
        assert_eq!(session.points, BTreeMap::from([(0, 7), (2, 9)]));
        assert_eq!((session.mark.floor, session.mark.run.as_str()), (1, "s"));
        assert!(session.is_resumed);
    }

    #[test]
    fn another_session_begins_anew_above_everything_that_was_written() {
        let mut first = open(&BTreeMap::new(), "a", "r", None).unwrap().mark;
        first.top = 4;
        let second = open(&committed(&[(0, 7, Some(&first))]), "b", "s", None).unwrap();
        assert_eq!((second.mark.floor, second.mark.top), (5, 5));
        assert!(second.points.is_empty());
        // The first one again is another one too: its rows are to replace those of the second.
        let third = open(&committed(&[(0, 7, Some(&second.mark))]), "a", "t", None).unwrap();
        assert_eq!(third.mark.floor, 6);
        assert_eq!(
            open(&committed(&[(0, 7, Some(&first))]), "b", "s", Some(2))
                .unwrap()
                .mark
                .floor,
            5,
            "what is given cannot lower it"
        );
    }

    #[test]
    fn generations_come_to_an_end() {
        let mut mark = open(&BTreeMap::new(), "a", "r", None).unwrap().mark;
        mark.top = MAX_GENERATION;
        let earlier = committed(&[(0, 7, Some(&mark))]);
        assert_eq!(open(&earlier, "b", "s", None), Err(Spent));
        assert!(open(&earlier, "a", "s", None).is_ok(), "the same session goes on");
    }

    #[test]
    fn reads_back_its_own_mark_and_nobody_elses() {
        let mark = Mark {
            session: "0123abcd".into(),
            floor: 3,
            top: 12,
            run: "ff00".into(),
        };
        assert_eq!(Mark::parse(&mark.format()), Some(mark.clone()));
        for foreign in [
            "",
            "host/1 base=5",
            "host-replay/1 session=a",
            &format!("{} x=1", mark.format()),
        ] {
            assert_eq!(Mark::parse(foreign), None, "{foreign:?}");
        }
    }
}
