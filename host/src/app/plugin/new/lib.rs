//! {{name}}: readings of sensors, in Celsius and Fahrenheit.

use transform_sdk::{Input, Reject, Row, TimeForm, Timestamp, present, required, transform};

/// What is read of each record: fields of its value, by name. `Option` takes what may be null or missing.
#[derive(Input)]
pub struct Reading<'a> {
    sensor: &'a str,
    /// Text, since the day comes first in it. A `Timestamp` here reads ISO 8601 and milliseconds since 1970.
    at: &'a str,
    celsius: Option<f64>,
    room: Option<&'a str>,
}

/// What is written: a row of this table, a column for each field.
#[derive(Row, Debug, PartialEq)]
#[row(table = "readings")]
pub struct Converted<'a> {
    sensor: &'a str,
    at: Timestamp,
    celsius: f64,
    fahrenheit: f64,
    room: Option<&'a str>,
}

/// Called for each record. A record that it rejects becomes a dead letter with this code and message.
#[transform]
pub fn convert<'a>(reading: Reading<'a>) -> Result<Converted<'a>, Reject> {
    let at = reading.at;
    let at = Timestamp::parse(at, TimeForm::DayFirst).map_err(|error| error.reject("at", at))?;
    let celsius = required("celsius", reading.celsius)?;
    if celsius < -273.15 {
        return Err(Reject::new("too-cold", format!("{celsius} degrees")));
    }
    Ok(Converted {
        sensor: reading.sensor,
        at,
        celsius,
        fahrenheit: celsius * 1.8 + 32.0,
        room: present(reading.room),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(celsius: Option<f64>) -> Reading<'static> {
        Reading {
            sensor: "a",
            at: "2/10/2017 10:56",
            celsius,
            room: Some("NULL"),
        }
    }

    #[test]
    fn a_reading_is_converted() {
        let row = convert(reading(Some(100.0))).unwrap();
        assert_eq!(row.at.to_string(), "2017-10-02T10:56:00Z");
        assert_eq!((row.fahrenheit, row.room), (212.0, None));
    }

    #[test]
    fn no_reading_and_an_impossible_one_are_rejected() {
        let code = |celsius| convert(reading(celsius)).unwrap_err().code;
        assert_eq!(code(None), "missing-value");
        assert_eq!(code(Some(-300.0)), "too-cold");
    }
}
