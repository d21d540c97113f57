//! A whole plugin, driven with batches as the host drives it, on the author's own machine.

use std::borrow::Cow;

use transform_sdk::abi::{Batch, Column, DataType, Effect, Field, Origin, Target, Values, Variable};
use transform_sdk::{Input, Json, Plugin, Reject, Row, Settings, Timestamp, plugin, transform};

#[derive(Input)]
struct Reading<'a> {
    sensor: &'a str,
    #[input(name = "Value")]
    value: Option<f64>,
    #[input(header = "trace")]
    trace: Option<&'a [u8]>,
    #[input(record_timestamp)]
    at: Timestamp,
    #[input(whole_value)]
    whole: Json<'a>,
}

#[derive(Row)]
#[row(table = "readings")]
struct Stored<'a> {
    sensor: &'a str,
    at: Timestamp,
    #[row(column = "Value")]
    value: Option<f64>,
    trace: Option<&'a [u8]>,
}

#[derive(Row)]
#[row(topic = "alarms")]
struct Alarm<'a> {
    text: String,
    whole: Json<'a>,
}

#[derive(Row)]
#[row(table = "readings", effect = "delete")]
struct Forgotten<'a> {
    sensor: Cow<'a, str>,
}

#[derive(Row)]
enum Out<'a> {
    Stored(Stored<'a>),
    Alarm(Alarm<'a>),
    Forgotten(Forgotten<'a>),
}

#[derive(Settings)]
struct Bounds {
    #[setting(default = "100")]
    highest: f64,
    ignore_sensor: Option<String>,
}

#[transform]
fn watch<'a>(reading: Reading<'a>, bounds: &Bounds) -> Result<Vec<Out<'a>>, Reject> {
    let Reading {
        sensor,
        value,
        trace,
        at,
        whole,
    } = reading;
    if bounds.ignore_sensor.as_deref() == Some(sensor) {
        return Ok(Vec::new());
    }
    match value {
        None => Ok(vec![Out::Forgotten(Forgotten { sensor: sensor.into() })]),
        Some(v) if v.is_nan() => Err(Reject::new("not-a-number", format!("sensor {sensor}"))),
        Some(v) => {
            let stored = Out::Stored(Stored {
                sensor,
                at,
                value,
                trace,
            });
            let alarm = (v > bounds.highest).then(|| {
                Out::Alarm(Alarm {
                    text: format!("{sensor}: {v}"),
                    whole,
                })
            });
            Ok([stored].into_iter().chain(alarm).collect())
        }
    }
}

/// The names that the generated code could have chosen for itself belong to the author.
#[expect(clippy::struct_field_names, reason = "the names are what is tested")]
mod names {
    use transform_sdk::{Input, Row, Settings, transform};

    #[derive(Input)]
    pub struct Views<'batch> {
        views: &'batch str,
        row: i32,
        batch: i32,
    }

    #[derive(Row)]
    #[row(table = "names")]
    pub struct Builders<'a> {
        builders: &'a str,
        rows: i32,
        source: i32,
        first: i32,
    }

    #[derive(Settings)]
    pub struct Reading {
        #[setting(default = "1")]
        pub reading: i32,
        #[setting(default = "2")]
        pub list: i32,
    }

    #[transform]
    pub fn check<'a>(row: Views<'a>, settings: &Reading) -> Builders<'a> {
        let Views { views, row, batch } = row;
        Builders {
            builders: views,
            rows: row,
            source: batch,
            first: settings.reading + settings.list,
        }
    }
}

mod plain {
    use transform_sdk::{Input, Row, transform};

    #[derive(Input)]
    pub struct Number {
        n: i32,
        flag: bool,
    }

    #[derive(Row)]
    #[row(table = "numbers")]
    pub struct Doubled {
        n: i64,
        flag: Option<bool>,
    }

    #[transform]
    pub fn double(number: Number) -> Option<Doubled> {
        let Number { n, flag } = number;
        let n = i64::from(n) * 2;
        (n != 0).then_some(Doubled { n, flag: Some(flag) })
    }
}

/// Rows as a record asks for them: `p` puts, `d` deletes, `e` puts by another output.
mod asked {
    use transform_sdk::{Input, Row, transform};

