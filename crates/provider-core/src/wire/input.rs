//! Reads a request from JSON, with the same rules as one that is built in code.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, Expected, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::{Deserialize as _, Deserializer, forward_to_deserialize_any};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::json::looks_like_a_field;
use super::lenient::Raw;
use crate::values::InvalidRequest;

/// The largest JSON request in bytes: 1 MiB.
pub const MAX_INPUT_BYTES: usize = 1024 * 1024;

/// How deep a request may be nested.
const MAX_DEPTH: usize = 64;

/// Reads a request from JSON text, for a web handler or a command.
///
/// A member obeys the rule of its own type, as in the request's constructors. The error names the member by its path, as in
/// `aaId[1]`, and the rule, never the value. Rules between members are checked when the request is built: call
/// [`Client::check`](crate::Client::check) to know before anything is sent.
///
/// # Errors
///
/// [`InvalidRequest`]: as [`input_from_json`] and [`request_from_value`].
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

/// Reads JSON text as a value, with nothing lost on the way.
///
/// # Errors
///
/// [`InvalidRequest`]: more than [`MAX_INPUT_BYTES`], not JSON, a repeated member, a number with more digits than a JSON
/// number keeps (give it as text), a number that is too large for one, text or a name with half a surrogate pair, or nesting deeper
/// than 64, of which the first eight members are named.
pub fn input_from_json(json: &[u8]) -> Result<Value, InvalidRequest> {
    if json.len() > MAX_INPUT_BYTES {
        return Err(InvalidRequest::new("request", "must be at most 1 MiB"));
    }
    value_from_json(json)
}

/// Like [`input_from_json`], of any length: the value of one member that carries a file, whose own limit the caller has applied.
///
/// # Errors
///
/// As of [`input_from_json`] but for the length.
pub fn value_from_json(json: &[u8]) -> Result<Value, InvalidRequest> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let raw: &RawValue = serde_json::from_slice(json).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let rule = format!("is not JSON at line {line}, column {column}");
        InvalidRequest::new("request", rule)
    })?;
    Cursor(raw.get()).value(&FieldPath::default(), MAX_DEPTH)
}

/// What is left of JSON text whose syntax has been checked. Each byte is looked at once more, however deep it stands.
struct Cursor<'j>(&'j str);

impl<'j> Cursor<'j> {
    /// Reads the value that comes next, nested at most this deep.
    fn value(&mut self, path: &FieldPath, depth: usize) -> Result<Value, InvalidRequest> {
        let refused = |rule: &'static str| InvalidRequest::new(path.clone().into_field(), rule);
        // All else of the syntax has been checked.
        let unreadable =
            |_| refused("must not have half a surrogate pair, as `\\ud800` without its other half");
        let deeper = || {
            let rule = || format!("must be nested at most {MAX_DEPTH} deep");
            let depth = depth.checked_sub(1);
            depth.ok_or_else(|| InvalidRequest::new(path.beginning().into_field(), rule()))
        };
        match self.next() {
            Some('{') => {
                let depth = deeper()?;
                let mut members = Map::new();
                while self.continues_until('}') {
                    let name: String = serde_json::from_str(self.token()).map_err(unreadable)?;
                    let path = path.member(&name);
                    if members.contains_key(&name) {
                        let rule = "must not appear twice";
                        return Err(InvalidRequest::new(path.into_field(), rule));
                    }
                    self.skip();
                    members.insert(name, self.value(&path, depth)?);
                }
                Ok(members.into())
            }
            Some('[') => {
                let depth = deeper()?;
                let mut items = Vec::new();
                while self.continues_until(']') {
                    items.push(self.value(&path.item(items.len()), depth)?);
                }
                Ok(items.into())
            }
            Some('-' | '0'..='9') => {
                let number = self.token();
                if !is_kept(number) {
                    let rule = "has more digits than a JSON number keeps; give it as text";
                    return Err(refused(rule));
                }
                let too_large = |_| refused("is too large for a number");
                serde_json::from_str(number).map_err(too_large)
            }
            _ => serde_json::from_str(self.token()).map_err(unreadable),
        }
    }

