//! Implements `--rate 10/s`: records at an even pace, to imitate real time.

use std::str::FromStr;
use std::time::{Duration, Instant};

/// Records per unit of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    per_second: f64,
}

/// Why a text is not a rate.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a rate; write a number above 0 and s, m or h: 10/s, 600/m")]
pub struct RateError {
    text: String,
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let error = || RateError { text: text.to_owned() };
        let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
        let number: f64 = number.trim().parse().map_err(|_| error())?;
        let seconds = match unit.trim() {
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            _ => return Err(error()),
        };
        if number.is_finite() && number > 0.0 {
            Ok(Self {
                per_second: number / seconds,
            })
        } else {
            Err(error())
        }
    }
}

/// Tells when the next record is due.
#[derive(Debug)]
pub struct Pace {
    rate: Rate,
    begun: Instant,
    sent: u64,
}

impl Pace {
    /// Starts now.
    pub fn new(rate: Rate) -> Self {
        Self {
            rate,
            begun: Instant::now(),
            sent: 0,
        }
    }

    /// How long to wait before the next record. The pace is kept over the whole run, so a late record is made up for.
    pub fn next_wait(&mut self) -> Duration {
        let due = Duration::from_secs_f64(self.sent as f64 / self.rate.per_second);
        self.sent += 1;
        due.saturating_sub(self.begun.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rates_and_refuses_what_is_none() {
        assert_eq!("10/s".parse(), Ok(Rate { per_second: 10.0 }));
        assert_eq!("600/m".parse(), Ok(Rate { per_second: 10.0 }));
        assert_eq!("5".parse(), Ok(Rate { per_second: 5.0 }));
        for text in ["", "0/s", "-1/s", "fast", "10/d", "NaN/s", "inf"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_tenth_record_of_a_hundred_a_second_is_due_after_90_ms() {
        let mut pace = Pace::new("100/s".parse().expect("a rate"));
        let last = (0..10).map(|_| pace.next_wait()).last().expect("ten");
        assert!(
            last > Duration::from_millis(50) && last <= Duration::from_millis(90),
            "{last:?}"
        );
    }
}
