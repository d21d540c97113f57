//! The macros of transform-sdk. Each file has one `expand` that turns the author's code into ours, with its own tests.

#![warn(missing_docs)]

use proc_macro::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_macro_input};

mod foreign;
mod input;
mod row;
mod settings;
mod syntax;
mod transform;

/// Makes a struct the input of a plugin, one field a column.
///
/// A field is read from the field of the record's value that has the same name. An attribute changes that:
/// `#[input(name = "…")]` takes the field of another name, `#[input(header = "…")]` a header, and `#[input(key)]`,
/// `#[input(record_timestamp)]`, `#[input(partition)]`, `#[input(offset)]`, `#[input(topic)]` and
/// `#[input(whole_value)]` take what their names say. A field that may be null is an `Option`.
///
/// ```text
/// #[derive(Input)]
/// struct Order<'a> {
///     id: &'a str,
///     #[input(name = "orderStatus")]
///     status: Option<&'a str>,
///     #[input(record_timestamp)]
///     at: Timestamp,
/// }
/// ```
#[proc_macro_derive(Input, attributes(input))]
pub fn derive_input(item: TokenStream) -> TokenStream {
    derived(&parse_macro_input!(item), input::expand, input::empty)
}

/// Makes a struct a row of one output, or an enum of such structs a row of one of several outputs.
///
/// A struct names its place, `#[row(table = "…")]` or `#[row(topic = "…")]`, and deletes with
/// `#[row(effect = "delete")]`. Each field is a column of the same name, or of the one in `#[row(column = "…")]`. A
/// column that may be null is an `Option`.
///
/// ```text
/// #[derive(Row)]
/// #[row(table = "orders_by_id")]
/// struct OrderById<'a> {
///     id: &'a str,
///     #[row(column = "order_status")]
///     status: Option<&'a str>,
/// }
/// ```
#[proc_macro_derive(Row, attributes(row))]
pub fn derive_row(item: TokenStream) -> TokenStream {
    derived(&parse_macro_input!(item), row::expand, row::empty)
}

/// Makes a struct the settings of a plugin, which the operator gives with `--set key=value`.
///
/// A field's key is its name with `-` for `_`, or the one in `#[setting(name = "…")]`. The setting is required unless
/// the field is an `Option` or has `#[setting(default = "…")]`. Its value is parsed with `FromStr`.
///
/// ```text
/// #[derive(Settings)]
/// struct Limits {
///     #[setting(default = "10000")]
///     max_amount: f64, // --set max-amount=500
/// }
/// ```
#[proc_macro_derive(Settings, attributes(setting))]
pub fn derive_settings(item: TokenStream) -> TokenStream {
    derived(&parse_macro_input!(item), settings::expand, settings::empty)
}

/// Makes a function over one record the crate's plugin: `fn(Input) -> …` or `fn(Input, &Settings) -> …`.
///
/// It returns a row, an `Option`, `Vec` or array of rows, or a `Result` of one of these and `Reject`. The macro adds a
/// type of the same name that implements `transform_sdk::Plugin`. In a build for WebAssembly it also adds the
/// component's exports.
#[proc_macro_attribute]
pub fn transform(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    transform::expand(&arguments.into(), item.clone())
        .unwrap_or_else(|error| {
            // The function stays, so that calls of it are not wrong as well.
            let error = error.into_compile_error();
            quote!(#error #item)
        })
        .into()
}

/// The derived code, or else what is wrong, with an empty implementation in its place. Without that, the compiler would
/// also complain wherever the trait is needed.
fn derived(
    item: &DeriveInput,
    expand: fn(&DeriveInput) -> syn::Result<proc_macro2::TokenStream>,
    empty: fn(&DeriveInput) -> proc_macro2::TokenStream,
) -> TokenStream {
    expand(item)
        .unwrap_or_else(|error| {
            let (error, empty) = (error.into_compile_error(), empty(item));
            quote!(#error #empty)
        })
        .into()
}
