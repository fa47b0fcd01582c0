//! Lenient deserialisation: an optional field that is absent or of another type must not fail the whole reply.
//!
//! Use these functions for fields that are merely informative, as in
//! `#[serde(default, deserialize_with = "provider_core::lenient::text")]`. A field that the caller needs is read strictly.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, IgnoredAny, IntoDeserializer as _, MapAccess,
    SeqAccess, Visitor,
};
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::json::DecodeError;
use super::verified::Verified;
use super::vocabulary::tells_failure;
use crate::values::Masked;

/// Reads text, or a number or boolean as text; `None` for anything else.
///
/// # Errors
///
/// The JSON is malformed.
pub fn text<'de, D: Deserializer<'de>, T: for<'a> From<&'a str>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let raw = Raw::deserialize(deserializer)?;
    Ok(raw.scalar().text().map(|text| T::from(&text)))
}

/// Reads a whole number, or text that is one; `None` for anything else and for a number that `T` cannot hold.
///
/// # Errors
///
/// The JSON is malformed.
pub fn integer<'de, D: Deserializer<'de>, T: TryFrom<i128>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let raw = Raw::deserialize(deserializer)?;
    Ok(raw.scalar().integer())
}

/// Reads an id: text, or a whole number, as its digits. A number that a peer may have rounded, beyond 2^53, is none.
///
/// # Errors
///
/// The JSON is malformed or of another type, or `T` refuses the text.
pub fn id<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Id<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Id<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an id")
        }

        fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<T, E> {
            T::deserialize(BorrowedStrDeserializer::new(text))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            T::deserialize(text.into_deserializer())
        }

        fn visit_string<E: de::Error>(self, text: String) -> Result<T, E> {
            T::deserialize(text.into_deserializer())
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
            if number > EXACT {
                return Err(E::custom("may have been rounded"));
            }
            self.visit_string(number.to_string())
        }
    }

    deserializer.deserialize_any(Id(PhantomData))
}

/// Reads a boolean; `None` for anything else, including text and numbers.
///
/// # Errors
///
/// The JSON is malformed.
pub fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(match Raw::deserialize(deserializer)?.scalar() {
        Scalar::Bool(truth) => Some(truth),
        _ => None,
    })
}

/// Reads a boolean, or `"true"` and `"false"` in any case, for a member that may indicate a refusal; `None` for anything
/// else.
///
/// # Errors
///
/// The JSON is malformed.
pub fn boolean_or_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<bool>, D::Error> {
    Ok(match Raw::deserialize(deserializer)?.scalar() {
        Scalar::Bool(truth) => Some(truth),
        Scalar::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Scalar::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    })
}

/// Reads any value that `T` accepts; `None` for anything else.
///
/// # Errors
///
/// The JSON is malformed.
pub fn value<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let raw = Raw::deserialize(deserializer)?;
    Ok(serde_json::from_str(&raw.0).ok().or_else(|| {
        // Of a repeated member the last one counts.
        let value: Value = serde_json::from_str(&raw.0).ok()?;
        serde_json::from_value(value).ok()
    }))
}

/// A JSON object, and nothing else: serde reads a list as a struct, too, member by member in the order of its fields.
///
/// ```
/// use provider_core::lenient::Object;
/// use provider_core::serde_json;
///
/// #[derive(serde::Deserialize)]
/// struct Reply {
///     id: String,
/// }
///
/// assert!(serde_json::from_str::<Reply>(r#"["1"]"#).is_ok());
/// assert!(serde_json::from_str::<Object<Reply>>(r#"["1"]"#).is_err());
/// assert_eq!(serde_json::from_str::<Object<Reply>>(r#"{"id":"1"}"#).unwrap().0.id, "1");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}

/// Reads a reply that is an [`Object`]. Of a member in `informational`, by its name at any of the upper levels, the first one
/// counts; repeating another one is an error, because which of two a peer means is anybody's guess.
///
/// A reply without repeats is read once; how it can be read in spite of them is only looked at when that fails.
///
/// # Errors
///
/// [`DecodeError`] with the place and the category, never the value.
pub fn reply<T: DeserializeOwned>(
    response: &Verified,
    informational: &[&str],
) -> Result<T, DecodeError> {
    let read = response.json::<Object<T>>().or_else(|error| {
        let body = std::str::from_utf8(response.raw().body()).ok();
        body.and_then(|body| without_repeats(body, informational))
            .and_then(|json| serde_json::from_str(&json).ok())
            .ok_or(error)
    });
    read.map(|Object(reply)| reply)
}

/// Collects the members of an object as far as they can be read, repeated ones too.
pub(super) struct Members<'m, 'de>(&'m mut Vec<(String, Raw<'de>)>);

impl<'de> Members<'_, 'de> {
    pub(super) fn of(json: &'de str) -> (Vec<(String, Raw<'de>)>, Result<(), serde_json::Error>) {
        let mut members = Vec::new();
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let read = deserializer.deserialize_map(Members(&mut members));
        let read = read.and_then(|()| deserializer.end());
        (members, read)
    }
}

impl<'de> Visitor<'de> for Members<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(member) = members.next_entry()? {
            self.0.push(member);
        }
        Ok(())
    }
}

/// An object of the members that can be read, of repeated ones the first: what an unverified body hints at, if it cannot be
/// read as a whole. `None` if there is none.
#[cold]
pub(super) fn readable_members(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let (members, _) = Members::of(text.trim_start_matches('\u{feff}'));
    let mut seen = HashSet::new();
    let kept: Vec<_> = members
        .iter()
        .filter(|(name, _)| seen.insert(name))
        .map(|(name, value)| format!("{}:{}", Value::from(&**name), value.0))
        .collect();
    (!kept.is_empty()).then(|| format!("{{{}}}", kept.join(",")))
}

