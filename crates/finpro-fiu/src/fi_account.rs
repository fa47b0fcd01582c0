//! The body of an account, as the institution wrote it.

use std::fmt;
use std::ops::Deref;

use provider_core::{Items, Label, Masked, VerificationError, lenient};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::LinkRefNumber;
use crate::values::{self, is_same};

/// An account's data. What its members are depends on the kind of account and on the institution: they are kept as they came.
///
/// `Debug` prints nothing of the body, which is personal data.
#[derive(Clone)]
#[non_exhaustive]
pub struct FiAccount {
    /// The link's id.
    pub link_reference_number: Option<LinkRefNumber>,
    /// The account's number, masked by the institution.
    pub masked_account_number: Option<Masked>,
    /// The kind of account, such as `DEPOSIT`.
    pub fi_type: Option<Label>,
    /// The institution's name.
    pub bank: Option<Masked>,
    json: Box<RawValue>,
}

/// The members beside the account's own.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("x-kyc-members" = ["linkRefNumber"])))]
#[serde(rename_all = "camelCase")]
struct AccountHead {
    /// The link's id.
    #[serde(alias = "linkRefNumber", default, deserialize_with = "values::id")]
    link_reference_number: Option<LinkRefNumber>,
    /// The account's number, masked by the institution.
    #[serde(default, deserialize_with = "lenient::text")]
    masked_account_number: Option<Masked>,
    /// The kind of account, such as `DEPOSIT`.
    #[serde(default, deserialize_with = "lenient::text")]
    fi_type: Option<Label>,
    /// The institution's name.
    #[serde(default, deserialize_with = "lenient::text")]
    bank: Option<Masked>,
}

impl FiAccount {
    /// The whole account as JSON text, byte for byte. It is personal data; do not log it.
    pub fn json(&self) -> &str {
        self.json.get()
    }

    /// A section of the account as JSON text: `summary`, `profile`, `transactions`, `balance`, `holder`. The case of its name
    /// does not matter, because the page and live replies differ (`[docs]`, `[3p]`).
    pub fn section(&self, name: &str) -> Option<&str> {
        let Sections(sections) = serde_json::from_str(self.json()).ok()?;
        let named = |(found, _): &&(String, &RawValue)| found.eq_ignore_ascii_case(name);
        sections
            .iter()
            .find(named)
            .map(|(_, section)| section.get())
    }
}

struct Sections<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Sections<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Sections<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sections<'de>, A::Error> {
                let mut sections = Vec::new();
                while let Some(section) = map.next_entry()? {
                    sections.push(section);
                }
                Ok(Sections(sections))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl<'de> Deserialize<'de> for FiAccount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        Self::of(json).map_err(D::Error::custom)
    }
}

impl FiAccount {
    fn of(json: Box<RawValue>) -> Result<Self, &'static str> {
        let head: lenient::Object<AccountHead> =
            serde_json::from_str(json.get()).map_err(|_| "not an account")?;
        let lenient::Object(head) = head;
        Ok(Self {
            link_reference_number: head.link_reference_number,
            masked_account_number: head.masked_account_number,
            fi_type: head.fi_type,
            bank: head.bank,
            json,
        })
    }
}

impl Serialize for FiAccount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl fmt::Debug for FiAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FiAccount")
            .field("link_reference_number", &self.link_reference_number)
            .field("masked_account_number", &self.masked_account_number)
            .field("fi_type", &self.fi_type)
            .field("bank", &self.bank)
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for FiAccount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FiAccount".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = AccountHead::json_schema(generator);
        schema.insert("additionalProperties".to_owned(), true.into());
        schema
    }
}

/// The accounts of a reply: a list of them, or one (`[docs]` for balances, tolerated everywhere). An account that cannot be
/// read does not fail the others, see [`Items::unread`].
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct FiAccounts(Items<FiAccount>);

impl Deref for FiAccounts {
    type Target = Items<FiAccount>;

    fn deref(&self) -> &Items<FiAccount> {
        &self.0
    }
}

impl FiAccounts {
    /// Refuses an account of another link than the one that was asked for.
    pub(crate) fn check_links(
        &self,
        asked: Option<&LinkRefNumber>,
    ) -> Result<(), VerificationError> {
        let mut links = self
            .iter()
            .map(|account| account.link_reference_number.as_ref());
        links.try_for_each(|told| is_same(told, asked))
    }
}

impl<'de> Deserialize<'de> for FiAccounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = FiAccounts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an account or a list of accounts")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<FiAccounts, A::Error> {
                Items::deserialize(SeqAccessDeserializer::new(list)).map(FiAccounts)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FiAccounts, A::Error> {
                let mut json = String::from("{");
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if json.len() > 1 {
                        json.push(',');
                    }
                    json.push_str(&serde_json::Value::from(name).to_string());
                    json.push(':');
                    json.push_str(value.get());
                }
                json.push('}');
                let json = RawValue::from_string(json).map_err(A::Error::custom)?;
                let account = FiAccount::of(json).map_err(A::Error::custom)?;
                Ok(FiAccounts(vec![account].into()))
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for FiAccounts {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FiAccounts".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let account = generator.subschema_for::<FiAccount>();
        schemars::json_schema!({"anyOf": [{"type": "array", "items": account}, account]})
    }
}
