//! Code that the macros share: a struct's fields and its one lifetime, and the refusal of types that no column has.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Error, Field, Fields, GenericParam, Generics, Lifetime, Result, Type};

/// The fields of the struct with their names. Anything else, and a struct without fields, is refused.
pub fn named_fields<'a>(item: &'a DeriveInput, derive: &str) -> Result<Vec<(&'a Ident, &'a Field)>> {
    let refused = || {
        Error::new_spanned(
            &item.ident,
            format!("#[derive({derive})] takes a struct with named fields"),
        )
    };
    let Data::Struct(data) = &item.data else {
        return Err(refused());
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(refused());
    };
    let named: Vec<_> = fields
        .named
        .iter()
        .filter_map(|field| Some((field.ident.as_ref()?, field)))
        .collect();
    if named.is_empty() { Err(refused()) } else { Ok(named) }
}

/// The lifetime with which the author's type borrows from the batch, if it has one.
pub fn only_lifetime<'a>(generics: &'a Generics, derive: &str) -> Result<Option<&'a Lifetime>> {
    let mut found = None;
    for parameter in &generics.params {
        match parameter {
            GenericParam::Lifetime(lifetime) if found.is_none() => found = Some(&lifetime.lifetime),
            other => {
                let message = format!("#[derive({derive})] supports one lifetime and no other parameter");
                return Err(Error::new_spanned(other, message));
            }
        }
    }
    Ok(found)
}

/// The type with every lifetime replaced by `name` (`static`, `_`).
pub fn with_lifetime(ty: &impl ToTokens, name: &str) -> TokenStream {
    fn replace(tokens: TokenStream, name: &str) -> TokenStream {
        let mut after_tick = false;
        let replaced = tokens.into_iter().map(|token| {
            let is_lifetime = std::mem::replace(&mut after_tick, false);
            match token {
                TokenTree::Ident(ident) if is_lifetime => TokenTree::Ident(Ident::new(name, ident.span())),
                TokenTree::Punct(punct) => {
                    after_tick = punct.as_char() == '\'';
                    TokenTree::Punct(punct)
                }
                TokenTree::Group(group) => {
                    let mut new = proc_macro2::Group::new(group.delimiter(), replace(group.stream(), name));
                    new.set_span(group.span());
                    TokenTree::Group(new)
                }
                other => other,
            }
        });
        replaced.collect()
    }
    replace(ty.to_token_stream(), name)
}

/// The identifier without `r#`, as a column has it.
pub fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// The T of an `Option<T>`, or none for any other type.
pub fn inside_option(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        syn::GenericArgument::Type(inner) if last.ident == "Option" => Some(inner),
        _ => None,
    }
}

/// Refuses well-known types that no column has, and says which type to take instead. Other types are left
/// to the compiler.
pub fn refuse_foreign_type(ty: &Type, advice: fn(&str) -> Option<&'static str>) -> Result<()> {
    let inner = inside_option(ty).unwrap_or(ty);
    let Type::Path(path) = inner else { return Ok(()) };
    let Some(name) = path.path.segments.last().map(|segment| segment.ident.to_string()) else {
        return Ok(());
    };
    match advice(&name) {
        Some(advice) => Err(Error::new_spanned(
            inner,
            format!("`{name}` is not the type of a column: {advice}"),
        )),
        None => Ok(()),
    }
}

/// Advice for the types of numbers (and `char`) that columns do not have.
pub fn number_advice(name: &str) -> Option<&'static str> {
    match name {
        "i8" | "i16" | "u8" | "u16" => Some("take i32"),
        "u32" | "u64" | "isize" | "usize" | "i128" | "u128" => Some("take i64"),
        "f32" => Some("take f64"),
        "char" => Some("take &str"),
        _ => None,
    }
}

/// Refuses a name that appears twice.
pub fn refuse_repeats<'a>(names: impl IntoIterator<Item = (&'a String, Span)>, what: &str) -> Result<()> {
    let mut seen: Vec<&String> = Vec::new();
    for (name, span) in names {
        if seen.contains(&name) {
            return Err(Error::new(span, format!("there is a {what} `{name}` already")));
        }
        seen.push(name);
    }
    Ok(())
}
