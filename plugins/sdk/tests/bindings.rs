//! The generated bindings and the text that they were generated from belong together.

#[test]
fn bindings_belong_to_the_wit_of_this_checkout() {
    assert_eq!(
        include_str!("../src/bindings.wit"),
        include_str!("../../../wit/transform.wit"),
        "regenerate the bindings: plugins/README.md says how"
    );
}
