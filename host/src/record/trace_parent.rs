//! Reads the trace that a record belongs to from its headers `traceparent` and `tracestate`: W3C Trace Context
//! (<https://www.w3.org/TR/trace-context/>). The headers are only read. Dead letters and rows that go to a topic carry
//! them unchanged.

use super::{Header, Record};

const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";

/// Bytes of `00-<32 hex digits>-<16>-<2>`, which is version 00. A later version begins in the same way.
const LENGTH: usize = 55;

/// The flag that says that the trace is recorded.
const SAMPLED: u8 = 1;

/// The length up to which the recommendation asks every program to pass the state on. A longer state is left out
/// of a link.
const STATE_BYTES: usize = 512;

/// The span that made the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent<'a> {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub flags: u8,
    /// The state, not parsed: each tracing system has its own form.
    pub state: Option<&'a str>,
}

impl<'a> TraceParent<'a> {
    /// Reads the headers. `None` if there is none, or a malformed one. Among several the last one counts, as with
    /// Kafka's `lastHeader`.
    pub fn of(record: &'a Record) -> Option<Self> {
        let last = |name: &str| {
            let found = record.headers.iter().rev().find(|header| header.key == name)?;
            found.value.as_deref()
        };
        let parent = parse(last(PARENT)?)?;
        let state = last(STATE).filter(|state| state.len() <= STATE_BYTES);
        Some(Self {
            state: state.and_then(|state| str::from_utf8(state).ok()),
            ..parent
        })
    }

    /// The record's trace headers, including malformed and repeated ones, which the next reader judges for itself.
    pub fn headers(record: &'a Record) -> impl Iterator<Item = &'a Header> {
        let of_trace = |header: &&Header| header.key == PARENT || header.key == STATE;
        record.headers.iter().filter(of_trace)
    }

    /// Whether the trace is recorded.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }
}

fn parse(text: &[u8]) -> Option<TraceParent<'static>> {
    let (known, more) = text.split_at_checked(LENGTH)?;
    let dashes = [2, 35, 52].into_iter().all(|at| known[at] == b'-');
    let [version] = bytes(&known[..2])?;
    let is_whole = more.is_empty() || (version > 0 && more[0] == b'-');
    let parent = TraceParent {
        trace_id: bytes(&known[3..35])?,
        span_id: bytes(&known[36..52])?,
        flags: bytes::<1>(&known[53..])?[0],
        state: None,
    };
    let is_valid = version != 0xff && parent.trace_id != [0; 16] && parent.span_id != [0; 8];
    (dashes && is_whole && is_valid).then_some(parent)
}

/// Reads hex digits in lower case, as the recommendation demands.
fn bytes<const N: usize>(hex: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::record::position::{Offset, Partition, Position};

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn record(headers: &[(&str, &str)]) -> Record {
        let partition = Partition {
            topic: "orders".into(),
            number: 0,
        };
        let header = |&(key, value): &(&str, &str)| Header {
            key: key.to_owned(),
            value: Some(Bytes::copy_from_slice(value.as_bytes())),
        };
        Record {
            position: Position {
                partition: Arc::new(partition),
                offset: Offset(0),
                line: None,
            },
            timestamp_ms: None,
            key: None,
            value: None,
            headers: headers.iter().map(header).collect(),
            redriven: None,
        }
    }

    #[test]
    fn the_example_of_the_recommendation_is_read() {
        let record = record(&[("traceparent", GOOD), ("tracestate", "congo=t61rcWkgMzE")]);
        let parent = TraceParent::of(&record).unwrap();
        assert_eq!(parent.trace_id[..3], [0x0a, 0xf7, 0x65]);
        assert_eq!(parent.span_id[6..], [0x33, 0x31]);
        assert!(parent.is_sampled());
        assert_eq!(parent.state, Some("congo=t61rcWkgMzE"));
    }

    #[test]
    fn of_several_the_last_one_counts() {
        let unsampled = GOOD.replace("-01", "-00");
        let record = record(&[("traceparent", GOOD), ("traceparent", &unsampled), ("other", GOOD)]);
        assert!(!TraceParent::of(&record).unwrap().is_sampled());
    }

    #[test]
    fn the_headers_that_say_it_are_told_from_all_others_whatever_they_hold() {
        let record = record(&[
            ("tracestate", ""),
            ("other", GOOD),
            ("traceparent", "no"),
            ("traceparent", GOOD),
        ]);
        let passed: Vec<_> = TraceParent::headers(&record)
            .map(|header| (header.key.as_str(), header.value.as_deref().unwrap_or_default()))
            .collect();
        let expected: [(&str, &[u8]); 3] = [
            ("tracestate", b""),
            ("traceparent", b"no"),
            ("traceparent", GOOD.as_bytes()),
        ];
        assert_eq!(passed, expected);
    }

    #[test]
    fn a_later_version_may_have_more() {
        let later = format!("{}-more", GOOD.replacen("00", "01", 1));
        assert!(parse(later.as_bytes()).is_some());
        assert!(parse(format!("{GOOD}-more").as_bytes()).is_none(), "not of version 00");
        assert!(parse(later.replace("-more", "more").as_bytes()).is_none());
    }

    #[test]
    fn what_is_malformed_is_none() {
        let zeros = |digits: usize| "0".repeat(digits);
        for bad in [
            String::new(),
            "00-1".to_owned(),
            GOOD.to_uppercase(),
            GOOD.replace("00-0af7", "ff-0af7"),
            GOOD.replace('-', "_"),
            GOOD.replace("b7ad6b7169203331", &zeros(16)),
            GOOD.replace("0af7651916cd43dd8448eb211c80319c", &zeros(32)),
            GOOD.replace("b7ad", "b7a\u{e9}"),
            GOOD[..54].to_owned(),
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(TraceParent::of(&record(&[("Traceparent", GOOD)])), None);
    }

    #[test]
    fn a_state_of_any_length_is_no_reason_to_lose_the_trace() {
        let long = "a".repeat(513);
        let record = record(&[("traceparent", GOOD), ("tracestate", &long)]);
        assert_eq!(TraceParent::of(&record).unwrap().state, None);
    }
}
