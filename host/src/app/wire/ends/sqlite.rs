//! A SQLite file as a store: `FILE.db`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};

use super::store::{Store, Tables};
use crate::app::failure::Failure;
use crate::app::say::say;
use crate::app::wire::Settings;
use crate::app::wire::finding::Finding;
use crate::config::address;
use crate::config::ends::{AddressDefaults, Kind, Refusal, StoreEnd};
use crate::record::descriptor::Descriptor;
use crate::sink::Sink;
use crate::sink::read_back::ReadBack;
use crate::sink::sqlite::SqliteSink;

/// SQLite files. `--to` names one by its path.
pub const KIND: Kind<Arc<dyn Store>> = Kind {
    form: "a SQLite file that ends in .db, .sqlite or .sqlite3",
    read,
};

const ENDINGS: &[&str] = &[".db", ".sqlite", ".sqlite3"];

#[derive(Debug, Clone)]
struct SqliteFile {
    path: PathBuf,
}

fn read(text: &str, _: AddressDefaults<'_>) -> Option<Result<Arc<dyn Store>, Refusal>> {
    address::ends(text, ENDINGS).then(|| Ok(Arc::new(SqliteFile { path: text.into() }) as _))
}

impl SqliteFile {
    fn sink(&self, descriptor: &Descriptor) -> Result<SqliteSink, Failure> {
        SqliteSink::open(&self.path, descriptor).map_err(|error| Failure::Usage(error.into()))
    }
}

impl StoreEnd for SqliteFile {
    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }
}

impl Store for SqliteFile {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn identity(&self) -> String {
        format!("sqlite {}", self.path.display())
    }

    fn connect(&self, _: &Settings) -> BoxFuture<'static, Result<Arc<dyn Tables>, Failure>> {
        ready(Ok(Arc::new(self.clone()) as _)).boxed()
    }

    fn check<'a>(&'a self, _: &'a Settings, _: &'a Descriptor) -> BoxFuture<'a, Result<Vec<Finding>, Failure>> {
        let note = format!("{}: its tables follow the plugin", self.path.display());
        ready(Ok(vec![Finding::Note(note)])).boxed()
    }

    fn setup<'a>(
        &'a self,
        _: &'a Settings,
        _: Option<u8>,
        out: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<(), Failure>> {
        let line = format!(
            "{}: nothing to create, `host run` makes its tables",
            self.path.display()
        );
        ready(say(out, &line)).boxed()
    }

    fn read_back<'a>(
        &'a self,
        _: &'a Settings,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Box<dyn ReadBack>, Failure>> {
        async move {
            if !self.path.exists() {
                return Err(Failure::Usage(anyhow!(
                    "{} is not there; `host run` writes it",
                    self.path.display()
                )));
            }
            Ok(Box::new(self.sink(descriptor)?) as _)
        }
        .boxed()
    }
}

impl Tables for SqliteFile {
    fn open<'a>(
        &'a self,
        _: &'a Settings,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Arc<dyn Sink>, Failure>> {
        async move { Ok(Arc::new(self.sink(descriptor)?) as _) }.boxed()
    }
}
