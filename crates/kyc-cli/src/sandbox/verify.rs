//! `kyc webhooks verify`: verifies a webhook that was received elsewhere, and says what it is or why it is refused.

use kyc_facade::provider_core::Settings;
use kyc_facade::provider_core::http::{HeaderMap, HeaderName, HeaderValue};
use kyc_facade::provider_core::jiff::Timestamp;
use kyc_facade::provider_core::lenient::Printable;
use kyc_facade::provider_core::webhook::{MismatchCause, Receiver, Refusal, Scheme, Unreadable};
use serde_json::{Value, json};

use super::receivers::{MAX_BODY_BYTES, finpro, finpro_words, veriff, veriff_words};
use crate::arguments::Verify;
use crate::failure::{EXIT_UNREAD, Failure};
use crate::operations::data::bounded;
use crate::terminal::output::Output;

/// A genuine webhook, without a value that may be personal.
#[derive(Debug, PartialEq, Eq)]
struct Genuine {
    provider: &'static str,
    /// `None` for one that cannot be read.
    event: Option<String>,
    /// The provider's id of what it is about.
    about: Option<String>,
    /// Which of the secrets matched, from 1.
    secret: usize,
    bytes: usize,
}

pub(super) fn run(arguments: &Verify, output: Output) -> Result<u8, Failure> {
    let headers = headers(&arguments.headers)?;
    let body = bounded(&arguments.body, MAX_BODY_BYTES);
    let body = body.map_err(|error| Failure::file("--body", "read", &error))?;
    let (settings, now) = (Settings::environment(), Timestamp::now());
    let genuine = match arguments.provider.as_str() {
        "veriff" => genuine(&veriff(&settings)?, &headers, &body, now, |event| {
            (veriff_words(event), event.session_id())
        }),
        _ => genuine(&finpro(&settings)?, &headers, &body, now, |event| {
            let handle = event.consent_handle().map(|handle| handle.as_str());
            (finpro_words(event), handle)
        }),
    };
    let genuine = genuine.map_err(|refusal| Failure::Refused(refusal, advice(refusal)))?;
    match output.json {
        true => output.answer(&genuine.value(), None)?,
        false => output.text(&genuine.words())?,
    }
    Ok(match genuine.event {
        Some(_) => 0,
        None => EXIT_UNREAD,
    })
}

/// The headers as given. A value is not repeated: it may be a credential.
fn headers(given: &[String]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for header in given {
        let malformed = || {
            let rule = "must be 'name: value', such as 'x-hmac-signature: 0a1b...'";
            Failure::configuration("--header", rule)
        };
        let (name, value) = header.split_once(':').ok_or_else(malformed)?;
        let name = HeaderName::try_from(name.trim()).map_err(|_| malformed())?;
        let value = HeaderValue::try_from(value.trim_matches([' ', '\t']));
        // One that came twice is given twice.
        headers.append(name, value.map_err(|_| malformed())?);
    }
    Ok(headers)
}

/// The webhook, if it is authentic.
fn genuine<P: Scheme>(
    receiver: &Receiver<P>,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
    says: impl for<'e> Fn(&'e P::Event) -> (String, Option<&'e str>),
) -> Result<Genuine, Refusal> {
    if body.len() > MAX_BODY_BYTES {
        return Err(Refusal::TooLarge);
    }
    let verified = receiver.verify(headers, body, now)?;
    let event: Result<P::Event, Unreadable> = verified.parse();
    let (event, about) = match &event {
        Ok(event) => {
            let (words, about) = says(event);
            let about = about.and_then(|id| Printable(id).as_str());
            (Some(words), about.map(str::to_owned))
        }
        Err(_) => (None, None),
    };
    Ok(Genuine {
        provider: P::PROVIDER,
        event,
        about,
        secret: verified.meta().secret.saturating_add(1),
        bytes: body.len(),
    })
}

impl Genuine {
    fn value(&self) -> Value {
        json!({
            "provider": self.provider,
            "event": self.event,
            "about": self.about,
            "verdict": "verified",
            "secret": self.secret,
            "bytes": self.bytes,
        })
    }

    fn words(&self) -> String {
        let about = self.about.as_deref().map(|id| format!("  {id}"));
        format!(
            "verified  {}  {}{}  by secret {}, {} bytes",
            self.provider,
            self.event.as_deref().unwrap_or("cannot be read"),
            about.unwrap_or_default(),
            self.secret,
            self.bytes,
        )
    }
}

/// What to check when a webhook is refused: what usually goes wrong between its sender and here.
fn advice(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::MissingSignature => {
            "Give each header that was received. If it was not there, a proxy in between may drop or rename it; Veriff \
             writes x-hmac-signature or vrf-hmac-signature, FinPro the one in FINPRO_WEBHOOK_HEADER."
        }
        Refusal::MalformedSignature => {
            "Copy the value whole and as it came, without quotes or a prefix; for FinPro check FINPRO_WEBHOOK_ENCODING."
        }
        Refusal::RepeatedHeader => {
            "Give each header as often as it came. If it came twice, a proxy in between repeats it."
        }
        Refusal::ConflictingHeaders => {
            "A proxy in between may change headers: the x- and the vrf- headers have to agree."
        }
        Refusal::Mismatch(cause) => mismatch(cause),
        Refusal::ExpiredSecret => {
            "The sender still signs with the secret that was replaced: change it in the portal."
        }
        Refusal::OtherClient => {
            "It names another API key or app: check VERIFF_API_KEY, and whether test and live are mixed up."
        }
        Refusal::OtherIntegration => "It is for another integration that shares the API key.",
        Refusal::MalformedTime => "Give the header with the time too, as it came.",
        Refusal::TooOld => {
            "It is late or sent again by somebody who recorded it. Do not handle it; check this machine's clock."
        }
        Refusal::FromTheFuture => "Check this machine's clock, and the sender's.",
        Refusal::TooLarge => {
            "A receiver reads at most 1 MiB. Check that the file is the body alone."
        }
        Refusal::BodyConsumed => {
            "The body is empty although its length was announced: another layer read it before it was saved."
        }
        _ => "Check how it was received: as a POST, whole, and before anything else read it.",
    }
}