    #[derive(Input)]
    pub struct Asked<'a> {
        rows: &'a str,
    }

    #[derive(Row)]
    #[row(table = "states")]
    pub struct Put {
        place: i32,
    }

    #[derive(Row)]
    #[row(table = "states", effect = "delete")]
    pub struct Del {
        place: i32,
    }

    /// The same table by another output.
    #[derive(Row)]
    #[row(table = "states")]
    pub struct Else {
        place: i32,
    }

    #[derive(Row)]
    pub enum State {
        Put(Put),
        Del(Del),
    }

    #[derive(Row)]
    pub enum Out {
        State(State),
        Else(Else),
    }

    #[transform]
    pub fn ask(asked: Asked<'_>) -> Vec<Out> {
        let Asked { rows } = asked;
        let row = |(place, what)| match what {
            'p' => Out::State(State::Put(Put { place })),
            'd' => Out::State(State::Del(Del { place })),
            _ => Out::Else(Else { place }),
        };
        (0..).zip(rows.chars()).map(row).collect()
    }
}

/// Amounts, which travel as texts.
mod amounts {
    use transform_sdk::{Decimal, Input, Row, transform};

    #[derive(Input)]
    pub struct Sold {
        price: Decimal,
        discount: Option<Decimal>,
    }

    #[derive(Row)]
    #[row(table = "paid")]
    pub struct Paid {
        paid: Decimal,
        discount: Option<Decimal>,
    }

    #[transform]
    pub fn pay(sold: Sold) -> Option<Paid> {
        let Sold { price, discount } = sold;
        let paid = price.checked_sub(discount.unwrap_or_default())?;
        Some(Paid { paid, discount })
    }
}

fn text(values: &[&str]) -> Variable {
    let mut offsets = vec![0];
    let mut data = Vec::new();
    for value in values {
        data.extend_from_slice(value.as_bytes());
        offsets.push(i32::try_from(data.len()).expect("short texts"));
    }
    Variable { offsets, data }
}

fn column(values: Values) -> Column {
    Column { validity: None, values }
}

fn readings() -> Batch {
    let columns = vec![
        column(Values::Text(text(&["a", "b", "ü", "c"]))),
        Column {
            validity: Some(vec![0b1101]),
            values: Values::Float64(vec![1.0, 0.0, 500.0, f64::NAN]),
        },
        Column {
            validity: Some(vec![0b0001]),
            values: Values::Blob(text(&["t", "", "", ""])),
        },
        column(Values::Timestamp(vec![10, 20, 30, 40])),
        column(Values::Json(text(&["{}", "1", "[2]", "null"]))),
    ];
    Batch { rows: 4, columns }
}

