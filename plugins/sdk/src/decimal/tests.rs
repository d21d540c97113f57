//! Tests decimals by example, by property, and against `bigdecimal`.

use std::collections::hash_map::DefaultHasher;

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use proptest::prelude::*;

use super::*;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap_or_else(|error| panic!("{text} is {error}"))
}

fn hash(of: Decimal) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

fn theirs(of: Decimal) -> BigDecimal {
    BigDecimal::new(BigInt::from(of.unscaled()), of.scale().into())
}

/// The library's result, where it has at most 38 digits and 38 of them after the point.
fn fitting(result: &BigDecimal) -> Option<Decimal> {
    let (unscaled, scale) = result.as_bigint_and_exponent();
    Decimal::from_parts(i128::try_from(unscaled).ok()?, u32::try_from(scale).ok()?)
}

#[test]
fn digits_are_kept_as_they_were_written() {
    for (text, shown) in [
        ("0", "0"),
        ("-0.00", "0.00"),
        ("+7", "7"),
        ("007.10", "7.10"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-12.340", "-12.340"),
        ("5e3", "5000"),
        ("1.25E+1", "12.5"),
        ("12.5e-2", "0.125"),
        ("-0e99999", "0"),
        ("0e-38", "0.00000000000000000000000000000000000000"),
        (
            "99999999999999999999999999999999999999",
            "99999999999999999999999999999999999999",
        ),
        (
            "-0.99999999999999999999999999999999999999",
            "-0.99999999999999999999999999999999999999",
        ),
    ] {
        assert_eq!(decimal(text).to_string(), shown, "{text}");
    }
}

#[test]
fn anything_else_is_refused() {
    for text in [
        "",
        "-",
        ".",
        "+.",
        "e5",
        "1e",
        "1e+",
        "1e1.5",
        "1.2.3",
        "1,5",
        " 1",
        "1 ",
        "1_000",
        "--1",
        "0x1",
        "NaN",
        "inf",
        "é",
        "1e39",
        "1e-39",
        "1e99999",
        "1e999999",
        "100000000000000000000000000000000000000",
        "1.00000000000000000000000000000000000000",
    ] {
        assert!(text.parse::<Decimal>().is_err(), "{text}");
    }
}

#[test]
fn results_with_too_many_digits_are_none() {
    let most = decimal("99999999999999999999999999999999999999");
    assert_eq!(most.checked_add(1.into()), None);
    assert_eq!((-most).checked_sub(1.into()), None);
    assert_eq!(most.checked_mul(10.into()), None);
    assert_eq!(most.checked_add(decimal("0.1")), None);
    assert_eq!(most.checked_sub(most), Some(0.into()));
    let least = decimal("0.00000000000000000000000000000000000001");
    assert_eq!(least.checked_mul(decimal("0.1")), None);
    let mut sorted = [least, most, -most, -least, 0.into()];
    sorted.sort();
    assert_eq!(sorted, [-most, -least, 0.into(), least, most]);
}

#[test]
fn a_half_is_rounded_away_from_zero() {
    for (text, scale, rounded) in [
        ("2.345", 2, "2.35"),
        ("-2.345", 2, "-2.35"),
        ("2.344", 2, "2.34"),
        ("0.5", 0, "1"),
        ("-0.49", 0, "0"),
        ("2.3", 4, "2.3"),
        (
            "0.99999999999999999999999999999999999999",
            37,
            "1.0000000000000000000000000000000000000",
        ),
        ("0.99999999999999999999999999999999999999", 0, "1"),
    ] {
        assert_eq!(decimal(text).round(scale).to_string(), rounded, "{text}");
    }
}

fn any_decimal() -> impl Strategy<Value = Decimal> {
    let unscaled = prop_oneof![-1_000..1_000_i128, any::<i64>().prop_map(i128::from), any::<i128>()];
    (unscaled, 0..=MOST_DIGITS).prop_filter_map("too many digits", |(unscaled, scale)| {
        Decimal::from_parts(unscaled % power(MOST_DIGITS), scale)
    })
}

proptest! {
    #[test]
    fn the_library_reads_and_shows_the_same(number in any_decimal()) {
        let shown = number.to_string();
        prop_assert_eq!(&shown, &theirs(number).to_plain_string());
        let read = decimal(&shown);
        prop_assert_eq!((read.unscaled(), read.scale()), (number.unscaled(), number.scale()));
    }

    #[test]
    fn the_library_reads_the_same_texts(text in "[+-]?[0-9]{0,6}[.]?[0-9]{0,6}([eE][+-]?[0-9]{1,3})?") {
        let has_digit = text.split(['e', 'E']).next().is_some_and(|number| number.contains(|c: char| c.is_ascii_digit()));
        let theirs = has_digit.then(|| text.parse::<BigDecimal>().ok()).flatten();
        // A negative scale stands for zeros before the point, which we have written out.
        let theirs = theirs.map(|number| if number.as_bigint_and_exponent().1 < 0 { number.with_scale(0) } else { number });
        prop_assert_eq!(text.parse().ok(), theirs.as_ref().and_then(fitting), "{}", text);
    }

    #[test]
    fn the_library_computes_the_same(one in any_decimal(), two in any_decimal(), scale in 0..=MOST_DIGITS) {
        prop_assert_eq!(one.checked_mul(two), fitting(&(theirs(one) * theirs(two))));
        prop_assert_eq!(one.cmp(&two), theirs(one).cmp(&theirs(two)));
        let longer = one.scale().max(two.scale()).into();
        let both_fit = [one, two].iter().all(|number| fitting(&theirs(*number).with_scale(longer)).is_some());
        let (sum, difference) = (theirs(one) + theirs(two), theirs(one) - theirs(two));
        prop_assert_eq!(one.checked_add(two), fitting(&sum).filter(|_| both_fit));
        prop_assert_eq!(one.checked_sub(two), fitting(&difference).filter(|_| both_fit));
        let rounded = theirs(one).with_scale_round(i64::from(scale.min(one.scale())), bigdecimal::RoundingMode::HalfUp);
        prop_assert_eq!(theirs(one.round(scale)), rounded);
    }

    #[test]
    fn the_float_is_the_nearest_one(number in any_decimal()) {
        prop_assert_eq!(number.to_f64().to_bits(), number.to_string().parse::<f64>().unwrap().to_bits());
    }

    #[test]
    fn equal_numbers_have_one_hash(number in any_decimal()) {
        if let Some(longer) = number.checked_mul(Decimal { unscaled: 10, scale: 1 }) {
            prop_assert_eq!(number, longer);
            prop_assert_eq!(hash(number), hash(longer));
        }
    }

    #[test]
    fn never_panics(text in ".*") {
        let _ = text.parse::<Decimal>();
    }
}
