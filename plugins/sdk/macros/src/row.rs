//! Expands `#[derive(Row)]`: a struct is a row of one output, an enum a row of one of several.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DataEnum, DeriveInput, Error, Field, Fields, LitStr, Result, Type};

use crate::foreign::{self, Side};
use crate::syntax;

const PLACE: &str = "a row needs its place: #[row(table = \"…\")] or #[row(topic = \"…\")]";
const SUPPORTED: &str = "supported: table = \"…\", topic = \"…\", effect = \"upsert\" or \"delete\"";

/// Where the rows of the author's struct go, from its attributes.
struct Place {
    target: TokenStream,
    effect: TokenStream,
}

pub fn expand(item: &DeriveInput) -> Result<TokenStream> {
    syntax::only_lifetime(&item.generics, "Row")?;
    let body = match &item.data {
        Data::Enum(data) => expand_enum(item, data)?,
        _ => expand_struct(item)?,
    };
    Ok(quote! {
        #[allow(unused_qualifications, clippy::pedantic)]
        const _: () = { #body };
    })
}

/// An implementation without columns, for a type that was refused.
pub fn empty(item: &DeriveInput) -> TokenStream {
    let (name, (parameters, arguments, conditions)) = (&item.ident, item.generics.split_for_impl());
    quote! {
        impl #parameters ::transform_sdk::Row for #name #arguments #conditions {
            type Builders = ();
            const OUTPUTS: u32 = 0;

            fn output(&self) -> u32 {
                0
            }

            fn outputs() -> ::std::vec::Vec<::transform_sdk::abi::Output> {
                ::std::vec::Vec::new()
            }

            fn builders(_: usize) {}

            fn append(self, (): &mut (), _: u32) {}

            fn finish((): (), _: u32, _: &mut ::std::vec::Vec<::transform_sdk::abi::Rows>) {}
        }
    }
}

