//! Which lists are written.

use super::*;

/// Cassandra puts the elements of a list that is not frozen in once more each time they are written.
#[test]
fn a_list_is_written_only_where_a_write_made_twice_is_a_write_made_once() {
    let texts = || list(native(NativeType::Text));
    for grows in [
        texts(),
        list(frozen(texts())),
        list(frozen(set(native(NativeType::Int)))),
    ] {
        for from in DataType::ALL {
            let mismatch = can_convert(from, &grows).expect_err("it grows").to_string();
            assert!(
                mismatch.contains("replay") && mismatch.contains("frozen<list<…>>"),
                "{mismatch}"
            );
        }
    }
    // The driver says of a list within a frozen collection that it is not frozen.
    let nested = [
        frozen(texts()),
        frozen(list(texts())),
        set(frozen(texts())),
        map(NativeType::Int, frozen(texts())),
        frozen(map(NativeType::Int, texts())),
    ];
    for stays in nested {
        assert_eq!(can_convert(DataType::Json, &stays), Ok(()), "{}", type_name(&stays));
    }
}
