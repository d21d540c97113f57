//! Files as a source: `FILE.csv` and `FILE.ndjson`, compressed or not.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};

use super::source::{Source, Start};
use crate::app::failure::Failure;
use crate::app::say::say;
use crate::app::wire::Settings;
use crate::config::address;
use crate::config::ends::{AddressDefaults, Kind, Refusal, SourceEnd};
use crate::csv_file::names;
use crate::source::error::SourceError;
use crate::source::file::{self, Format};
use crate::source::nature::Nature;
use crate::source::{Running, Until};

/// CSV and NDJSON files. `--from` names one by its path.
pub const KIND: Kind<Arc<dyn Source>> = Kind {
    form: "a file that ends in .csv, .csv.gz, .ndjson, .ndjson.gz, .jsonl or .jsonl.gz",
    read,
};

const CSV: &[&str] = &[".csv", ".csv.gz"];
const NDJSON: &[&str] = &[".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz"];

#[derive(Debug)]
struct File {
    format: Format,
    path: PathBuf,
}

fn read(text: &str, _: AddressDefaults<'_>) -> Option<Result<Arc<dyn Source>, Refusal>> {
    let format = if address::ends(text, CSV) {
        Format::Csv
    } else if address::ends(text, NDJSON) {
        Format::Ndjson
    } else {
        return None;
    };
    let path = text.into();
    Some(Ok(Arc::new(File { format, path })))
}

impl SourceEnd for File {
    fn nature(&self) -> Nature {
        file::NATURE
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }
}

impl Source for File {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn connect(&self, settings: &Settings, _: Until) -> Result<Start, SourceError> {
        file::check(self.format, &self.path)?;
        let (format, path, bounds) = (self.format, self.path.clone(), settings.source.bounds);
        Ok(Box::new(move || file::start(format, &path, &bounds)))
    }

    /// Opens the file once: it may be a pipe.
    fn start(&self, settings: &Settings, _: Until) -> Result<Running, SourceError> {
        file::start(self.format, &self.path, &settings.source.bounds)
    }

    fn setup<'a>(
        &'a self,
        _: &'a Settings,
        out: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<Option<u16>, Failure>> {
        let said = say(out, &format!("{}: nothing to create for a file", self.place()));
        ready(said.map(|()| None)).boxed()
    }

    fn field_names(&self) -> Option<Vec<String>> {
        let names = match self.format {
            Format::Csv => names::of_csv(&self.path),
            Format::Ndjson => names::of_ndjson(&self.path),
        };
        // The file was read a moment ago. If it is gone meanwhile, nothing can be said of it.
        names.ok()
    }
}
