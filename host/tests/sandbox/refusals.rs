//! Components that are refused before anything of them runs, and such that cannot be started.

use std::time::{Duration, Instant};

use host::plugin::limits::Limits;
use host::plugin::{Plugin, PluginError};

use crate::built::{ENGINE, chain, misbehaving};

fn refusal(text: &str, limits: Limits) -> String {
    let bytes = wat::parse_str(text).expect("valid text");
    chain(&load(&bytes, limits))
}

fn load(bytes: &[u8], limits: Limits) -> PluginError {
    let Err(error) = Plugin::load(&ENGINE, bytes, &[], limits) else {
        panic!("it was loaded")
    };
    error
}

/// A component that exports functions by the right names, on top of `core`.
fn with_exports(core: &str) -> String {
    format!(
        r#"(component
            (core module $m {core} (func (export "f")))
            (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f")))
            (instance $t (export "configure" (func $f)) (export "transform" (func $f)))
            (export "host:transform/transformer@0.1.0" (instance $t)))"#
    )
}

#[test]
fn every_import_but_our_own_is_named() {
    let text = r#"(component
        (import "wasi:cli/environment@0.2.0" (instance))
        (import "host:transform/log@0.1.0" (instance))
        (import "wasi:clocks/wall-clock@0.2.0" (instance))
        (import "host:transformer/log@0.1.0" (instance))
        (import "now" (func)))"#;
    assert_eq!(
        refusal(text, Limits::default()),
        "it imports wasi:cli/environment@0.2.0, wasi:clocks/wall-clock@0.2.0, host:transformer/log@0.1.0, now; \
         a plugin may import nothing but host:transform/* (no clock, files, network or random)"
    );
}

#[test]
fn another_version_of_the_world_is_named_beside_the_expected_one() {
    let text = r#"(component
        (import "host:transform/log@0.2.0" (instance))
        (instance $t)
        (export "host:transform/transformer@0.2.0" (instance $t)))"#;
    assert_eq!(
        refusal(text, Limits::default()),
        "it is made for host:transform/log@0.2.0, host:transform/transformer@0.2.0; this host runs \
         host:transform/transformer@0.1.0: build it again with this host's SDK"
    );
}

#[test]
fn a_component_without_the_export_is_told_which_and_what_it_exports() {
    let expected = "it does not export host:transform/transformer@0.1.0, but";
    assert_eq!(
        refusal("(component)", Limits::default()),
        format!("{expected} nothing: is `#[transform]` on a function?")
    );
    let text = r#"(component (instance $t) (export "acme:orders/clean" (instance $t)))"#;
    assert_eq!(
        refusal(text, Limits::default()),
        format!("{expected} acme:orders/clean")
    );
}

#[test]
fn an_interface_of_ours_that_a_plugin_is_not_given_does_not_fit_the_world() {
    let text = r#"(component
        (import "host:transform/clock@0.1.0" (instance (export "now" (func))))
        (instance $t)
        (export "host:transform/transformer@0.1.0" (instance $t)))"#;
    let said = refusal(text, Limits::default());
    assert!(said.starts_with("it does not fit the world"), "{said}");
    assert!(said.contains("host:transform/clock@0.1.0"), "{said}");
}

#[test]
fn exports_of_another_type_do_not_fit_the_world() {
    let said = refusal(&with_exports(""), Limits::default());
    assert!(said.starts_with("it does not fit the world"), "{said}");
    assert!(said.contains("failed to convert function to given type"), "{said}");
}

#[test]
fn a_start_function_that_never_ends_is_stopped() {
    let limits = Limits {
        deadline: Duration::from_millis(50),
        ..Limits::default()
    };
    let begun = Instant::now();
    let said = refusal(&with_exports("(func $s (loop (br 0))) (start $s)"), limits);
    assert_eq!(
        said,
        "it fails before its first call: the plugin did not return within 50 ms of processor time (plugin.limits.deadline_ms)"
    );
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_start_function_that_traps_is_named() {
    let said = refusal(&with_exports("(func $s unreachable) (start $s)"), Limits::default());
    assert!(
        said.starts_with("it fails before its first call: the plugin trapped: "),
        "{said}"
    );
    assert!(said.contains("unreachable"), "{said}");
}

#[test]
fn a_memory_that_begins_above_the_limit_is_refused_with_the_limits_name() {
    let limits = Limits {
        memory_bytes: 1 << 20,
        ..Limits::default()
    };
    assert_eq!(
        refusal(&with_exports("(memory 17)"), limits),
        "it fails before its first call: the plugin wanted more than 1 MiB of memory (plugin.limits.memory_mib)"
    );
    let just_fits = refusal(&with_exports("(memory 16)"), limits);
    assert!(just_fits.starts_with("it does not fit the world"), "{just_fits}");
}

#[test]
fn what_the_engine_leaves_out_is_refused_by_name() {
    let relaxed = "(func (param v128 v128 v128) (result v128)
        (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))";
    for (core, name) in [
        (relaxed, "relaxed SIMD"),
        ("(memory i64 1)", "memory64"),
        ("(memory 1) (memory 1)", "multi"),
        ("(memory 1 1 shared)", "thread"),
    ] {
        let said = refusal(&with_exports(core), Limits::default());
        assert!(
            said.starts_with("it is a component that is damaged, or needs something that"),
            "{said}"
        );
        assert!(said.contains(name), "{name}: {said}");
    }
}

/// A whole component cut at any place, or with any of its bytes changed, is refused or loads, and nothing else happens.
#[test]
fn a_damaged_component_does_no_harm() {
    let whole = misbehaving();
    for end in (0..whole.len()).step_by(whole.len() / 60) {
        let error = load(&whole[..end], Limits::default());
        let is_told = matches!(
            error,
            PluginError::NotAComponent { .. }
                | PluginError::CutOff { .. }
                | PluginError::Compile(_)
                | PluginError::NoTransformer { .. }
        );
        assert!(is_told, "cut at {end}: {error:?}");
    }
    // The first kilobytes are the types of the world, the last ones how the parts fit together.
    let ends = (0..2_000)
        .step_by(131)
        .chain((whole.len() - 2_000..whole.len()).step_by(131));
    for place in ends {
        let mut damaged = whole.to_vec();
        damaged[place] ^= 0x55;
        _ = Plugin::load(&ENGINE, &damaged, &[], Limits::default());
    }
}
