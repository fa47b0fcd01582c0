//! JSON values that keep their order.
//!
//! `serde_json`'s map sorts its keys unless a feature changes that for the whole build. The documented replies have an
//! order, and one of them is signed byte for byte, so replies are serialised here.

use serde_json::Value;

#[derive(Debug, Clone)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(i64),
    /// A number, digit by digit.
    Decimal(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
    /// A value of the request, echoed.
    Echo(Value),
}

impl Json {
    /// Writes the value without spaces between tokens.
    pub(crate) fn to_compact(&self) -> String {
        let mut out = String::with_capacity(256);
        self.write(&mut out, ":", ",");
        out
    }

    /// Writes the same value as different bytes: with a space after each colon and comma.
    pub(crate) fn to_spaced(&self) -> String {
        let mut out = String::with_capacity(256);
        self.write(&mut out, ": ", ", ");
        out
    }

    fn write(&self, out: &mut String, colon: &str, comma: &str) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(value) => out.push_str(&value.to_string()),
            Self::Decimal(digits) => out.push_str(digits),
            Self::Text(value) => write_text(out, value),
            Self::Echo(value) => out.push_str(&value.to_string()),
            Self::List(items) => {
                out.push('[');
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        out.push_str(comma);
                    }
                    item.write(out, colon, comma);
                }
                out.push(']');
            }
            Self::Object(fields) => {
                out.push('{');
                for (position, (name, value)) in fields.iter().enumerate() {
                    if position > 0 {
                        out.push_str(comma);
                    }
                    write_text(out, name);
                    out.push_str(colon);
                    value.write(out, colon, comma);
                }
                out.push('}');
            }
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push_str(&Value::from(text).to_string());
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Self::Number(value)
    }
}

impl From<u16> for Json {
    fn from(value: u16) -> Self {
        Self::Number(i64::from(value))
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_escapes() {
        let value = Json::Object(vec![
            ("z", "a\"b\n".into()),
            ("a", Json::List(vec![Json::Null, true.into(), 7_i64.into()])),
        ]);
        assert_eq!(value.to_compact(), r#"{"z":"a\"b\n","a":[null,true,7]}"#);
        assert_eq!(
            value.to_spaced(),
            r#"{"z": "a\"b\n", "a": [null, true, 7]}"#
        );
    }
}
