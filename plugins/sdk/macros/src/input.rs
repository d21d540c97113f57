//! Expands `#[derive(Input)]`.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, Field, Lifetime, LitStr, Result, Type};

use crate::syntax;

const SUPPORTED: &str =
    "supported: name = \"…\", key, header = \"…\", record_timestamp, partition, offset, topic, whole_value";

/// One field of the author's struct, read from one column.
struct Column<'a> {
    field: &'a Ident,
    ty: &'a Type,
    name: String,
    origin: TokenStream,
}

pub fn expand(item: &DeriveInput) -> Result<TokenStream> {
    let fields = syntax::named_fields(item, "Input")?;
    let own = syntax::only_lifetime(&item.generics, "Input")?;
    let columns = fields
        .into_iter()
        .map(|(name, field)| column(name, field))
        .collect::<Result<Vec<_>>>()?;
    let fallback = Lifetime::new("'batch", item.ident.span());
    let lifetime = own.unwrap_or(&fallback);
    let (name, arguments) = (&item.ident, &item.generics.split_for_impl().1);

    let declared = columns.iter().map(|Column { ty, name, origin, .. }| {
        quote_spanned! {ty.span()=> ::transform_sdk::input::declare::<#ty>(#name, ::transform_sdk::abi::Origin::#origin)}
    });
    let views = columns.iter().map(|Column { field, ty, .. }| {
        quote_spanned! {ty.span()=> #field: <#ty as ::transform_sdk::view::InputField<#lifetime>>::View}
    });
    let opened = columns.iter().enumerate().map(|(i, Column { field, ty, name, .. })| {
        quote! { #field: ::transform_sdk::input::open::<#ty>(batch, #i, #name) }
    });
    let read = columns.iter().map(|Column { field, ty, .. }| {
        quote! { #field: <#ty as ::transform_sdk::view::InputField<#lifetime>>::at(views.#field, row) }
    });
    Ok(quote! {
        #[allow(unused_qualifications, clippy::pedantic)]
        const _: () = {
            pub struct __Views<#lifetime> { #(#views),* }

            impl<#lifetime> ::transform_sdk::Input<#lifetime> for #name #arguments {
                type Views = __Views<#lifetime>;

                fn inputs() -> ::std::vec::Vec<::transform_sdk::abi::Input> {
                    ::std::vec![#(#declared),*]
                }

                fn open(batch: &#lifetime ::transform_sdk::abi::Batch) -> Self::Views {
                    __Views { #(#opened),* }
                }

                fn read(views: &Self::Views, row: usize) -> Self {
                    Self { #(#read),* }
                }
            }
        };
    })
}

fn column<'a>(ident: &'a Ident, field: &'a Field) -> Result<Column<'a>> {
    syntax::refuse_foreign_type(&field.ty, |name| match name {
        "String" | "Cow" => Some("an input borrows, take &'a str"),
        "Vec" => Some("an input borrows, take &'a [u8]"),
        other => syntax::number_advice(other),
    })?;
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
