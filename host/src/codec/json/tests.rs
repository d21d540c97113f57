//! The shortcuts must read the same as the library.

use proptest::prelude::*;

use super::*;

/// The inside of a string: plain text, escapes, and now and then something that breaks it.
fn inside() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        20 => "[a-z é😀/]{0,20}",
        2 => r#"\\["\\/bfnrt]"#,
        2 => r"\\u00[0-9a-fA-F]{2}",
        2 => r"\\u[dD][89ab][0-9a-f]{2}\\u[dD][c-f][0-9a-f]{2}",
        1 => r"\\u[dD][89a-fA-F][0-9a-f]{2}|\\u[0-9a-g]{0,3}|\\x",
        1 => "[\\x00-\\x20\\x7f]",
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

/// A single value, and now and then something that only looks like one.
fn leaf() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => inside().prop_map(|inside| format!("\"{inside}\"")),
        4 => "-?(0|[1-9][0-9]{0,2})([.][0-9]{1,2})?(e[0-9]{1,3})?",
        4 => "true|false|null",
        1 => "nul|[+]1|01|-|1[.]|",
    ]
}

/// A JSON value, mostly a leaf, as in most records.
fn json() -> impl Strategy<Value = String> {
    let nested = leaf().prop_recursive(4, 20, 4, |inner| {
        let member = (inside(), inner.clone()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(member, 0..4).prop_map(|members| format!("{{ {} }}", members.join(" , "))),
        ]
    });
    prop_oneof![3 => leaf(), 1 => nested]
}

/// Reads the value with the library alone: each value as it is written, strings parsed, kept JSON parsed to a tree.
fn by_the_library(value: &str, name: &str, wanted: DataType) -> Result<Option<RecordValue<'static>>, String> {
    let members: Vec<(String, Box<RawValue>)> = all_members(value)?;
    let Some((_, raw)) = members.iter().rev().find(|(member, _)| member == name) else {
        return Ok(None);
    };
    let broken = |error: serde_json::Error| error.to_string();
    let text = raw.get();
    Ok(Some(match text.as_bytes()[0] {
        b'n' => RecordValue::Null,
        _ if wanted == DataType::Json => {
            serde_json::from_str::<serde_json::Value>(text).map_err(broken)?;
            RecordValue::Json(text.to_owned().into())
        }
        b't' => RecordValue::Boolean(true),
        b'f' => RecordValue::Boolean(false),
        b'{' => RecordValue::Structure("an object"),
        b'[' => RecordValue::Structure("an array"),
        b'"' => RecordValue::Text(serde_json::from_str::<String>(text).map_err(broken)?.into()),
        _ => RecordValue::Number(text.to_owned().into()),
    }))
}

fn all_members(value: &str) -> Result<Vec<(String, Box<RawValue>)>, String> {
    struct All;
    impl<'de> Visitor<'de> for All {
        type Value = Vec<(String, Box<RawValue>)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(value);
    let members = deserializer.deserialize_map(All).map_err(|error| error.to_string())?;
    deserializer.end().map_err(|error| error.to_string())?;
    Ok(members)
}

fn input(name: &str, data_type: DataType) -> Input {
    let field = crate::record::descriptor::Field {
        name: name.to_owned(),
        data_type,
        nullable: true,
    };
    Input {
        field,
        origin: Origin::Value(name.to_owned()),
    }
}

#[test]
fn what_serde_json_refuses_is_not_read_straight() {
    let long = "x".repeat(20);
    let names = ["a".to_owned()];
    let read = |text: &str| direct::read(text, &names, &mut [None]).is_some();
    assert!(read(&format!("{{\"a\":\"{long}é\u{7f}{long}\"}}")));
    for place in 0..long.len() {
        for bad in ["\u{0}", "\u{1f}", "\t", "\n", "\\x", "\""] {
            let (before, after) = long.split_at(place);
            let text = format!("{{\"a\":\"{before}{bad}{after}\"}}");
            assert!(!read(&text), "{text:?}");
        }
    }
    for bad in [
        "",
        "{",
        "{}}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 1}",
        "[]",
        "{\"a\":1}x",
        "{\"a\":01}",
        "\u{feff}{}",
        "{\u{a0}}",
    ] {
        assert!(!read(bad), "{bad:?}");
    }
}

/// A member with such a name has escapes in it. Unescaped, the name would end early or break the object.
#[test]
fn an_input_whose_name_needs_escapes_makes_no_object_valid() {
    for (name, invalid, valid) in [
        ("a\"b", r#"{"a"b":1}"#, r#"{"a\"b":1}"#),
        ("a\\", r#"{"a\":"x"}"#, r#"{"a\\":1}"#),
        ("a\tb", "{\"a\tb\":1}", r#"{"a\tb":1}"#),
    ] {
        let plan = Plan::new(&[input(name, DataType::Text)]);
        let mut members = Members::default();
        assert!(plan.read(invalid.as_bytes(), &mut members).is_err(), "{invalid}");
        plan.read(valid.as_bytes(), &mut members).expect(valid);
        let member = plan.member(&members, 0).expect(valid);
        let number = found(member, DataType::Text, &mut Spare::default()).expect(valid);
        assert_eq!(number, RecordValue::Number("1".into()), "{valid}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_object_is_read_as_the_library_reads_it(
        members in prop::collection::vec(("[abc]|\\\\u006[1-3]|d", json()), 0..6),
        tail in prop_oneof![9 => "[ \t\r\n]{0,2}", 1 => "[,x}]"],
        flip in prop::option::weighted(0.2, (any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        let mut value = format!(" {{ {}}}{tail}", members.join(" ,")).into_bytes();
        if let Some((place, byte)) = flip {
            let place = place.index(value.len());
            value[place] = byte;
        }
        let Ok(value) = String::from_utf8(value) else {
            return Ok(());
        };
        let inputs = [input("b", DataType::Text), input("a", DataType::Json), input("a", DataType::Text), input("c", DataType::Text)];
        let plan = Plan::new(&inputs);
        let mut kept = Members::default();
        let read = plan.read(value.as_bytes(), &mut kept);
        for (index, input) in inputs.iter().enumerate() {
            let wanted = input.field.data_type;
            let ours = read.clone().and_then(|()| {
                plan.member(&kept, index).map(|member| found(member, wanted, &mut Spare::default())).transpose()
            });
            match (ours, by_the_library(&value, &input.field.name, wanted)) {
                (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs, "{}", value),
                (Err(ours), Err(theirs)) => prop_assert!(ours.message.ends_with(&theirs), "{} | {} | {}", value, ours, theirs),
                (ours, theirs) => prop_assert!(false, "{}: {:?}, {:?}", value, ours, theirs),
            }
        }
    }
}
