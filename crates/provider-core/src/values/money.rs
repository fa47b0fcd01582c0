//! Amounts of money: exact decimals that are never converted through a float.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::invalid_request::InvalidRequest;

/// An amount, balance, price or number of units: a decimal, exactly as it was written. `Debug` prints `***`.
///
/// It is read from a JSON string or a JSON number, with an optional sign and exponent; the digits are read as written and
/// never through a float. A number of more than 28 digits is refused, never rounded. Thousands separators and currency
/// signs are refused: no provider is known to write them.
///
/// It serialises as a string, because most readers parse a JSON number as a float; trailing zeros are kept and an exponent
/// is expanded. Two amounts are equal if their values are: `1.0` equals `1.00`.
///
/// Within a flattened or an untagged type, serde converts a number to a float before any type can see it, so an amount is
/// an error there, in either form. A number inside a [`serde_json::Value`] is as exact as that value is.
///
/// ```
/// use provider_core::{Amount, serde::Deserialize, serde_json};
///
/// #[derive(Deserialize)]
/// #[serde(crate = "provider_core::serde")]
/// struct Summary {
///     balance: Amount,
///     #[serde(default, deserialize_with = "Amount::absent_if_empty")]
///     limit: Option<Amount>,
/// }
///
/// let json = r#"{"balance":9007199254740993.01,"limit":""}"#;
/// let summary: Summary = serde_json::from_str(json)?;
/// assert_eq!(summary.balance.to_text(), "9007199254740993.01"); // a float would have lost one rupee
/// assert!(summary.limit.is_none());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(Decimal);

const RULE: &str = "must be a decimal number of at most 28 digits, without thousands separators";

/// Longer than any number of 28 digits with leading and trailing zeros needs to be.
const MAX_TEXT: usize = 256;

impl Amount {
    /// Parses `1239`, `-60000.00`, `+0.5`, `2.025018787E7`, with or without surrounding white space.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`]: not a decimal number, or one that does not fit 28 digits exactly.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        decimal(text.trim_ascii())
            .map(Self)
            .ok_or_else(|| InvalidRequest::new("amount", RULE))
    }

    /// The decimal, to calculate with, unmasked.
    pub fn decimal(self) -> Decimal {
        self.0
    }

    /// The number as text, without an exponent, unmasked.
    pub fn to_text(self) -> String {
        self.0.to_string()
    }

    /// Deserialises an amount; null and blank text, which providers send where there is no amount, are `None`: for
    /// `#[serde(default, deserialize_with = "Amount::absent_if_empty")]`. Anything else is an error: an unreadable amount
    /// must not be taken for an absent one.
    ///
    /// # Errors
    ///
    /// A value that is neither an amount nor absent.
    pub fn absent_if_empty<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Self>, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = text_of(raw.get()).map_err(InvalidRequest::into_deserialize_error)?;
        if raw.get() == "null" || text.trim_ascii().is_empty() {
            return Ok(None);
        }
        Self::parse(&text)
            .map(Some)
            .map_err(InvalidRequest::into_deserialize_error)
    }
}

/// The content of a JSON string, or any other JSON unchanged.
fn text_of(json: &str) -> Result<Cow<'_, str>, InvalidRequest> {
    if json.starts_with('"') {
        return serde_json::from_str(json)
            .map(Cow::<str>::Owned)
            .map_err(|_| InvalidRequest::new("amount", RULE));
    }
    Ok(Cow::Borrowed(json))
}

