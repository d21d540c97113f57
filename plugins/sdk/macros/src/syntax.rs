//! Code that the macros share: a struct's fields and its one lifetime, and the refusal of types that no column has.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
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

/// The word of a type that a message stands at: `Value` of `Option<&'a [json::Value]>`.
pub fn word(ty: &Type) -> Span {
    match inside_option(ty).unwrap_or(ty) {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .map_or_else(|| ty.span(), |last| last.ident.span()),
        Type::Reference(reference) => word(&reference.elem),
        Type::Slice(slice) => word(&slice.elem),
        other => other.span(),
    }
}

/// The same tokens, all at one place. The compiler then says only once what is wrong with them, however often they are
/// in the code: it leaves out what it has said in the same words at the same place.
pub fn at(span: Span, tokens: TokenStream) -> TokenStream {
    let moved = tokens.into_iter().map(|mut token| {
        if let TokenTree::Group(group) = &token {
            token = proc_macro2::Group::new(group.delimiter(), at(span, group.stream())).into();
        }
        token.set_span(span);
        token
    });
    moved.collect()
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

/// Makes every result, and gathers what is wrong with any of them.
pub fn all<T>(results: impl IntoIterator<Item = Result<T>>) -> Result<Vec<T>> {
    let (mut made, mut wrong) = (Vec::new(), None::<Error>);
    for result in results {
        match (result, &mut wrong) {
            (Ok(value), _) => made.push(value),
            (Err(error), Some(wrong)) => wrong.combine(error),
            (Err(error), None) => wrong = Some(error),
        }
    }
    wrong.map_or(Ok(made), Err)
}
