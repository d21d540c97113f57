//! The dashboard asks for nothing that is not there.

use std::collections::BTreeSet;

use host::pipeline::watch::metrics::METRICS;
use serde_json::Value;

const DASHBOARD: &str = include_str!("../../deploy/grafana.json");

/// Every text under one of these keys.
fn texts<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(entries) => {
            for (name, inner) in entries {
                match inner.as_str() {
                    Some(text) if name == key => found.push(text),
                    _ => texts(inner, key, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, key, found)),
        _ => {}
    }
}

/// Words of an expression that look like ours.
fn names(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("host_"))
}

#[test]
fn every_metric_that_the_dashboard_names_is_there_and_every_metric_is_shown() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let mut expressions = Vec::new();
    texts(&dashboard, "expr", &mut expressions);
    texts(&dashboard, "query", &mut expressions);
    assert!(expressions.len() > 15, "{expressions:?}");
    let known: BTreeSet<String> = METRICS
        .iter()
        .flat_map(|metric| {
            let name = metric.full_name();
            match metric.kind() {
                "histogram" => ["_bucket", "_sum", "_count"]
                    .map(|part| format!("{name}{part}"))
                    .to_vec(),
                _ => vec![name],
            }
        })
        .collect();
    let named: BTreeSet<String> = expressions
        .iter()
        .flat_map(|text| names(text))
        .map(str::to_owned)
        .collect();
    let strangers: Vec<_> = named.difference(&known).collect();
    assert_eq!(strangers, Vec::<&String>::new(), "named and not there");
    for metric in &METRICS {
        let is_shown = named.iter().any(|name| name.starts_with(&metric.full_name()));
        assert!(is_shown, "{} is nowhere in the dashboard", metric.full_name());
    }
}

#[test]
fn labels_that_the_dashboard_names_are_there() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let mut expressions = Vec::new();
    texts(&dashboard, "expr", &mut expressions);
    // Those of Prometheus and of a histogram.
    let always = ["le", "job", "instance", "quantile"];
    let known: BTreeSet<&str> = METRICS
        .iter()
        .flat_map(|metric| metric.labels)
        .copied()
        .chain(always)
        .collect();
    for expression in expressions {
        for by in expression.split("by (").skip(1) {
            let labels = by.split(')').next().unwrap_or_default();
            for label in labels.split(',').map(str::trim) {
                assert!(known.contains(label), "{label} in {expression}");
            }
        }
    }
}
