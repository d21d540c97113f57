//! Connects the host's two calls with the author's function.
//! [`macro@crate::transform`] implements [`Plugin`] with the functions here.

use std::cell::RefCell;

use crate::abi::{self, Batch, Descriptor, Outcome};
use crate::input::Input;
use crate::outcome::Return;
use crate::settings::Settings;

/// A whole plugin. `#[transform] fn enrich` makes a type `enrich` that implements it.
pub trait Plugin {
    /// The operator's settings; `()` for a plugin without any.
    type Settings: Settings;
    /// The name of the author's crate.
    const NAME: &'static str;
    /// The version of the author's crate.
    const VERSION: &'static str;
    /// Describes what the plugin takes and gives.
    fn interface(settings: &Self::Settings) -> Interface;
    /// Transforms one batch.
    fn transform(settings: &Self::Settings, batch: &Batch) -> Outcome;
}

/// The inputs and outputs of a plugin, as the types of its function declare them.
pub struct Interface {
    /// The columns that the plugin takes.
    pub inputs: Vec<abi::Input>,
    /// The tables and topics that its rows go to, with their columns.
    pub outputs: Vec<abi::Output>,
}

/// Keeps a component's settings between the host's calls.
pub struct Configured<S>(RefCell<Option<S>>);

/// Reads the settings and describes the plugin. The error names every setting that is wrong.
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

/// Makes the interface from the function's types. The function is not called.
pub fn interface<'b, I: Input<'b>, O: Return>(_: impl Fn(I) -> O) -> Interface {
    Interface::new(I::inputs(), O::outputs())
}

impl Interface {
    /// Makes an interface in which each output has a name of its own.
    pub fn new(inputs: Vec<abi::Input>, mut outputs: Vec<abi::Output>) -> Self {
        tell_apart(&mut outputs);
        Self { inputs, outputs }
    }
}

/// Numbers the names of outputs that share a place and an effect: `orders`, `orders-2`.
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
    O::outcome(batch.rows as usize, |settling| {
        I::each(batch, |row, input| match input {
            Ok(input) => function(input).settle(row, settling),
            Err(reject) => settling.refuse(row, reject),
        });
    })
}

impl<S> Configured<S> {
    /// Starts without settings; [`configure`](Self::configure) sets them.
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }

    /// Answers the host's `configure`: keeps the settings and describes the plugin. The error names every setting that
    /// is wrong.
    pub fn configure<P: Plugin<Settings = S>>(&self, list: &[(String, String)]) -> Result<Descriptor, String> {
        crate::log::panics();
        let (settings, descriptor) = configure::<P>(list)?;
        *self.0.borrow_mut() = Some(settings);
        Ok(descriptor)
    }

    /// Answers the host's `transform`.
    ///
    /// # Panics
    /// If `configure` was not called first. The host always does.
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
