//! Reads a request from JSON, with the same rules as one that is built in code.

use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use super::json::looks_like_a_field;
use crate::values::InvalidRequest;

/// The largest JSON request in bytes: 1 MiB.
pub const MAX_INPUT_BYTES: usize = 1024 * 1024;

/// Reads a request from JSON text, for a web handler or a command.
///
/// The rules are those of the request's own constructors. The error names the member by its path, such as `aaId[1]`, and
/// the rule, never the value.
///
/// # Errors
///
/// [`InvalidRequest`]: longer than [`MAX_INPUT_BYTES`], not JSON, a duplicate member, or as for [`request_from_value`].
///
/// ```
/// use provider_core::{Mobile, request_from_json, serde::Deserialize};
///
/// #[derive(Debug, Deserialize)]
/// #[serde(crate = "provider_core::serde", deny_unknown_fields)]
/// struct Question {
///     mobile_number: Mobile,
/// }
///
/// let error = request_from_json::<Question>(br#"{"mobile_number":"+919000000001"}"#).unwrap_err();
/// assert_eq!(error.field(), "mobile_number");
/// assert_eq!(error.rule(), "must be exactly 10 digits, without a country code");
/// ```
pub fn request_from_json<E: DeserializeOwned>(json: &[u8]) -> Result<E, InvalidRequest> {
    request_from_value(input_from_json(json)?)
}

/// Reads JSON text as a value without duplicate members.
///
/// # Errors
///
/// [`InvalidRequest`]: longer than [`MAX_INPUT_BYTES`], not JSON, or a duplicate member.
pub fn input_from_json(json: &[u8]) -> Result<Value, InvalidRequest> {
    if json.len() > MAX_INPUT_BYTES {
        return Err(InvalidRequest::new("request", "must be at most 1 MiB"));
    }
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize::<_, UniqueMembers>(&mut deserializer).map_err(
        |error| match error.inner().classify() {
            serde_json::error::Category::Data => refusal(&error),
            _ => not_json(error.inner()),
        },
    )?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(value.0)
}

fn not_json(error: &serde_json::Error) -> InvalidRequest {
    let (line, column) = (error.line(), error.column());
    InvalidRequest::new(
        "request",
        format!("is not JSON at line {line}, column {column}"),
    )
}

/// Reads a request from a JSON value, with the rules of the request's own constructors.
///
/// # Errors
///
/// [`InvalidRequest`]: a member that is missing, of the wrong type, invalid or unknown. It names the member by its path and
/// never contains a value.
pub fn request_from_value<E: DeserializeOwned>(value: Value) -> Result<E, InvalidRequest> {
    // Serde would read a list as the members in order.
    if !value.is_object() {
        return Err(InvalidRequest::new("request", "must be an object"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| refusal(&error))
}

/// Finds out which member breaks which rule. Serde's own texts contain the value, so only their fixed parts are used.
fn refusal(error: &serde_path_to_error::Error<serde_json::Error>) -> InvalidRequest {
    let text = error.inner().to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let mut path = path(error.path());
    let mut below = |name: &str| {
        let name = if looks_like_a_field(name) { name } else { "*" };
        if path.last_name() != Some(name) {
            path.member(name);
        }
    };
    let rule = if let Some(rule) = InvalidRequest::rule_of(text) {
        rule.to_owned()
    } else if let Some(name) = quoted(text, "missing field `") {
        below(name);
        "is required".to_owned()
    } else if let Some(name) = quoted(text, "duplicate field `") {
        below(name);
        "must not appear twice".to_owned()
    } else if let Some(rest) = text.strip_prefix("unknown field `") {
        let (name, expected) = rest
            .rsplit_once("`, expected ")
            .or_else(|| rest.rsplit_once("`, there are no fields"))
            .unwrap_or((rest, ""));
        below(name);
        match expected {
            "" => "is not a member; there are none".to_owned(),
            expected => format!("is not a member; expected {expected}"),
        }
    } else if let Some((_, expected)) = text.rsplit_once(", expected ") {
        format!("must be {}", in_words(expected))
    } else {
        "is not valid".to_owned()
    };
    InvalidRequest::new(path.into_field(), rule)
}

fn quoted<'t>(text: &'t str, before: &str) -> Option<&'t str> {
    text.strip_prefix(before)?.strip_suffix('`')
}

/// Describes an expected Rust type in terms of JSON.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "a list",
        "a map" => "an object",
        "a boolean" => "true or false",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

fn path(segments: &serde_path_to_error::Path) -> FieldPath {
    let mut path = FieldPath::default();
    for segment in segments {
        match segment {
            Segment::Map { key } | Segment::Enum { variant: key } => {
                path.member(if looks_like_a_field(key) { key } else { "*" });
            }
            Segment::Seq { index } => path.item(*index),
            Segment::Unknown => {}
        }
    }
    path
}

/// The path of a member, `aaId[1]`.
#[derive(Default)]
struct FieldPath(String);

impl FieldPath {
    fn member(&mut self, name: &str) {
        if !self.0.is_empty() {
            self.0.push('.');
        }
        self.0.push_str(name);
    }

    fn item(&mut self, index: usize) {
        self.0.push_str(&format!("[{index}]"));
    }

    fn last_name(&self) -> Option<&str> {
        self.0.rsplit('.').next()
    }

    fn into_field(self) -> String {
        if self.0.is_empty() {
            "request".to_owned()
        } else {
            self.0
        }
    }
}

