//! `detail`: Deepvue's description of a refusal, in three forms.

use std::fmt;

use provider_core::lenient::{Object, Told};
use provider_core::lint::mask_aadhaar;
use provider_core::{Fault, FaultClass, Masked, RawResponse};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::personal;

/// The description of a refusal. An error body has no other field (docs.deepvue.ai, response format).
///
/// `Debug` prints none of its text, which may repeat the request. A whole Aadhaar number in it is hidden but for its last four digits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// One sentence (`[seed]`).
    Text(Masked),
    /// One entry for each field that was refused (`[seed]`).
    Items(Vec<DetailItem>),
    /// Anything else, as JSON text.
    Other(Masked),
}

/// One field that was refused.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DetailItem {
    /// The path of the field: names and list indices joined by dots, `body.doc_types.0`.
    pub location: Masked,
    /// What is wrong, for people.
    pub message: Option<Masked>,
    /// What is wrong, for machines: `value_error.missing`. The values depend on Deepvue's framework version.
    pub kind: Option<String>,
}

impl fmt::Debug for DetailItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The kind is one of the framework's identifiers, and printed if it looks like one.
        let kind = Fault::new().with_code(self.kind.clone());
        f.debug_struct("DetailItem")
            .field("location", &self.location)
            .field("message", &self.message)
            .field("kind", &kind.printable_code())
            .finish()
    }
}

impl Detail {
    /// The `detail` of a response, for instance of [`Error::raw_response`](provider_core::Error::raw_response). `None` if
    /// the body is not JSON or has none, or one that says nothing: null, `false`, or empty.
    pub fn of(response: &RawResponse) -> Option<Self> {
        #[derive(Deserialize)]
        struct Refusal {
            #[serde(default)]
            detail: Told,
        }
        let Object(Refusal { detail }) = response.untrusted_hint()?;
        detail.is_said().then(|| Self::from(&detail))
    }

    pub(crate) fn into_fault(self) -> Fault {
        match self {
            Self::Text(text) => {
                let fault = Fault::new().with_message(Some(text.expose().to_owned()));
                if let Some((code, meaning)) = of_digilocker(text.expose()) {
                    let fault = fault.with_code(Some(code.to_owned()));
                    return fault.with_meaning(Some(meaning));
                }
                let (class, meaning) = documented(text.expose()).unzip();
                fault
                    .with_meaning(meaning)
                    .with_class(class.unwrap_or_default())
            }
            Self::Items(items) => {
                let line = |item: &DetailItem| {
                    let message = item.message.as_ref().map_or("", |message| message.expose());
                    format!("{}: {message}", item.location.expose())
                };
                let message = items.iter().map(line).collect::<Vec<_>>().join("; ");
                let meaning = items
                    .first()
                    .and_then(|item| refused_field(item.location.expose()));
                let code = items.into_iter().next().and_then(|item| item.kind);
                Fault::new()
                    .with_code(code)
                    .with_message(Some(message))
                    .with_meaning(meaning)
            }
            Self::Other(json) => Fault::new().with_message(Some(json.expose().to_owned())),
        }
    }
}

impl From<&Told> for Detail {
    fn from(detail: &Told) -> Self {
        let json = match detail {
            Told::Text(text) => return Self::Text(masked(text)),
            Told::Json(json) => json,
            other => {
                let text = other.clone().into_text().unwrap_or_default();
                return Self::Other(masked(&text));
            }
        };
        // An entry that cannot be read costs itself.
        let entries = serde_json::from_str::<Vec<Box<RawValue>>>(json).unwrap_or_default();
        let readable = entries
            .iter()
            .filter_map(|entry| serde_json::from_str(entry.get()).ok());
        let entries: Vec<Value> = readable.collect();
        match entries.iter().any(Value::is_object) {
            true => Self::Items(entries.iter().map(DetailItem::from).collect()),
            false => Self::Other(Masked::new(personal::json(json))),
        }
    }
}

impl From<&Value> for DetailItem {
    fn from(item: &Value) -> Self {
        let text = |key| item.get(key).filter(|value| !value.is_null()).map(part);
        let location = match item.get("loc") {
            Some(Value::Array(parts)) => parts.iter().map(part).collect::<Vec<_>>().join("."),
            Some(other) => part(other),
            None => String::new(),
        };
        let message = text("msg").or_else(|| item.as_str().map(|_| part(item)));
        Self {
            location: masked(&location),
            message: message.map(Masked::from),
            kind: text("type"),
        }
    }
}

fn masked(text: &str) -> Masked {
    Masked::new(mask_aadhaar(text))
}

/// A value as text.
fn part(value: &Value) -> String {
    let text = value.as_str().map(|text| mask_aadhaar(text).into_owned());
    text.unwrap_or_else(|| personal::json(&value.to_string()))
}

/// A text as it is compared.
fn normalised(text: &str) -> String {
    text.trim().trim_end_matches('.').to_ascii_lowercase()
}

/// The class and meaning of a documented sentence (docs.deepvue.ai, errors). An error body has no code.
fn documented(text: &str) -> Option<(FaultClass, &'static str)> {
    use FaultClass::{Credentials, Transient};
    let same = normalised(text);
    Some(match &*same {
        "inactive client_id" => (Credentials, "the client id is not active"),
        "not authenticated" => (Credentials, "a credential is missing"),
        "not a valid token" | "could not validate credentials" | "authorization failure" => {
            (Credentials, "the credentials are not valid here")
        }
        "invalid client_id" => (Credentials, "the client id is unknown"),
        "invalid client_id or client_secret, access denied"
        | "incorrect client_id or client_secret" => {
            (Credentials, "the client id or the client secret is wrong")
        }
        "internal server error" => (Transient, "Deepvue broke"),
        "source unavailable" => (Transient, "the source behind Deepvue does not answer"),
        _ => return None,
    })
}

