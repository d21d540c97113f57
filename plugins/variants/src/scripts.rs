//! Gives the rows that a record's script asks for, in its order: `put V W`, `part V`, `delete`, `other V`, `say V` and
//! `hush`, separated by `;`. `_` is a null, and `bad` in place of W is a number that no column takes. This uses the
//! SDK, as an author's plugin does.

use transform_sdk::bindings::exports::host::transform::transformer::{Batch, Descriptor, Outcome, Target};
use transform_sdk::{Input, Row, plugin};

#[derive(Input)]
struct Record<'a> {
    id: &'a str,
    script: &'a str,
}

#[derive(Row)]
#[row(table = "scripts")]
struct Put<'a> {
    id: &'a str,
    v: Option<&'a str>,
    w: Option<i64>,
}

/// Another output for the same table, which the name finds because CQL folds the case of names.
#[derive(Row)]
#[row(table = "Scripts")]
struct Part<'a> {
    id: &'a str,
    #[row(column = "V")]
    v: Option<&'a str>,
}

#[derive(Row)]
#[row(table = "scripts", effect = "delete")]
struct Delete<'a> {
    id: &'a str,
}

#[derive(Row)]
#[row(table = "others")]
struct Other<'a> {
    id: &'a str,
    v: Option<&'a str>,
}

#[derive(Row)]
#[row(topic = "scripts")]
struct Say<'a> {
    id: &'a str,
    v: Option<&'a str>,
}

#[derive(Row)]
#[row(topic = "scripts", effect = "delete")]
struct Hush<'a> {
    id: &'a str,
}

#[derive(Row)]
enum Out<'a> {
    Hush(Hush<'a>),
    Delete(Delete<'a>),
    Part(Part<'a>),
    Put(Put<'a>),
    Other(Other<'a>),
    Say(Say<'a>),
}

pub fn describe(name: String, settings: &[(String, String)]) -> Descriptor {
    let plugin::Interface { inputs, mut outputs } = plugin::interface(rows);
    let topic = settings.iter().find(|(key, _)| key == "topic");
    for (number, output) in outputs.iter_mut().enumerate() {
        if let Target::Topic(_) = output.target {
            output.name = format!("said-{number}");
            output.target = match topic {
                Some((_, topic)) => Target::Topic(topic.clone()),
                // Without a topic these outputs get no rows.
                None => Target::Table("scripts".to_owned()),
            };
        }
    }
    Descriptor {
        name: "scripts".to_owned(),
        version: name,
        inputs,
        lookups: Vec::new(),
        outputs,
    }
}

pub fn transform(input: &Batch) -> Outcome {
    plugin::run(input, rows)
}

#[expect(clippy::needless_pass_by_value, reason = "the SDK hands a record over by value")]
fn rows(record: Record<'_>) -> Vec<Out<'_>> {
    let Record { id, script } = record;
    let steps = script.split(';').map(str::trim).filter(|step| !step.is_empty());
    steps
        .map(|step| {
            let words: Vec<_> = step.split(' ').collect();
            let text = |at: usize| words.get(at).copied().filter(|word| *word != "_");
            let v = text(1);
            match words[0] {
                "put" => Out::Put(Put {
                    id,
                    v,
                    w: text(2).map(number),
                }),
                "part" => Out::Part(Part { id, v }),
                "delete" => Out::Delete(Delete { id }),
                "other" => Out::Other(Other { id, v }),
                "say" => Out::Say(Say { id, v }),
                "hush" => Out::Hush(Hush { id }),
                other => panic!("`{other}` is not a step of a script"),
            }
        })
        .collect()
}

/// The number that the word stands for. `bad` becomes one that an `int` column does not take.
fn number(word: &str) -> i64 {
    word.parse().unwrap_or(1 << 40)
}
