//! Between the host's two calls and the author's function. [`macro@crate::transform`] implements [`Plugin`] with the functions here.

use std::cell::RefCell;

use crate::abi::{self, Batch, Descriptor, Outcome};
use crate::input::Input;
use crate::outcome::{Return, Settling};
use crate::row::Row;
use crate::settings::Settings;

/// A whole plugin. `#[transform] fn enrich` makes a type `enrich` that is one.
pub trait Plugin {
    type Settings: Settings;
    const NAME: &'static str;
    const VERSION: &'static str;
    fn interface(settings: &Self::Settings) -> Interface;
    fn transform(settings: &Self::Settings, batch: &Batch) -> Outcome;
}

/// What a function's types say about the plugin.
pub struct Interface {
    pub inputs: Vec<abi::Input>,
    pub outputs: Vec<abi::Output>,
}

/// Where a component keeps its settings between the host's calls.
pub struct Configured<S>(RefCell<Option<S>>);

/// Reads the settings and describes the plugin.
pub fn configure<P: Plugin>(settings: &[(String, String)]) -> Result<(P::Settings, Descriptor), String> {
    let settings = P::Settings::from_list(settings)?;
    let Interface { inputs, outputs } = P::interface(&settings);
    let (name, version) = (P::NAME.to_owned(), P::VERSION.to_owned());
    Ok((
        settings,
        Descriptor {
            name,
            version,
            inputs,
            lookups: Vec::new(),
            outputs,
        },
    ))
}

/// The interface of a function; the function is not called.
pub fn interface<'b, I: Input<'b>, O: Return>(_: impl Fn(I) -> O) -> Interface {
    let mut outputs = <O::Row as Row>::outputs();
    tell_apart(&mut outputs);
    Interface {
        inputs: I::inputs(),
        outputs,
    }
}

/// Numbers the names of outputs that go to one place with one effect: `orders`, `orders-2`.
fn tell_apart(outputs: &mut [abi::Output]) {
    for at in 1..outputs.len() {
        let (before, rest) = outputs.split_at_mut(at);
        let is_taken = |name: &str| before.iter().any(|other| other.name == name);
        let output = &mut rest[0];
        let numbered = (2..).map(|number| format!("{}-{number}", output.name));
        if is_taken(&output.name)
            && let Some(name) = numbered.into_iter().find(|name| !is_taken(name))
        {
            output.name = name;
        }
    }
}

/// Calls the function for each row of the batch.
pub fn run<'b, I: Input<'b>, O: Return>(batch: &'b Batch, function: impl Fn(I) -> O) -> Outcome {
    let views = I::open(batch);
    let mut settling = Settling::new(batch.rows as usize);
    for row in 0..batch.rows {
        function(I::read(&views, row as usize)).settle(row, &mut settling);
    }
    settling.finish()
}

/// Refused at compile time, at the author's type, when it is no input.
pub fn assert_input<'b, I: Input<'b>>() {}

/// Refused at compile time, at the author's type, when it cannot be returned.
pub fn assert_return<O: Return>() {}

/// Refused at compile time, at the author's type, when it is no settings.
pub fn assert_settings<S: Settings>() {}

impl<S> Configured<S> {
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }

    /// The host's `configure`.
    pub fn configure<P: Plugin<Settings = S>>(&self, list: &[(String, String)]) -> Result<Descriptor, String> {
        crate::log::panics();
        let (settings, descriptor) = configure::<P>(list)?;
        *self.0.borrow_mut() = Some(settings);
        Ok(descriptor)
    }

    /// The host's `transform`.
    ///
    /// # Panics
    /// Before `configure` was called, which the host never does.
    pub fn transform<P: Plugin<Settings = S>>(&self, batch: &Batch) -> Outcome {
        let settings = self.0.borrow();
        P::transform(
            settings.as_ref().expect("the host calls configure before transform"),
            batch,
        )
    }
}

impl<S> Default for Configured<S> {
    fn default() -> Self {
        Self::new()
    }
}