/// The code and meaning of an error of DigiLocker's own, told by its code or its description (`[upstream]`: the specification for
/// authorised partners). How Deepvue passes them on is not documented (`[unknown]`): one that is the whole text is believed.
fn of_digilocker(text: &str) -> Option<(&'static str, &'static str)> {
    const ERRORS: [(&str, &str, &str); 5] = [
        (
            "invalid_token",
            "the access token is invalid",
            "DigiLocker has no authorisation of the person's: it is not complete yet, or it is over",
        ),
        (
            "invalid_uri",
            "no file found for given uri",
            "DigiLocker has no document with this URI",
        ),
        (
            "uri_missing",
            "uri parameter missing",
            "the URI of the document is missing",
        ),
        (
            "aadhaar_not_linked",
            "aadhaar is not linked to the account",
            "no Aadhaar number is linked to the person's DigiLocker account",
        ),
        (
            "aadhaar_not_available",
            "aadhaar data is not available for this user. please perform aadhaar ekyc again",
            "the person's DigiLocker account has no e-Aadhaar",
        ),
    ];
    let same = normalised(text);
    let mut errors = ERRORS.into_iter();
    let found = errors.find(|(code, description, _)| same == *code || same == *description);
    found.map(|(code, _, meaning)| (code, meaning))
}

/// A fixed description of a refused field, because the provider's text is not printed.
fn refused_field(location: &str) -> Option<&'static str> {
    let mut parts = location.split('.').skip_while(|part| *part == "body");
    Some(match parts.next()? {
        "consent" => "the field `consent` was refused",
        "purpose" => "the field `purpose` was refused",
        "redirect_url" => "the field `redirect_url` was refused",
        "doc_types" => "the field `doc_types` was refused",
        "initial_deepvue_transaction_id" => {
            "the field `initial_deepvue_transaction_id` was refused"
        }
        "digilocker_code" => "the field `digilocker_code` was refused",
        "generate_pdf" => "the field `generate_pdf` was refused",
        "uri" => "the field `uri` was refused",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_field_has_a_fixed_description() {
        for field in [
            "consent",
            "purpose",
            "redirect_url",
            "doc_types",
            "initial_deepvue_transaction_id",
            "digilocker_code",
            "generate_pdf",
            "uri",
        ] {
            for location in [
                field.to_owned(),
                format!("body.{field}"),
                format!("body.{field}.0"),
            ] {
                let expected = refused_field(&location).unwrap();
                assert_eq!(expected, format!("the field `{field}` was refused"));
            }
        }
        for location in ["", "body", "CANARY", "body.CANARY.purpose"] {
            assert_eq!(refused_field(location), None, "{location}");
        }
    }

    #[test]
    fn transient_failures_are_distinguished_from_permanent_ones() {
        for text in ["Internal Server Error", "Source Unavailable"] {
            let (class, _) = documented(text).unwrap();
            assert_eq!(class, FaultClass::Transient, "{text}");
        }
        let (class, _) = documented("Not authenticated").unwrap();
        assert_eq!(class, FaultClass::Credentials);
        for text in ["INTERNAL SERVER ERROR", " Source unavailable. "] {
            assert!(documented(text).is_some(), "{text}");
        }
        assert_eq!(documented("Internal"), None);
    }

    #[test]
    fn an_error_of_digilocker_s_own_is_told_with_its_meaning() {
        let told = |text: &str| Detail::Text(masked(text)).into_fault().to_string();
        let expected = "aadhaar_not_available: the person's DigiLocker account has no e-Aadhaar";
        assert_eq!(told("aadhaar_not_available"), expected);
        let description =
            "Aadhaar data is not available for this user. Please perform Aadhaar eKYC again.";
        assert_eq!(told(description), expected);
        for text in [
            "invalid_token",
            "INVALID_URI",
            " uri_missing ",
            "aadhaar_not_linked",
        ] {
            let told = told(text);
            let code = text.trim().to_ascii_lowercase();
            assert!(told.starts_with(&format!("{code}: ")), "{told}");
        }
        assert_eq!(
            told("aadhaar_not_available for CANARY"),
            "no documented reason"
        );
    }

    #[test]
    fn a_whole_aadhaar_number_is_hidden_in_a_refusal() {
        let with = |last: u64| format!("{}{last}", "2".repeat(11));
        let mut numbers = (0..10).map(with);
        let number = numbers.find(|text| mask_aadhaar(text) != *text).unwrap();
        for detail in [
            format!("\"of {number}.\""),
            number.clone(),
            format!(r#"{{"uid":{number},"of":"{number}"}}"#),
            format!(r#"[{{"loc":["body","{number}",1],"msg":"{number}","type":"{number}"}}]"#),
            format!(r#"[{{"loc":{{"a":{number}}},"msg":["of {number}"],"type":"a"}}]"#),
        ] {
            let told: Told = serde_json::from_str(&detail).unwrap();
            let fault = Detail::from(&told).into_fault();
            let message = fault.message().unwrap();
            assert!(!message.contains(&number), "{detail}");
            assert!(message.contains("xxxxxxxx2"), "{message}");
            assert_ne!(fault.code(), Some(&*number));
        }
    }

    #[test]
    fn an_item_prints_its_kind_and_not_the_provider_s_text() {
        let item = DetailItem::from(&serde_json::json!({
            "loc": ["body", "CANARY"], "msg": "CANARY", "type": "value_error.missing"
        }));
        let printed = format!("{item:?}");
        assert!(printed.contains("DetailItem") && printed.contains("value_error.missing"));
        assert!(!printed.contains("CANARY"), "{printed}");
    }
}
