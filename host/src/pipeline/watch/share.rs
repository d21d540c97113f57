//! A share of all batches, in per cent: how many a shadowed candidate sees, and how many are traced.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A share of batches, in per cent: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Share(u8);

/// The text is not a whole per cent from 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a share; write it as 10%, from 1% to 100%")]
pub struct NoShare;

/// A tenth: most transforms then cost a few per cent more, and a thousand batches are soon seen.
impl Default for Share {
    fn default() -> Self {
        Self(10)
    }
}

impl FromStr for Share {
    type Err = NoShare;

    /// Reads `10%` or `10`.
    fn from_str(text: &str) -> Result<Self, NoShare> {
        let number = text.strip_suffix('%').unwrap_or(text);
        number.parse::<u8>().map_err(|_| NoShare)?.try_into()
    }
}

impl TryFrom<u8> for Share {
    type Error = NoShare;

    fn try_from(percent: u8) -> Result<Self, NoShare> {
        if (1..=100).contains(&percent) {
            Ok(Self(percent))
        } else {
            Err(NoShare)
        }
    }
}

impl From<Share> for u8 {
    fn from(share: Share) -> Self {
        share.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_per_cent_from_1_to_100() {
        for (text, share) in [("10%", 10), ("1", 1), ("100%", 100)] {
            assert_eq!(text.parse(), Ok(Share(share)));
        }
        for wrong in ["0%", "101%", "0.1", "ten", "%", "-1", "256", ""] {
            assert_eq!(wrong.parse::<Share>(), Err(NoShare), "{wrong}");
        }
        assert_eq!(Share(10).to_string(), "10%");
    }
}
