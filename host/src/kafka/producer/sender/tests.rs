//! Tests the decisions, without brokers: which records go together, which alone, which again.

use super::*;
use crate::kafka::producer::limits::TopicSettings;

const NOW_MS: i64 = 1_800_000_000_000;
const AHEAD: Stamp = Stamp::Record {
    timestamp_ms: NOW_MS + 7_200_000,
    header: None,
};

fn rules(order: Order, settings: &[(&str, &str)]) -> Rules {
    let owned = settings
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Rules {
        limits: Limits::of(&owned.collect::<TopicSettings>()),
        order,
        is_compressing: false,
        now_ms: NOW_MS,
    }
}

fn message(key: &'static str, stamp: Stamp) -> Message<'static> {
    Message {
        topic: "t",
        key: Some(key.as_bytes()).filter(|key| !key.is_empty()),
        value: Some(&[b'x'; 100]),
        stamp,
        headers: &[],
    }
}

/// Shows each record as `+` together, `-` together without its timestamp, `!` alone, `.` acknowledged, or the fault's
/// first letter.
fn symbols(next: &[Next]) -> String {
    let one = |next: &Next| match next {
        Next::Together(Time::Own) => '+',
        Next::Together(Time::Now) => '-',
        Next::Alone(_) => '!',
        Next::Settled(Ok(_)) => '.',
        Next::Settled(Err(error)) => format!("{:?}", error.fault)
            .to_lowercase()
            .chars()
            .next()
            .unwrap_or_default(),
    };
    next.iter().map(one).collect()
}

fn answers(faults: &[Option<ProduceFault>]) -> Vec<Next> {
    let answer =
        |fault: &Option<ProduceFault>| Next::Settled(fault.map_or(Ok(0), |fault| Err(ProduceError::of(fault))));
    faults.iter().map(answer).collect()
}

const OK: Option<ProduceFault> = None;
const NEIGHBOUR: Option<ProduceFault> = Some(ProduceFault::Neighbour);
const INVALID: Option<ProduceFault> = Some(ProduceFault::Invalid);
const LARGE: Option<ProduceFault> = Some(ProduceFault::TooLarge);

#[test]
fn what_the_settings_tell_is_not_sent() {
    let messages = [message("a", Stamp::Now), message("", Stamp::Now), message("a", AHEAD)];
    assert_eq!(
        symbols(&rules(Order::Any, &[]).plan(&messages)),
        "+++",
        "brokers without limits"
    );
    let hour = ("message.timestamp.after.max.ms", "3600000");
    assert_eq!(symbols(&rules(Order::Any, &[hour]).plan(&messages)), "++-");
    assert_eq!(
        symbols(&rules(Order::Any, &[("cleanup.policy", "compact")]).plan(&messages)),
        "+i+"
    );
    let small = rules(Order::Any, &[("max.message.bytes", "150")]);
    assert_eq!(symbols(&small.plan(&messages)), "ttt");
    let compressing = Rules {
        is_compressing: true,
        ..small
    };
    assert_eq!(
        symbols(&compressing.plan(&messages)),
        "!!!",
        "the brokers count what is compressed"
    );
}

#[test]
fn neighbours_go_together_again_and_the_culprit_alone() {
    let messages = ["a", "b", "", "c"].map(|key| message(key, Stamp::Now));
    let rules = rules(Order::Any, &[]);
    let planned = rules.plan(&messages);
    let mut next = answers(&[NEIGHBOUR, INVALID, NEIGHBOUR, OK]);
    rules.plan_again(&messages, &planned, &mut next);
    assert_eq!(symbols(&next), "+!+.");
}

#[test]
fn a_timestamp_that_is_refused_by_settings_of_now_is_left_out() {
    let messages = [message("a", AHEAD), message("b", Stamp::Now)];
    let planned = rules(Order::Any, &[]).plan(&messages);
    let mut next = answers(&[INVALID, NEIGHBOUR]);
    rules(Order::Any, &[("message.timestamp.after.max.ms", "3600000")]).plan_again(&messages, &planned, &mut next);
    assert_eq!(symbols(&next), "-+");
}

#[test]
fn too_many_together_go_in_smaller_requests_where_the_limit_is_known() {
    let messages = ["a", "b"].map(|key| message(key, Stamp::Now));
    let unknown = rules(Order::Any, &[]);
    let mut next = answers(&[LARGE, LARGE]);
    unknown.plan_again(&messages, &unknown.plan(&messages), &mut next);
    assert_eq!(symbols(&next), "!!");
    let known = rules(Order::Any, &[("max.message.bytes", "300")]);
    let mut next = answers(&[LARGE, LARGE]);
    known.plan_again(&messages, &known.plan(&messages), &mut next);
    assert_eq!(symbols(&next), "++");
}

#[test]
fn of_one_key_what_is_behind_goes_again_too() {
    let messages = ["a", "a", "b", "a", "b", "c", ""].map(|key| message(key, Stamp::Now));
    let rules = rules(Order::ByKey, &[]);
    let mut next = answers(&[OK, NEIGHBOUR, INVALID, OK, OK, OK, NEIGHBOUR]);
    rules.plan_again(&messages, &rules.plan(&messages), &mut next);
    assert_eq!(symbols(&next), ".+!+!.+");
    let compressing = Rules {
        is_compressing: true,
        ..self::rules(Order::ByKey, &[("max.message.bytes", "300")])
    };
    let large = Message {
        value: Some(&[b'x'; 400]),
        ..message("a", Stamp::Now)
    };
    let planned = compressing.plan(&[messages[2], large, messages[3]]);
    assert_eq!(
        symbols(&planned),
        "+!!",
        "what goes alone goes last, and what is behind it after it"
    );
}
