//! Which outputs and columns of two plugins belong together.

use super::align::RowAt;
use super::report::{ColumnReport, Declared, OutputReport, Tally};
use crate::record::descriptor::{Effect, Field, Output, Target};

/// How many columns name a row where it is shown: enough to find it, few enough for a line.
const NAME_COLUMNS: usize = 2;

/// An output of the old plugin, of the new one, or of both.
#[derive(Debug)]
pub struct PairedOutput {
    pub old: Option<Placed<Output>>,
    pub new: Option<Placed<Output>>,
    /// The new plugin's columns in its order, then those that only the old one has.
    pub columns: Vec<PairedColumn>,
    /// Columns of the old plugin that tell one row from another.
    pub name_columns: Vec<PlacedField>,
}

/// Something, and its index in the descriptor.
#[derive(Debug, Clone)]
pub struct Placed<T> {
    pub index: usize,
    pub it: T,
}

/// A field and its place among the columns.
#[derive(Debug, Clone)]
pub struct PlacedField {
    pub place: usize,
    pub field: Field,
}

/// A column of the old plugin, of the new one, or of both.
#[derive(Debug)]
pub struct PairedColumn {
    pub old: Option<PlacedField>,
    pub new: Option<PlacedField>,
}

/// Pairs outputs that go to the same place with the same effect. If there are several, those with the same name are
/// paired, and the rest in their order.
pub fn pair(old: &[Output], new: &[Output]) -> Vec<PairedOutput> {
    let placed = |outputs: &[Output]| -> Vec<Placed<Output>> {
        let outputs = outputs.iter().cloned().enumerate();
        outputs.map(|(index, it)| Placed { index, it }).collect()
    };
    let mut left = placed(old);
    let mut paired: Vec<(Option<Placed<Output>>, Placed<Output>)> =
        placed(new).into_iter().map(|new| (None, new)).collect();
    for is_named in [true, false] {
        for (old, new) in paired.iter_mut().filter(|(old, _)| old.is_none()) {
            let fits =
                |old: &Placed<Output>| is_same_place(&old.it, &new.it) && (!is_named || old.it.name == new.it.name);
            *old = left.iter().position(fits).map(|place| left.remove(place));
        }
    }
    let both = paired.into_iter().map(|(old, new)| PairedOutput::new(old, Some(new)));
    both.chain(left.into_iter().map(|old| PairedOutput::new(Some(old), None)))
        .collect()
}

fn is_same_place(old: &Output, new: &Output) -> bool {
    let is_same_target = match (&old.target, &new.target) {
        // CQL folds the case of names.
        (Target::Table(old), Target::Table(new)) => old.eq_ignore_ascii_case(new),
        (old, new) => old == new,
    };
    is_same_target && old.effect == new.effect
}

impl PairedOutput {
    fn new(old: Option<Placed<Output>>, new: Option<Placed<Output>>) -> Self {
        let fields = |output: &Option<Placed<Output>>| -> Vec<PlacedField> {
            let fields = output.iter().flat_map(|output| output.it.fields.iter().cloned());
            fields
                .enumerate()
                .map(|(place, field)| PlacedField { place, field })
                .collect()
        };
        let is_table = [&old, &new]
            .into_iter()
            .flatten()
            .any(|output| matches!(output.it.target, Target::Table(_)));
        let is_same_name = |one: &str, other: &str| {
            if is_table {
                one.eq_ignore_ascii_case(other)
            } else {
                one == other
            }
        };
        let mut left = fields(&old);
        let both = fields(&new).into_iter().map(|new| {
            let place = left
                .iter()
                .position(|old| is_same_name(&old.field.name, &new.field.name));
            PairedColumn {
                old: place.map(|place| left.remove(place)),
                new: Some(new),
            }
        });
        let mut columns: Vec<_> = both.collect();
        columns.extend(left.into_iter().map(|old| PairedColumn {
            old: Some(old),
            new: None,
        }));
        Self {
            name_columns: name_columns(fields(&old)),
            old,
            new,
            columns,
        }
    }

    /// The report before the first row.
    pub fn blank(&self) -> OutputReport {
        let name = |output: &Option<Placed<Output>>| output.as_ref().map(|output| output.it.name.clone());
        let output = self.new.as_ref().or(self.old.as_ref());
        let declared = |field: &Option<PlacedField>| field.as_ref().map(|placed| Declared::new(&placed.field));
        OutputReport {
            target: output.map(|output| output.it.target.to_string()).unwrap_or_default(),
            is_delete: output.is_some_and(|output| output.it.effect == Effect::Delete),
            old: name(&self.old),
            new: name(&self.new),
            equal: 0,
            different: 0,
            only_old: Tally::default(),
            only_new: Tally::default(),
            columns: self
                .columns
                .iter()
                .map(|column| ColumnReport {
                    name: column.name().to_owned(),
                    old: declared(&column.old),
                    new: declared(&column.new),
                    values: Tally::default(),
                })
                .collect(),
        }
    }

    /// The fields of the old plugin's output; none if it has no such output.
    pub fn old_fields(&self) -> &[Field] {
        self.old.as_ref().map_or(&[], |output| &output.it.fields)
    }

    /// The fields of the new plugin's output; none if it has no such output.
    pub fn new_fields(&self) -> &[Field] {
        self.new.as_ref().map_or(&[], |output| &output.it.fields)
    }
}

/// Names a row best by columns that may not be null, since a key never is. A plugin does not say which columns are the
/// key.
fn name_columns(fields: Vec<PlacedField>) -> Vec<PlacedField> {
    let (mut required, nullable): (Vec<_>, Vec<_>) = fields.into_iter().partition(|placed| !placed.field.nullable);
    if required.is_empty() {
        required.extend(nullable.into_iter().take(1));
    }
    required.truncate(NAME_COLUMNS);
    required
}

impl PairedColumn {
    /// The column in both outputs; `None` if only one of them has it.
    pub fn both(&self) -> Option<(&PlacedField, &PlacedField)> {
        self.old.as_ref().zip(self.new.as_ref())
    }

    fn name(&self) -> &str {
        let field = self.new.as_ref().or(self.old.as_ref());
        field.map_or("", |placed| &placed.field.name)
    }

    /// For a column of one side: whether it holds nothing in this row.
    pub fn is_null(&self, old: &RowAt<'_>, new: &RowAt<'_>) -> bool {
        let is_null = |field: &Option<PlacedField>, row: &RowAt<'_>| {
            field
                .as_ref()
                .is_none_or(|field| row.column(field.place).is_null(row.row))
        };
        is_null(&self.old, old) && is_null(&self.new, new)
    }
}
