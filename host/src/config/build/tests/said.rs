//! Tests files that exist but cannot be read, and addresses as users paste them.

use std::path::PathBuf;

use super::*;

/// Writes bytes instead of a text.
fn bytes(place: Place, name: &str, bytes: &[u8]) -> Place {
    std::fs::write(path(&place, name), bytes).unwrap();
    place
}

fn path(place: &Place, name: &str) -> PathBuf {
    place.directory.path().join(name)
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(bytes).collect()
}

#[test]
fn both_files_are_read_in_utf_8_and_utf_16_with_a_byte_order_mark() {
    let encodings: [fn(&str) -> Vec<u8>; 4] = [
        |text| text.as_bytes().to_vec(),
        |text| format!("\u{feff}{text}").into_bytes(),
        |text| utf16(text, u16::to_le_bytes),
        |text| utf16(text, u16::to_be_bytes),
    ];
    for encode in encodings {
        let place = bytes(Place::new(), ".env", &encode("# é\r\nHOST_TOPIC=from-env\r\n"));
        let settings = bytes(place, "host.toml", &encode("[source]\r\ngroup = 'é'\r\n")).settings();
        assert_eq!((&*settings.topic, &*settings.source.group), ("from-env", "é"));
    }
    // These are the line ends of an old Mac.
    let place = bytes(Place::new(), ".env", b"HOST_TOPIC=a\rHOST_GROUP=b\r").settings();
    assert_eq!((&*place.topic, &*place.source.group), ("a", "b"));
}

#[test]
fn a_file_that_is_there_and_cannot_be_read_is_refused_with_its_name() {
    for name in [".env", "host.toml"] {
        let latin = bytes(Place::new(), name, b"a='1'\n# caf\xe9\n");
        assert_eq!(
            latin.problems(),
            format!("{name}: line 2 is not UTF-8; save the file as UTF-8")
        );
        let unmarked: Vec<u8> = "HOST_TOPIC=x\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let found = bytes(Place::new(), name, &unmarked).problems();
        assert!(
            found.starts_with(&format!("{name}: line 1 has a NUL character")),
            "{found}"
        );
        let directory = Place::new();
        std::fs::create_dir(path(&directory, name)).unwrap();
        let found = directory.problems();
        assert!(found.starts_with(&format!("{name}: is a directory")), "{found}");
        let link = Place::new();
        std::os::unix::fs::symlink("nowhere", path(&link, name)).unwrap();
        let found = link.problems();
        assert!(
            found.starts_with(&format!("{name}: is a link to a file that does not exist")),
            "{found}"
        );
    }
}

#[test]
fn a_variable_of_ours_that_is_not_utf_8_is_refused_and_others_are_not_ours() {
    let place = Place::new().file(".env", "HOST_TOPIC=hidden");
    let surroundings = Surroundings {
        directory: place.directory.path().to_owned(),
        not_text: vec!["HOST_TOPIC".into(), "LESS_TERMCAP".into()],
        ..Surroundings::default()
    };
    let problems = load(&Flags::default(), &surroundings, &KINDS).unwrap_err();
    assert_eq!(problems.to_string(), "HOST_TOPIC: the value is not UTF-8");
}

#[test]
fn lines_of_dot_env_are_read_as_other_tools_do_and_a_bad_one_is_named() {
    let text = "\n# a comment, it's one\nexport HOST_TOPIC=a # b\nHOST_GROUP='b # c'\nHOST_GROUP_INSTANCE=\"d\"  ";
    let settings = Place::new().file(".env", text).settings();
    assert_eq!(
        (
            &*settings.topic,
            &*settings.source.group,
            settings.source.group_instance
        ),
        ("a", "b # c", Some("d".into()))
    );
    for (text, line) in [
        ("A=b'\nB=1\nno value\n", 1),
        ("A=1\n\n# x\nno value\nB=2", 4),
        ("A=1\nA=2 3\n", 2),
        ("A='1\n2'\nB=3 4\n", 3),
        ("A=1\nB='2\n3' 4\nC=5", 2),
        ("A=1\nB=\"open\nC=2\nD=3\n\n", 2),
    ] {
        let found = Place::new().file(".env", text).problems();
        assert!(
            found.contains(&format!(".env:{line}: not of the form")),
            "{text:?}: {found}"
        );
    }
}