fn expand_struct(item: &DeriveInput) -> Result<TokenStream> {
    let fields = syntax::named_fields(item, "Row")?;
    let Place { target, effect } = place(item)?;
    let columns = syntax::all(fields.iter().map(|(name, field)| column_name(name, field)))?;
    syntax::refuse_repeats(columns.iter().zip(fields.iter().map(|(name, _)| name.span())), "column")?;

    // Everything that has to do with a field's type stands at the type: see `syntax::at`.
    let each = |code: fn(&Ident, &TokenStream, &String) -> TokenStream| {
        let codes = fields.iter().zip(&columns).map(move |((name, field), column)| {
            let ty = syntax::with_lifetime(&field.ty, "static");
            let written = quote!(<#ty as ::transform_sdk::builder::OutputField>);
            syntax::at(syntax::word(&field.ty), code(name, &written, column))
        });
        codes.collect::<Vec<_>>()
    };
    let builders = each(|name, written, _| quote!(#name: #written::Builder));
    let declared = each(
        |_, written, column| quote!(::transform_sdk::row::declare(#column, #written::DATA_TYPE, #written::NULLABLE)),
    );
    let empty = each(|name, written, _| quote!(#name: #written::builder(rows)));
    let appended =
        each(|name, _, _| quote!(::transform_sdk::builder::OutputField::append(self.#name, &mut builders.#name);));
    let finished = each(|name, written, _| quote!(#written::finish(builders.#name)));
    let (generics, arguments, _) = item.generics.split_for_impl();
    let ident = &item.ident;
    Ok(quote! {
        pub struct __Builders {
            #(#builders,)*
            __source: ::std::vec::Vec<u32>,
        }

        impl #generics ::transform_sdk::Row for #ident #arguments {
            type Builders = __Builders;
            const OUTPUTS: u32 = 1;

            fn output(&self) -> u32 {
                0
            }

            fn outputs() -> ::std::vec::Vec<::transform_sdk::abi::Output> {
                ::std::vec![::transform_sdk::row::output(
                    ::transform_sdk::abi::Target::#target,
                    ::transform_sdk::abi::Effect::#effect,
                    ::std::vec![#(#declared),*],
                )]
            }

            fn builders(rows: usize) -> __Builders {
                __Builders {
                    #(#empty,)*
                    __source: ::std::vec::Vec::with_capacity(rows),
                }
            }

            fn append(self, builders: &mut __Builders, source: u32) {
                builders.__source.push(source);
                #(#appended)*
            }

            fn finish(builders: __Builders, first: u32, rows: &mut ::std::vec::Vec<::transform_sdk::abi::Rows>) {
                if !builders.__source.is_empty() {
                    rows.push(::transform_sdk::abi::Rows {
                        output: first,
                        source: builders.__source,
                        columns: ::std::vec![#(#finished),*],
                    });
                }
            }
        }
    })
}

fn expand_enum(item: &DeriveInput, data: &DataEnum) -> Result<TokenStream> {
    if let Some(attribute) = item.attrs.iter().find(|attribute| attribute.path().is_ident("row")) {
        let message = "an enum of rows has no place of its own: put #[row(…)] on the struct of each variant";
        return Err(Error::new_spanned(attribute, message));
    }
    let variants = data.variants.iter().map(|variant| match &variant.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => Ok((&variant.ident, &fields.unnamed[0].ty)),
        _ => Err(Error::new_spanned(
            variant,
            "a variant of an enum of rows holds one row: `Variant(RowStruct)`",
        )),
    });
    let variants = variants.collect::<Result<Vec<(&Ident, &Type)>>>()?;
    if variants.is_empty() {
        return Err(Error::new_spanned(
            &item.ident,
            "an enum of rows needs a variant for each output",
        ));
    }
    let names: Vec<_> = variants.iter().map(|(name, _)| *name).collect();
    let slots: Vec<_> = (0..variants.len()).map(|i| format_ident!("output_{i}")).collect();
    let types: Vec<_> = variants
        .iter()
        .map(|(_, ty)| syntax::with_lifetime(ty, "static"))
        .collect();
    let builders = slots
        .iter()
        .zip(&types)
        .zip(&variants)
        .map(|((slot, ty), (_, written))| {
            quote_spanned! {written.span()=> #slot: <#ty as ::transform_sdk::Row>::Builders}
        });
    // For each variant, the number of outputs of the variants before it.
    let before = (0..types.len()).map(|place| {
        let earlier = &types[..place];
        quote!((0 #(+ <#earlier as ::transform_sdk::Row>::OUTPUTS)*))
    });
    let (generics, arguments, _) = item.generics.split_for_impl();
    let ident = &item.ident;
    Ok(quote! {
        pub struct __Builders { #(#builders),* }

        impl #generics ::transform_sdk::Row for #ident #arguments {
            type Builders = __Builders;
            const OUTPUTS: u32 = 0 #(+ <#types as ::transform_sdk::Row>::OUTPUTS)*;

            fn output(&self) -> u32 {
                match self {
                    #(Self::#names(row) => #before + ::transform_sdk::Row::output(row)),*
                }
            }

            fn outputs() -> ::std::vec::Vec<::transform_sdk::abi::Output> {
                let mut outputs = ::std::vec::Vec::new();
                #(outputs.extend(<#types as ::transform_sdk::Row>::outputs());)*
                outputs
            }

            fn builders(rows: usize) -> __Builders {
                __Builders { #(#slots: <#types as ::transform_sdk::Row>::builders(rows)),* }
            }

            fn append(self, builders: &mut __Builders, source: u32) {
                match self {
                    #(Self::#names(row) => ::transform_sdk::Row::append(row, &mut builders.#slots, source)),*
                }
            }

            fn finish(builders: __Builders, first: u32, rows: &mut ::std::vec::Vec<::transform_sdk::abi::Rows>) {
                let mut next = first;
                #(
                    <#types as ::transform_sdk::Row>::finish(builders.#slots, next, rows);
                    next += <#types as ::transform_sdk::Row>::OUTPUTS;
                )*
                let _ = next;
            }
        }
    })
}

fn place(item: &DeriveInput) -> Result<Place> {
    let mut target = None;
    let mut effect = quote!(Upsert);
    for attribute in item.attrs.iter().filter(|attribute| attribute.path().is_ident("row")) {
        attribute.parse_nested_meta(|meta| {
            let key = meta.path.get_ident().map(Ident::to_string).unwrap_or_default();
            let case = match key.as_str() {
                "table" => quote!(Table),
                "topic" => quote!(Topic),
                "effect" => {
                    effect = parse_effect(&meta.value()?.parse()?)?;
                    return Ok(());
                }
                _ => {
                    return Err(Error::new_spanned(
                        &meta.path,
                        format!("unknown attribute of a row; {SUPPORTED}"),
                    ));
                }
            };
            let name: LitStr = meta.value()?.parse()?;
            match target.replace(quote!(#case(::std::borrow::ToOwned::to_owned(#name)))) {
                Some(_) => Err(meta.error("a row has one place; for several outputs return an enum of rows")),
                None => Ok(()),
            }
        })?;
    }
    let target = target.ok_or_else(|| Error::new_spanned(&item.ident, PLACE))?;
    Ok(Place { target, effect })
}

fn parse_effect(effect: &LitStr) -> Result<TokenStream> {
    match effect.value().as_str() {
        "upsert" => Ok(quote!(Upsert)),
        "delete" => Ok(quote!(Delete)),
        other => Err(Error::new_spanned(
            effect,
            format!("unknown effect `{other}`; supported: upsert, delete"),
        )),
    }
}

fn column_name(ident: &Ident, field: &Field) -> Result<String> {
    foreign::refuse(&field.ty, Side::Row)?;
    let mut name = syntax::plain(ident);
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("row")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("column") {
                let message = "unknown attribute of a row's field; supported: column = \"…\"";
                return Err(Error::new_spanned(&meta.path, message));
            }
            name = meta.value()?.parse::<LitStr>()?.value();
            Ok(())
        })?;
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(item: TokenStream) -> String {
        expand(&syn::parse2(item).unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn a_row_without_place_is_refused() {
        assert_eq!(
            error(quote!(
                struct Out {
                    a: i32,
                }
            )),
            PLACE
        );
    }

    #[test]
    fn two_places_are_refused() {
        let message = error(quote!(
            #[row(table = "a", topic = "b")]
            struct Out {
                a: i32,
            }
        ));
        assert_eq!(
            message,
            "a row has one place; for several outputs return an enum of rows"
        );
    }

    #[test]
    fn unknown_attributes_are_refused_with_the_known_ones() {
        let message = error(quote!(
            #[row(tabel = "a")]
            struct Out {
                a: i32,
            }
        ));
        assert_eq!(message, format!("unknown attribute of a row; {SUPPORTED}"));
        let message = error(quote!(
            #[row(table = "a")]
            struct Out {
                #[row(name = "b")]
                a: i32,
            }
        ));
        assert_eq!(message, "unknown attribute of a row's field; supported: column = \"…\"");
    }

    #[test]
    fn an_unknown_effect_is_refused() {
        let message = error(quote!(
            #[row(table = "a", effect = "insert")]
            struct Out {
                a: i32,
            }
        ));
        assert_eq!(message, "unknown effect `insert`; supported: upsert, delete");
    }

    #[test]
    fn a_number_that_no_column_has_is_refused_with_the_next_one() {
        let message = error(quote!(
            #[row(table = "a")]
            struct Out {
                a: Option<u64>,
            }
        ));
        assert_eq!(message, "`u64` is not the type of a column: take i64");
    }

    #[test]
    fn a_column_twice_is_refused() {
        let message = error(quote!(
            #[row(table = "a")]
            struct Out {
                a: i32,
                #[row(column = "a")]
                b: i32,
            }
        ));
        assert_eq!(message, "there is a column `a` already");
    }

    #[test]
    fn a_variant_that_holds_no_row_is_refused() {
        let message = error(quote!(
            enum Out {
                A { x: i32 },
            }
        ));
        assert_eq!(
            message,
            "a variant of an enum of rows holds one row: `Variant(RowStruct)`"
        );
    }

    #[test]
    fn a_place_on_an_enum_is_refused() {
        let message = error(quote!(
            #[row(table = "a")]
            enum Out {
                A(Row),
            }
        ));
        assert_eq!(
            message,
            "an enum of rows has no place of its own: put #[row(…)] on the struct of each variant"
        );
    }
}
