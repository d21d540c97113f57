//! The ends of a run as settings see them: where records come from (`--from`), and where rows go (`--to`).
//!
//! Which kinds of ends there are is not known here. [`super::build::load`] is given them as [`Ends`]: for each kind, how its
//! addresses are written, and a function that reads them.

use std::error::Error;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use super::address::{AddressError, shown};
use crate::source::nature::Nature;

/// The properties of a source that other settings depend on.
pub trait SourceEnd: Debug + Send + Sync {
    /// Whether the source is endless, and whether a run continues where the one before it stopped.
    fn nature(&self) -> Nature;

    /// The topic of Kafka that records are read from, if they are. Dead letters then go to a topic, too.
    fn topic(&self) -> Option<&str> {
        None
    }

    /// The file or directory that records are read from, if they are.
    fn path(&self) -> Option<&Path> {
        None
    }
}

/// The properties of a store that other settings depend on.
pub trait StoreEnd: Debug + Send + Sync {
    /// The file that rows go to, if they go to one. Other files of the run are put beside it.
    fn path(&self) -> Option<&Path> {
        None
    }
}

impl<S: SourceEnd + ?Sized> SourceEnd for Arc<S> {
    fn nature(&self) -> Nature {
        (**self).nature()
    }

    fn topic(&self) -> Option<&str> {
        (**self).topic()
    }

    fn path(&self) -> Option<&Path> {
        (**self).path()
    }
}

impl<T: StoreEnd + ?Sized> StoreEnd for Arc<T> {
    fn path(&self) -> Option<&Path> {
        (**self).path()
    }
}

/// The parts that an address may leave out, from other settings.
#[derive(Debug, Clone, Copy, Default)]
pub struct AddressDefaults<'a> {
    /// The topic of `kafka://`, or else `source.topic`.
    pub topic: &'a str,
    /// The keyspace of `cassandra://`, or else `sink.cassandra.keyspace`.
    pub keyspace: &'a str,
}

/// Why an address is refused.
pub type Refusal = Box<dyn Error + Send + Sync>;

/// A kind of end.
pub struct Kind<E> {
    /// How its addresses are written, for the error about a text that is not an address: `kafka://BROKERS/TOPIC`.
    pub form: &'static str,
    /// Reads an address. `None` means that the text is not an address of this kind.
    pub read: fn(&str, AddressDefaults<'_>) -> Option<Result<E, Refusal>>,
}

/// The kinds of ends of one side, and the end that a run has without an address.
pub struct Kinds<E: 'static> {
    pub usual: fn(AddressDefaults<'_>) -> E,
    pub all: &'static [Kind<E>],
}

/// The kinds of ends of both sides.
pub struct Ends<S: 'static, T: 'static> {
    pub sources: Kinds<S>,
    pub stores: Kinds<T>,
}

impl<E> Kinds<E> {
    /// The end at this address, if a kind knows the form of it.
    fn read(&self, text: &str, defaults: AddressDefaults<'_>) -> Option<Result<E, Refusal>> {
        self.all.iter().find_map(|kind| (kind.read)(text, defaults))
    }

    /// `kafka://BROKERS/TOPIC, or a file that ends in .csv`
    fn forms(&self) -> String {
        let forms: Vec<_> = self.all.iter().map(|kind| kind.form).collect();
        match forms.as_slice() {
            [others @ .., last] if !others.is_empty() => format!("{}, or {last}", others.join(", ")),
            forms => forms.concat(),
        }
    }
}

impl<S, T> Ends<S, T> {
    /// Reads the value of `--from`.
    pub fn source(&self, text: &str, defaults: AddressDefaults<'_>) -> Result<S, Refusal> {
        let unknown = || AddressError::NoSource {
            text: shown(text),
            forms: self.sources.forms(),
        };
        self.sources
            .read(text, defaults)
            .unwrap_or_else(|| Err(unknown().into()))
    }

    /// Reads the value of `--to`.
    pub fn store(&self, text: &str, defaults: AddressDefaults<'_>) -> Result<T, Refusal> {
        let unknown = || AddressError::NoSink {
            text: shown(text),
            forms: self.stores.forms(),
        };
        self.stores
            .read(text, defaults)
            .unwrap_or_else(|| Err(unknown().into()))
    }
}