/// The same JSON without the repeats; `None` if it has none.
#[cold]
fn without_repeats(json: &str, informational: &[&str]) -> Option<String> {
    /// The members of a reply, of its data, and of what is in that.
    const LEVELS: usize = 3;

    fn rewrite(json: &str, informational: &[&str], levels: usize, repeats: &mut bool) -> String {
        let (members, read) = match levels {
            0 => return json.to_owned(),
            _ => Members::of(json),
        };
        if read.is_err() {
            return json.to_owned();
        }
        let mut seen = HashSet::new();
        let mut kept = Vec::new();
        for (name, value) in &members {
            if informational.contains(&&**name) && !seen.insert(name) {
                *repeats = true;
                continue;
            }
            let value = rewrite(&value.0, informational, levels.saturating_sub(1), repeats);
            kept.push(format!("{}:{value}", Value::from(&**name)));
        }
        format!("{{{}}}", kept.join(","))
    }

    let mut repeats = false;
    let rewritten = rewrite(json, informational, LEVELS, &mut repeats);
    repeats.then_some(rewritten)
}

/// Reads an [`Object`]; `None` for anything else.
///
/// # Errors
///
/// The JSON is malformed.
pub fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(value::<_, Object<T>>(deserializer)?.map(|object| object.0))
}

/// An [`Object`], or `null`; the member has to be there.
///
/// # Errors
///
/// Anything else, or an object of another shape.
pub fn object_or_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(deserializer)?.map(|object| object.0))
}

/// A member whose absence means something: what is there and cannot be read is not the same as nothing.
///
/// It is read with `#[serde(default)]` and [`Read::text`] or [`Read::integer`]. Serialised, what could not be read is as it came, so
/// that it cannot be read the next time either.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Read<T> {
    /// It is not there, or it is null.
    #[default]
    Absent,
    /// It is there and of another form, or out of range. The JSON text as it came; it may hold personal data.
    Unreadable(Masked),
    /// What it says.
    Value(T),
}

impl<T> Read<T> {
    /// What it says, if it is there and was read.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }

    fn of(raw: &Raw<'_>, value: impl FnOnce(Scalar<'_>) -> Option<T>) -> Self {
        match raw.scalar() {
            Scalar::Null => Self::Absent,
            scalar => value(scalar).map_or_else(|| Self::unreadable(raw), Self::Value),
        }
    }

    fn unreadable(raw: &Raw<'_>) -> Self {
        Self::Unreadable(Masked::new(raw.0.as_ref()))
    }

    /// As [`text`]. Empty text is not readable.
    ///
    /// # Errors
    ///
    /// The JSON is broken.
    pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>
    where
        T: for<'a> From<&'a str>,
    {
        let raw = Raw::deserialize(deserializer)?;
        Ok(Self::of(&raw, |scalar| {
            let text = scalar.text().filter(|text| !text.is_empty());
            text.map(|text| T::from(&text))
        }))
    }

    /// Reads what `parse` makes of a text, or of a number or boolean as text. Blank text is absent.
    ///
    /// # Errors
    ///
    /// The JSON is broken.
    pub fn parsed<'de, D: Deserializer<'de>>(
        deserializer: D,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        Ok(match raw.scalar() {
            Scalar::Null => Self::Absent,
            Scalar::Text(text) if text.trim().is_empty() => Self::Absent,
            scalar => {
                let value = scalar.text().and_then(|text| parse(&text));
                value.map_or_else(|| Self::unreadable(&raw), Self::Value)
            }
        })
    }

    /// As [`integer`].
    ///
    /// # Errors
    ///
    /// The JSON is broken.
    pub fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>
    where
        T: TryFrom<i128>,
    {
        let raw = Raw::deserialize(deserializer)?;
        Ok(Self::of(&raw, |scalar| scalar.integer()))
    }
}

impl<T: Serialize> Serialize for Read<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_none(),
            Self::Unreadable(json) => AsItCame(json.expose()).serialize(serializer),
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for Read<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Option::<T>::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Option::<T>::json_schema(generator)
    }
}

/// What a member says that may tell a refusal, whatever its type: `"status"`, `"error"`, `"success"`.
///
/// Reading it never fails a reply whose JSON is not broken.
#[derive(Clone, PartialEq, Default)]
pub enum Told {
    /// It is absent or null, or text without a character in it, or an empty list or object.
    #[default]
    Nothing,
    /// A truth value.
    Bool(bool),
    /// A number; infinite if no float holds it.
    Number(f64),
    /// Text, as it came.
    Text(String),
    /// A list or an object, or text that is none (half a character), as JSON text.
    Json(Box<str>),
}

impl Told {
    /// Whether it says that something is there: not `false`, not zero.
    pub fn is_said(&self) -> bool {
        match self {
            Self::Nothing | Self::Bool(false) => false,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => text.trim() != "0" && !text.trim().eq_ignore_ascii_case("false"),
            Self::Bool(true) | Self::Json(_) => true,
        }
    }

