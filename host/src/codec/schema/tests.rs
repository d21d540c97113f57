//! Reads schemas as registries hold them: references of every form, and everything that stricter readers refuse.

use super::*;

fn document(text: &str, references: &[(&str, &Arc<Document>)]) -> Arc<Document> {
    let reference = |(name, document): &(&str, &Arc<Document>)| Reference {
        name: (*name).to_owned(),
        document: Arc::clone(document),
    };
    Arc::new(Document::new(text, references.iter().map(reference).collect()).expect("JSON"))
}

/// Shows the encoding of a schema: the fields of its records, with records in brackets.
fn shown(document: &Document) -> String {
    let schema = Schema::read(document).expect("a schema");
    show(schema.root(), &schema, 0)
}

fn show(shape: &Shape, schema: &Schema, depth: usize) -> String {
    let inner = |shape: &Shape| show(shape, schema, depth + 1);
    let all = |shapes: Vec<&Shape>| shapes.into_iter().map(inner).collect::<Vec<_>>().join(" ");
    match shape {
        Shape::Record(_) if depth > 6 => "…".to_owned(),
        Shape::Record(index) => {
            let record = schema.record(*index).expect("a record");
            let fields = record.fields.iter().map(|field| &field.shape);
            format!("{}({})", record.name, all(fields.collect()))
        }
        Shape::Union(branches) => format!("<{}>", all(branches.iter().collect())),
        Shape::Array(items) => format!("[{}]", inner(items)),
        Shape::Map(values) => format!("{{{}}}", inner(values)),
        leaf => leaf.name().to_owned(),
    }
}

