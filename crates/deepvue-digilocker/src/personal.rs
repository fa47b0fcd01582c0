//! Texts of a person, in which an Aadhaar number is never whole.

use provider_core::lenient::map_texts;
use provider_core::lint::mask_aadhaar;
use provider_core::{Masked, lenient};
use serde::Deserializer;

/// Reads text that may repeat what a person said: an Aadhaar number in it, which should be none, is hidden but for its last four
/// digits before anybody sees it.
pub(crate) fn text<'de, D: Deserializer<'de>, T: for<'a> From<&'a str>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let text: Option<Masked> = lenient::text(deserializer)?;
    Ok(text.map(|text| T::from(&mask_aadhaar(text.expose()))))
}

/// Reads a whole number, or text that is one; `None` for an Aadhaar number, which is neither a time nor a count.
pub(crate) fn integer<'de, D: Deserializer<'de>, T: TryFrom<i128>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let number: Option<i128> = lenient::integer(deserializer)?;
    let number = number.filter(|number| {
        let text = number.to_string();
        mask_aadhaar(&text) == text
    });
    Ok(number.and_then(|number| T::try_from(number).ok()))
}

/// Reads a list of texts, each like [`text`].
pub(crate) fn texts<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    let texts: Option<Vec<String>> = lenient::value(deserializer)?;
    let masked = |text: String| mask_aadhaar(&text).into_owned();
    Ok(texts.map(|texts| texts.into_iter().map(masked).collect()))
}

/// JSON that was not understood, with every text and number in it like [`text`].
pub(crate) fn json(json: &str) -> String {
    map_texts(json, mask_aadhaar)
}

/// Reads an Aadhaar number that the provider has masked, in a form that no page shows. Whatever else it holds, all but its last four
/// digits are hidden.
pub(crate) fn masked_uid<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Masked>, D::Error> {
    const SHOWN: usize = 4;
    let Some(text) =
        Option::<Masked>::filter(text(deserializer)?, |text| !text.expose().is_empty())
    else {
        return Ok(None);
    };
    let digits = text.expose().chars().filter(|char| char.is_numeric());
    let excess = digits.count().saturating_sub(SHOWN);
    if excess == 0 {
        return Ok(Some(text));
    }
    let mut seen = 0_usize;
    let masked = text.expose().chars().map(|char| {
        seen = seen.saturating_add(usize::from(char.is_numeric()));
        match char.is_numeric() && seen <= excess {
            true => 'x',
            false => char,
        }
    });
    Ok(Some(Masked::new(masked.collect::<String>())))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Uid {
        #[serde(deserialize_with = "masked_uid")]
        uid: Option<Masked>,
    }

    #[test]
    fn at_most_four_digits_of_a_number_are_left() {
        for (uid, expected) in [
            ("\"xxxxxxxx1234\"", Some("xxxxxxxx1234")),
            ("\"XXXX-XXXX-1234\"", Some("XXXX-XXXX-1234")),
            ("\"1234\"", Some("1234")),
            ("\"1111 1111 1111\"", Some("xxxx xxxx 1111")),
            ("\"xxxx11111111\"", Some("xxxxxxxx1111")),
            ("111111111111", Some("xxxxxxxx1111")),
            ("\"१११११११११११२\"", Some("xxxxxxxx१११२")),
            ("\"not shown\"", Some("not shown")),
            ("\"UID: 1111 1111 1112\"", Some("UID: xxxx xxxx 1112")),
            (
                "\"XXXX-1111-1112 (verified)\"",
                Some("XXXX-xxxx-1112 (verified)"),
            ),
            ("\"1111/1111/1112\"", Some("xxxx/xxxx/1112")),
            ("\"x1x2x3x4x5\"", Some("xxx2x3x4x5")),
            ("\"\"", None),
            ("null", None),
            ("[1]", None),
        ] {
            let read: Uid = serde_json::from_str(&format!(r#"{{"uid":{uid}}}"#)).unwrap();
            assert_eq!(read.uid.as_ref().map(Masked::expose), expected, "{uid}");
        }
    }
}