    /// A truth value, also as 0 and 1 or as text, such as `No` or `off`.
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            Self::Number(0.0) => Some(false),
            Self::Number(1.0) => Some(true),
            Self::Text(text) => {
                let no = is_one_of(text, &["0", "false", "no", "n", "off"]);
                let yes = no || is_one_of(text, &["1", "true", "yes", "y", "on"]);
                yes.then_some(!no)
            }
            Self::Nothing | Self::Number(_) | Self::Json(_) => None,
        }
    }

    /// A number, also as text; for an HTTP status that a body repeats.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
            Self::Nothing | Self::Bool(_) | Self::Json(_) => None,
        }
    }

    /// An HTTP status: a [number](Self::number), or the first three digits in a row in text, such as `HTTP 500` or `E500`, or
    /// in a list or an object.
    pub fn status(&self) -> Option<f64> {
        let in_text = || {
            let text = match self {
                Self::Text(text) => text.as_str(),
                // Broken text has digits of its own.
                Self::Json(json) if !json.starts_with('"') => json,
                _ => return None,
            };
            let mut runs = text.split(|char: char| !char.is_ascii_digit());
            let found = runs.find(|run| run.len() == 3)?;
            found.parse().ok()
        };
        self.number().or_else(in_text)
    }

    /// Whether it is a status of a success: `true`, 100 to 399, or one of the words that providers use, such as `success`,
    /// `ok` and `created`, in any case.
    pub fn is_success(&self) -> bool {
        const WORDS: [&str; 9] = [
            "success",
            "succeeded",
            "successful",
            "ok",
            "done",
            "created",
            "accepted",
            "completed",
            "true",
        ];
        match self {
            Self::Text(text) if is_one_of(text, &WORDS) => true,
            Self::Bool(truth) => *truth,
            _ => (self.status()).is_some_and(|status| (100.0..400.0).contains(&status)),
        }
    }

    /// Whether it is a status that a success does not have: one of a [failure](Self::is_failure), a word that
    /// [tells one](tells_failure), a negative number, or a list or an object with any of them. Other words may be new ones of
    /// a success.
    pub fn is_doubtful(&self) -> bool {
        self.is_failure()
            || match self {
                Self::Text(text) => tells_failure(text),
                Self::Json(json) => !json.starts_with('"') && tells_failure(json),
                Self::Number(number) => *number < 0.0,
                Self::Nothing | Self::Bool(_) => false,
            }
    }

    /// Whether, as a flag, it is neither absent nor a yes: `false`, `-1`, `maybe`. A list or an object is as
    /// [doubtful](Self::is_doubtful) as a status.
    pub fn is_not_yes(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Json(_) => self.is_doubtful(),
            _ => self.truth() != Some(true) && !self.is_success(),
        }
    }

    /// The number, if it is whole and `T` holds it.
    pub fn integer<T: TryFrom<i128>>(&self) -> Option<T> {
        self.number().and_then(whole)?.try_into().ok()
    }

    /// Whether it is a status that tells a failure: `false`, 400 or more, or one of the words that providers use,
    /// `error`, `failure`, `failed` and `fail` in any case.
    pub fn is_failure(&self) -> bool {
        self.truth() == Some(false) && !matches!(self, Self::Number(_))
            || self.status().is_some_and(|status| status >= 400.0)
            || matches!(self, Self::Text(text) if is_one_of(text, &["error", "failure", "failed", "fail"]))
    }

    /// Whether it is this word, in any case.
    pub fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Text(text) if text.trim().eq_ignore_ascii_case(word))
    }

    /// It as text.
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Bool(truth) => Some(truth.to_string()),
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => Some(text),
            Self::Json(json) => Some(json.into()),
        }
    }
}

/// Prints what kind it is, not what it says.
impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Bool(_) => "Bool(***)",
            Self::Number(_) => "Number(***)",
            Self::Text(_) => "Text(***)",
            Self::Json(_) => "Json(***)",
        })
    }
}

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        Ok(match raw.scalar() {
            Scalar::Null => Self::Nothing,
            Scalar::Bool(truth) => Self::Bool(truth),
            Scalar::Number(number) => Self::Number(match number.parse::<i32>() {
                // Cheaper than to read a float.
                Ok(number) => number.into(),
                Err(_) => number.parse().unwrap_or(f64::INFINITY),
            }),
            Scalar::Text(text) if text.trim().is_empty() => Self::Nothing,
            Scalar::Text(text) => Self::Text(text.into_owned()),
            Scalar::Other(json) if is_empty(json) => Self::Nothing,
            Scalar::Other(json) => Self::Json(json.into()),
        })
    }
}

fn is_one_of(text: &str, words: &[&str]) -> bool {
    let mut words = words.iter();
    words.any(|word| word.eq_ignore_ascii_case(text.trim()))
}

/// Whether a list or an object has nothing in it.
fn is_empty(json: &str) -> bool {
    json.get(1..json.len().saturating_sub(1))
        .is_some_and(|inside| inside.trim().is_empty())
}

/// Text of a peer that informs and should be an id, a code, a name or a time: `Debug` prints it if it looks like one, and
/// `***` if it may be something of a person.
///
/// ```
/// use provider_core::lenient::Printable;
///
/// assert_eq!(format!("{:?}", Printable("aa_00000001_7f")), "\"aa_00000001_7f\"");
/// assert_eq!(format!("{:?}", Printable("2030-01-01T00:00:00.000Z")), "\"2030-01-01T00:00:00.000Z\"");
/// for text in ["", "9000000001", "+919000000001", "AAAAA0000A", "person@example.test", "a b", "a\n"] {
///     assert_eq!(format!("{:?}", Printable(text)), "***");
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Printable<'a>(pub &'a str);

impl<'a> Printable<'a> {
    /// The text if it looks like an id, a code, a name or a time.
    pub fn as_str(&self) -> Option<&'a str> {
        let bytes = self.0.as_bytes();
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.:+".contains(byte);
        let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
        let letters = bytes
            .iter()
            .filter(|byte| byte.is_ascii_alphabetic())
            .count();
        // A mobile number, an account's or an Aadhaar, however it is grouped; a PAN; a date alone may be one of birth.
        let personal =
            letters == 0 && digits > 6 || bytes.len() == 10 && letters == 6 && digits == 4;
        let printable = (1..=128).contains(&bytes.len()) && bytes.iter().all(allowed) && !personal;
        printable.then_some(self.0)
    }
}

