//! Reads rows again by primary key, for `host verify`.

use futures::FutureExt;
use futures::future::BoxFuture;
use rusqlite::types::ToSqlOutput;

use super::statement::Prepared;
use super::{SqliteSink, value};
use crate::record::display;
use crate::sink::SinkError;
use crate::sink::read_back::{Image, NullEffect, ReadBack, RowRef};

impl ReadBack for SqliteSink {
    fn null_effect(&self) -> NullEffect {
        NullEffect::LeavesOld
    }

    fn image(&self, output: usize, row: &RowRef) -> Result<Image, SinkError> {
        let output = &self.shared.outputs[&output];
        output.check(&row.batch, row.row)?;
        let values = output.output.fields.iter().zip(&row.batch.columns);
        let cells = values
            .map(|(field, column)| display::text(field, column, row.row))
            .collect();
        Ok(image(output, cells))
    }

    fn read<'a>(&'a self, output: usize, row: &'a RowRef) -> BoxFuture<'a, Result<Option<Image>, SinkError>> {
        // One row by its key out of a local file: quicker than handing it to another thread.
        async move {
            let output = &self.shared.outputs[&output];
            output.check(&row.batch, row.row)?;
            self.shared.read(output, row).map_err(SinkError::file)
        }
        .boxed()
    }
}

impl super::Shared {
    fn read(&self, output: &Prepared, row: &RowRef) -> rusqlite::Result<Option<Image>> {
        let connection = self.connection();
        let mut statement = connection.prepare(&output.read)?;
        // Only the key's parameters are in the statement; they keep their numbers.
        let values = output.output.fields.iter().zip(&row.batch.columns).zip(&output.is_key);
        for (index, ((field, column), is_key)) in values.enumerate() {
            if *is_key {
                let value: Option<ToSqlOutput<'_>> = value::of(field, column, row.row);
                statement.raw_bind_parameter(index + 1, value)?;
            }
        }
        let mut rows = statement.raw_query();
        let Some(found) = rows.next()? else {
            return Ok(None);
        };
        let cells: Result<Vec<Option<String>>, rusqlite::Error> = output
            .output
            .fields
            .iter()
            .enumerate()
            .map(|(index, field)| Ok(value::text(field, found.get_ref(index)?)))
            .collect();
        Ok(Some(image(output, cells?)))
    }
}

fn image(output: &Prepared, cells: Vec<Option<String>>) -> Image {
    let keys = output.output.fields.iter().zip(&cells).zip(&output.is_key);
    let key: Vec<String> = keys
        .filter(|(_, is_key)| **is_key)
        .map(|((field, cell), _)| format!("{}={}", field.name, cell.as_deref().unwrap_or_default()))
        .collect();
    Image {
        key: key.join(" "),
        cells,
    }
}
