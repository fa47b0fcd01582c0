//! One member of an object read apart from the others.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{CowStrDeserializer, MapAccessDeserializer};
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::lenient::Text;

/// Reads an object whose member of this name is a `T`, and what its other members are, as an `O`. `None` if the member is absent
/// or null.
///
/// It is for envelopes, whose data is of another type in each operation: a struct with a type parameter would have the code that
/// reads the envelope generated for each of them, while `O` is the same for all.
///
/// ```
/// use provider_core::lenient::member_apart;
/// use serde::{Deserialize, Deserializer};
///
/// #[derive(Deserialize)]
/// struct Head {
///     status: String,
/// }
///
/// struct Envelope<T> {
///     head: Head,
///     data: Option<T>,
/// }
///
/// impl<'de, T: Deserialize<'de>> Deserialize<'de> for Envelope<T> {
///     fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
///         let (head, data) = member_apart("data", deserializer)?;
///         Ok(Self { head, data })
///     }
/// }
///
/// let reply = r#"{"data":[7],"status":"success"}"#;
/// let reply: Envelope<Vec<u8>> = provider_core::serde_json::from_str(reply)?;
/// assert_eq!((reply.head.status.as_str(), reply.data), ("success", Some(vec![7])));
/// # Ok::<(), provider_core::serde_json::Error>(())
/// ```
///
/// # Errors
///
/// It is no object, the member is repeated, or one of the two cannot be read.
pub fn member_apart<'de, O, T, D>(
    name: &'static str,
    deserializer: D,
) -> Result<(O, Option<T>), D::Error>
where
    O: Deserialize<'de>,
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_map(Apart(name, PhantomData))
}

struct Apart<O, T>(&'static str, PhantomData<(O, T)>);

impl<'de, O: Deserialize<'de>, T: Deserialize<'de>> Visitor<'de> for Apart<O, T> {
    type Value = (O, Option<T>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        let Self(name, _) = self;
        let mut apart: Option<Option<T>> = None;
        let mut read = |members: &mut A| match apart {
            Some(_) => Err(A::Error::duplicate_field(name)),
            None => {
                apart = Some(members.next_value()?);
                Ok(())
            }
        };
        let others = Others {
            members,
            name,
            read: &mut read,
        };
        let others = O::deserialize(MapAccessDeserializer::new(others))?;
        Ok((others, apart.flatten()))
    }
}

/// The members of an object but one, which `read` reads when its turn comes. It hides the type of that one.
struct Others<'r, A, E> {
    members: A,
    name: &'static str,
    read: &'r mut dyn FnMut(&mut A) -> Result<(), E>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Others<'_, A, A::Error> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(name) = self.members.next_key_seed(Text)? {
            if name != self.name {
                return seed.deserialize(CowStrDeserializer::new(name)).map(Some);
            }
            (self.read)(&mut self.members)?;
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.members.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Head {
        #[serde(default)]
        status: u8,
    }

    fn read(json: &str) -> Result<(Head, Option<Vec<u8>>), serde_json::Error> {
        member_apart("data", &mut serde_json::Deserializer::from_str(json))
    }

    #[test]
    fn the_member_is_read_apart_wherever_it_stands() {
        for (json, status, data) in [
            (r#"{"data":[7],"status":1}"#, 1, Some(vec![7])),
            (r#"{"status":1,"\u0064ata":[7]}"#, 1, Some(vec![7])),
            (r#"{"x":{"data":1},"status":1,"data":null}"#, 1, None),
            (r#"{"\u0073tatus":1}"#, 1, None),
            ("{}", 0, None),
        ] {
            assert_eq!(read(json).unwrap(), (Head { status }, data), "{json}");
        }
    }

    #[test]
    fn what_is_repeated_or_of_another_type_is_an_error() {
        for json in [
            r#"{"data":null,"data":[7]}"#,
            r#"{"status":1,"status":1,"data":[7]}"#,
            r#"{"data":{}}"#,
            r#"{"status":"1","data":[7]}"#,
            "[[7],1]",
        ] {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
