//! Expands `#[derive(Input)]`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::meta::ParseNestedMeta;
use syn::{DeriveInput, Error, Field, Lifetime, LitStr, Result, Type};

use crate::foreign::{self, Side};
use crate::syntax;

const SUPPORTED: &str =
    "supported: name = \"…\", key, header = \"…\", record_timestamp, partition, offset, topic, whole_value";

/// One field of the author's struct, read from one column.
struct Column<'a> {
    /// Counted from 0, in the order in which the host gives the columns.
    place: usize,
    field: &'a Ident,
    ty: &'a Type,
    name: String,
    origin: TokenStream,
}

pub fn expand(item: &DeriveInput) -> Result<TokenStream> {
    let fields = syntax::named_fields(item, "Input")?;
    let own = syntax::only_lifetime(&item.generics, "Input")?;
    let columns = syntax::all(
        fields
            .into_iter()
            .enumerate()
            .map(|(place, (name, field))| column(place, name, field)),
    )?;
    let fallback = Lifetime::new("'batch", item.ident.span());
    let lifetime = own.unwrap_or(&fallback);
    let (name, arguments) = (&item.ident, &item.generics.split_for_impl().1);

    // Everything that has to do with a field's type stands at the type: see `syntax::at`.
    let each = |code: fn(&Column<'_>, &TokenStream, &Ident) -> TokenStream| {
        let codes = columns.iter().enumerate().map(move |(i, column)| {
            let ty = column.ty;
            let read = quote!(<#ty as ::transform_sdk::view::InputField<#lifetime>>);
            syntax::at(syntax::word(ty), code(column, &read, &format_ident!("__view_{i}")))
        });
        codes.collect::<Vec<_>>()
    };
    let declared = each(|Column { name, origin, .. }, read, _| {
        quote! {
            ::transform_sdk::input::declare(#name, #read::DATA_TYPE, #read::NULLABLE, ::transform_sdk::abi::Origin::#origin)
        }
    });
    let opened = each(|Column { place, name, .. }, read, view| {
        quote! {
            let #view = ::transform_sdk::input::open(__batch, #place, #name, #read::DATA_TYPE, #read::view);
        }
    });
    let values = each(|Column { field, name, .. }, read, view| {
        quote! {
            #field: match #read::at(#view, __row as usize) {
                ::std::result::Result::Ok(__value) => __value,
                ::std::result::Result::Err(__misfit) => {
                    return ::std::result::Result::Err(::transform_sdk::view::Misfit::reject(__misfit, #name));
                }
            }
        }
    });
    Ok(quote! {
        #[allow(unused_qualifications, clippy::pedantic)]
        impl<#lifetime> ::transform_sdk::Input<#lifetime> for #name #arguments {
            fn inputs() -> ::std::vec::Vec<::transform_sdk::abi::Input> {
                ::std::vec![#(#declared),*]
            }

            fn each(
                __batch: &#lifetime ::transform_sdk::abi::Batch,
                mut __take: impl ::std::ops::FnMut(u32, ::std::result::Result<Self, ::transform_sdk::Reject>),
            ) {
                #(#opened)*
                for __row in 0..__batch.rows {
                    let __read = || ::std::result::Result::Ok(Self { #(#values),* });
                    __take(__row, __read());
                }
            }
        }
    })
}

/// An implementation without columns, for a struct that was refused.
pub fn empty(item: &DeriveInput) -> TokenStream {
    let fallback = Lifetime::new("'__batch", item.ident.span());
    let (lifetime, added) = match item.generics.lifetimes().next() {
        Some(own) => (&own.lifetime, None),
        None => (&fallback, Some(quote!(#fallback,))),
    };
    let (name, parameters) = (&item.ident, &item.generics.params);
    let (_, arguments, conditions) = item.generics.split_for_impl();
    quote! {
        impl<#added #parameters> ::transform_sdk::Input<#lifetime> for #name #arguments #conditions {
            fn inputs() -> ::std::vec::Vec<::transform_sdk::abi::Input> {
                ::std::vec::Vec::new()
            }

            fn each(
                _: &#lifetime ::transform_sdk::abi::Batch,
                _: impl ::std::ops::FnMut(u32, ::std::result::Result<Self, ::transform_sdk::Reject>),
            ) {
            }
        }
    }
}

fn column<'a>(place: usize, ident: &'a Ident, field: &'a Field) -> Result<Column<'a>> {
    foreign::refuse(&field.ty, Side::Input)?;
    let mut name = syntax::plain(ident);
    let mut origin = None;
    for attribute in field
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("input"))
    {
        attribute.parse_nested_meta(|meta| {
            let found = parse_origin(&meta, &mut name)?;
            match origin.replace(found) {
                Some(_) => Err(meta.error("a field comes from one place")),
                None => Ok(()),
            }
        })?;
    }
    let origin = origin.unwrap_or_else(|| quote!(Value(::std::borrow::ToOwned::to_owned(#name))));
    Ok(Column {
        place,
        field: ident,
        ty: &field.ty,
        name,
        origin,
    })
}

fn parse_origin(meta: &ParseNestedMeta<'_>, name: &mut String) -> Result<TokenStream> {
    let key = meta.path.get_ident().map(Ident::to_string).unwrap_or_default();
    Ok(match key.as_str() {
        "name" => {
            let value: LitStr = meta.value()?.parse()?;
            *name = value.value();
            quote!(Value(::std::borrow::ToOwned::to_owned(#value)))
        }
        "header" => {
            let value: LitStr = meta.value()?.parse()?;
            quote!(Header(::std::borrow::ToOwned::to_owned(#value)))
        }
        "key" => quote!(Key),
        "record_timestamp" => quote!(RecordTimestamp),
        "partition" => quote!(Partition),
        "offset" => quote!(Offset),
        "topic" => quote!(Topic),
        "whole_value" => quote!(WholeValue),
        _ => {
            return Err(Error::new_spanned(
                &meta.path,
                format!("unknown attribute of an input field; {SUPPORTED}"),
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(item: TokenStream) -> String {
        expand(&syn::parse2(item).unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn reads_names_and_origins() {
        let item = quote!(
            struct In<'a> {
                plain: &'a str,
                #[input(name = "Other")]
                other: Option<i64>,
                #[input(header = "trace")]
                trace: Option<&'a [u8]>,
                #[input(record_timestamp)]
                at: Timestamp,
            }
        );
        let code = expand(&syn::parse2(item).unwrap()).unwrap().to_string();
        for part in [
            "Value (:: std :: borrow :: ToOwned :: to_owned (\"plain\"))",
            "(\"Other\")",
            "Header",
            "RecordTimestamp",
        ] {
            assert!(code.contains(part), "{part} in {code}");
        }
    }

    #[test]
    fn an_unknown_attribute_is_refused_with_the_known_ones() {
        let message = error(quote!(
            struct In {
                #[input(heder = "x")]
                a: i32,
            }
        ));
        assert_eq!(message, format!("unknown attribute of an input field; {SUPPORTED}"));
    }

    #[test]
    fn two_origins_are_refused() {
        let message = error(quote!(
            struct In {
                #[input(key, offset)]
                a: i64,
            }
        ));
        assert_eq!(message, "a field comes from one place");
    }

    #[test]
    fn owned_text_is_refused_with_the_borrowed_type() {
        let message = error(quote!(
            struct In {
                a: Option<String>,
            }
        ));
        assert_eq!(
            message,
            "`String` is not the type of a column: an input borrows, take &'a str"
        );
    }

    #[test]
    fn only_structs_with_named_fields_are_inputs() {
        for item in [
            quote!(
                enum In {
                    A,
                }
            ),
            quote!(
                struct In(i32);
            ),
            quote!(
                struct In {}
            ),
        ] {
            assert_eq!(error(item), "#[derive(Input)] takes a struct with named fields");
        }
    }

    #[test]
    fn type_parameters_are_refused() {
        let message = error(quote!(
            struct In<T> {
                a: T,
            }
        ));
        assert_eq!(message, "#[derive(Input)] supports one lifetime and no other parameter");
    }
}
