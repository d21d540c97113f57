//! Says why a text is not a value of the type that it was read as, and makes a reject of that.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::outcome::Reject;
use crate::time::TimeForm;

/// A text is not a value of the type that it was read as.
///
/// `Display` begins with "not" and says what was expected, so that it fits behind the text:
///
/// ```
/// use transform_sdk::Uuid;
///
/// let error = Uuid::parse("x-1").unwrap_err();
/// assert_eq!(error.to_string(), "not a uuid (32 hexadecimal digits, plain or dashed, in braces or after urn:uuid:)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError(pub(crate) Expected);

/// What the text should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Uuid,
    Timestamp(TimeForm),
    Date(TimeForm),
    Decimal,
}

impl ParseError {
    /// Refuses the record whose `column` holds `text`. The code is `bad-uuid`, `bad-timestamp`, `bad-date` or
    /// `bad-decimal`. A long text is shortened in the message.
    ///
    /// ```
    /// use transform_sdk::{Reject, Uuid};
    ///
    /// fn id(text: &str) -> Result<Uuid, Reject> {
    ///     Uuid::parse(text).map_err(|error| error.reject("order_id", text))
    /// }
    ///
    /// let reject = id("x-1").unwrap_err();
    /// assert_eq!(reject.code, "bad-uuid");
    /// assert!(reject.message.starts_with("order_id: `x-1` is not a uuid"));
    /// ```
    #[cold]
    #[must_use]
    pub fn reject(self, column: &str, text: &str) -> Reject {
        let code = match self.0 {
            Expected::Uuid => "bad-uuid",
            Expected::Timestamp(_) => "bad-timestamp",
            Expected::Date(_) => "bad-date",
            Expected::Decimal => "bad-decimal",
        };
        Reject::new(code, format!("{column}: `{}` is {self}", shortened(text)))
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Expected::Uuid => "not a uuid (32 hexadecimal digits, plain or dashed, in braces or after urn:uuid:)",
            Expected::Timestamp(TimeForm::Iso) => "not a time like 2017-10-02T10:56:33Z",
            Expected::Timestamp(TimeForm::DayFirst) => "not a time like 02/10/2017 10:56 (day first)",
            Expected::Timestamp(TimeForm::MonthFirst) => "not a time like 10/02/2017 10:56 (month first)",
            Expected::Timestamp(TimeForm::EpochSeconds) => "not a time in seconds since 1970",
            Expected::Timestamp(TimeForm::EpochMillis) => "not a time in milliseconds since 1970",
            Expected::Date(TimeForm::Iso) => "not a date like 2017-10-02",
            Expected::Date(TimeForm::DayFirst) => "not a date like 02/10/2017 (day first)",
            Expected::Date(TimeForm::MonthFirst) => "not a date like 10/02/2017 (month first)",
            Expected::Date(TimeForm::EpochSeconds) => "not a day in seconds since 1970",
            Expected::Date(TimeForm::EpochMillis) => "not a day in milliseconds since 1970",
            Expected::Decimal => "not a decimal of at most 38 digits like -12.340",
        })
    }
}

impl Error for ParseError {}

/// The text, shortened to 60 characters for a message, since a field may be as long as a whole record.
///
/// ```
/// use transform_sdk::shortened;
///
/// assert_eq!(shortened("soon"), "soon");
/// assert_eq!(shortened(&"-".repeat(61)), "-".repeat(60) + "…");
/// ```
pub fn shortened(text: &str) -> Cow<'_, str> {
    const MOST_CHARACTERS: usize = 60;
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
