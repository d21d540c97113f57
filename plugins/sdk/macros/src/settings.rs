//! Expands `#[derive(Settings)]`.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, Field, LitStr, Result};

use crate::syntax;

const SUPPORTED: &str = "unknown attribute of a setting; supported: name = \"…\", default = \"…\"";

pub fn expand(item: &DeriveInput) -> Result<TokenStream> {
    let fields = syntax::named_fields(item, "Settings")?;
    if let Some(parameter) = item.generics.params.first() {
        return Err(Error::new_spanned(
            parameter,
            "#[derive(Settings)] supports no parameters: settings own their values",
        ));
    }
    let settings = syntax::all(fields.iter().map(|(ident, field)| setting(ident, field)))?;
    let (keys, readings): (Vec<_>, Vec<_>) = settings.into_iter().unzip();
    syntax::refuse_repeats(keys.iter().zip(fields.iter().map(|(name, _)| name.span())), "setting")?;
    let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
    let ident = &item.ident;
    Ok(quote! {
        impl ::transform_sdk::Settings for #ident {
            fn from_list(
                list: &[(::std::string::String, ::std::string::String)],
            ) -> ::std::result::Result<Self, ::std::string::String> {
                let mut __reading = ::transform_sdk::settings::Reading::new(list, &[#(#keys),*]);
                #(let #names = #readings;)*
                let settings = match (#(#names,)*) {
                    (#(::std::option::Option::Some(#names),)*) => ::std::option::Option::Some(Self { #(#names),* }),
                    _ => ::std::option::Option::None,
                };
                __reading.finish(settings)
            }
        }
    })
}

/// An implementation without settings, for a struct that was refused.
pub fn empty(item: &DeriveInput) -> TokenStream {
    let (name, (parameters, arguments, conditions)) = (&item.ident, item.generics.split_for_impl());
    quote! {
        impl #parameters ::transform_sdk::Settings for #name #arguments #conditions {
            fn from_list(
                _: &[(::std::string::String, ::std::string::String)],
            ) -> ::std::result::Result<Self, ::std::string::String> {
                ::std::unreachable!()
            }
        }
    }
}

fn setting(ident: &Ident, field: &Field) -> Result<(String, TokenStream)> {
    let mut key = syntax::plain(ident).replace('_', "-");
    let mut default = None;
    for attribute in field
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("setting"))
    {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                key = meta.value()?.parse::<LitStr>()?.value();
            } else if meta.path.is_ident("default") {
                default = Some(meta.value()?.parse::<LitStr>()?);
            } else {
                return Err(Error::new_spanned(&meta.path, SUPPORTED));
            }
            Ok(())
        })?;
    }
    let (ty, optional) = (&field.ty, syntax::inside_option(&field.ty));
    let reading = match (default, optional) {
        (Some(default), Some(_)) => {
            return Err(Error::new_spanned(
                default,
                "a setting with a default is never absent: drop the Option",
            ));
        }
        (Some(default), None) => quote_spanned!(ty.span()=> __reading.or_default::<#ty>(#key, #default)),
        (None, Some(inner)) => quote_spanned!(ty.span()=> __reading.optional::<#inner>(#key)),
        (None, None) => quote_spanned!(ty.span()=> __reading.required::<#ty>(#key)),
    };
    Ok((key, reading))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(item: TokenStream) -> String {
        expand(&syn::parse2(item).unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_attribute_is_refused_with_the_known_ones() {
        let message = error(quote!(
            struct S {
                #[setting(key = "x")]
                a: i32,
            }
        ));
        assert_eq!(message, SUPPORTED);
    }

    #[test]
    fn an_option_with_a_default_is_refused() {
        let message = error(quote!(
            struct S {
                #[setting(default = "1")]
                a: Option<i32>,
            }
        ));
        assert_eq!(message, "a setting with a default is never absent: drop the Option");
    }

    #[test]
    fn lifetimes_are_refused() {
        let message = error(quote!(
            struct S<'a> {
                a: &'a str,
            }
        ));
        assert_eq!(
            message,
            "#[derive(Settings)] supports no parameters: settings own their values"
        );
    }
}
