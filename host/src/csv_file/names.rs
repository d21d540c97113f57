//! Finds the names in a file, and those among them that may stand for a missing one: a name in other letters or with
//! blanks, or a misspelt word.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use serde_json::value::RawValue;
use strsim::normalized_damerau_levenshtein;

use super::{CsvReader, InputError, NdjsonReader};

/// A name at least this similar to another is taken for a misspelling of it; 1 means equal.
const NEAR: f64 = 0.6;

/// Names of one file that are kept, at most. Objects that use values as names could have any number.
const MAX_NAMES: usize = 10_000;

/// Missing names that are listed. Further ones are only counted.
const SAID: usize = 10;

/// The names in the header of a CSV file.
///
/// # Errors
/// If the file cannot be read.
pub fn of_csv(path: &Path) -> Result<Vec<String>, InputError> {
    Ok(CsvReader::open(path)?.header().to_vec())
}

/// The names of all members of the objects in a file of JSON lines. A line that is not an object has none.
///
/// # Errors
/// If the file cannot be read.
pub fn of_ndjson(path: &Path) -> Result<Vec<String>, InputError> {
    let mut names = BTreeSet::new();
    for line in NdjsonReader::open(path)? {
        let line = match line {
            Ok((_, line)) => line,
            Err(InputError::BadRow { .. }) => continue,
            Err(error) => return Err(error),
        };
        let object: HashMap<String, &RawValue> = serde_json::from_str(&line).unwrap_or_default();
        names.extend(object.into_keys());
        if names.len() > MAX_NAMES {
            break;
        }
    }
    Ok(names.into_iter().collect())
}

/// Lists the wanted names that the file lacks, each with the name that may be meant instead:
/// `order_id (the file has "Order ID"), price`. `None` if the file has all of them.
pub fn missing<'a>(wanted: impl IntoIterator<Item = &'a str>, names: &[String]) -> Option<String> {
    let wanted: Vec<_> = wanted.into_iter().collect();
    let is_there = |name: &str| names.iter().any(|known| known == name);
    // A name that is wanted itself cannot stand for another one.
    let free = || names.iter().map(String::as_str).filter(|name| !wanted.contains(name));
    let missing: Vec<_> = wanted.iter().filter(|name| !is_there(name)).collect();
    let mut said: Vec<_> = missing
        .iter()
        .take(SAID)
        .map(|name| match nearest(name, free()) {
            Some(near) => format!("{name} (the file has {near:?})"),
            None => (**name).to_owned(),
        })
        .collect();
    if missing.len() > SAID {
        said.push(format!("{} more", missing.len() - SAID));
    }
    (!said.is_empty()).then(|| said.join(", "))
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = letters(name);
    known
        .map(|candidate| (normalized_damerau_levenshtein(&wanted, &letters(candidate)), candidate))
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

/// The name in lower case, without blanks, signs and byte order marks.
fn letters(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing_of(wanted: &[&str], names: &[&str]) -> Option<String> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        missing(wanted.iter().copied(), &names)
    }

    #[test]
    fn a_missing_name_is_said_with_the_one_that_is_meant() {
        let said = |wanted: &[&str], names: &[&str]| missing_of(wanted, names).unwrap_or_default();
        assert_eq!(
            said(&["order_id"], &["Order ID"]),
            "order_id (the file has \"Order ID\")"
        );
        assert_eq!(said(&["id"], &["\u{feff}id"]), "id (the file has \"\\u{feff}id\")");
        assert_eq!(said(&["price"], &["prize", "pri"]), "price (the file has \"prize\")");
        assert_eq!(said(&["price", "total"], &["amount"]), "price, total");
        // A name that is wanted itself is not meant for another one.
        assert_eq!(said(&["price_a", "price_b"], &["price_a"]), "price_b");
        assert_eq!(missing_of(&["a", "b"], &["b", "c", "a"]), None);
        let many: Vec<_> = (10..25).map(|number| number.to_string()).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert!(said(&many, &[]).ends_with("18, 19, 5 more"));
    }

    #[test]
    fn names_are_those_of_the_header_or_of_all_objects() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "b;a\n1;2\n").unwrap();
        assert_eq!(of_csv(&file).unwrap(), ["b", "a"]);
        std::fs::write(&file, "{\"b\":{\"x\":1}}\n[1]\nno\n\n{\"a\":null,\"b\":2}\n").unwrap();
        assert_eq!(of_ndjson(&file).unwrap(), ["a", "b"]);
    }
}
