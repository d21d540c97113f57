//! `host plugin inspect`: shows how a component describes itself, without running a record through it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::app::failure::Failure;
use crate::app::say::grouped;
use crate::plugin::limits::Limits;
use crate::plugin::{self, Inspection};
use crate::record::descriptor::{Effect, Field, Origin, Target};

/// The options of `host plugin inspect`.
#[derive(Debug, Clone)]
pub struct Options {
    pub file: PathBuf,
    /// Given to the plugin's `configure`. Its inputs and outputs may depend on them.
    pub settings: Vec<(String, String)>,
}

/// Loads the component as `host run` does, and prints its description.
pub fn run(options: &Options, out: &mut impl Write) -> Result<(), Failure> {
    let file = options.file.display();
    let bytes = fs::read(&options.file)
        .with_context(|| format!("cannot read the plugin {file}; `host plugin build DIR` makes one"))
        .map_err(Failure::Usage)?;
    let inspection = plugin::inspect(&bytes, &options.settings, Limits::default())
        .with_context(|| format!("plugin {file}"))
        .map_err(Failure::Usage)?;
    print(&inspection, &options.file, out)
        .context("cannot print what the plugin is")
        .map_err(Failure::Failed)
}

/// Prints one fact a line, with the inputs and the columns of outputs indented.
pub(super) fn print(inspection: &Inspection, file: &Path, out: &mut impl Write) -> io::Result<()> {
    let descriptor = &inspection.descriptor;
    writeln!(out, "plugin   {} {}", descriptor.name, descriptor.version)?;
    writeln!(out, "file     {}", file.display())?;
    writeln!(out, "digest   {}", inspection.digest)?;
    writeln!(out, "size     {} bytes", grouped(inspection.size_bytes as u64))?;
    writeln!(out, "imports  {}", listed(&inspection.imports))?;
    writeln!(out, "inputs")?;
    let width = widest(descriptor.inputs.iter().map(|input| &input.field));
    for input in &descriptor.inputs {
        let origin = match &input.origin {
            Origin::Value(name) if *name == input.field.name => String::new(),
            origin => format!("from {origin}"),
        };
        print_field(&input.field, width, &origin, out)?;
    }
    for output in &descriptor.outputs {
        let effect = match (output.effect, &output.target) {
            (Effect::Upsert, Target::Table(_)) => "upsert into",
            (Effect::Delete, Target::Table(_)) => "delete from",
            (Effect::Upsert, Target::Topic(_)) => "JSON to",
            (Effect::Delete, Target::Topic(_)) => "tombstones to",
        };
        writeln!(out, "output   {}: {effect} {}", output.name, output.target)?;
        let width = widest(&output.fields);
        for field in &output.fields {
            print_field(field, width, "", out)?;
        }
    }
    out.flush()
}

fn print_field(field: &Field, width: usize, note: &str, out: &mut impl Write) -> io::Result<()> {
    let data_type = field.data_type.name();
    let nullable = if field.nullable { "nullable" } else { "required" };
    let line = format!("  {:width$}  {data_type:9}  {nullable}  {note}", field.name);
    writeln!(out, "{}", line.trim_end())
}

fn widest<'a>(fields: impl IntoIterator<Item = &'a Field>) -> usize {
    fields
        .into_iter()
        .map(|field| field.name.chars().count())
        .max()
        .unwrap_or(0)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::columns::DataType;
    use crate::record::descriptor::{Descriptor, Digest, Input, Output};

    fn field(name: &str, data_type: DataType, nullable: bool) -> Field {
        Field {
            name: name.to_owned(),
            data_type,
            nullable,
        }
    }

    #[test]
    fn everything_an_operator_asks_is_printed() {
        let inputs = vec![
            Input {
                field: field("sensor", DataType::Text, false),
                origin: Origin::Value("sensor".to_owned()),
            },
            Input {
                field: field("at", DataType::Timestamp, true),
                origin: Origin::RecordTimestamp,
            },
        ];
        let output = |name: &str, target, effect| Output {
            name: name.to_owned(),
            target,
            effect,
            fields: vec![field("Sensor", DataType::Text, false)],
        };
        let inspection = Inspection {
            descriptor: Descriptor {
                name: "readings".to_owned(),
                version: "1.2.3".to_owned(),
                inputs,
                lookups: Vec::new(),
                outputs: vec![
                    output("hot", Target::Table("hot".to_owned()), Effect::Upsert),
                    output("cold", Target::Table("hot".to_owned()), Effect::Delete),
                    output("alarm", Target::Topic("alarms".to_owned()), Effect::Upsert),
                    output("calm", Target::Topic("alarms".to_owned()), Effect::Delete),
                ],
            },
            digest: Digest([0xab; 32]),
            size_bytes: 31_415,
            imports: vec!["host:transform/log@0.1.0".to_owned()],
        };
        let mut out = Vec::new();
        print(&inspection, Path::new("dir/readings.wasm"), &mut out).unwrap();
        let expected = format!(
            "plugin   readings 1.2.3\n\
             file     dir/readings.wasm\n\
             digest   sha256:{}\n\
             size     31,415 bytes\n\
             imports  host:transform/log@0.1.0\n\
             inputs\n\
             \x20 sensor  text       required\n\
             \x20 at      timestamp  nullable  from record timestamp\n\
             output   hot: upsert into table hot\n\
             \x20 Sensor  text       required\n\
             output   cold: delete from table hot\n\
             \x20 Sensor  text       required\n\
             output   alarm: JSON to topic alarms\n\
             \x20 Sensor  text       required\n\
             output   calm: tombstones to topic alarms\n\
             \x20 Sensor  text       required\n",
            "ab".repeat(32)
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn what_is_no_plugin_is_wrong_usage_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.wasm");
        let options = Options {
            file: file.clone(),
            settings: Vec::new(),
        };
        let missing = run(&options, &mut Vec::new()).unwrap_err();
        assert!(matches!(missing, Failure::Usage(_)), "{missing}");
        assert!(missing.to_string().contains("notes.wasm"), "{missing}");
        fs::write(&file, "just some text").unwrap();
        let text = run(&options, &mut Vec::new()).unwrap_err();
        assert!(matches!(text, Failure::Usage(_)), "{text}");
        assert!(text.to_string().contains("notes.wasm"), "{text}");
    }
}
