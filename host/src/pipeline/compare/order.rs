//! Finds records whose rows for one table or topic come in another order over several outputs. The last row of a key
//! stands, so the order is part of what a plugin does. Within one output it shows in the rows themselves.

use std::collections::{BTreeMap, HashMap};

use super::Answer;
use super::pairing::PairedOutput;
use super::report::Tally;
use crate::record::Record;

/// The index of a paired output in one of the two plugins.
type Index = fn(&PairedOutput) -> Option<usize>;

const OLD: Index = |output| output.old.as_ref().map(|output| output.index);
const NEW: Index = |output| output.new.as_ref().map(|output| output.index);

/// Notes the records for which both plugins make as many rows for each output, but in another order.
pub fn note(outputs: &[PairedOutput], records: &[Record], old: &Answer, new: &Answer, found: &mut Tally<String>) {
    let places = places(outputs);
    let mut of_place: HashMap<usize, u32> = HashMap::new();
    for place in places.values() {
        *of_place.entry(*place).or_default() += 1;
    }
    // Nearly always no two outputs go to one place.
    if of_place.values().all(|outputs| *outputs < 2) {
        return;
    }
    let (old, new) = (
        sequences(&places, outputs, old, OLD),
        sequences(&places, outputs, new, NEW),
    );
    let mut last = None;
    for (of, was) in &old {
        let Some(is) = new.get(of) else { continue };
        let sorted = |sequence: &Vec<usize>| {
            let mut sorted = sequence.clone();
            sorted.sort_unstable();
            sorted
        };
        let record = of.0;
        if was != is && sorted(was) == sorted(is) && last != Some(record) {
            last = Some(record);
            found.note(|| records[record].position.to_string());
        }
    }
}

/// For each output that both plugins have, by its index: the first one that goes to the same place.
fn places(outputs: &[PairedOutput]) -> HashMap<usize, usize> {
    let mut firsts: HashMap<String, usize> = HashMap::new();
    let mut places = HashMap::new();
    for (index, output) in outputs.iter().enumerate() {
        if let (Some(_), Some(new)) = (&output.old, &output.new) {
            let target = new.it.target.to_string();
            // CQL folds the case of names.
            let target = match new.it.target.table() {
                Some(_) => target.to_ascii_lowercase(),
                None => target,
            };
            places.insert(index, *firsts.entry(target).or_insert(index));
        }
    }
    places
}

/// The outputs of the rows by record and place, in the plugin's order. A rejected record has no rows.
fn sequences(
    places: &HashMap<usize, usize>,
    outputs: &[PairedOutput],
    answer: &Answer,
    index: Index,
) -> BTreeMap<(usize, usize), Vec<usize>> {
    let paired: HashMap<usize, usize> = outputs
        .iter()
        .enumerate()
        .filter_map(|(paired, output)| Some((index(output)?, paired)))
        .collect();
    let mut sequences: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for made in &answer.made {
        let Some(paired) = paired.get(&made.output) else {
            continue;
        };
        let Some(place) = places.get(paired) else { continue };
        let records = made.source.iter().map(|&record| record as usize);
        for record in records.filter(|record| !answer.rejects.contains_key(record)) {
            sequences.entry((record, *place)).or_default().push(*paired);
        }
    }
    sequences
}
