//! The macros of transform-sdk. Each file has one `expand` from the author's code to ours, tested on its own.

use proc_macro::TokenStream;
use syn::parse_macro_input;

mod input;
mod row;
mod settings;
mod syntax;
mod transform;

/// Reads a struct from the columns that a plugin takes, one field a column.
///
/// A field is the record's field of the same name; attributes say otherwise: `#[input(name = "…")]`, `#[input(key)]`,
/// `#[input(header = "…")]`, `#[input(record_timestamp)]`, `#[input(partition)]`, `#[input(offset)]`, `#[input(topic)]`,
/// `#[input(whole_value)]`.
#[proc_macro_derive(Input, attributes(input))]
pub fn derive_input(item: TokenStream) -> TokenStream {
    answer(input::expand(&parse_macro_input!(item)))
}

/// Makes a struct a row of an output (`#[row(table = "…")]` or `#[row(topic = "…")]`, `#[row(effect = "delete")]`; on a
/// field `#[row(column = "…")]`), or an enum of such structs a row of one of several outputs.
#[proc_macro_derive(Row, attributes(row))]
pub fn derive_row(item: TokenStream) -> TokenStream {
    answer(row::expand(&parse_macro_input!(item)))
}

/// Reads a struct from the operator's settings. A field is the setting of its name with `-` for `_`, or of
/// `#[setting(name = "…")]`; it is required unless it is an `Option` or has `#[setting(default = "…")]`. Its type is
/// read with `FromStr`.
#[proc_macro_derive(Settings, attributes(setting))]
pub fn derive_settings(item: TokenStream) -> TokenStream {
    answer(settings::expand(&parse_macro_input!(item)))
}

/// Makes a function over one record the crate's plugin: `fn(Input) -> …` or `fn(Input, &Settings) -> …`.
///
/// Beside the function stands a type of the same name that implements `transform_sdk::Plugin`.
#[proc_macro_attribute]
pub fn transform(arguments: TokenStream, item: TokenStream) -> TokenStream {
    answer(transform::expand(&arguments.into(), item.into()))
}

fn answer(expanded: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    expanded.unwrap_or_else(syn::Error::into_compile_error).into()
}
