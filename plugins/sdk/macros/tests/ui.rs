//! What the compiler says of a plugin that is not right: one error for each mistake, at the word, with what to do. Each
//! file in `ui/` is a plugin with mistakes; the file beside it is everything that the compiler prints.
//!
//! `TRYBUILD=overwrite cargo test -p transform-sdk-macros --test ui` writes those files anew.

#[test]
fn each_mistake_is_said_once_with_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