    /// The character behind blanks, which are skipped.
    fn next(&mut self) -> Option<char> {
        self.0 = self.0.trim_ascii_start();
        self.0.chars().next()
    }

    /// Skips one character behind blanks: a bracket, a comma or a colon.
    fn skip(&mut self) {
        self.next();
        self.0 = self.0.get(1..).unwrap_or_default();
    }

    /// Skips the bracket or the comma before the next item; `false` if the list or object ends there.
    fn continues_until(&mut self, end: char) -> bool {
        if self.next() != Some(end) {
            self.skip();
        }
        let more = self.next().is_some_and(|next| next != end);
        if !more {
            self.skip();
        }
        more
    }

    /// Takes the text or word that comes next.
    fn token(&mut self) -> &'j str {
        self.next();
        let mut bytes = self.0.bytes().enumerate().skip(1);
        let mut escaped = false;
        let end = match self.0.starts_with('"') {
            true => bytes.find(|(_, byte)| {
                let ends = *byte == b'"' && !escaped;
                escaped = *byte == b'\\' && !escaped;
                ends
            }),
            false => bytes.find(|(_, byte)| b",:]} \t\r\n".contains(byte)),
        };
        let quote = usize::from(self.0.starts_with('"'));
        let end = end.map_or(self.0.len(), |(at, _)| at.saturating_add(quote));
        let (token, rest) = self.0.split_at_checked(end).unwrap_or_default();
        self.0 = rest;
        token
    }
}

/// Whether a number stays the same when it is read: a whole number of 64 bits, or 15 significant digits.
fn is_kept(number: &str) -> bool {
    let digits = number.split(['e', 'E']).next().unwrap_or_default();
    let digits = digits.chars().filter(char::is_ascii_digit);
    let significant = digits.skip_while(|digit| *digit == '0').count();
    significant <= 15 || number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok()
}

/// Reads a request from a JSON value by the rules of the types of its members.
///
/// # Errors
///
/// [`InvalidRequest`]: a member that is missing, of the wrong type, invalid or unknown. It names the member by its path and
/// never contains a value.
pub fn request_from_value<E: DeserializeOwned>(value: Value) -> Result<E, InvalidRequest> {
    E::deserialize(Input(object(value)?)).map_err(Refusal::into_invalid_request)
}

fn object(value: Value) -> Result<Value, InvalidRequest> {
    match value.is_object() {
        true => Ok(value),
        false => Err(InvalidRequest::new("request", "must be an object")),
    }
}

/// The members of a request, as serde's derived implementation reads them.
#[doc(hidden)]
pub trait RequestMembers: Sized {
    /// Reads them, with the errors of the deserialiser.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// Reads a request from any deserialiser by the rules of [`request_from_json`]. For [`request!`](crate::request).
///
/// # Errors
///
/// The field and the rule, never a value.
#[doc(hidden)]
pub fn deserialize_request<'de, D, E>(deserializer: D) -> Result<E, D::Error>
where
    D: Deserializer<'de>,
    E: RequestMembers,
{
    struct Request<E>(PhantomData<E>);

    impl<'de, E: RequestMembers> Visitor<'de> for Request<E> {
        type Value = E;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        /// An [`Input`], whose errors have no value.
        fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<E, D::Error> {
            E::read(input)
        }

        /// Any other, whose errors repeat values, and to which a list is an object.
        fn visit_newtype_struct<D: Deserializer<'de>>(self, other: D) -> Result<E, D::Error> {
            let Raw(json) = Raw::deserialize(other)?;
            let value = input_from_json(json.as_bytes()).map_err(D::Error::custom)?;
            object(value)
                .and_then(|value| E::read(Input(value)).map_err(Refusal::into_invalid_request))
                .map_err(D::Error::custom)
        }
    }

    deserializer.deserialize_newtype_struct(REQUEST, Request(PhantomData))
}

/// By which [`Input`] knows that a request is read from it.
pub(super) const REQUEST: &str = "$provider_core::Request";

