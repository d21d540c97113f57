//! Writes seconds since 1970 as `YYYY-MM-DD HH:MM:SS`, as in Olist's data.

use chrono::DateTime;

/// Writes the time.
pub fn text(seconds: u64) -> String {
    let time = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    time.unwrap_or_default().format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Midnight of the same day.
pub fn day(seconds: u64) -> u64 {
    seconds - seconds % 86_400
}