fn settings(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn describes_itself_by_its_types() {
    let (_, descriptor) = plugin::configure::<watch>(&[]).unwrap();
    assert_eq!(
        (descriptor.name.as_str(), descriptor.version.as_str()),
        ("transform-sdk", env!("CARGO_PKG_VERSION"))
    );
    let inputs: Vec<_> = descriptor
        .inputs
        .iter()
        .map(|i| (i.field.name.as_str(), i.field.data_type, i.field.nullable))
        .collect();
    let expected = [
        ("sensor", DataType::Text, false),
        ("Value", DataType::Float64, true),
        ("trace", DataType::Blob, true),
        ("at", DataType::Timestamp, false),
        ("whole", DataType::Json, false),
    ];
    assert_eq!(inputs, expected);
    assert!(matches!(&descriptor.inputs[1].origin, Origin::Value(name) if name == "Value"));
    assert!(matches!(&descriptor.inputs[2].origin, Origin::Header(name) if name == "trace"));
    assert!(matches!(descriptor.inputs[3].origin, Origin::RecordTimestamp));
    assert!(matches!(descriptor.inputs[4].origin, Origin::WholeValue));

    let names: Vec<_> = descriptor.outputs.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(names, ["readings", "alarms", "readings-delete"]);
    assert!(matches!(&descriptor.outputs[1].target, Target::Topic(name) if name == "alarms"));
    assert_eq!(descriptor.outputs[2].effect, Effect::Delete);
    assert_eq!(descriptor.outputs[0].fields[2].name, "Value");
}

#[test]
fn every_row_is_accounted_for_in_the_output_it_belongs_to() {
    let (settings, _) = plugin::configure::<watch>(&settings(&[("ignore-sensor", "a")])).unwrap();
    let outcome = watch::transform(&settings, &readings());
    assert_eq!(outcome.filtered, [0]);
    let rejects: Vec<_> = outcome
        .rejects
        .iter()
        .map(|r| (r.row, r.code.as_str(), r.message.as_str()))
        .collect();
    assert_eq!(rejects, [(3, "not-a-number", "sensor c")]);
    let rows: Vec<_> = outcome
        .rows
        .iter()
        .map(|rows| (rows.output, rows.source.as_slice()))
        .collect();
    assert_eq!(rows, [(0, [2].as_slice()), (1, &[2]), (2, &[1])]);
    let Values::Json(whole) = &outcome.rows[1].columns[1].values else {
        panic!()
    };
    assert_eq!(whole.data, b"[2]");
    let Values::Text(sensor) = &outcome.rows[0].columns[0].values else {
        panic!()
    };
    assert_eq!(sensor.data, "ü".as_bytes());
    assert_eq!(outcome.rows[0].columns[3].validity, Some(vec![0]), "no trace in row 2");
}

/// Output, records and places of each entry.
fn asked(rows: &[&str]) -> Vec<(u32, Vec<u32>, Vec<i32>)> {
    let batch = Batch {
        rows: u32::try_from(rows.len()).expect("few rows"),
        columns: vec![column(Values::Text(text(rows)))],
    };
    let outcome = asked::ask::transform(&(), &batch);
    let places = |column: &Column| match &column.values {
        Values::Int32(places) => places.clone(),
        other => panic!("{other:?}"),
    };
    let entries = outcome.rows.into_iter();
    entries
        .map(|rows| (rows.output, rows.source, places(&rows.columns[0])))
        .collect()
}

#[test]
fn outputs_of_one_table_are_told_apart_by_their_names() {
    let ((), descriptor) = plugin::configure::<asked::ask>(&[]).unwrap();
    let names: Vec<_> = descriptor.outputs.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(names, ["states", "states-delete", "states-2"]);
}

#[test]
fn the_rows_of_a_record_come_in_the_order_in_which_it_gave_them() {
    let (put, delete, other) = (0, 1, 2);
    assert_eq!(
        asked(&["pp", "e"]),
        [(put, vec![0, 0], vec![0, 1]), (other, vec![1], vec![0])]
    );
    assert_eq!(
        asked(&["pd", "dp", "p", "epdpe"]),
        [
            (put, vec![0, 2], vec![0, 0]),
            (delete, vec![0, 1], vec![1, 0]),
            (other, vec![3], vec![0]),
            (put, vec![1, 3], vec![1, 1]),
            (delete, vec![3], vec![2]),
            (put, vec![3], vec![3]),
            (other, vec![3], vec![4]),
        ]
    );
    for record in ["pdpdpd", "ddppee", "eeddpp", "dpdepedpp"] {
        let mut given: Vec<_> = asked(&["dep", record, "pde"])
            .into_iter()
            .flat_map(|(output, source, places)| {
                source
                    .into_iter()
                    .zip(places)
                    .map(move |(source, place)| (source, output, place))
            })
            .filter(|(source, ..)| *source == 1)
            .map(|(_, output, place)| (place, output))
            .collect();
        let in_order = given.clone();
        given.sort_unstable();
        let outputs = record.chars().map(|what| "pde".find(what).unwrap());
        let expected: Vec<_> = (0..)
            .zip(outputs.map(|output| u32::try_from(output).unwrap()))
            .collect();
        assert_eq!((&given, &in_order), (&expected, &expected), "{record}");
    }
}

#[test]
fn bad_settings_are_all_named_with_what_is_known() {
    let list = settings(&[
        ("highest", "many"),
        ("higest", "1"),
        ("ignore-sensor", "x"),
        ("ignore-sensor", "y"),
    ]);
    let message = plugin::configure::<watch>(&list).err().unwrap();
    assert_eq!(
        message,
        "unknown setting `higest`; known: highest, ignore-sensor; setting `ignore-sensor` is given twice; \
         setting `highest` = `many`: invalid float literal"
    );
}

#[test]
fn a_plugin_without_settings_refuses_all() {
    let message = plugin::configure::<plain::double>(&settings(&[("a", "b")]))
        .err()
        .unwrap();
    assert_eq!(message, "unknown setting `a`; this plugin takes no settings");
}

#[test]
fn names_of_generated_code_are_free_for_the_author() {
    let (settings, descriptor) = plugin::configure::<names::check>(&settings(&[("list", "5")])).unwrap();
    assert_eq!(descriptor.outputs[0].fields[0].name, "builders");
    let columns = vec![
        column(Values::Text(text(&["x"]))),
        column(Values::Int32(vec![7])),
        column(Values::Int32(vec![8])),
    ];
    let outcome = names::check::transform(&settings, &Batch { rows: 1, columns });
    let numbers = outcome.rows[0].columns[1..].iter().map(|column| match &column.values {
        Values::Int32(numbers) => numbers[0],
        other => panic!("{other:?}"),
    });
    assert_eq!(numbers.collect::<Vec<_>>(), [7, 8, 6]);
}

#[test]
fn a_decimal_travels_as_text_and_anything_else_there_rejects_the_record() {
    let ((), descriptor) = plugin::configure::<amounts::pay>(&[]).unwrap();
    let types = |fields: &[Field]| -> Vec<_> { fields.iter().map(|f| (f.data_type, f.nullable)).collect() };
    let inputs: Vec<_> = descriptor.inputs.iter().map(|input| input.field.clone()).collect();
    let expected = [(DataType::Text, false), (DataType::Text, true)];
    assert_eq!(
        (types(&inputs), types(&descriptor.outputs[0].fields)),
        (expected.to_vec(), expected.to_vec())
    );

    let columns = vec![
        column(Values::Text(text(&["19.99", "-5", "free", "1e2"]))),
        Column {
            validity: Some(vec![0b1011]),
            values: Values::Text(text(&["0.5", "-5.00", "", "none"])),
        },
    ];
    let outcome = amounts::pay::transform(&(), &Batch { rows: 4, columns });
    let rejects: Vec<_> = outcome
        .rejects
        .iter()
        .map(|r| (r.row, r.code.as_str(), r.message.as_str()))
        .collect();
    let expected = [
        (
            2,
            "bad-decimal",
            "price: `free` is not a decimal of at most 38 digits like -12.340",
        ),
        (
            3,
            "bad-decimal",
            "discount: `none` is not a decimal of at most 38 digits like -12.340",
        ),
    ];
    assert_eq!(rejects, expected);
    assert_eq!(outcome.rows[0].source, [0, 1]);
    let Values::Text(paid) = &outcome.rows[0].columns[0].values else {
        panic!()
    };
    assert_eq!(
        (paid.data.as_slice(), paid.offsets.as_slice()),
        (&b"19.490.00"[..], &[0, 5, 9][..])
    );
}

#[test]
fn none_filters() {
    let columns = vec![
        column(Values::Int32(vec![0, i32::MAX])),
        column(Values::Boolean(vec![0b10])),
    ];
    let outcome = plain::double::transform(&(), &Batch { rows: 2, columns });
    assert_eq!(
        (outcome.filtered.as_slice(), outcome.rows[0].source.as_slice()),
        ([0].as_slice(), [1].as_slice())
    );
    let Values::Int64(n) = &outcome.rows[0].columns[0].values else {
        panic!()
    };
    assert_eq!(n, &[4_294_967_294]);
    let Values::Boolean(flag) = &outcome.rows[0].columns[1].values else {
        panic!()
    };
    assert_eq!(flag, &[1]);
}

#[test]
#[should_panic(expected = "the host gave input n as something else than DataType::Int32")]
fn a_column_of_another_type_is_a_fault_of_the_host() {
    let columns = vec![column(Values::Int64(vec![1])), column(Values::Boolean(vec![1]))];
    plain::double::transform(&(), &Batch { rows: 1, columns });
}