/// A JSON value without duplicate members: of two values for one name, either could be meant.
struct UniqueMembers(Value);

impl<'de> Deserialize<'de> for UniqueMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> DeserializeSeed<'de> for Any {
            type Value = Value;

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
                deserializer.deserialize_any(self)
            }
        }

        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = items.next_element_seed(Self)? {
                    values.push(value);
                }
                Ok(values.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
                let mut values = Map::new();
                while let Some(name) = members.next_key::<String>()? {
                    let value = members.next_value_seed(Self)?;
                    if values.contains_key(&name) {
                        return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    values.insert(name, value);
                }
                Ok(values.into())
            }
        }

        deserializer.deserialize_any(Any).map(UniqueMembers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Masked, Mobile};

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Request {
        mobile_number: Mobile,
        #[serde(default)]
        people: Vec<Person>,
        #[serde(default)]
        count: Option<u16>,
        #[serde(default)]
        text: Option<Masked>,
        #[serde(default)]
        agreed: bool,
        #[serde(default)]
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Person {
        mobile: Mobile,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        One,
        Two,
    }

    fn error(json: &str) -> InvalidRequest {
        let error = request_from_json::<Request>(json.as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("CANARY"), "{error}");
        error
    }

    #[test]
    fn a_request_is_read() {
        let json = r#"{"mobileNumber":"9000000001","people":[{"mobile":"9000000002"}],"count":7,"kind":"two"}"#;
        request_from_json::<Request>(json.as_bytes()).unwrap();
        request_from_json::<Request>(format!("\u{feff} {json}\n").as_bytes()).unwrap();
    }

    #[test]
    fn an_error_names_the_member_and_the_rule_and_no_value() {
        let ten = "must be exactly 10 digits, without a country code";
        let members = "is not a member; expected one of `mobileNumber`, `people`, `count`, `text`, `agreed`, `kind`";
        for (json, field, rule) in [
            (r#"{"mobileNumber":"CANARY"}"#, "mobileNumber", ten),
            (
                r#"{"mobileNumber":9000000001}"#,
                "mobileNumber",
                "must be a string",
            ),
            (
                r#"{"mobileNumber":null}"#,
                "mobileNumber",
                "must be a string",
            ),
            (r#"{}"#, "mobileNumber", "is required"),
            (
                r#"{"mobileNumber":"9000000001","people":[{"mobile":"9000000001"},{"mobile":"CANARY"}]}"#,
                "people[1].mobile",
                ten,
            ),
            (
                r#"{"mobileNumber":"9000000001","people":[{}]}"#,
                "people[0].mobile",
                "is required",
            ),
            (
                r#"{"mobileNumber":"9000000001","people":[{"mobil":"CANARY"}]}"#,
                "people[0].mobil",
                "is not a member; expected `mobile`",
            ),
            (
                r#"{"mobileNumber":"9000000001","people":["CANARY"]}"#,
                "people[0]",
                "must be an object",
            ),
            (
                r#"{"mobileNumber":"9000000001","people":"CANARY"}"#,
                "people",
                "must be a list",
            ),
            (
                r#"{"mobileNumber":"9000000001","mobile_number":"CANARY"}"#,
                "mobile_number",
                members,
            ),
            (
                r#"{"mobileNumber":"9000000001","+91 9000000001":"CANARY"}"#,
                "*",
                members,
            ),
            (
                r#"{"mobileNumber":"9000000001","count":"CANARY, expected x"}"#,
                "count",
                "must be a whole number that is not negative",
            ),
            (
                r#"{"mobileNumber":"9000000001","count":70000}"#,
                "count",
                "must be a whole number that is not negative",
            ),
            (
                r#"{"mobileNumber":"9000000001","text":["CANARY"]}"#,
                "text",
                "must be a string",
            ),
            (
                r#"{"mobileNumber":"9000000001","agreed":"CANARY"}"#,
                "agreed",
                "must be true or false",
            ),
            (
                r#"{"mobileNumber":"9000000001","kind":"CANARY"}"#,
                "kind",
                "must be `one` or `two`",
            ),
            (r#"["CANARY"]"#, "request", "must be an object"),
            (r#""CANARY""#, "request", "must be an object"),
            (
                r#"{"mobileNumber":"9000000001","mobileNumber":"CANARY"}"#,
                "mobileNumber",
                "must not appear twice",
            ),
            (
                r#"{"mobileNumber":"9000000001","people":[{"mobile":"1","mobile":"CANARY"}]}"#,
                "people[0].mobile",
                "must not appear twice",
            ),
        ] {
            let error = error(json);
            assert_eq!((error.field(), error.rule()), (field, rule), "{json}");
        }
    }

    #[test]
    fn malformed_json_is_reported_with_its_position() {
        for (json, rule) in [
            ("", "is not JSON at line 1, column 0"),
            ("{\n \"CANARY\" }", "is not JSON at line 2, column 11"),
            ("{} CANARY", "is not JSON at line 1, column 4"),
        ] {
            let error = error(json);
            assert_eq!((error.field(), error.rule()), ("request", rule), "{json}");
        }
        let long = format!("{{\"mobileNumber\":\"{}\"}}", "9".repeat(MAX_INPUT_BYTES));
        assert_eq!(error(&long).rule(), "must be at most 1 MiB");
        assert_eq!(error(&"[".repeat(10_000)).field(), "request");
    }
}