#[test]
fn a_protocol_before_the_brokers_is_the_one_that_is_spoken() {
    let login = |place: Place| {
        place
            .env("KAFKA_SASL_USERNAME", "key")
            .env("KAFKA_SASL_PASSWORD", "hunter2")
    };
    let spoken = |settings: &Settings<TestSource, TestStore>| {
        let protocol = settings.kafka.properties.get("security.protocol");
        (
            settings.kafka.brokers.clone(),
            protocol.map(|secret| secret.reveal().to_owned()),
        )
    };
    let said = |list: &str, protocol: &str| (list.to_owned(), Some(protocol.to_owned()));
    let confluent = "SASL_SSL://pkc-1.confluent.cloud:9092";
    let place = login(Place::new().env("KAFKA_BOOTSTRAP_SERVERS", confluent));
    assert_eq!(
        spoken(&place.settings()),
        said("pkc-1.confluent.cloud:9092", "SASL_SSL")
    );
    let place = login(Place::new().flag(
        "source.from",
        "--from",
        "kafka://SASL_PLAINTEXT://a,SASL_PLAINTEXT://b:1/t",
    ));
    assert_eq!(spoken(&place.settings()), said("a:9092,b:1", "SASL_PLAINTEXT"));
    assert_eq!(place.settings().topic, "t");
    let place = Place::new()
        .env("KAFKA_BOOTSTRAP_SERVERS", "SSL://a:1")
        .file("host.toml", "[source.kafka]\n'security.protocol' = 'ssl'");
    assert_eq!(spoken(&place.settings()), said("a:1", "SSL"));
    // Only the protocol of the winning brokers counts.
    let place =
        Place::new()
            .env("KAFKA_BOOTSTRAP_SERVERS", "SASL_SSL://a:1")
            .flag("source.from", "--from", "kafka://b/t");
    assert_eq!(spoken(&place.settings()), ("b:9092".to_owned(), None));
    let place = Place::new().flag("plugin.file", "--plugin", "kafka://SSL://p:1/plugins/clean");
    let PluginFrom::Published { fleet, .. } = place.settings().plugin.from else {
        panic!("it is published")
    };
    assert_eq!(fleet.kafka.brokers, "p:1");
    assert_eq!(fleet.kafka.properties["security.protocol"].reveal(), "SSL");
}

#[test]
fn a_protocol_that_contradicts_what_is_set_is_refused() {
    let brokers = |text: &str| Place::new().env("KAFKA_BOOTSTRAP_SERVERS", text);
    let found = brokers("SSL://a")
        .file("host.toml", "[source.kafka]\n'security.protocol' = 'SASL_SSL'")
        .problems();
    assert_eq!(
        found,
        "KAFKA_BOOTSTRAP_SERVERS: SSL:// stands before the brokers, and source.kafka.security.protocol is SASL_SSL; \
         leave one of them out"
    );
    let found = brokers("PLAINTEXT://a")
        .env("KAFKA_SASL_USERNAME", "key")
        .env("KAFKA_SASL_PASSWORD", "hunter2")
        .problems();
    assert!(
        found.starts_with("KAFKA_BOOTSTRAP_SERVERS: PLAINTEXT:// has no login"),
        "{found}"
    );
    let found = brokers("SASL_SSL://a").problems();
    assert!(
        found.starts_with("KAFKA_BOOTSTRAP_SERVERS: SASL_SSL:// needs a login"),
        "{found}"
    );
    brokers("SASL_SSL://a")
        .file("host.toml", "[source.kafka]\n'sasl.mechanism' = 'OAUTHBEARER'")
        .settings();
}