impl fmt::Debug for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_str() {
            Some(text) => fmt::Debug::fmt(text, f),
            None => f.write_str("***"),
        }
    }
}

/// The largest whole number up to which a float has every one.
const EXACT: u64 = 9_007_199_254_740_992;

/// The whole number that a float represents, if it is exact.
fn whole(number: f64) -> Option<i128> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "it is the largest whole number that loses none"
    )]
    const EXACT: f64 = self::EXACT as f64;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it has no fraction and is within the range in which floats are exact"
    )]
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i128)
}

/// The JSON text of a value, borrowed where the input is text. To skip a value it is enough that its JSON is not broken:
/// half a character, a number that nothing holds and any depth are only found by who reads it.
pub(super) struct Raw<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for Raw<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// What [`RawValue`] asks for. It is not used itself because it either borrows or copies, and the input decides.
        const TOKEN: &str = "$serde_json::private::RawValue";

        struct Token;

        impl<'de> Visitor<'de> for Token {
            type Value = Raw<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Raw<'de>, A::Error> {
                members.next_key::<IgnoredAny>()?;
                members.next_value_seed(Text).map(Raw)
            }

            // Another deserialiser, or another serde_json, to which the token says nothing.
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Raw<'de>, D::Error> {
                let value = Value::deserialize(deserializer)?;
                Ok(Raw(value.to_string().into()))
            }
        }

        struct Text;

        impl<'de> DeserializeSeed<'de> for Text {
            type Value = Cow<'de, str>;

            fn deserialize<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Cow<'de, str>, D::Error> {
                deserializer.deserialize_str(self)
            }
        }

        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
                Ok(Cow::Owned(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Cow<'de, str>, E> {
                Ok(Cow::Owned(text))
            }
        }

        deserializer.deserialize_newtype_struct(TOKEN, Token)
    }
}

impl Raw<'_> {
    #[inline]
    fn scalar(&self) -> Scalar<'_> {
        let json = &*self.0;
        match json.as_bytes() {
            [b'"', inside @ .., b'"'] if !inside.contains(&b'\\') => {
                let text = json.get(1..json.len().saturating_sub(1));
                Scalar::Text(Cow::Borrowed(text.unwrap_or_default()))
            }
            [b'"', ..] => match serde_json::from_str(json) {
                Ok(text) => Scalar::Text(Cow::Owned(text)),
                Err(_) => Scalar::Other(json),
            },
            b"null" => Scalar::Null,
            b"true" => Scalar::Bool(true),
            b"false" => Scalar::Bool(false),
            [b'[' | b'{', ..] | [] => Scalar::Other(json),
            _ => Scalar::Number(json),
        }
    }
}

/// A JSON value that is neither a list nor an object, or whatever else.
enum Scalar<'a> {
    Text(Cow<'a, str>),
    Number(&'a str),
    Bool(bool),
    Null,
    Other(&'a str),
}

impl<'a> Scalar<'a> {
    fn text(self) -> Option<Cow<'a, str>> {
        Some(match self {
            Scalar::Text(text) => text,
            Scalar::Number(number) => Cow::Borrowed(number),
            Scalar::Bool(true) => Cow::Borrowed("true"),
            Scalar::Bool(false) => Cow::Borrowed("false"),
            Scalar::Null | Scalar::Other(_) => return None,
        })
    }

    fn integer<T: TryFrom<i128>>(self) -> Option<T> {
        let number: Option<i128> = match self {
            Scalar::Text(text) => text.trim().parse().ok(),
            // 200.0 is how some serialisers write 200.
            Scalar::Number(number) => {
                (number.parse().ok()).or_else(|| number.parse().ok().and_then(whole))
            }
            Scalar::Bool(_) | Scalar::Null | Scalar::Other(_) => None,
        };
        number.and_then(|number| T::try_from(number).ok())
    }
}

/// What was not understood, written as it came; as text if it cannot be written as JSON.
struct AsItCame<'a>(&'a str);

impl Serialize for AsItCame<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // As who writes it into a value would read it.
        let readable = serde_json::from_str::<Value>(self.0).is_ok();
        match serde_json::from_str::<&RawValue>(self.0) {
            Ok(json) if readable => json.serialize(serializer),
            _ => serializer.serialize_str(self.0),
        }
    }
}

/// The same JSON with each text in it, names of members and numbers too, as `map` writes it. A text is mapped without its escapes,
/// half a character in it as U+FFFD; one that `map` leaves alone stays byte for byte, and another one becomes a string.
///
/// ```
/// use provider_core::lenient::map_texts;
///
/// let hidden = map_texts(r#"{"a":[77, 1.50,"\u00377!"]}"#, |text| text.replace("77", "xx").into());
/// assert_eq!(hidden, r#"{"a":["xx", 1.50,"xx!"]}"#);
/// ```
pub fn map_texts(json: &str, map: impl Fn(&str) -> Cow<'_, str>) -> String {
    let (mut mapped, mut rest) = (String::with_capacity(json.len()), json);
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' => end_of_string(rest),
            '-' | '0'..='9' => rest
                .find(|char: char| !matches!(char, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
                .unwrap_or(rest.len()),
            _ => {
                mapped.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
                continue;
            }
        };
        let (token, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let text = match first {
            '"' => unescaped(token),
            _ => Cow::Borrowed(token),
        };
        match map(&text) {
            same if same == text => mapped.push_str(token),
            other => mapped.push_str(&Value::from(&*other).to_string()),
        }
        rest = after;
    }
    mapped
}

/// Where the string ends with which this JSON begins.
fn end_of_string(json: &str) -> usize {
    let mut is_escaped = false;
    let is_end = |&(at, byte): &(usize, u8)| {
        let ends = at > 0 && byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    };
    let end = json.bytes().enumerate().find(is_end);
    end.map_or(json.len(), |(at, _)| at.saturating_add(1))
}

/// The text of a JSON string, also of one with half a character; what is no string is its own text.
fn unescaped(json: &str) -> Cow<'_, str> {
    struct Bytes;

    impl Visitor<'_> for Bytes {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text")
        }

        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }
    }

    let text = serde_json::Deserializer::from_str(json).deserialize_bytes(Bytes);
    text.map_or(Cow::Borrowed(json), Cow::Owned)
}