fn mismatch(cause: Option<MismatchCause>) -> &'static str {
    match cause {
        Some(MismatchCause::TrailingWhitespace) => {
            "Save the body without a newline added or trimmed, as editors, echo and heredocs do."
        }
        Some(MismatchCause::Reformatted) => {
            "Keep the raw bytes before anything parses them: JSON that was parsed and printed again is another body."
        }
        Some(MismatchCause::ByteOrderMark) => "Save the body as bytes, without a byte order mark.",
        Some(MismatchCause::Base64) => {
            "Decode the body first: some serverless platforms hand it on as base64."
        }
        Some(MismatchCause::KeyForm) => {
            "Check the secret's form: its text is the key on one side, and what it decodes to on the other."
        }
        Some(MismatchCause::Length) => {
            "The body is not as long as content-length says: it was cut, or another character set was applied."
        }
        Some(MismatchCause::ContentEncoding) => {
            "A layer in between compressed or decompressed the body: verify the bytes as the sender wrote them."
        }
        Some(MismatchCause::Empty) => {
            "The body is empty: another layer read it before, or it was sent as a form."
        }
        _ => {
            "It is forged, signed with another secret, or not the raw bytes. Check the secret, which may be another one \
             for webhooks in the portal, without a newline at its end; and keep the bytes before anything parses them: \
             printed again, JSON has another order or other escapes."
        }
    }
}

#[cfg(test)]
mod tests {
    use kyc_facade::finpro_fiu::FinproWebhooks;
    use kyc_facade::provider_core::jiff::SignedDuration;
    use kyc_facade::provider_core::webhook::{
        Encoding, HeaderSignature, KeyForm, Secrets, Signed, SignedText, SigningKey,
    };

    use super::*;

    const TIME: &str = "2026-01-01T00:00:00Z";
    const BODY: &[u8] =
        br#"{"eventType":"CONSENT","eventStatus":"CONSENT_APPROVED","consentHandle":"handle-1"}"#;

    /// Verifies a webhook that was signed with its time, so many seconds later.
    fn after(seconds: i64) -> Result<Genuine, Refusal> {
        const SECRET: &str = "an-invented-secret-of-the-portal";
        let key = SigningKey::new(SECRET, KeyForm::Text).unwrap();
        let before = format!("{TIME}.");
        let tag = Encoding::Hex.encode(&key.sign(Signed::after(before.as_bytes(), BODY)));
        let text = SignedText::TimeAndBody {
            header: HeaderName::from_static("x-time"),
            separator: ".".to_owned(),
            tolerance: SignedDuration::from_mins(5),
        };
        let secrets = Secrets::parse(SECRET, KeyForm::Text).unwrap();
        let header = HeaderName::from_static("x-signature");
        let signature = HeaderSignature::new(header, Encoding::Hex, text, secrets);
        let receiver = Receiver::new(FinproWebhooks::new(signature));
        let given = [format!("X-Time: {TIME}"), format!("x-signature:\t{tag} ")];
        let now: Timestamp = TIME.parse().unwrap();
        let now = now
            .saturating_add(SignedDuration::from_secs(seconds))
            .unwrap();
        genuine(&receiver, &headers(&given).unwrap(), BODY, now, |event| {
            let handle = event.consent_handle().map(|handle| handle.as_str());
            (finpro_words(event), handle)
        })
    }

    #[test]
    fn a_webhook_that_is_too_old_is_refused_with_what_to_do() {
        let told = after(300).unwrap().words();
        let says = "verified  finpro  CONSENT_APPROVED  handle-1  by secret 1, 83 bytes";
        assert_eq!(told, says);
        assert_eq!(after(301), Err(Refusal::TooOld));
        assert_eq!(after(-301), Err(Refusal::FromTheFuture));
        assert!(advice(Refusal::TooOld).contains("sent again"));
        assert!(advice(Refusal::FromTheFuture).contains("clock"));
    }

    #[test]
    fn each_probable_cause_has_advice_of_its_own() {
        use MismatchCause::{
            Base64, ByteOrderMark, ContentEncoding, Empty, KeyForm, Length, Reformatted,
            TrailingWhitespace,
        };

        for (cause, says) in [
            (None, "raw bytes"),
            (Some(TrailingWhitespace), "newline"),
            (Some(Reformatted), "printed again"),
            (Some(ByteOrderMark), "byte order mark"),
            (Some(Base64), "base64"),
            (Some(KeyForm), "decodes"),
            (Some(Length), "content-length"),
            (Some(ContentEncoding), "compressed"),
            (Some(Empty), "empty"),
        ] {
            let advice = advice(Refusal::Mismatch(cause));
            assert!(advice.contains(says), "{cause:?}: {advice}");
        }
    }
}
