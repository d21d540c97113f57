//! Expands `#[transform]`: the author's function as it is, a type of its name that is the plugin, and
//! the component's exports.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Error, FnArg, GenericParam, ItemFn, Result, ReturnType, Signature, Type};

use crate::syntax;

const SHAPE: &str =
    "#[transform] takes `fn name(input: Input) -> …` or `fn name(input: Input, settings: &Settings) -> …`";
const RETURNS: &str =
    "a transform returns a row, Result<row, Reject>, Result<Option<row>, Reject> or Result<Vec<row>, Reject>";

pub fn expand(arguments: &TokenStream, item: TokenStream) -> Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(
            arguments,
            "#[transform] has no arguments; name and version are those of the crate",
        ));
    }
    let refused = item.clone();
    let function: ItemFn = syn::parse2(item).map_err(|_| Error::new_spanned(refused, SHAPE))?;
    check(&function.sig)?;
    let types = parameter_types(&function.sig)?;
    let returned = match &function.sig.output {
        ReturnType::Type(_, ty) if !matches!(**ty, Type::ImplTrait(_)) => ty,
        ReturnType::Type(_, ty) => return Err(Error::new_spanned(ty, RETURNS)),
        ReturnType::Default => return Err(Error::new_spanned(&function.sig, RETURNS)),
    };
    let name = &function.sig.ident;
    let visibility = &function.vis;
    // What a wrong type causes stands at the type: see `syntax::at`.
    let anonymous = |ty| syntax::with_lifetime(ty, "_");
    let (taken, given) = (anonymous(types.0), anonymous(returned));
    let (settings, call) = match types.1 {
        Some(settings) => (
            syntax::with_lifetime(settings, "static"),
            quote!(#name(__input, __settings)),
        ),
        None => (quote!(()), quote!(#name(__input))),
    };
    let input = syntax::at(syntax::word(types.0), quote!(<#taken as ::transform_sdk::Input<'_>>));
    let at = syntax::word(returned);
    let output = syntax::at(at, quote!(<#given as ::transform_sdk::outcome::Return>));
    let outputs = quote_spanned!(at=> #output::outputs());
    let outcome = quote_spanned! {at=>
        #output::outcome(__batch.rows as usize, |__settling| {
            #input::each(__batch, |__row, __input| match __input {
                ::std::result::Result::Ok(__input) => #output::settle(#call, __row, __settling),
                ::std::result::Result::Err(__reject) => __settling.refuse(__row, __reject),
            });
        })
    };
    let only_one = quote_spanned!(name.span()=> enum a_crate_has_one_transform {});
    let only_export = quote_spanned!(name.span()=> extern "C" fn __only_one() {});
    Ok(quote! {
        #[allow(clippy::needless_pass_by_value, reason = "an input comes by value")]
        #function

        // A second one in the module is refused with this name.
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code)]
        #only_one

        #[doc = "The plugin that the function of this name makes."]
        #[allow(non_camel_case_types, dead_code)]
        #visibility enum #name {}

        #[allow(clippy::pedantic)]
        const _: () = {
            // In a native build nothing else uses a private function.
            #[allow(dead_code)]
            fn __is_used() {
                let _ = #name;
            }

            impl ::transform_sdk::Plugin for #name {
                type Settings = #settings;
                const NAME: &'static str = ::std::env!("CARGO_PKG_NAME");
                const VERSION: &'static str = ::std::env!("CARGO_PKG_VERSION");

                fn interface(_: &Self::Settings) -> ::transform_sdk::plugin::Interface {
                    ::transform_sdk::plugin::Interface::new(#input::inputs(), #outputs)
                }

                fn transform(
                    __settings: &Self::Settings,
                    __batch: &::transform_sdk::abi::Batch,
                ) -> ::transform_sdk::abi::Outcome {
                    let _ = __settings;
                    #outcome
                }
            }
        };

        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, clippy::pedantic)]
        const _: () = {
            ::std::thread_local! {
                static __CONFIGURED: ::transform_sdk::plugin::Configured<<#name as ::transform_sdk::Plugin>::Settings> =
                    const { ::transform_sdk::plugin::Configured::new() };
            }

            // A second one in another module is refused with this name: the linker's names are the crate's.
            #[unsafe(export_name = "a crate has one #[transform]")]
            #only_export

            struct __Component;

            impl ::transform_sdk::abi::Guest for __Component {
                fn configure(
                    settings: ::std::vec::Vec<(::std::string::String, ::std::string::String)>,
                ) -> ::std::result::Result<::transform_sdk::abi::Descriptor, ::std::string::String> {
                    __CONFIGURED.with(|configured| configured.configure::<#name>(&settings))
                }

                fn transform(
                    input: ::transform_sdk::abi::Batch,
                    _: ::std::vec::Vec<::transform_sdk::abi::Batch>,
                ) -> ::transform_sdk::abi::Outcome {
                    __CONFIGURED.with(|configured| configured.transform::<#name>(&input))
                }
            }

            ::transform_sdk::bindings::export!(__Component with_types_in ::transform_sdk::bindings);
        };
    })
}

fn check(signature: &Signature) -> Result<()> {
    if let Some(word) = &signature.asyncness {
        return Err(Error::new_spanned(
            word,
            "a transform is pure and has nothing to wait for: drop `async`",
        ));
    }
    if let Some(word) = &signature.unsafety {
        return Err(Error::new_spanned(word, "a transform is safe to call: drop `unsafe`"));
    }
    let is_lifetime = |parameter: &&GenericParam| matches!(parameter, GenericParam::Lifetime(_));
    match signature
        .generics
        .params
        .iter()
        .find(|parameter| !is_lifetime(parameter))
    {
        Some(parameter) => Err(Error::new_spanned(
            parameter,
            "a transform supports lifetimes and no other parameter",
        )),
        None => Ok(()),
    }
}

/// The types of the input and of the settings, the latter without its `&`.
fn parameter_types(signature: &Signature) -> Result<(&Type, Option<&Type>)> {
    let mut types = Vec::new();
    for argument in &signature.inputs {
        match argument {
            FnArg::Typed(parameter) => types.push(&*parameter.ty),
            FnArg::Receiver(receiver) => return Err(Error::new_spanned(receiver, SHAPE)),
        }
    }
    let settings = match types[..] {
        [_] => None,
        [_, Type::Reference(settings)] if settings.mutability.is_none() => Some(&*settings.elem),
        [_, other] => {
            return Err(Error::new_spanned(
                other,
                "the second parameter is the settings, as `&Settings`",
            ));
        }
        _ => return Err(Error::new_spanned(signature, SHAPE)),
    };
    if matches!(types[0], Type::Reference(_)) {
        return Err(Error::new_spanned(
            types[0],
            "the input comes by value; its fields borrow",
        ));
    }
    Ok((types[0], settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(item: TokenStream) -> String {
        expand(&TokenStream::new(), item).unwrap_err().to_string()
    }

    #[test]
    fn other_shapes_are_refused_with_the_supported_ones() {
        for item in [
            quote!(
                fn f() -> Out {}
            ),
            quote!(
                fn f(a: In, b: &S, c: i32) -> Out {}
            ),
            quote!(
                fn f(&self) -> Out {}
            ),
            quote!(
                struct F;
            ),
        ] {
            assert_eq!(error(item), SHAPE);
        }
    }

    #[test]
    fn a_missing_or_opaque_return_type_is_refused() {
        assert_eq!(
            error(quote!(
                fn f(a: In) {}
            )),
            RETURNS
        );
        assert_eq!(
            error(quote!(
                fn f(a: In) -> impl Iterator<Item = Out> {}
            )),
            RETURNS
        );
    }

    #[test]
    fn settings_come_by_reference() {
        let message = "the second parameter is the settings, as `&Settings`";
        assert_eq!(
            error(quote!(
                fn f(a: In, b: S) -> Out {}
            )),
            message
        );
        assert_eq!(
            error(quote!(
                fn f(a: In, b: &mut S) -> Out {}
            )),
            message
        );
    }

    #[test]
    fn the_input_comes_by_value() {
        assert_eq!(
            error(quote!(
                fn f(a: &In) -> Out {}
            )),
            "the input comes by value; its fields borrow"
        );
    }

    #[test]
    fn async_and_type_parameters_are_refused() {
        assert!(
            error(quote!(
                async fn f(a: In) -> Out {}
            ))
            .contains("drop `async`")
        );
        assert!(
            error(quote!(
                fn f<T>(a: T) -> Out {}
            ))
            .contains("lifetimes and no other parameter")
        );
    }

    #[test]
    fn arguments_are_refused() {
        let error = expand(
            &quote!(name = "x"),
            quote!(
                fn f(a: In) -> Out {}
            ),
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "#[transform] has no arguments; name and version are those of the crate"
        );
    }
}