/// Makes a request, whose serde implementations are derived with `#[serde(remote = "Self")]`, obey the rules of
/// [`request_from_json`](crate::request_from_json) wherever it is deserialised, such as in a web framework's extractor: an
/// object with each member once, and errors that name the field and the rule, never a value.
///
/// ```
/// use provider_core::serde_json;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// #[serde(remote = "Self", deny_unknown_fields)]
/// struct Question {
///     mobile_number: provider_core::Mobile,
///     count: u8,
/// }
///
/// provider_core::request! { Question }
///
/// let read = |json: &str| serde_json::from_str::<Question>(json).map_err(|error| error.to_string());
/// assert!(read(r#"{"mobile_number":"9000000001","count":1}"#).is_ok());
/// let error = read(r#"{"mobile_number":"9000000001","count":"A B"}"#).err().unwrap();
/// assert_eq!(error, "count: must be a whole number from 0 to 255");
/// assert_eq!(read(r#"["9000000001",1]"#).err().unwrap(), "request: must be an object");
/// ```
#[macro_export]
macro_rules! request {
    (read only: $name:ident) => {
        impl $crate::RequestMembers for $name {
            fn read<'de, D: $crate::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                Self::deserialize(deserializer)
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::deserialize_request(deserializer)
            }
        }
    };
    ($name:ident) => {
        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }

        $crate::request! { read only: $name }
    };
}

/// A JSON value as a request is read from it. Stricter than serde_json's: a list is no object and an object no enum.
struct Input(Value);