/// A list that is read item by item: an item that cannot be decoded is set aside and does not fail the reply. An item that
/// is a list itself is never understood, because serde would read it as a struct. An object where the list should be is a
/// list of one, if it can be decoded.
///
/// It is a slice of what was understood; [`unread`](Items::unread) has the rest as it came. Serialised, it is the whole list
/// in its order, without the items that were not understood and not kept; one that is not JSON that can be read at all is
/// written as a string of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Items<T> {
    items: Vec<T>,
    unread: Vec<UnreadItem>,
    unread_count: usize,
}

/// An item of a list that could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadItem {
    /// Its index in the list, from 0.
    pub index: usize,
    /// The item as JSON text, as it was received unless a provider's crate hides parts of it. It may hold personal data.
    pub json: Masked,
}

impl<T> Items<T> {
    /// How many items that were not understood are kept.
    pub const MAX_UNREAD: usize = 100;

    /// The first [`MAX_UNREAD`](Self::MAX_UNREAD) items that were not understood.
    pub fn unread(&self) -> &[UnreadItem] {
        &self.unread
    }

    /// How many items were not understood, kept or not: what a caller should report.
    pub fn unread_count(&self) -> usize {
        self.unread_count
    }

    /// The same items, with each kept item that was not understood as `map` writes its JSON text: to hide what must not be seen,
    /// see [`map_texts`].
    #[must_use]
    pub fn map_unread(mut self, map: impl Fn(&str) -> String) -> Self {
        for item in &mut self.unread {
            item.json = Masked::new(map(item.json.expose()));
        }
        self
    }

    /// The items that were understood.
    pub fn into_vec(self) -> Vec<T> {
        self.items
    }
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

impl<T> From<Vec<T>> for Items<T> {
    fn from(items: Vec<T>) -> Self {
        Self {
            items,
            unread: Vec::new(),
            unread_count: 0,
        }
    }
}

impl<T> Deref for Items<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> DerefMut for Items<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.items
    }
}

impl<T> IntoIterator for Items<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'i, T> IntoIterator for &'i Items<T> {
    type Item = &'i T;
    type IntoIter = std::slice::Iter<'i, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(PhantomData<T>);

