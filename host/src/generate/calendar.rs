//! Seconds since 1970 as `YYYY-MM-DD HH:MM:SS`, as Olist writes them.

use chrono::DateTime;

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
