//! Which settings fit, which are worth a note, which do not fit.

use super::*;

fn topic(role: Role, replicas: usize, settings: &[(&str, &str)]) -> Topic {
    let owned = settings
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Topic {
        name: format!("{role:?}").to_lowercase(),
        role,
        replicas: Some(replicas),
        answer: SettingsAnswer::Settings(owned.collect()),
    }
}

fn records() -> Topic {
    let settings = [
        (MESSAGE_BYTES, "10485760"),
        (RETENTION, "604800000"),
        (MIN_IN_SYNC, "2"),
    ];
    topic(Role::Records, 3, &settings)
}

/// `!` and `-` before the setting that each flaw's line gives.
fn found(of: &Topic) -> Vec<String> {
    let found = flaws("b:9092", &[records(), of.clone()], of);
    let texts = found.into_iter().map(|flaw| {
        let (mark, text) = match flaw {
            Flaw::Note(text) => ('-', text),
            Flaw::Mismatch(text) => ('!', text),
        };
        assert!(
            text.contains(&format!("--bootstrap-server b:9092 --alter --topic {} ", of.name)),
            "{text}"
        );
        let setting = text.rsplit("--add-config ").next().unwrap_or_default();
        format!("{mark}{setting}")
    });
    texts.collect()
}

const GOOD_LETTERS: [(&str, &str); 4] = [
    (MESSAGE_BYTES, "10502144"),
    (CLEANUP, "delete"),
    (RETENTION, "-1"),
    (MIN_IN_SYNC, "2"),
];

/// The good settings with one other.
fn letters(key: &str, value: &str) -> Vec<String> {
    let settings = GOOD_LETTERS.into_iter().chain([(key, value)]);
    found(&topic(Role::DeadLetters, 3, &settings.collect::<Vec<_>>()))
}

#[test]
fn a_topic_that_setup_makes_fits() {
    assert_eq!(found(&topic(Role::DeadLetters, 3, &GOOD_LETTERS)), [""; 0]);
    assert_eq!(found(&records()), [""; 0]);
    let SettingsAnswer::Settings(records) = records().answer else {
        unreachable!()
    };
    assert_eq!(letter_bytes(Some(&records)).to_string(), GOOD_LETTERS[0].1);
    assert_eq!(letter_bytes(None), 1_048_588 + 16_384);
}

#[test]
fn letters_that_cannot_be_kept_do_not_fit() {
    assert_eq!(letters(MESSAGE_BYTES, "1048588"), ["!max.message.bytes=10502144"]);
    assert_eq!(
        letters(MESSAGE_BYTES, "10485760"),
        ["-max.message.bytes=10502144"],
        "but for their headers"
    );
    assert_eq!(letters(CLEANUP, "compact"), ["!cleanup.policy=delete"]);
    assert_eq!(letters(CLEANUP, "compact,delete"), ["!cleanup.policy=delete"]);
    assert_eq!(letters(RETENTION, "604800000"), ["-retention.ms=-1"]);
    assert_eq!(letters("retention.bytes", "1000"), ["-retention.bytes=-1"]);
}

#[test]
fn what_is_acknowledged_is_on_two_brokers_and_one_may_be_away() {
    assert_eq!(letters(MIN_IN_SYNC, "4"), ["!min.insync.replicas=2"]);
    assert_eq!(letters(MIN_IN_SYNC, "3"), ["-min.insync.replicas=2"]);
    assert_eq!(letters(MIN_IN_SYNC, "1"), ["-min.insync.replicas=2"]);
    let alone = |wanted| found(&topic(Role::Rows, 1, &[(MIN_IN_SYNC, wanted)]));
    assert_eq!(alone("1"), [""; 0], "one broker has no second one");
    assert_eq!(alone("2"), ["!min.insync.replicas=1"]);
    assert_eq!(
        found(&topic(Role::Records, 1, &[(MIN_IN_SYNC, "2")])),
        ["-min.insync.replicas=1"]
    );
}

#[test]
fn rows_are_told_where_they_come_out_otherwise() {
    let rows = |key, value| {
        let settings = [(MESSAGE_BYTES, "10485760"), (RETENTION, "604800000"), (key, value)];
        found(&topic(Role::Rows, 1, &settings))
    };
    assert_eq!(rows(AFTER_MAX, "3600000"), [""; 0]);
    assert_eq!(rows(MESSAGE_BYTES, "1048588"), ["-max.message.bytes=10485760"]);
    assert_eq!(rows(CLEANUP, "compact"), ["-cleanup.policy=delete"]);
    assert_eq!(rows(RETENTION, "3600000"), ["-retention.ms=604800000"]);
    assert_eq!(rows(AFTER_MAX, "1000"), ["-message.timestamp.after.max.ms=3600000"]);
    assert_eq!(
        rows(BEFORE_MAX, "1000"),
        [format!("-message.timestamp.before.max.ms={}", i64::MAX)]
    );
    assert_eq!(
        rows(TIMESTAMP_TYPE, "LogAppendTime"),
        ["-message.timestamp.type=CreateTime"]
    );
}

#[test]
fn settings_that_may_not_be_read_are_said_and_not_compared() {
    let forbidden = Topic {
        answer: SettingsAnswer::Forbidden,
        ..records()
    };
    let said = flaws("b:9092", &[], &forbidden);
    assert!(
        matches!(&said[..], [Flaw::Note(text)] if text.contains("DescribeConfigs")),
        "{said:?}"
    );
}