impl<'de> Deserializer<'de> for Input {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(truth),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => visitor.visit_seq(List(items.into_iter().enumerate())),
            Value::Object(members) => visitor.visit_map(Object {
                members: members.into_iter(),
                value: None,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        if name == REQUEST {
            return visitor.visit_some(self);
        }
        // Types of serde_json, such as a number's own text, are read by serde_json.
        if name.starts_with("$serde_json::") {
            let read = self.0.deserialize_newtype_struct(name, visitor);
            return read.map_err(Refusal::custom);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self.0 {
            Value::Object(_) => self.deserialize_any(visitor),
            _ => Err(Refusal::of("must be an object")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self.0 {
            Value::String(variant) => visitor.visit_enum(variant.into_deserializer()),
            Value::Object(members) if members.len() == 1 => match members.into_iter().next() {
                Some((variant, value)) => visitor.visit_enum(Variant(variant, value)),
                None => Err(Refusal::of("must be a string")),
            },
            _ => Err(Refusal::of("must be a string")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct List(std::iter::Enumerate<std::vec::IntoIter<Value>>);

impl<'de> SeqAccess<'de> for List {
    type Error = Refusal;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refusal> {
        let Some((index, item)) = self.0.next() else {
            return Ok(None);
        };
        let read = seed.deserialize(Input(item));
        read.map(Some)
            .map_err(|refusal| refusal.below(Step::Item(index)))
    }
}

struct Object {
    members: serde_json::map::IntoIter,
    value: Option<(String, Value)>,
}

impl<'de> MapAccess<'de> for Object {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refusal> {
        let Some((name, value)) = self.members.next() else {
            return Ok(None);
        };
        let key: StrDeserializer<'_, Refusal> = name.as_str().into_deserializer();
        let key = seed.deserialize(key)?;
        self.value = Some((name, value));
        Ok(Some(key))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Refusal> {
        let (name, value) = self.value.take().unwrap_or_default();
        let read = seed.deserialize(Input(value));
        read.map_err(|refusal| refusal.below(Step::Member(name)))
    }
}

/// A variant with what belongs to it, `{"variant": …}`.
struct Variant(String, Value);

impl<'de> EnumAccess<'de> for Variant {
    type Error = Refusal;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Refusal> {
        let variant: StrDeserializer<'_, Refusal> = self.0.as_str().into_deserializer();
        Ok((seed.deserialize(variant)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant {
    type Error = Refusal;

    fn unit_variant(self) -> Result<(), Refusal> {
        Err(Refusal::of("must be a string"))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Refusal> {
        let read = seed.deserialize(Input(self.1));
        read.map_err(|refusal| refusal.below(Step::Member(self.0)))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Refusal> {
        let read = Input(self.1).deserialize_any(visitor);
        read.map_err(|refusal| refusal.below(Step::Member(self.0)))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let read = Input(self.1).deserialize_struct("", fields, visitor);
        read.map_err(|refusal| refusal.below(Step::Member(self.0)))
    }
}

/// Which member breaks which rule. Made of names and rules alone: serde hands the value over, and it is not taken.
#[derive(Debug)]
struct Refusal {
    /// From the member up.
    path: Vec<Step>,
    rule: Cow<'static, str>,
}

#[derive(Debug)]
enum Step {
    Member(String),
    Item(usize),
}

impl Refusal {
    fn of(rule: impl Into<Cow<'static, str>>) -> Self {
        Self {
            path: Vec::new(),
            rule: rule.into(),
        }
    }

    fn below(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }

    fn into_invalid_request(self) -> InvalidRequest {
        let mut path = FieldPath::default();
        for step in self.path.into_iter().rev() {
            path = match step {
                Step::Member(name) => path.member(&name),
                Step::Item(index) => path.item(index),
            };
        }
        InvalidRequest::new(path.into_field(), self.rule)
    }
}

impl serde::de::Error for Refusal {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let text = message.to_string();
        let rule = InvalidRequest::rule_of(&text).map(str::to_owned);
        Self::of(rule.map_or(Cow::Borrowed("is not valid"), Cow::Owned))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::of(format!("must be {}", in_words(&expected.to_string())))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::of(format!("must be {}", in_words(&expected.to_string())))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::of(format!("must be {}", in_words(&expected.to_string())))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::of(format!("must be one of {}", quoted(expected)))
    }

    fn unknown_field(name: &str, expected: &'static [&'static str]) -> Self {
        Self::of(match expected {
            [] => "is not a member; there are none".to_owned(),
            [only] => format!("is not a member; expected `{only}`"),
            expected => format!("is not a member; expected one of {}", quoted(expected)),
        })
        .below(Step::Member(name.to_owned()))
    }

    fn missing_field(name: &'static str) -> Self {
        Self::of("is required").below(Step::Member(name.to_owned()))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::of("must not appear twice").below(Step::Member(name.to_owned()))
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rule)
    }
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Describes an expected Rust type in terms of JSON.
fn in_words(expected: &str) -> &str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "a list",
        "a map" => "an object",
        "a boolean" => "true or false",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

/// The place of a member, `aaId[1]`. A name that does not look like one stands as `*`.
#[derive(Clone, Default)]
struct FieldPath(String);

impl FieldPath {
    fn member(&self, name: &str) -> Self {
        let name = if looks_like_a_field(name) { name } else { "*" };
        match self.0.as_str() {
            "" => Self(name.to_owned()),
            above => Self(format!("{above}.{name}")),
        }
    }

    fn item(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// Its first eight members and items: the whole of a place far below would be a page.
    fn beginning(&self) -> Self {
        const MOST: usize = 8;
        let mut steps = self
            .0
            .match_indices(['.', '['])
            .skip_while(|(at, _)| *at == 0);
        let end = steps.nth(MOST - 1).map(|(at, _)| at);
        Self(
            self.0
                .get(..end.unwrap_or(self.0.len()))
                .unwrap_or_default()
                .to_owned(),
        )
    }

    fn into_field(self) -> String {
        if self.0.is_empty() {
            "request".to_owned()
        } else {
            self.0
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

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
                "must be a whole number from 0 to 65535",
            ),
            (
                r#"{"mobileNumber":"9000000001","count":70000}"#,
                "count",
                "must be a whole number from 0 to 65535",
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
                "must be one of `one`, `two`",
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
    fn no_text_of_the_caller_gets_into_a_rule() {
        for json in [
            r#"{"mobileNumber":"9000000001","agreed":"yes, expected CANARY at line 3"}"#,
            r#"{"mobileNumber":"9000000001","count":"z, expected CANARY at line 1"}"#,
            r#"{"mobileNumber":"9000000001","kind":"x`, expected one of `CANARY` at line 1"}"#,
            r#"{"mobileNumber":"9000000001","x`, expected CANARY at line ":1}"#,
            r#"{"mobileNumber":"9000000001","\u0001CANARY":1}"#,
            r#"{"mobileNumber":"\u0001CANARY"}"#,
            r#"{"mobileNumber":"9000000001","kind":"\u0001CANARY"}"#,
        ] {
            error(json);
        }
    }

    #[test]
    fn a_list_is_no_object_and_an_object_no_word() {
        for (members, field, rule) in [
            (
                r#""people":[["9000000001"]]"#,
                "people[0]",
                "must be an object",
            ),
            (r#""kind":{"two":null}"#, "kind", "must be a string"),
            (r#""kind":["two"]"#, "kind", "must be a string"),
        ] {
            let error = error(&format!(r#"{{"mobileNumber":"9000000001",{members}}}"#));
            assert_eq!((error.field(), error.rule()), (field, rule));
        }
    }

    #[test]
    fn a_number_is_kept_whole_or_refused() {
        let read = |number: &str| input_from_json(format!("{{\"a\":[{number}]}}").as_bytes());
        for number in [
            "0",
            "-1",
            "18446744073709551615",
            "-9223372036854775808",
            "1234567890.12345",
            "1e300",
        ] {
            let value = read(number).unwrap();
            assert_eq!(value["a"][0], number.parse::<Value>().unwrap(), "{number}");
        }
        for number in [
            "9007199254740993.01",
            "12345678901234567890123",
            "0.1234567890123456",
            "100000000000000000.55",
        ] {
            let error = read(number).unwrap_err();
            assert_eq!(error.field(), "a[0]", "{number}");
            assert!(error.rule().ends_with("give it as text"), "{number}");
        }
    }

    #[test]
    fn nesting_past_the_limit_is_refused_with_the_limit_however_deep_it_is() {
        let nested = |open: &str, close: &str, depth: usize| {
            let (open, close) = (open.repeat(depth), close.repeat(depth));
            input_from_json(format!("{{\"a\":{open}1{close}}}").as_bytes())
        };
        for (open, close, field) in [
            ("[", "]", "a[0][0][0][0][0][0][0]"),
            ("{\"b\":", "}", "a.b.b.b.b.b.b.b"),
            (" [0 , ", " ]", "a[1][1][1][1][1][1][1]"),
        ] {
            let value = nested(open, close, MAX_DEPTH - 1).unwrap();
            let text = serde_json::to_string(&value).unwrap();
            assert_eq!(input_from_json(text.as_bytes()).unwrap(), value);
            for depth in [MAX_DEPTH, 100_000] {
                let error = nested(open, close, depth).unwrap_err();
                let rule = "must be nested at most 64 deep";
                assert_eq!((error.field(), error.rule()), (field, rule));
            }
        }
        let lists = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(error(&lists).field(), "[0][0][0][0][0][0][0][0]");
    }

    #[test]
    fn what_json_cannot_hold_is_told_by_what_it_is() {
        let pair = "must not have half a surrogate pair, as `\\ud800` without its other half";
        let large = "is too large for a number";
        for (members, field, rule) in [
            (r#""count":1e77777"#, "count", large),
            (r#""people":[{"mobile":-1e400}]"#, "people[0].mobile", large),
            (r#""count":"\udc00""#, "count", pair),
            (r#""text":"CANARY\ud800""#, "text", pair),
            (r#""people":[{"\ud800":1}]"#, "people[0]", pair),
        ] {
            let error = error(&format!(r#"{{"mobileNumber":"9000000001",{members}}}"#));
            assert_eq!((error.field(), error.rule()), (field, rule));
        }
    }

    #[test]
    fn a_value_is_read_as_serde_json_reads_it() {
        for json in [
            " { } ",
            "[ ]",
            r#"{"a" : [ 1 , -2.5e3, true,false ,null , "x,]}\"\\" , {} , [ ] ] , "\u0062\\" : "é\ud83d\ude00" }"#,
            r#"[[],[[]],{"":{"":[]}},"\\","\""]"#,
            "7",
        ] {
            let value = input_from_json(json.as_bytes()).unwrap();
            assert_eq!(value, json.parse::<Value>().unwrap(), "{json}");
        }
    }

    #[test]
    fn what_is_not_json_is_told_by_its_place() {
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