fn record(name: &str, fields: &str) -> String {
    format!(r#"{{"type": "record", "name": "{name}", "namespace": "shop", "fields": [{fields}]}}"#)
}

fn error(text: &str) -> String {
    let document = Document::new(text, Vec::new());
    let error = document
        .and_then(|document| Schema::read(&document))
        .expect_err("an error");
    crate::record::causes::chain(&error)
}

#[test]
fn a_type_is_found_by_its_own_name_wherever_it_is_defined() {
    let money = document(&record("Money", r#"{"name": "amount", "type": "long"}"#), &[]);
    let price = |name: &str| record("Order", &format!(r#"{{"name": "price", "type": "{name}"}}"#));
    for (name, reference) in [
        ("shop.Money", "shop.Money"),
        ("Money", "shop.Money"),
        ("shop.Money", "money.avsc"),
    ] {
        let order = document(&price(name), &[(reference, &money)]);
        assert_eq!(shown(&order), "shop.Order(shop.Money(long))", "{name} as {reference}");
    }
    // One reference is not used. One word in another place only looks like the type.
    let unused = document(
        &record(
            "Order",
            r#"{"name": "Money", "doc": "shop.Money", "default": "shop.Money", "type": "string"}"#,
        ),
        &[("shop.Money", &money)],
    );
    assert_eq!(shown(&unused), "shop.Order(string)");
}

#[test]
fn levels_diamonds_and_versions_are_each_read_with_their_own() {
    let money = document(&record("Money", r#"{"name": "amount", "type": "long"}"#), &[]);
    let newer = document(&record("Money", r#"{"name": "amount", "type": "double"}"#), &[]);
    let address = record(
        "Addr",
        r#"{"name": "fee", "type": "shop.Money"}, {"name": "tax", "type": "Money"}"#,
    );
    let address = document(&address, &[("shop.Money", &money)]);
    let fields = r#"{"name": "addr", "type": "shop.Addr"}, {"name": "price", "type": ["null", "shop.Money"]}"#;
    let two_levels = document(&record("Order", fields), &[("shop.Addr", &address)]);
    let expected = "shop.Order(shop.Addr(shop.Money(long) shop.Money(long)) <null shop.Money(long)>)";
    assert_eq!(shown(&two_levels), expected);
    let diamond = document(
        &record("Order", fields),
        &[("shop.Addr", &address), ("shop.Money", &money)],
    );
    assert_eq!(shown(&diamond), expected);
    let versions = document(
        &record("Order", fields),
        &[("shop.Addr", &address), ("shop.Money", &newer)],
    );
    assert_eq!(
        shown(&versions),
        "shop.Order(shop.Addr(shop.Money(long) shop.Money(long)) <null shop.Money(double)>)"
    );
}

#[test]
fn any_schema_may_be_referred_to() {
    let kinds = document(
        r#"[{"type": "enum", "name": "shop.Kind", "symbols": ["a-b", "c"]}, {"type": "fixed", "name": "shop.Hash", "size": 16},
            {"type": "array", "items": {"type": "record", "name": "shop.Line", "aliases": ["Row"], "fields": []}}]"#,
        &[],
    );
    let uses = r#"{"name": "a", "type": "Kind"}, {"name": "b", "type": {"type": "map", "values": "shop.Hash"}},
        {"name": "c", "type": {"type": "array", "items": "Line"}}, {"name": "d", "type": "Row"}, {"name": "e", "type": "all-kinds"}"#;
    let order = document(&record("Order", uses), &[("all-kinds", &kinds)]);
    assert_eq!(
        shown(&order),
        "shop.Order(enum {fixed} [shop.Line()] shop.Line() <enum fixed [shop.Line()]>)"
    );
    // A union at the top of the value's schema.
    let union = document(r#"["null", "shop.Order"]"#, &[("shop.Order", &order)]);
    assert!(shown(&union).starts_with("<null shop.Order("), "{}", shown(&union));
}

#[test]
fn a_namespace_is_inherited_and_replaced() {
    let text = r#"{"type": "record", "name": "a.b.Outer", "namespace": "ignored", "fields": [
        {"name": "f", "type": {"type": "record", "name": "Inner", "fields": [
            {"name": "g", "type": {"type": "fixed", "name": "F", "size": 1, "namespace": "other"}},
            {"name": "h", "type": {"type": "record", "name": "Bare", "namespace": "", "fields": [{"name": "i", "type": "other.F"}]}}]}},
        {"name": "j", "type": ["Inner", "a.b.Inner", "Bare"]}]}"#;
    assert_eq!(
        shown(&document(text, &[])),
        "a.b.Outer(a.b.Inner(fixed Bare(fixed)) <a.b.Inner(fixed Bare(fixed)) a.b.Inner(fixed Bare(fixed)) Bare(fixed)>)"
    );
}

#[test]
fn a_type_may_contain_itself_and_many_that_name_each_other_stay_few() {
    let list = record("List", r#"{"name": "next", "type": ["null", "List"]}"#);
    assert!(shown(&document(&list, &[])).starts_with("shop.List(<null shop.List(<null"));
    // Each of 200 types names the next one twice. Expanded into one another they would be 2^200.
    let doubled = (0..200).map(|level| {
        let next = if level == 199 {
            "long".to_owned()
        } else {
            format!("shop.D{}", level + 1)
        };
        record(
            &format!("D{level}"),
            &format!(r#"{{"name": "a", "type": "{next}"}}, {{"name": "b", "type": "{next}"}}"#),
        )
    });
    let all = format!("[{}]", doubled.collect::<Vec<_>>().join(", "));
    let schema = Schema::parse(&all).expect("a schema");
    assert_eq!(schema.records.len(), 200);
}

#[test]
fn names_defaults_and_attributes_may_be_anything() {
    let text = r#"{"type": "record", "name": "R-1$", "namespace": "shop-eu.orders-v1", "doc": 5, "aliases": "x", "order": 1, "fields": [
        {"name": "server-name", "type": "string", "default": null, "aliases": ["a", "a", 3]},
        {"name": "l", "type": "long", "default": "0", "order": "sideways", "doc": {}},
        {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["a-b", "1", ""], "default": "no such"}, "default": 7},
        {"name": "n", "type": {"type": {"type": "record", "name": "N", "fields": [{"name": "x", "type": {"type": {"type": "int"}}}]}}},
        {"name": "u", "type": [{"type": "string", "logicalType": "made-up"}, {"type": "bytes", "logicalType": 5}], "default": 1},
        {"name": "same", "type": "int"}, {"name": "same", "type": "string"},
        {"name": "again", "type": "shop-eu.orders-v1.N"}], "namespace-of": []}"#;
    assert_eq!(
        shown(&document(text, &[])),
        "shop-eu.orders-v1.R-1$(string long enum shop-eu.orders-v1.N(int) <string bytes> int string shop-eu.orders-v1.N(int))"
    );
}

#[test]
fn a_logical_type_that_does_not_fit_is_no_logical_type() {
    for (text, expected) in [
        (r#"{"type": "bytes", "logicalType": "decimal"}"#, "bytes"),
        (
            r#"{"type": "bytes", "logicalType": "decimal", "precision": 0}"#,
            "bytes",
        ),
        (
            r#"{"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 3}"#,
            "bytes",
        ),
        (
            r#"{"type": "bytes", "logicalType": "decimal", "precision": "9"}"#,
            "bytes",
        ),
        (
            r#"{"type": "bytes", "logicalType": "decimal", "precision": 9}"#,
            "decimal",
        ),
        (
            r#"{"type": "string", "logicalType": "decimal", "precision": 9}"#,
            "string",
        ),
        (r#"{"type": "long", "logicalType": "date"}"#, "long"),
        (r#"{"type": "int", "logicalType": "timestamp-millis"}"#, "int"),
        (
            r#"{"type": "fixed", "name": "F", "size": 15, "logicalType": "uuid"}"#,
            "fixed",
        ),
        (
            r#"{"type": "fixed", "name": "F", "size": 16, "logicalType": "uuid"}"#,
            "uuid",
        ),
        (
            r#"{"type": "fixed", "name": "F", "size": 11, "logicalType": "duration"}"#,
            "fixed",
        ),
        (
            r#"{"type": {"type": "long"}, "logicalType": "timestamp-micros"}"#,
            "timestamp",
        ),
    ] {
        assert_eq!(shown(&document(text, &[])), expected, "{text}");
    }
}

#[test]
fn what_is_missing_is_named_with_its_place() {
    assert_eq!(
        error(&record("Order", r#"{"name": "price", "type": "shop.Money"}"#)),
        "field price of shop.Order: there is no type shop.Money, neither in it nor in the schemas that it refers to (0)"
    );
    assert!(
        error("{").starts_with("its text is not JSON: EOF while parsing"),
        "{}",
        error("{")
    );
    assert_eq!(error(r#"{"fields": []}"#), r#"{"fields":[]} is not a type"#);
    assert_eq!(error(r#"{"type": "array"}"#), "an array lacks its items");
    assert_eq!(
        error(r#"{"type": "fixed", "name": "F", "size": -1}"#),
        "a fixed lacks its size"
    );
    assert_eq!(
        error(&record("Order", r#"{"name": "price"}"#)),
        "field price of shop.Order: a field lacks its type"
    );
}
