//! Lenient deserialisation: an optional field that is absent or of another type must not fail the whole reply.
//!
//! Use these functions for fields that are merely informative, as in
//! `#[serde(default, deserialize_with = "provider_core::lenient::text")]`. A field that the caller needs is read strictly.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::values::Masked;

/// Reads text, or a number or boolean as text; `None` for anything else.
///
/// # Errors
///
/// The JSON is malformed.
pub fn text<'de, D: Deserializer<'de>, T: for<'a> From<&'a str>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(match Scalar::deserialize(deserializer)? {
        Scalar::Text(text) => Some(T::from(&text)),
        Scalar::Integer(number) => Some(T::from(&number.to_string())),
        Scalar::Float(number) => Some(T::from(&number.to_string())),
        Scalar::Bool(truth) => Some(T::from(if truth { "true" } else { "false" })),
        Scalar::Other => None,
    })
}

/// Reads a whole number, or text that is one; `None` for anything else and for a number that `T` cannot hold.
///
/// # Errors
///
/// The JSON is malformed.
pub fn integer<'de, D: Deserializer<'de>, T: TryFrom<i128>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(match Scalar::deserialize(deserializer)? {
        Scalar::Integer(number) => T::try_from(number).ok(),
        Scalar::Text(text) => text
            .trim()
            .parse()
            .ok()
            .and_then(|n: i128| T::try_from(n).ok()),
        // 200.0 is how some serialisers write 200.
        Scalar::Float(number) => whole(number).and_then(|number| T::try_from(number).ok()),
        Scalar::Bool(_) | Scalar::Other => None,
    })
}

/// Reads a boolean; `None` for anything else, including text and numbers.
///
/// # Errors
///
/// The JSON is malformed.
pub fn boolean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(match Scalar::deserialize(deserializer)? {
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
    Ok(match Scalar::deserialize(deserializer)? {
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
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// The whole number that a float represents, if it is exact.
fn whole(number: f64) -> Option<i128> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it has no fraction and is within the range in which floats are exact"
    )]
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i128)
}

/// A JSON scalar, or a marker for anything else.
enum Scalar<'de> {
    Text(Cow<'de, str>),
    Integer(i128),
    Float(f64),
    Bool(bool),
    Other,
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Integer(number.into()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Integer(number.into()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Float(number))
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Bool(truth))
            }

            fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Other)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar<'de>, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Scalar<'de>, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// A list that is read item by item: an item that cannot be decoded is set aside and does not fail the reply.
///
/// It dereferences to a slice of the decoded items; [`unread`](Items::unread) has the others as JSON. It serialises as the
/// whole list in its original order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Items<T> {
    items: Vec<T>,
    unread: Vec<UnreadItem>,
}

/// An item of a list that could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadItem {
    /// Its index in the list, from 0.
    pub index: usize,
    /// The item as JSON text, as it was received. It may hold personal data.
    pub json: Masked,
}

impl<T> Items<T> {
    /// The items that could not be decoded; a caller should report their number.
    pub fn unread(&self) -> &[UnreadItem] {
        &self.unread
    }

    /// The decoded items.
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
        }
    }
}

impl<T> Deref for Items<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
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

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items<T>, A::Error> {
                let mut read = Items::default();
                let mut index = 0_usize;
                while let Some(item) = list.next_element::<Box<RawValue>>()? {
                    match serde_json::from_str(item.get()) {
                        Ok(item) => read.items.push(item),
                        Err(_) => read.unread.push(UnreadItem {
                            index,
                            json: Masked::new(Box::<str>::from(item)),
                        }),
                    }
                    index = index.saturating_add(1);
                }
                Ok(read)
            }
        }

        deserializer.deserialize_seq(List(PhantomData))
    }
}

impl<T: Serialize> Serialize for Items<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let length = self.items.len().saturating_add(self.unread.len());
        let mut list = serializer.serialize_seq(Some(length))?;
        let (mut items, mut unread) = (self.items.iter(), self.unread.iter().peekable());
        for index in 0..length {
            match unread.next_if(|item| item.index == index) {
                Some(item) => {
                    let json: &RawValue = serde_json::from_str(item.json.expose())
                        .map_err(serde::ser::Error::custom)?;
                    list.serialize_element(json)?;
                }
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
