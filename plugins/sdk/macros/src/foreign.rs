//! Knows common types that no column has, and what to take instead. All other types are left to the compiler.

use syn::{Error, GenericArgument, PathArguments, Result, Type, TypePath};

use crate::syntax;

/// What a field belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Input,
    Row,
}

/// Refuses the type if it is a common one that no column has.
pub fn refuse(ty: &Type, side: Side) -> Result<()> {
    let inner = syntax::inside_option(ty).unwrap_or(ty);
    match advice(inner, side) {
        Some((name, advice)) => {
            let message = format!("`{name}` is not the type of a column: {advice}");
            Err(Error::new(syntax::word(inner), message))
        }
        None => Ok(()),
    }
}

/// The type's name as the author knows it, and what to take instead.
fn advice(ty: &Type, side: Side) -> Option<(String, &'static str)> {
    match ty {
        Type::Path(path) => {
            let name = path.path.segments.last()?.ident.to_string();
            let advice = of_path(path, &name, side)?;
            Some((name, advice))
        }
        Type::Reference(reference) => match &*reference.elem {
            Type::Path(path) if path.path.is_ident("String") => Some(("&String".to_owned(), "take &'a str")),
            Type::Slice(slice) if !is_byte(&slice.elem) => Some(("&[…]".to_owned(), list(side))),
            _ => None,
        },
        Type::Array(array) if is_byte(&array.elem) => Some((
            "[u8; N]".to_owned(),
            match side {
                Side::Input => "take &'a [u8], or Uuid for 16 bytes that are one",
                Side::Row => "take Vec<u8> or &'a [u8], or Uuid for 16 bytes that are one",
            },
        )),
        Type::Array(_) => Some(("[…; N]".to_owned(), list(side))),
        Type::Tuple(_) => Some(("(…)".to_owned(), "a column holds one value: take a field for each")),
        _ => None,
    }
}

fn of_path(path: &TypePath, name: &str, side: Side) -> Option<&'static str> {
    let is_input = side == Side::Input;
    match name {
        "String" | "Cow" if is_input => Some("an input borrows, take &'a str"),
        "Vec" if is_of_bytes(path) => is_input.then_some("an input borrows, take &'a [u8]"),
        "Vec" | "VecDeque" | "HashSet" | "BTreeSet" => Some(list(side)),
        "HashMap" | "BTreeMap" | "IndexMap" => Some(match side {
            Side::Input => "a column holds one value, so a map comes as JSON: take Json<'a> and parse its text",
            Side::Row => "a column holds one value, so a map goes as JSON: take Json<'a> and write its text",
        }),
        "NaiveDateTime" => Some(match side {
            Side::Input => "take Timestamp; chrono::DateTime::from_timestamp_millis(at.0) has its naive_utc()",
            Side::Row => "take Timestamp, as Timestamp(at.and_utc().timestamp_millis())",
        }),
        "DateTime" => Some(match side {
            Side::Input => "take Timestamp, and chrono::DateTime::from_timestamp_millis(at.0) where chrono is needed",
            Side::Row => "take Timestamp, as Timestamp(at.timestamp_millis())",
        }),
        "NaiveDate" => Some("take Date, which has from_parts(year, month, day), year(), month() and day()"),
        "OffsetDateTime" | "PrimitiveDateTime" | "Zoned" | "SystemTime" => {
            Some("take Timestamp, which holds milliseconds since 1970")
        }
        "Duration" | "TimeDelta" | "SignedDuration" => Some("take i64, and name the unit in the field's name"),
        "NaiveTime" => Some(if is_input {
            "take &'a str and parse it"
        } else {
            "take String, as 10:56:33"
        }),
        "BigDecimal" => Some("take transform_sdk::Decimal, which holds 38 digits"),
        "Decimal" if is_of(path, &["rust_decimal", "fastnum"]) => Some("take transform_sdk::Decimal"),
        "Uuid" if is_of(path, &["uuid"]) => Some("take transform_sdk::Uuid, which holds the same 16 bytes"),
        "Date" if is_of(path, &["time", "jiff", "civil"]) => Some("take transform_sdk::Date"),
        "i8" | "i16" | "u8" | "u16" => Some("take i32"),
        "u32" | "u64" | "isize" | "usize" | "i128" | "u128" => Some("take i64"),
        "f32" => Some("take f64"),
        "char" if is_input => Some("take &'a str"),
        "char" => Some("take String"),
        _ => None,
    }
}

fn list(side: Side) -> &'static str {
    match side {
        Side::Input => "a column holds one value, so a list comes as JSON: take Json<'a> and parse its text",
        Side::Row => "a column holds one value, so a list goes as JSON: take Json<'a> and write its text",
    }
}

/// Whether the path is written with one of these before its last word, as in `uuid::Uuid`.
fn is_of(path: &TypePath, crates: &[&str]) -> bool {
    let before = path.path.segments.iter().rev().skip(1);
    before
        .into_iter()
        .any(|segment| crates.iter().any(|name| segment.ident == name))
}

/// Whether the path ends in `<u8>`.
fn is_of_bytes(path: &TypePath) -> bool {
    let Some(PathArguments::AngleBracketed(arguments)) = path.path.segments.last().map(|last| &last.arguments) else {
        return false;
    };
    matches!(arguments.args.first(), Some(GenericArgument::Type(inner)) if is_byte(inner))
}

fn is_byte(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("u8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(ty: &str, side: Side) -> Option<String> {
        let parsed: Type = syn::parse_str(ty).unwrap();
        let message = refuse(&parsed, side).err()?.to_string();
        Some(message.split_once(" is not the type of a column: ")?.1.to_owned())
    }

    #[test]
    fn what_columns_hold_is_left_to_the_compiler() {
        for ty in [
            "&'a str",
            "Option<&'a [u8]>",
            "i64",
            "Uuid",
            "transform_sdk::Uuid",
            "Decimal",
            "Date",
            "Json<'a>",
            "Mine",
        ] {
            assert_eq!((refused(ty, Side::Input), refused(ty, Side::Row)), (None, None), "{ty}");
        }
        for ty in ["String", "Cow<'a, str>", "Vec<u8>"] {
            assert_eq!(refused(ty, Side::Row), None, "{ty}");
        }
    }

    #[test]
    fn each_common_type_has_its_advice() {
        for (ty, advice) in [
            ("String", "an input borrows, take &'a str"),
            ("Option<std::string::String>", "an input borrows, take &'a str"),
            ("&'a String", "take &'a str"),
            ("Vec<u8>", "an input borrows, take &'a [u8]"),
            ("Vec<&'a str>", list(Side::Input)),
            ("&'a [i64]", list(Side::Input)),
            ("[f64; 3]", list(Side::Input)),
            ("u64", "take i64"),
            ("f32", "take f64"),
            ("uuid::Uuid", "take transform_sdk::Uuid, which holds the same 16 bytes"),
            ("rust_decimal::Decimal", "take transform_sdk::Decimal"),
            ("(i32, i32)", "a column holds one value: take a field for each"),
        ] {
            assert_eq!(refused(ty, Side::Input).as_deref(), Some(advice), "{ty}");
        }
        assert_eq!(refused("Vec<String>", Side::Row).as_deref(), Some(list(Side::Row)));
    }
}