/// Parses a number; `None` if the text is not one, or does not fit.
fn decimal(text: &str) -> Option<Decimal> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (number, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent_of(exponent)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let are_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    let fraction = if number.contains('.') { fraction } else { "" };
    let digits = [whole, fraction].concat();
    let mut digits = digits.trim_start_matches('0');
    // The number of digits after the point; negative if zeros have to be added before it.
    let mut scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    if digits.is_empty() {
        scale = scale.clamp(0, MAX_DIGITS);
    }
    // Trailing zeros are kept if they fit.
    while (scale > MAX_DIGITS || digits.len() > MAX_DIGITS as usize) && scale > 0 {
        digits = digits.strip_suffix('0')?;
        scale = scale.checked_sub(1)?;
    }
    let mut mantissa: i128 = if digits.is_empty() {
        0
    } else {
        digits.parse().ok()?
    };
    while scale < 0 {
        mantissa = mantissa.checked_mul(10)?;
        scale = scale.checked_add(1)?;
    }
    if negative {
        mantissa = mantissa.checked_neg()?;
    }
    Decimal::try_from_i128_with_scale(mantissa, u32::try_from(scale).ok()?).ok()
}

/// The number of digits that every decimal can hold.
const MAX_DIGITS: i64 = 28;

fn exponent_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    // `i64` would accept a second sign.
    if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

impl From<Decimal> for Amount {
    fn from(decimal: Decimal) -> Self {
        Self(decimal)
    }
}

impl FromStr for Amount {
    type Err = InvalidRequest;

