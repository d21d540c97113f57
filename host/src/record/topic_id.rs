//! The id that brokers give to each topic they create. It tells a topic from another one that had the
//! same name ([KIP-516](https://cwiki.apache.org/confluence/display/KAFKA/KIP-516%3A+Topic+Identifiers)).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// A topic's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TopicId(pub [u8; 16]);

/// Shows the id as Kafka's own programs do: base64 for URLs, 22 characters.
impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for TopicId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(drop)?;
        bytes.try_into().map(Self).map_err(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_kafka_writes_it_and_read_back() {
        let id = TopicId([
            0x9d, 0x86, 0x2f, 0xfb, 0x34, 0x5e, 0x4c, 0xe9, 0xb4, 0x0d, 0xfd, 0xff, 0x5a, 0x1b, 0x1e, 0xf7,
        ]);
        assert_eq!(id.to_string(), "nYYv-zReTOm0Df3_Whse9w");
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "nYYv", "nYYv+zReTOm0Df3/Whse9w", "nYYv-zReTOm0Df3_Whse9w=="] {
            assert_eq!(wrong.parse::<TopicId>(), Err(()), "{wrong:?}");
        }
    }
}