        impl<'de, T: DeserializeOwned> Visitor<'de> for List<T> {
            type Value = Items<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            // What makes JSON of XML writes a list of one without the list.
            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Items<T>, A::Error> {
                let item = T::deserialize(MapAccessDeserializer::new(members))?;
                Ok(Items::from(vec![item]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items<T>, A::Error> {
                let mut read = Items::default();
                let mut index = 0_usize;
                while let Some(item) = list.next_element::<Raw<'_>>()? {
                    let is_list = item.0.starts_with('[');
                    match (!is_list).then(|| serde_json::from_str(&item.0)) {
                        Some(Ok(item)) => read.items.push(item),
                        None | Some(Err(_)) => {
                            if read.unread.len() < Items::<T>::MAX_UNREAD {
                                let json = Masked::new(item.0);
                                read.unread.push(UnreadItem { index, json });
                            }
                            read.unread_count = read.unread_count.saturating_add(1);
                        }
                    }
                    index = index.saturating_add(1);
                }
                Ok(read)
            }
        }

        deserializer.deserialize_any(List(PhantomData))
    }
}

impl<T: Serialize> Serialize for Items<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let length = self.items.len().saturating_add(self.unread.len());
        let mut list = serializer.serialize_seq(Some(length))?;
        let (mut items, mut unread) = (self.items.iter(), self.unread.iter().peekable());
        for index in 0..length {
            match unread.next_if(|item| item.index == index) {
                Some(item) => list.serialize_element(&AsItCame(item.json.expose()))?,
                None => match items.next() {
                    Some(item) => list.serialize_element(item)?,
                    None => break,
                },
            }
        }
        list.end()
    }
}

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> schemars::JsonSchema for Items<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Items_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Vec::<T>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize, Serialize)]
    struct Reply {
        #[serde(default, deserialize_with = "text")]
        text: Option<String>,
        #[serde(default, deserialize_with = "integer")]
        integer: Option<u16>,
        #[serde(default, deserialize_with = "boolean")]
        boolean: Option<bool>,
        #[serde(default, deserialize_with = "boolean_or_text")]
        boolean_or_text: Option<bool>,
        #[serde(default, deserialize_with = "value")]
        value: Option<Vec<u8>>,
    }

    fn read(json: &str) -> Reply {
        let reply = serde_json::from_str(json).unwrap();
        // A buffered value is read in the same way.
        assert_eq!(
            reply,
            serde_json::from_value(serde_json::from_str(json).unwrap()).unwrap()
        );
        reply
    }

    #[test]
    fn each_field_accepts_its_forms() {
        for (json, expected) in [
            (r#""a\"b""#, Some("a\"b")),
            ("7", Some("7")),
            ("-7", Some("-7")),
            ("1.5", Some("1.5")),
            ("true", Some("true")),
            ("null", None),
            ("[1,{}]", None),
            (r#"{"a":[1]}"#, None),
        ] {
            let reply = read(&format!(r#"{{"text":{json}}}"#));
            assert_eq!(reply.text.as_deref(), expected, "{json}");
        }
        for (json, expected) in [
            ("200", Some(200)),
            (r#"" 200 ""#, Some(200)),
            ("200.0", Some(200)),
            ("2e2", Some(200)),
            ("200.5", None),
            ("-1", None),
            ("70000", None),
            ("1e300", None),
            (r#""x""#, None),
            ("true", None),
            ("null", None),
            ("[200]", None),
        ] {
            let reply = read(&format!(r#"{{"integer":{json}}}"#));
            assert_eq!(reply.integer, expected, "{json}");
        }
        for (json, expected) in [
            ("true", Some(true)),
            (r#""False""#, Some(false)),
            (r#""TRUE""#, Some(true)),
            ("1", None),
            (r#""yes""#, None),
            ("null", None),
            ("{}", None),
        ] {
            let reply = read(&format!(r#"{{"boolean_or_text":{json}}}"#));
            assert_eq!(reply.boolean_or_text, expected, "{json}");
            let reply = read(&format!(r#"{{"boolean":{json}}}"#));
            let strictly = expected.filter(|_| !json.starts_with('"'));
            assert_eq!(reply.boolean, strictly, "{json}");
        }
        for (json, expected) in [
            ("[1]", Some(vec![1])),
            ("[300]", None),
            ("{}", None),
            ("null", None),
        ] {
            let reply = read(&format!(r#"{{"value":{json}}}"#));
            assert_eq!(reply.value, expected, "{json}");
        }
        assert_eq!(
            read("{}"),
            Reply {
                text: None,
                integer: None,
                boolean: None,
                boolean_or_text: None,
                value: None
            }
        );
    }

    /// Reading these as values fails; skipping them does not.
    const UNREADABLE: [&str; 3] = [r#""\ud800""#, r#""a\udc00b""#, "[1e999]"];

    #[test]
    fn what_cannot_be_read_costs_itself() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for json in UNREADABLE.into_iter().chain([&*deep]) {
            let all = format!(
                r#"{{"text":{json},"integer":{json},"boolean":{json},"boolean_or_text":{json},"value":{json}}}"#
            );
            let reply: Reply = serde_json::from_str(&all).unwrap();
            assert_eq!(reply, read("{}"), "{json}");
            assert_eq!(
                serde_json::from_slice::<Reply>(all.as_bytes()).unwrap(),
                reply
            );
        }
        let huge: Reply = serde_json::from_str(r#"{"text":1e999,"integer":1e999}"#).unwrap();
        assert_eq!((huge.text.as_deref(), huge.integer), (Some("1e999"), None));
        for broken in [r#"{"text":tru}"#, r#"{"text":"a}"#, r#"{"text":[1,}"#] {
            assert!(serde_json::from_str::<Reply>(broken).is_err(), "{broken}");
        }
        let twice: Twice = serde_json::from_str(r#"{"inner":{"a":1,"a":2}}"#).unwrap();
        assert_eq!(twice.inner.unwrap().a, 2);
    }

    #[derive(Deserialize)]
    struct Twice {
        #[serde(default, deserialize_with = "value")]
        inner: Option<Inner>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        a: u8,
    }

    #[test]
    fn what_is_there_and_unreadable_is_not_absent() {
        #[derive(Debug, PartialEq, Deserialize, Serialize)]
        struct Reply {
            #[serde(default, deserialize_with = "Read::text")]
            text: Read<String>,
            #[serde(default, deserialize_with = "Read::integer")]
            integer: Read<u16>,
        }
        let same = |reply: &Reply| {
            let json = serde_json::to_value(reply).unwrap();
            assert_eq!(&serde_json::from_value::<Reply>(json).unwrap(), reply);
        };
        for (json, text, integer) in [
            ("7", Some("7"), Some(7)),
            (r#""7""#, Some("7"), Some(7)),
            (r#""x""#, Some("x"), None),
            ("7.5", Some("7.5"), None),
            ("-7", Some("-7"), None),
            ("70000", Some("70000"), None),
            ("true", Some("true"), None),
            (r#""""#, None, None),
            ("[7]", None, None),
            (r#"{"value":"x"}"#, None, None),
        ] {
            let all = format!(r#"{{"text":{json},"integer":{json}}}"#);
            let reply: Reply = serde_json::from_str(&all).unwrap();
            let unreadable = || Masked::new(json);
            let text = text.map(str::to_owned);
            assert_eq!(reply.text.value(), text.as_ref(), "{json}");
            assert_eq!(reply.text == Read::Unreadable(unreadable()), text.is_none());
            assert_eq!(reply.integer.value(), integer.as_ref(), "{json}");
            assert_eq!(
                reply.integer == Read::Unreadable(unreadable()),
                integer.is_none()
            );
            same(&reply);
        }
        for absent in ["{}", r#"{"text":null,"integer":null}"#] {
            let reply: Reply = serde_json::from_str(absent).unwrap();
            assert_eq!(
                (&reply.text, &reply.integer),
                (&Read::Absent, &Read::Absent)
            );
            same(&reply);
        }
        for json in UNREADABLE {
            let reply: Reply = serde_json::from_str(&format!(r#"{{"integer":{json}}}"#)).unwrap();
            assert_eq!(reply.integer, Read::Unreadable(Masked::new(json)));
            let json = serde_json::to_value(&reply).unwrap();
            let again: Reply = serde_json::from_value(json).unwrap();
            assert!(matches!(again.integer, Read::Unreadable(_)));
        }
    }

    #[test]
    fn a_list_is_no_object_wherever_it_stands() {
        #[derive(Deserialize)]
        struct Reply {
            #[serde(default, deserialize_with = "object")]
            inner: Option<Inner>,
            items: Items<Inner>,
        }
        for (json, read) in [(r#"{"a":1}"#, true), ("[1]", false), (" [1]", false)] {
            let json = format!(r#"{{"inner":{json},"items":[{json}]}}"#);
            let reply: Reply = serde_json::from_str(&json).unwrap();
            let found = (reply.inner.is_some(), reply.items.len());
            assert_eq!(found, (read, usize::from(read)), "{json}");
            assert_eq!(reply.items.unread_count(), usize::from(!read), "{json}");
        }
    }

    #[test]
    fn what_is_told_is_told_in_many_forms() {
        let told = |json: &str| serde_json::from_str::<Told>(json).unwrap();
        for json in ["null", "\"\"", "\" \"", "[]", "[ ]", "{}", "{ \n}"] {
            assert_eq!(told(json), Told::Nothing, "{json}");
            assert!(!told(json).is_said() && !told(json).is_failure(), "{json}");
            assert_eq!((told(json).truth(), told(json).into_text()), (None, None));
        }
        for (json, said, failure, truth) in [
            ("true", true, false, Some(true)),
            ("false", false, true, Some(false)),
            ("\"TRUE\"", true, false, Some(true)),
            ("\"Yes\"", true, false, Some(true)),
            ("\"No\"", true, true, Some(false)),
            ("\" False\"", false, true, Some(false)),
            ("0", false, false, Some(false)),
            ("\"0\"", false, true, Some(false)),
            ("1", true, false, Some(true)),
            ("200", true, false, None),
            ("399", true, false, None),
            ("400", true, true, None),
            ("\"503\"", true, true, None),
            ("1e999", true, true, None),
            ("-1", true, false, None),
            ("\"ERROR\"", true, true, None),
            ("\"Failure \"", true, true, None),
            ("\"failed\"", true, true, None),
            ("\"fail\"", true, true, None),
            ("\"success\"", true, false, None),
            ("\"failing\"", true, false, None),
            ("\"nan\"", true, false, None),
            ("[false]", true, false, None),
            ("\"\\ud800\"", true, false, None),
        ] {
            let told = told(json);
            assert_eq!(
                (told.is_said(), told.is_failure(), told.truth()),
                (said, failure, truth),
                "{json}"
            );
        }
        assert_eq!(told("\"201\"").integer::<u16>(), Some(201));
        assert_eq!(told("201.5").integer::<u16>(), None);
        for (json, text) in [
            ("4001", "4001"),
            ("\"x\"", "x"),
            ("[1]", "[1]"),
            ("true", "true"),
        ] {
            assert_eq!(told(json).into_text().as_deref(), Some(text));
        }
        let kinds = ["\"CANARY\"", "[\"CANARY\"]", "7", "true", "null"].map(told);
        assert_eq!(
            format!("{kinds:?}"),
            "[Text(***), Json(***), Number(***), Bool(***), Nothing]"
        );
    }

    #[test]
    fn a_repeat_is_dropped_where_it_only_informs() {
        let without = |json: &str| without_repeats(json, &["a", "b"]);
        for json in [
            "{}",
            "[1]",
            "x",
            "",
            r#"{"a":1,"b":2}"#,
            r#"{"x":1,"x":2}"#,
            r#"{"a":1"#,
        ] {
            assert_eq!(without(json), None, "{json}");
        }
        for (json, expected) in [
            (r#"{"a":1,"a":2}"#, r#"{"a":1}"#),
            (
                r#"{"a":1,"x":{"b":[1e999], "b":2},"x":3}"#,
                r#"{"a":1,"x":{"b":[1e999]},"x":3}"#,
            ),
            (r#"{"x":{"x":{"a":1,"a":2}}}"#, r#"{"x":{"x":{"a":1}}}"#),
            (r#"{"\u0061":1,"a":2}"#, r#"{"a":1}"#),
        ] {
            assert_eq!(without(json).as_deref(), Some(expected), "{json}");
        }
        let deep = format!(
            r#"{{"x":{}{}}}"#,
            r#"{"x":"#.repeat(200),
            "1".to_owned() + &"}".repeat(200)
        );
        assert_eq!(without(&deep), None);
    }

    #[test]
    fn a_hint_is_what_can_be_read() {
        let read = |body: &str| readable_members(body.as_bytes());
        for body in ["", "<html>", "[1]", "{}", r#"{"a":tru"#] {
            assert_eq!(read(body), None, "{body}");
        }
        for (body, expected) in [
            (r#"{"a":1,"a":2,"b":[ 1 ]}"#, r#"{"a":1,"b":[ 1 ]}"#),
            (r#"{"a":1,"b":"cut o"#, r#"{"a":1}"#),
            (r#"{"a":1,"b":NaN,"c":2}"#, r#"{"a":1}"#),
            (r#"{"a":"\ud800","b":2} x"#, r#"{"a":"\ud800","b":2}"#),
            ("\u{feff}{\"a\":1}", r#"{"a":1}"#),
        ] {
            assert_eq!(read(body).as_deref(), Some(expected), "{body}");
        }
        let latin = readable_members(b"{\"a\":1,\"b\":\"\xe9\"}").unwrap();
        assert_eq!(latin, "{\"a\":1,\"b\":\"\u{fffd}\"}");
    }

    #[test]
    fn an_object_is_no_list() {
        let read = serde_json::from_str::<Object<Inner>>;
        assert_eq!(read(r#"{"a":1}"#).unwrap(), Object(Inner { a: 1 }));
        for json in ["[1]", "null", "1", "{}", "\"a\""] {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn an_unread_item_never_fails_the_writing() {
        let deep = format!("{}{}", "[".repeat(130), "]".repeat(130));
        for json in [r#""\ud800""#, "1e400", &deep] {
            let items: Items<u8> = serde_json::from_str(&format!("[1,{json},2]")).unwrap();
            assert_eq!((items.len(), items.unread()[0].json.expose()), (2, json));
            let expected = serde_json::json!([1, json, 2]);
            assert_eq!(serde_json::to_value(&items).unwrap(), expected);
            assert_eq!(serde_json::to_string(&items).unwrap(), expected.to_string());
        }
    }

    #[test]
    fn texts_of_unread_items_are_mapped_whatever_their_form() {
        fn hide(text: &str) -> Cow<'_, str> {
            text.replace("CANARY", "x").replace("77", "y").into()
        }
        for (json, expected) in [
            (r#""CANARY""#, r#""x""#),
            (r#""\u0043ANARY \"\\""#, r#""x \"\\""#),
            (r#""\ud800CANARY""#, "\"\u{fffd}\u{fffd}\u{fffd}x\""),
            (r#""\ud800\u0041""#, r#""\ud800\u0041""#),
            ("77", r#""y""#),
            ("-77.0e1", r#""-y.0e1""#),
            (
                r#"[true, 1.50,"é\n","\\",77]"#,
                r#"[true, 1.50,"é\n","\\","y"]"#,
            ),
            (r#"{"CANARY":{"a":["CANARY"]}}"#, r#"{"x":{"a":["x"]}}"#),
        ] {
            assert_eq!(map_texts(json, hide), expected, "{json}");
            let items: Items<u8> = serde_json::from_str(&format!("[1,{json}]")).unwrap();
            let items = items.map_unread(|json| map_texts(json, hide));
            assert!(items.is_empty() || !serde_json::to_string(&items).unwrap().contains("CANARY"));
            match items.unread() {
                [item] => assert_eq!((item.index, item.json.expose()), (1, expected)),
                unread => assert_eq!((unread.len(), json), (0, "77")),
            }
        }
        for broken in [r#""CANARY"#, r#""\"#, "\"", "", r#""\u00""#] {
            assert!(!map_texts(broken, hide).contains("CANARY"), "{broken}");
        }
    }

    #[test]
    fn of_the_unread_items_the_first_are_kept_and_all_are_counted() {
        let json = format!("[1,{}2]", "\"x\",".repeat(1_000));
        let items: Items<u8> = serde_json::from_str(&json).unwrap();
        assert_eq!(&*items, [1, 2]);
        assert_eq!((items.unread().len(), items.unread_count()), (100, 1_000));
        assert_eq!(items.unread()[99].index, 100);
        let written = serde_json::to_value(&items).unwrap();
        let written = written.as_array().unwrap();
        assert_eq!((written.len(), &written[101]), (102, &serde_json::json!(2)));
        assert_eq!(Items::from(vec![1_u8]).unread_count(), 0);
    }

    #[test]
    fn an_object_in_place_of_a_list_is_one_item() {
        let items: Items<Inner> = serde_json::from_str(r#"{"a":1,"b":2}"#).unwrap();
        assert_eq!(&*items, [Inner { a: 1 }]);
        for json in ["{}", r#"{"a":"x"}"#, "null", "7", "\"x\""] {
            assert!(
                serde_json::from_str::<Items<Inner>>(json).is_err(),
                "{json}"
            );
        }
    }

    #[test]
    fn an_id_is_text_or_a_whole_number_that_is_exact() {
        #[derive(Deserialize)]
        struct Reply {
            #[serde(deserialize_with = "id")]
            id: String,
        }
        let read = |json: &str| {
            let reply = serde_json::from_str::<Reply>(&format!(r#"{{"id":{json}}}"#));
            reply.ok().map(|reply| reply.id)
        };
        for (json, expected) in [
            (r#""a\u0062""#, Some("ab")),
            (r#""007""#, Some("007")),
            ("7", Some("7")),
            ("9007199254740992", Some("9007199254740992")),
            ("9007199254740993", None),
            ("-7", None),
            ("7.0", None),
            ("true", None),
            ("null", None),
            ("[7]", None),
        ] {
            assert_eq!(read(json).as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn an_item_that_cannot_be_decoded_is_set_aside() {
        let json = r#"[1,"CANARY",2,{"a": 1.50},300]"#;
        let items: Items<u8> = serde_json::from_str(json).unwrap();
        assert_eq!(&*items, [1, 2]);
        let unread: Vec<_> = items
            .unread()
            .iter()
            .map(|item| (item.index, item.json.expose()))
            .collect();
        assert_eq!(
            unread,
            [(1, "\"CANARY\""), (3, "{\"a\": 1.50}"), (4, "300")]
        );
        assert_eq!(
            serde_json::to_string(&items).unwrap(),
            r#"[1,"CANARY",2,{"a": 1.50},300]"#
        );
        assert!(!format!("{items:?}").contains("CANARY"));
        assert!(serde_json::from_str::<Items<u8>>("{}").is_err());
        assert_eq!(Items::from(vec![1_u8]).into_vec(), [1]);
        assert_eq!(items.into_iter().collect::<Vec<_>>(), [1, 2]);
    }
}
