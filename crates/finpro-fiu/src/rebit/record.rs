//! How the records of an account body are read: by the rules that live documents of all platforms need.
//!
//! A member's name counts without white space or colons around it, without an underscore before it, and whatever the case of
//! its first letter. A leaf may be text, a number or a truth value; empty text and null are absence. An element may be alone or
//! in a list. What cannot be read costs itself and nothing beside it.
//!
//! Nearly all documents have objects for elements and nothing in them that breaks a record: they are read `DIRECT`ly, in one pass, and
//! fail as a whole otherwise. Then they are read again with each item of a list by itself.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use provider_core::lenient::Read;
use provider_core::{Amount, Items, Masked};
use serde::de::value::{SeqAccessDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{DateText, Direction, Mode};

/// A leaf's type: what it is from its text, which is not blank; `None` if the text is none.
pub(super) trait Leaf: PartialEq + Sized {
    fn of(text: &str) -> Option<Self>;
}

impl Leaf for Amount {
    fn of(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }
}

impl Leaf for Masked {
    fn of(text: &str) -> Option<Self> {
        Some(Self::from(text))
    }
}

impl Leaf for DateText {
    fn of(text: &str) -> Option<Self> {
        Some(Self::from(text))
    }
}

impl Leaf for Direction {
    fn of(text: &str) -> Option<Self> {
        Some(Self::from(text.trim()))
    }
}

impl Leaf for Mode {
    fn of(text: &str) -> Option<Self> {
        Some(Self::from(text.trim()))
    }
}

impl Leaf for bool {
    fn of(text: &str) -> Option<Self> {
        let is = |words: [&str; 2]| {
            let mut words = words.into_iter();
            words.any(|word| word.eq_ignore_ascii_case(text.trim()))
        };
        let yes = is(["true", "yes"]);
        (yes || is(["false", "no"])).then_some(yes)
    }
}

/// A member of a record.
pub(super) trait Field: Default {
    fn read<'de, const DIRECT: bool, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, D::Error>;

    /// Adds what the record says of it under another of its names, or once more.
    fn add(&mut self, other: Self);
}

impl<T: Leaf> Field for Read<T> {
    fn read<'de, const DIRECT: bool, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, D::Error> {
        Self::parsed(deserializer, T::of)
    }

    /// Two values that differ are none: which one is right is anybody's guess.
    fn add(&mut self, other: Self) {
        match (&*self, other) {
            (_, Self::Absent) => {}
            (Self::Absent, other) => *self = other,
            (this, other) if *this == other => {}
            _ => *self = Self::Unreadable(Masked::from("told twice, differently")),
        }
    }
}

impl<T: Record> Field for Option<T> {
    /// An element that is no object is none. Of a list it is the first.
    fn read<'de, const DIRECT: bool, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, D::Error> {
        let items = Items::read::<DIRECT, D>(deserializer)?;
        Ok(items.into_iter().next())
    }

    fn add(&mut self, other: Self) {
        if self.is_none() {
            *self = other;
        }
    }
}

impl<T: Record> Field for Items<T> {
    fn read<'de, const DIRECT: bool, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMany::<_, DIRECT>(PhantomData))
    }

    fn add(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
        }
    }
}

/// What an object is read as.
pub(super) trait Record: DeserializeOwned {
    fn of_members<'de, const DIRECT: bool, A: MapAccess<'de>>(members: A)
    -> Result<Self, A::Error>;
}

/// Reads a [`Record`].
pub(super) struct Members<T, const DIRECT: bool>(pub(super) PhantomData<T>);

impl<'de, T: Record, const DIRECT: bool> Visitor<'de> for Members<T, DIRECT> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::of_members::<DIRECT, A>(members)
    }
}

impl<'de, T: Record, const DIRECT: bool> DeserializeSeed<'de> for Members<T, DIRECT> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// Reads a whole record, directly if that succeeds.
pub(super) fn record<T: Record>(json: &str) -> serde_json::Result<T> {
    let mut direct = serde_json::Deserializer::from_str(json);
    let read = Members::<T, true>(PhantomData).deserialize(&mut direct);
    read.and_then(|record| direct.end().map(|()| record))
        .or_else(|_| serde_json::from_str(json))
}

/// What is written as an object or as a list.
pub(super) trait Elements: Default {
    fn of_object<'de, const DIRECT: bool, A: MapAccess<'de>>(members: A) -> Result<Self, A::Error>;

    fn of_list<'de, const DIRECT: bool, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error>;
}

