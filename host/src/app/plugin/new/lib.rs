//! {{name}}: readings of sensors, in Celsius and Fahrenheit.

use transform_sdk::{Input, Reject, Row, transform};

/// What is read of each record: fields of its value, by name. `Option` takes what may be null or missing.
#[derive(Input)]
pub struct Reading<'a> {
    sensor: &'a str,
    celsius: Option<f64>,
    room: Option<&'a str>,
}

/// What is written: a row of this table, a column for each field.
#[derive(Row, Debug, PartialEq)]
#[row(table = "readings")]
pub struct Converted<'a> {
    sensor: &'a str,
    celsius: f64,
    fahrenheit: f64,
    room: Option<&'a str>,
}

/// Called for each record. A record that it rejects becomes a dead letter with this code and message.
#[transform]
pub fn convert<'a>(reading: Reading<'a>) -> Result<Converted<'a>, Reject> {
    let Reading {
        sensor,
        celsius,
        room,
    } = reading;
    let celsius =
        celsius.ok_or_else(|| Reject::new("no-reading", format!("{sensor} measured nothing")))?;
    if celsius < -273.15 {
        return Err(Reject::new(
            "too-cold",
            format!("{sensor} measured {celsius} degrees Celsius"),
        ));
    }
    Ok(Converted {
        sensor,
        celsius,
        fahrenheit: celsius * 1.8 + 32.0,
        room,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_converted() {
        let row = convert(Reading {
            sensor: "a",
            celsius: Some(100.0),
            room: None,
        });
        assert_eq!(
            row,
            Ok(Converted {
                sensor: "a",
                celsius: 100.0,
                fahrenheit: 212.0,
                room: None
            })
        );
    }

    #[test]
    fn no_reading_and_an_impossible_one_are_rejected() {
        let code = |celsius| {
            convert(Reading {
                sensor: "a",
                celsius,
                room: None,
            })
            .unwrap_err()
            .code
        };
        assert_eq!(code(None), "no-reading");
        assert_eq!(code(Some(-300.0)), "too-cold");
    }
}
