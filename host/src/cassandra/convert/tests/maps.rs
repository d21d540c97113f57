//! The keys of maps, which JSON writes as texts.

use super::*;

#[test]
fn a_key_of_a_map_is_a_finite_number() {
    for key in ["1e400", "-1e400", "inf", "NaN", "1e39"] {
        let floats = map(NativeType::Float, native(NativeType::Int));
        assert!(json(&format!("{{\"{key}\": 1}}"), &floats).is_err(), "{key}");
    }
}