impl<T: Record> Elements for Items<T> {
    fn of_object<'de, const DIRECT: bool, A: MapAccess<'de>>(members: A) -> Result<Self, A::Error> {
        Ok(vec![T::of_members::<DIRECT, A>(members)?].into())
    }

    fn of_list<'de, const DIRECT: bool, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        if !DIRECT {
            return Items::deserialize(SeqAccessDeserializer::new(list));
        }
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(Members::<T, true>(PhantomData))? {
            items.push(item);
        }
        Ok(items.into())
    }
}

/// Reads elements; null and empty text are none of them.
pub(super) struct OneOrMany<T, const DIRECT: bool>(pub(super) PhantomData<T>);

impl<T: Elements, const DIRECT: bool> OneOrMany<T, DIRECT> {
    /// Something else: set aside like an item of a list.
    fn other<E: Error>(value: serde_json::Value) -> Result<T, E> {
        let items = SeqDeserializer::<_, serde_json::Error>::new(std::iter::once(value));
        T::of_list::<false, _>(items).map_err(E::custom)
    }
}

impl<'de, T: Elements, const DIRECT: bool> Visitor<'de> for OneOrMany<T, DIRECT> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::of_list::<DIRECT, A>(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::of_object::<DIRECT, A>(members)
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        match text.trim().is_empty() {
            true => Ok(T::default()),
            false => Self::other(text.into()),
        }
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<T, E> {
        Self::other(truth.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        Self::other(number.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        Self::other(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        Self::other(number.into())
    }
}

/// Reads a member's value as a [`Field`].
pub(super) struct ReadField<F, const DIRECT: bool>(pub(super) PhantomData<F>);

impl<'de, F: Field, const DIRECT: bool> DeserializeSeed<'de> for ReadField<F, DIRECT> {
    type Value = F;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<F, D::Error> {
        F::read::<DIRECT, D>(deserializer)
    }
}

/// The name of a member, as records know it.
pub(super) struct Name<'de>(Cow<'de, str>);

impl Name<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(match is_plain(name) {
                    true => Name(Cow::Borrowed(name)),
                    false => Name(Cow::Owned(plain(name))),
                })
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(plain(name))))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

fn is_plain(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
}

fn plain(name: &str) -> String {
    let name = name.trim_matches(|char: char| char.is_whitespace() || char == ':');
    let mut name = name.strip_prefix('_').unwrap_or(name).to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    name
}

/// Declares records: the members by the names that they have on the wire, the first one with its first letter in lower case.
macro_rules! records {
    ($(
        $(#[$meta:meta])*
        $record:ident $(<$($generic:ident),+>)? {
            $( $(#[$field_meta:meta])* $field:ident: $type:ty = $name:literal $(| $alias:literal)*; )+
        }
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, PartialEq)]
        #[non_exhaustive]
        pub struct $record $(<$($generic),+>)? {$(
            $(#[$field_meta])*
            #[doc = concat!("Member `", $name, "`" $(, ", `", $alias, "`")*, ".")]
            pub $field: $type,
        )+}

        impl $(<$($generic),+>)? Default for $record $(<$($generic),+>)? {
            fn default() -> Self {
                Self { $($field: Default::default(),)+ }
            }
        }

        /// Prints nothing of it, which is personal data.
        impl $(<$($generic),+>)? std::fmt::Debug for $record $(<$($generic),+>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($record)).finish_non_exhaustive()
            }
        }

        impl<'de $(, $($generic: $crate::rebit::record::Record),+)?> serde::Deserialize<'de> for $record $(<$($generic),+>)? {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_map($crate::rebit::record::Members::<Self, false>(std::marker::PhantomData))
            }
        }

        impl $(<$($generic: $crate::rebit::record::Record),+>)? $crate::rebit::record::Record for $record $(<$($generic),+>)? {
            fn of_members<'de, const DIRECT: bool, A: serde::de::MapAccess<'de>>(
                mut members: A,
            ) -> Result<Self, A::Error> {
                use $crate::rebit::record::{Field, Name, ReadField};

                let mut record = Self::default();
                while let Some(name) = members.next_key::<Name<'_>>()? {
                    match name.as_str() {
                        $( $name $(| $alias)* => {
                            let seed = ReadField::<$type, DIRECT>(std::marker::PhantomData);
                            Field::add(&mut record.$field, members.next_value_seed(seed)?);
                        } )+
                        _ => {
                            members.next_value::<serde::de::IgnoredAny>()?;
                        }
                    }
                }
                Ok(record)
            }
        }
    )+};
}

pub(super) use records;
