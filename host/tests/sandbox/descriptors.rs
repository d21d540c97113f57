//! What a plugin says of itself, and what of it is refused.

use host::plugin::inspect;
use host::plugin::limits::Limits;
use host::record::columns::DataType;
use host::record::descriptor::{Effect, Origin, Target};
use sha2::{Digest as _, Sha256};

use crate::built::{chain, configured, misbehaving};

#[test]
fn inspecting_tells_what_a_plugin_is() {
    let bytes = misbehaving();
    let inspection = inspect(bytes, &[], Limits::default()).expect("a plugin");
    let descriptor = inspection.descriptor;
    assert_eq!((&*descriptor.name, &*descriptor.version), ("misbehaving", "0.1.0"));
    let inputs: Vec<_> = descriptor
        .inputs
        .iter()
        .map(|input| (&*input.field.name, input.field.data_type, input.field.nullable))
        .collect();
    assert_eq!(
        inputs,
        [("behaviour", DataType::Text, false), ("number", DataType::Int64, true)]
    );
    assert_eq!(descriptor.inputs[1].origin, Origin::Value("number".to_owned()));
    let output = &descriptor.outputs[0];
    assert_eq!(output.target, Target::Table("misbehaving".to_owned()));
    assert_eq!(output.effect, Effect::Upsert);
    assert_eq!(output.fields.len(), 3);
    assert_eq!(inspection.size_bytes, bytes.len());
    assert_eq!(inspection.digest.0, <[u8; 32]>::from(Sha256::digest(bytes)));
    assert!(
        inspection
            .imports
            .iter()
            .all(|import| import.starts_with("host:transform/")),
        "{:?}",
        inspection.imports
    );
    assert!(inspection.imports.contains(&"host:transform/log@0.1.0".to_owned()));
}

#[test]
fn what_does_not_hold_is_refused_with_the_reason() {
    let own = |why: &str| format!("its description of itself is wrong: {why}");
    for (configure, expected) in [
        ("no-name", own("its name is empty")),
        ("no-version", own("its version is empty")),
        ("long-name", own("its name is longer than 200 bytes")),
        ("no-outputs", own("it has no output")),
        ("no-fields", own("output rows has no fields")),
        ("no-table", own("the table or topic of an output is empty")),
        ("input-twice", own("inputs: behaviour comes twice")),
        ("output-twice", own("outputs: rows comes twice")),
        (
            "column-twice",
            own("output rows, whose columns CQL folds to lower case: behaviour comes twice"),
        ),
        (
            "many-fields",
            own("output rows, whose columns CQL folds to lower case: more than 1000 fields"),
        ),
        (
            "offset-as-text",
            own("input behaviour is text, but the offset is int64"),
        ),
        (
            "lookups",
            "it declares lookups (customers), which this version of the host does not read".to_owned(),
        ),
        (
            "nonsense",
            "it refuses its settings: configure=nonsense is not known".to_owned(),
        ),
    ] {
        let Err(error) = configured(configure, Limits::default()) else {
            panic!("configure={configure} was accepted")
        };
        assert_eq!(chain(&error), expected, "configure={configure}");
    }
}
