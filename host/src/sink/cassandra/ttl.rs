//! How long rows live: counted from their write timestamps, which come from their records' own time, so that a row that
//! is written again ends when it would have ended.
//!
//! Cassandra itself counts a TTL from the moment of the write. So what a statement carries is what is left of the row's
//! life by this host's clock, in whole seconds: the end is the same to a second or two, and as far off as the clocks of
//! host and coordinator are apart. A row whose life is over is taken away instead (decision 0021).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::record::position::WriteTime;

/// The longest TTL that Cassandra takes, in seconds: 20 years of 365 days.
const MAX_SECONDS: i64 = 20 * 365 * 86_400;

/// Seconds in each unit, the largest first.
const UNITS: [(char, i64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

/// The life of a row from its write timestamp on, in whole seconds: at least 1, at most 20 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ttl(i64);

/// The setting: the TTL of each table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ttls {
    /// The TTL of tables that are not named.
    others: Option<Ttl>,
    /// `None` where a table is named to have none.
    named: BTreeMap<String, Option<Ttl>>,
}

/// Why a text is not a list of TTLs. Each message quotes the part that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TtlError {
    #[error("`{0}` is not a TTL: write a whole number with its unit s, m, h, d or w, as in 30d, or none")]
    Form(String),
    #[error("`{0}` is not a TTL that Cassandra takes: at least 1 second, at most 20 years (7300d)")]
    Range(String),
    #[error("table {0} is named twice")]
    TableTwice(String),
    #[error("there are two TTLs for the tables that are not named")]
    OthersTwice,
    #[error("`={0}` names no table: write TABLE={0}")]
    NoTable(String),
}

impl Ttl {
    /// The TTL by a table's `default_time_to_live`, which is 0 if there is none.
    pub fn of_table(seconds: i32) -> Option<Self> {
        (seconds > 0).then_some(Self(seconds.into()))
    }

    /// The length of the row's life in seconds, at least 1.
    pub fn seconds(self) -> i64 {
        self.0
    }

    /// Seconds that are left of the row's life, `now` being seconds since 1970; `None` where it is over. Never 0, which
    /// would mean no TTL at all.
    pub fn left(self, written: WriteTime, now: i64) -> Option<i32> {
        // A record may be stamped ahead of this host's clock.
        let left = self.end(written).saturating_sub(now).min(MAX_SECONDS);
        i32::try_from(left).ok().filter(|left| *left > 0)
    }

    /// When the row's life ends, in seconds since 1970.
    pub fn end(self, written: WriteTime) -> i64 {
        written.0.div_euclid(1_000_000).saturating_add(self.0)
    }
}

impl Ttls {
    /// The TTL of a table by its name without the keyspace; `None` if its rows live on.
    pub fn of(&self, table: &str) -> Option<Ttl> {
        // An unquoted name is in lower case in CQL.
        let named = self.named.iter();
        let exact = named.clone().find(|(name, _)| *name == table);
        let found = exact.or_else(|| named.clone().find(|(name, _)| name.to_ascii_lowercase() == table));
        found.map_or(self.others, |(_, ttl)| *ttl)
    }

    /// The tables that have a TTL, or none, of their own.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }

    /// Whether rows of all tables live on.
    pub fn is_empty(&self) -> bool {
        self.others.is_none() && self.named.values().all(Option::is_none)
    }
}

impl FromStr for Ttls {
    type Err = TtlError;

    /// `30d`, `orders=30d,events=7d`, `30d,events=none`
    fn from_str(text: &str) -> Result<Self, TtlError> {
        let mut ttls = Self::default();
        let mut has_others = false;
        for part in text.split(',') {
            let (table, ttl) = match part.split_once('=') {
                Some((table, ttl)) => (Some(table.trim()), read(ttl.trim())?),
                None => (None, read(part.trim())?),
            };
            match table {
                Some("") => return Err(TtlError::NoTable(part.trim().trim_start_matches('=').to_owned())),
                Some(table) => {
                    if ttls.named.insert(table.to_owned(), ttl).is_some() {
                        return Err(TtlError::TableTwice(table.to_owned()));
                    }
                }
                None if has_others => return Err(TtlError::OthersTwice),
                None => (ttls.others, has_others) = (ttl, true),
            }
        }
        Ok(ttls)
    }
}

