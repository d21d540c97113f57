//! Makes up schemas and data for them: every type of Avro, named types that are referred to again, and now and then a
//! value that is not of its type.

use proptest::prelude::*;

/// A type. Names are given when the schema is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A type without a name of its own: its schema and its encoding.
    Plain(&'static str, Bytes),
    Fixed(usize),
    DecimalFixed(usize),
    UuidFixed,
    Duration,
    Enum(usize),
    Array(Box<Kind>),
    Map(Box<Kind>),
    Union(Vec<Kind>),
    Record(Vec<Kind>),
    /// A fixed that appears twice, the second time by its name.
    Twice(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bytes {
    None,
    Boolean,
    Int,
    Long,
    Raw(usize),
    Counted,
    Text,
    Uuid,
    UuidCounted,
    BigDecimal,
}

const PLAIN: [(&str, Bytes); 24] = [
    (r#""null""#, Bytes::None),
    (r#""boolean""#, Bytes::Boolean),
    (r#""int""#, Bytes::Int),
    (r#""long""#, Bytes::Long),
    (r#""float""#, Bytes::Raw(4)),
    (r#""double""#, Bytes::Raw(8)),
    (r#""bytes""#, Bytes::Counted),
    (r#""string""#, Bytes::Text),
    (r#""string""#, Bytes::Text),
    (r#"{"type": "string", "logicalType": "uuid"}"#, Bytes::Uuid),
    (r#"{"type": "bytes", "logicalType": "uuid"}"#, Bytes::UuidCounted),
    (r#"{"type": "bytes", "logicalType": "big-decimal"}"#, Bytes::BigDecimal),
    (
        r#"{"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}"#,
        Bytes::Counted,
    ),
    (
        r#"{"type": "bytes", "logicalType": "decimal", "precision": 9}"#,
        Bytes::Counted,
    ),
    (r#"{"type": "int", "logicalType": "date"}"#, Bytes::Int),
    (r#"{"type": "int", "logicalType": "time-millis"}"#, Bytes::Int),
    (r#"{"type": "long", "logicalType": "time-micros"}"#, Bytes::Long),
    (r#"{"type": "long", "logicalType": "timestamp-millis"}"#, Bytes::Long),
    (r#"{"type": "long", "logicalType": "timestamp-micros"}"#, Bytes::Long),
    (r#"{"type": "long", "logicalType": "timestamp-nanos"}"#, Bytes::Long),
    (
        r#"{"type": "long", "logicalType": "local-timestamp-millis"}"#,
        Bytes::Long,
    ),
    (
        r#"{"type": "long", "logicalType": "local-timestamp-micros"}"#,
        Bytes::Long,
    ),
    (
        r#"{"type": "long", "logicalType": "local-timestamp-nanos"}"#,
        Bytes::Long,
    ),
    (r#"{"type": "string", "logicalType": "unheard-of"}"#, Bytes::Text),
];

pub fn kind() -> impl Strategy<Value = Kind> {
    let leaf = prop_oneof![
        10 => prop::sample::select(PLAIN.as_slice()).prop_map(|(schema, bytes)| Kind::Plain(schema, bytes)),
        1 => (0..20_usize).prop_map(Kind::Fixed),
        1 => (1..5_usize).prop_map(Kind::DecimalFixed),
        1 => Just(Kind::UuidFixed),
        1 => Just(Kind::Duration),
        1 => (1..4_usize).prop_map(Kind::Enum),
        1 => (1..4_usize).prop_map(Kind::Twice),
    ];
    let nested = leaf.prop_recursive(3, 12, 4, |inner| {
        let branches = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            inner.clone().prop_map(|items| Kind::Array(Box::new(items))),
            inner.clone().prop_map(|values| Kind::Map(Box::new(values))),
            branches.clone().prop_map(union),
            prop::collection::vec(inner, 0..4).prop_map(Kind::Record),
        ]
    });
    let string = Kind::Plain(r#""string""#, Bytes::Text);
    let null = Kind::Plain(r#""null""#, Bytes::None);
    prop_oneof![
        6 => nested.clone(),
        3 => (nested, any::<bool>()).prop_map({
            let null = null.clone();
            move |(kind, is_first)| union(if is_first { vec![null.clone(), kind] } else { vec![kind, null.clone()] })
        }),
        1 => Just(string.clone()),
        1 => Just(Kind::Union(vec![null.clone(), string.clone()])),
        1 => Just(Kind::Union(vec![string, null])),
    ]
}

/// Makes a union without unions in it and without a type twice.
fn union(branches: Vec<Kind>) -> Kind {
    let mut kept: Vec<Kind> = Vec::new();
    for branch in branches {
        let flat = match branch {
            Kind::Union(inner) => inner,
            other => vec![other],
        };
        for kind in flat {
            if kept.iter().all(|known| known.type_name() != kind.type_name()) {
                kept.push(kind);
            }
        }
    }
    Kind::Union(kept)
}

impl Kind {
    /// The name that tells the branches of a union apart.
    fn type_name(&self) -> &str {
        match self {
            Self::Plain(schema, _) => schema
                .split('"')
                .find(|word| ["null", "boolean", "int", "long", "float", "double", "bytes", "string"].contains(word))
                .unwrap_or(schema),
            Self::Fixed(_) | Self::DecimalFixed(_) | Self::UuidFixed | Self::Duration => "fixed",
            Self::Enum(_) => "enum",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Union(_) => "union",
            Self::Record(_) | Self::Twice(_) => "record",
        }
    }

    pub fn schema(&self) -> String {
        self.named(&mut 0)
    }

    fn named(&self, names: &mut usize) -> String {
        *names += 1;
        let name = *names;
        let mut all = |kinds: &[Self], of: &dyn Fn(usize, String) -> String| {
            let all: Vec<_> = kinds
                .iter()
                .enumerate()
                .map(|(index, kind)| of(index, kind.named(names)))
                .collect();
            all.join(", ")
        };
        let fixed =
            |size: &usize, more: &str| format!(r#"{{"type": "fixed", "name": "n{name}", "size": {size}{more}}}"#);
        match self {
            Self::Plain(schema, _) => (*schema).to_owned(),
            Self::Fixed(size) => fixed(size, ""),
            Self::DecimalFixed(size) => fixed(size, r#", "logicalType": "decimal", "precision": 2, "scale": 1"#),
            Self::UuidFixed => fixed(&16, r#", "logicalType": "uuid""#),
            Self::Duration => fixed(&12, r#", "logicalType": "duration""#),
            Self::Enum(symbols) => {
                let symbols: Vec<_> = (0..*symbols).map(|symbol| format!("\"S{symbol}\"")).collect();
                format!(
                    r#"{{"type": "enum", "name": "n{name}", "symbols": [{}]}}"#,
                    symbols.join(", ")
                )
            }
            Self::Array(items) => format!(r#"{{"type": "array", "items": {}}}"#, items.named(names)),
            Self::Map(values) => format!(r#"{{"type": "map", "values": {}}}"#, values.named(names)),
            Self::Union(branches) => format!("[{}]", all(branches, &|_, schema| schema)),
            Self::Record(fields) => {
                let field = |index: usize, schema: String| format!(r#"{{"name": "f{index}", "type": {schema}}}"#);
                let fields = all(fields, &field);
                format!(r#"{{"type": "record", "name": "n{name}", "namespace": "space{name}", "fields": [{fields}]}}"#)
            }
            Self::Twice(size) => format!(
                r#"{{"type": "record", "name": "n{name}", "fields": [{{"name": "a", "type": {{"type": "fixed", "name": "f{name}", "size": {size}}}}}, {{"name": "b", "type": "f{name}"}}]}}"#
            ),
        }
    }

    pub fn datum(&self, entropy: &mut Entropy<'_>) -> Vec<u8> {
        let mut datum = Vec::new();
        self.write(entropy, &mut datum);
        datum
    }

    fn write(&self, entropy: &mut Entropy<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Plain(_, bytes) => bytes.write(entropy, out),
            Self::Fixed(size) | Self::DecimalFixed(size) => out.extend(entropy.bytes(*size)),
            Self::UuidFixed => out.extend(entropy.bytes(16)),
            Self::Duration => out.extend(entropy.bytes(12)),
            Self::Enum(symbols) => {
                let symbol = entropy.below(*symbols);
                count(symbol, out);
            }
            Self::Array(items) => blocks(entropy, out, |entropy, out| items.write(entropy, out)),
            Self::Map(values) => blocks(entropy, out, |entropy, out| {
                Bytes::Text.write(entropy, out);
                values.write(entropy, out);
            }),
            Self::Union(branches) => {
                let branch = entropy.below(branches.len());
                count(branch, out);
                branches[branch].write(entropy, out);
            }
            Self::Record(fields) => fields.iter().for_each(|field| field.write(entropy, out)),
            Self::Twice(size) => out.extend(entropy.bytes(2 * size)),
        }
    }
}

impl Bytes {
    fn write(self, entropy: &mut Entropy<'_>, out: &mut Vec<u8>) {
        match self {
            Self::None => {}
            Self::Boolean => out.push(entropy.next() & 1),
            Self::Int => long(i64::from(i32::try_from(entropy.long()).unwrap_or(i32::MIN)), out),
            Self::Long => long(entropy.long(), out),
            Self::Raw(size) => out.extend(entropy.bytes(size)),
            Self::Counted => {
                let length = entropy.below(12);
                counted(&entropy.bytes(length), out);
            }
            Self::Text => counted(&entropy.text(), out),
            Self::Uuid => {
                let digits: String = entropy.bytes(16).iter().map(|byte| format!("{byte:02x}")).collect();
                let text = if entropy.is_rarely() {
                    format!("{{{digits}}}")
                } else {
                    digits
                };
                counted(text.as_bytes(), out);
            }
            Self::UuidCounted => {
                let length = if entropy.is_rarely() { 15 } else { 16 };
                counted(&entropy.bytes(length), out);
            }
            Self::BigDecimal => {
                let mut inner = Vec::new();
                counted(&entropy.bytes(3), &mut inner);
                long(i64::from(entropy.next() % 10), &mut inner);
                counted(&inner, out);
            }
        }
    }
}

/// Writes up to three items in up to two blocks. Some blocks tell their size.
fn blocks(entropy: &mut Entropy<'_>, out: &mut Vec<u8>, mut item: impl FnMut(&mut Entropy<'_>, &mut Vec<u8>)) {
    for _ in 0..entropy.below(3) {
        let items = 1 + i64::from(entropy.next() % 3);
        if entropy.is_rarely() {
            long(-items, out);
            long(99, out);
        } else {
            long(items, out);
        }
        for _ in 0..items {
            item(entropy, out);
        }
    }
    long(0, out);
}

fn counted(bytes: &[u8], out: &mut Vec<u8>) {
    count(bytes.len(), out);
    out.extend(bytes);
}

fn count(value: usize, out: &mut Vec<u8>) {
    long(i64::try_from(value).expect("a small one"), out);
}

/// A zigzag varint.
fn long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while rest >= 0x80 {
        out.push((rest & 0x7F) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(u8::try_from(rest).expect("seven bits"));
}

/// Makes choices from bytes that proptest can shrink. At their end the bytes begin again.
pub struct Entropy<'a>(std::iter::Cycle<std::slice::Iter<'a, u8>>);

impl<'a> Entropy<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter().cycle())
    }

    fn next(&mut self) -> u8 {
        self.0.next().copied().unwrap_or_default()
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.next()) % bound.max(1)
    }

    fn is_rarely(&mut self) -> bool {
        self.next() > 230
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next()).collect()
    }

    /// A small number or any number.
    fn long(&mut self) -> i64 {
        let small = self.next();
        let bytes = [0; 8].map(|_: u8| self.next());
        if small < 180 {
            i64::from(small) - 60
        } else {
            i64::from_le_bytes(bytes) >> self.below(64)
        }
    }

    /// Text that some input could take, other text, long text, or bytes that are not text.
    fn text(&mut self) -> Vec<u8> {
        let texts: [&[u8]; 10] = [
            b"",
            b"true",
            b"42",
            b"-1.5",
            b"2017-10-02 10:56:33",
            b"2017-10-02",
            b"0x00ff",
            b"e481f51cbdc54d678af739f0b4ad5b81",
            "größer 😀".as_bytes(),
            b"\xff\xfe",
        ];
        match self.below(16) {
            15 => b"long ".repeat(30),
            place => texts
                .get(place)
                .map_or_else(|| b"delivered".to_vec(), |text| text.to_vec()),
        }
    }
}