    fn from_str(text: &str) -> Result<Self, InvalidRequest> {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        text_of(raw.get())
            .and_then(|text| Self::parse(&text))
            .map_err(InvalidRequest::into_deserialize_error)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

crate::text_schema! {
    Amount, "A decimal number as text; a JSON number is read too.",
    pattern: "^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$"
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Amount(***)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Row {
        #[serde(default, deserialize_with = "Amount::absent_if_empty")]
        balance: Option<Amount>,
    }

    fn text(amount: &str) -> Option<String> {
        Amount::parse(amount).ok().map(Amount::to_text)
    }

    #[test]
    fn an_amount_is_read_as_it_was_written() {
        for (written, read) in [
            ("1239", "1239"),
            ("60000.00", "60000.00"),
            ("2500000.0000", "2500000.0000"),
            ("2.025018787E7", "20250187.87"),
            ("1e3", "1000"),
            ("1.50e-2", "0.0150"),
            ("-101.5", "-101.5"),
            ("+7", "7"),
            ("007.10", "7.10"),
            (" 5 ", "5"),
            ("0", "0"),
            ("-0.00", "0.00"),
            ("0e999999", "0"),
            (
                "9999999999999999999999999999",
                "9999999999999999999999999999",
            ),
            (
                "0.0000000000000000000000000001",
                "0.0000000000000000000000000001",
            ),
            // The zeros do not fit, and do not matter.
            (
                "1.00000000000000000000000000000000",
                "1.000000000000000000000000000",
            ),
            (
                "12345678901234567890.1234567800000",
                "12345678901234567890.12345678",
            ),
        ] {
            assert_eq!(text(written).as_deref(), Some(read), "{written}");
        }
    }

    #[test]
    fn text_that_is_not_a_decimal_or_does_not_fit_is_refused_and_not_printed() {
        for written in [
            "",
            " ",
            "-",
            ".5",
            "5.",
            "1,000",
            "1 000",
            "₹5",
            "5 INR",
            "1e",
            "1e+-3",
            "1e++3",
            "e3",
            "0x10",
            "1_000",
            "NaN",
            "inf",
            "--1",
            "1.2.3",
            "true",
            "null",
            "[1]",
            "{}",
            "1e1000000000000",
            "1e29",
            "0.12345678901234567890123456789",
            "12345678901234567890123456789.1",
            "1e999999",
            "1e-999999",
            "١٢",
        ] {
            assert_eq!(text(written), None, "{written}");
        }
        let error = serde_json::from_str::<Row>(r#"{"balance":"CANARY"}"#).unwrap_err();
        assert!(!error.to_string().contains("CANARY"), "{error}");
        assert_eq!(text(&"0".repeat(257)), None);
    }

    #[test]
    fn json_strings_and_numbers_give_the_same_amount() {
        let read = |json: &str| {
            serde_json::from_str::<Amount>(json)
                .ok()
                .map(Amount::to_text)
        };
        assert_eq!(read("\"240.10\"").unwrap(), "240.10");
        assert_eq!(read("240.10").unwrap(), "240.10");
        assert_eq!(read("9007199254740993").unwrap(), "9007199254740993");
        assert_eq!(
            read("0.1000000000000000055511151231").unwrap(),
            "0.1000000000000000055511151231"
        );
        assert_eq!(read(r#""\u0031.5""#).unwrap(), "1.5");
        for json in ["true", "null", "[]", "{}", "\"\"", "\"1,000\""] {
            assert_eq!(read(json), None, "{json}");
        }
        let written = serde_json::to_string(&Amount::parse("60000.00").unwrap()).unwrap();
        assert_eq!(written, "\"60000.00\"");
    }

    #[test]
    fn blank_is_absent_and_nonsense_is_an_error() {
        let balance = |json: &str| {
            let json = format!(r#"{{"balance":{json}}}"#);
            serde_json::from_str::<Row>(&json).map(|row| row.balance.map(Amount::to_text))
        };
        for absent in ["null", "\"\"", "\" \""] {
            assert_eq!(balance(absent).unwrap(), None, "{absent}");
        }
        assert_eq!(balance("\"5.0\"").unwrap().unwrap(), "5.0");
        assert_eq!(balance("5.0").unwrap().unwrap(), "5.0");
        for nonsense in ["\"null\"", "\"n/a\"", "[]", "{}", "false"] {
            assert!(balance(nonsense).is_err(), "{nonsense}");
        }
        assert!(serde_json::from_str::<Row>("{}").unwrap().balance.is_none());
    }

    #[test]
    fn it_prints_masked_and_compares_by_value() {
        let amount = Amount::parse("101666.330").unwrap();
        assert_eq!(format!("{amount:?}"), "Amount(***)");
        assert_eq!(amount, "101666.33".parse().unwrap());
        assert!(amount < Amount::from(Decimal::new(101_667, 0)));
        assert_eq!(amount.decimal(), Decimal::new(10_166_633, 2));
    }

    /// The sign, the digits without surrounding zeros, and the power of ten of the last digit, derived from the text.
    fn value_of(literal: &str) -> (bool, String, i64) {
        let unsigned = literal.trim_start_matches(['-', '+']);
        let (number, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        let stripped = digits.trim_end_matches('0');
        if stripped.is_empty() {
            return (false, String::new(), 0);
        }
        let zeros = digits.len().saturating_sub(stripped.len()) as i64;
        let power = exponent.parse::<i64>().unwrap();
        let power = power.saturating_sub(fraction.len() as i64);
        let power = power.saturating_add(zeros);
        (literal.starts_with('-'), stripped.to_owned(), power)
    }

    proptest! {
        #[test]
        fn every_decimal_literal_is_exactly_its_text(
            literal in "[+-]?(0|[1-9][0-9]{0,13})([.][0-9]{1,14})?([eE][+-]?[0-9])?",
        ) {
            if let Ok(amount) = Amount::parse(&literal) {
                let written = amount.to_text();
                prop_assert_eq!(value_of(&written), value_of(&literal));
                prop_assert_eq!(&Amount::parse(&written).unwrap().to_text(), &written);
                let json = serde_json::to_string(&amount).unwrap();
                prop_assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), amount);
                if !literal.starts_with('+') {
                    prop_assert_eq!(serde_json::from_str::<Amount>(&literal).unwrap().to_text(), written);
                }
            } else {
                // Refused only for lack of room: 28 digits and a power of nine.
                prop_assert!(literal.contains(['e', 'E']), "{literal}");
            }
        }

        #[test]
        fn without_an_exponent_it_is_its_text_letter_by_letter(
            literal in "-?[1-9][0-9]{0,13}([.][0-9]{1,14})?",
        ) {
            prop_assert_eq!(Amount::parse(&literal).unwrap().to_text(), literal);
        }

        #[test]
        fn no_text_is_misread(text in "[-+0-9.,eE ]{0,40}") {
            if let Ok(amount) = Amount::parse(&text) {
                prop_assert_eq!(value_of(&amount.to_text()), value_of(text.trim()));
            }
        }
    }
}