fn read(text: &str) -> Result<Option<Ttl>, TtlError> {
    if text == "none" {
        return Ok(None);
    }
    let form = || TtlError::Form(text.to_owned());
    let (_, unit) = UNITS.iter().find(|(unit, _)| text.ends_with(*unit)).ok_or_else(form)?;
    let number = &text[..text.len() - 1];
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(form());
    }
    let seconds = number.parse::<i64>().ok().and_then(|number| number.checked_mul(*unit));
    match seconds {
        Some(seconds) if (1..=MAX_SECONDS).contains(&seconds) => Ok(Some(Ttl(seconds))),
        _ => Err(TtlError::Range(text.to_owned())),
    }
}

/// As the setting takes it, in the largest unit that is exact.
impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().find(|(_, seconds)| self.0 % seconds == 0);
        let (unit, seconds) = unit.unwrap_or(&('s', 1));
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

/// This host's clock in seconds since 1970.
pub fn now() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn ttls(text: &str) -> Ttls {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_left_counts_from_the_write_timestamp_and_is_never_0() {
        let hour = ttls("1h").of("any").unwrap();
        for (written, now, left) in [
            (1000 * SECOND, 1000, Some(3600)),
            (1000 * SECOND + 999_999, 1000, Some(3600)),
            (1000 * SECOND, 4599, Some(1)),
            (1000 * SECOND, 4600, None),
            (1000 * SECOND, i64::MAX, None),
            // Stamped ahead of this host's clock.
            (1000 * SECOND, 940, Some(3660)),
            (-1, 0, Some(3599)),
        ] {
            assert_eq!(hour.left(WriteTime(written), now), left, "{written} at {now}");
        }
        let longest = ttls("7300d").of("any").unwrap();
        assert_eq!(longest.left(WriteTime(3600 * SECOND), 0), Some(630_720_000));
        assert_eq!(longest.left(WriteTime(i64::MIN), i64::MAX), None);
    }

    #[test]
    fn a_table_has_its_own_ttl_or_that_of_the_others() {
        let ttls = ttls("30d, events=90s,Audit=none");
        let of = |table| ttls.of(table).map(|ttl| ttl.to_string());
        assert_eq!(of("orders").as_deref(), Some("30d"));
        assert_eq!(of("events").as_deref(), Some("90s"));
        assert_eq!(of("audit"), None);
        assert_eq!(ttls.named().collect::<Vec<_>>(), ["Audit", "events"]);
        assert!("events=7d".parse::<Ttls>().unwrap().of("orders").is_none());
        assert!(Ttls::default().is_empty() && !ttls.is_empty());
    }

    #[test]
    fn what_is_not_a_ttl_is_refused_with_what_to_write() {
        for (text, words) in [
            ("30", "with its unit"),
            ("", "with its unit"),
            ("d", "with its unit"),
            ("-1d", "with its unit"),
            ("1.5d", "with its unit"),
            ("30é", "with its unit"),
            ("orders=", "with its unit"),
            ("0s", "at least 1 second"),
            ("7301d", "at most 20 years"),
            ("99999999999999999999w", "at most 20 years"),
            ("=3d", "TABLE=3d"),
            ("a=1d,a=2d", "named twice"),
            ("1d,2d", "two TTLs"),
        ] {
            let error = text.parse::<Ttls>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn a_default_of_0_is_none() {
        assert_eq!(Ttl::of_table(0), None);
        assert_eq!(Ttl::of_table(25).map(|ttl| ttl.to_string()).as_deref(), Some("25s"));
    }
}
