//! *Initialize*: opens an account aggregator consent session.

use provider_core::lint::{Findings, HolderClass};
use provider_core::{
    BuiltRequest, DecodeError, Email, Endpoint, Idempotency, InvalidRequest, Mark, Masked, Mobile,
    Operation, Pan, RequestBuilder, ResponseError, VerificationError, Verified, check_id,
    check_person_url, check_web_url, lenient,
};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Finpass;
use crate::envelope::{Envelope, read};

provider_core::open_enum! {
    /// What the consent is for.
    ///
    /// Finpass shows one value and does not close the list (`[seed]`), so any other text is sent as it is.
    pub enum ConsentType {
        /// A lending decision (`[seed]`).
        LoanUnderwriting = "loan_underwriting",
        /// Monitoring a running loan. A flow name on another page, never listed as a value of this field
        /// (`[docs: AA-pdf]`).
        LoanMonitoring = "loan_monitoring",
    }
}

provider_core::opaque_id! {
    /// The id of an account aggregator session, which every later call names: `client_id` on the wire, although it is no
    /// credential. Its format varies between pages.
    pub struct SessionId("client_id");
}

provider_core::masked_text! {
    /// The URL where the person gives consent, byte for byte as Finpass sent it.
    ///
    /// It may hold raw `+` and `=` (`[seed]`): never decode and re-encode it.
    pub struct ConsentUrl;
}

/// The request of *Initialize*: a mobile number, a purpose, and optional details.
///
/// ```
/// use finpass::{ConsentType, Initialize};
/// use provider_core::{Mobile, Pan};
///
/// let request = Initialize::new(Mobile::parse("9000000001")?, ConsentType::LoanUnderwriting)
///     .set_pan_number(Pan::parse("AAAAA0000A")?)
///     .set_return_url("https://lender.example.test/done");
/// # Ok::<(), provider_core::InvalidRequest>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Initialize {
    /// The person's mobile number, 10 digits
    mobile_number: Mobile,
    /// The person's PAN
    // The field table says `pan_number`, the sample body says `pan` (`[seed]`); the reply echoes `pan_number`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pan_number: Option<Pan>,
    /// The person's e-mail address
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<Email>,
    /// What the consent is for: loan_underwriting, loan_monitoring, or another text
    consent_type: ConsentType,
    /// Where changes are reported, an absolute http or https URL
    #[serde(
        default,
        deserialize_with = "absent_if_empty",
        skip_serializing_if = "Option::is_none"
    )]
    webhook_url: Option<Masked>,
    /// Where the person's browser goes afterwards, an absolute http or https URL
    // On the wire, `redirect_url` is where the person returns to in the request, and where the journey starts in the reply.
    #[serde(
        rename = "redirect_url",
        default,
        deserialize_with = "absent_if_empty",
        skip_serializing_if = "Option::is_none"
    )]
    return_url: Option<Masked>,
}

provider_core::request! { Initialize }

impl Initialize {
    /// Creates a request with the two fields that Finpass requires.
    pub fn new(mobile_number: Mobile, consent_type: ConsentType) -> Self {
        Self {
            mobile_number,
            pan_number: None,
            email: None,
            consent_type,
            webhook_url: None,
            return_url: None,
        }
    }

    /// Sets the person's PAN, for additional verification. If the reply's `pan_number` is null although this was set,
    /// Finpass has ignored it.
    #[must_use]
    pub fn set_pan_number(mut self, pan: Pan) -> Self {
        self.pan_number = Some(pan);
        self
    }

    /// The person's e-mail address.
    #[must_use]
    pub fn set_email(mut self, email: Email) -> Self {
        self.email = Some(email);
        self
    }

    /// Sets where Finpass reports changes of the consent: an absolute `http` or `https` URL. An empty text counts as absent.
    #[must_use]
    pub fn set_webhook_url(mut self, url: impl Into<String>) -> Self {
        self.webhook_url = present(url.into());
        self
    }

    /// Sets where the person's browser goes after the consent journey, `redirect_url` on the wire: an absolute `http` or
    /// `https` URL. An empty text counts as absent.
    #[must_use]
    pub fn set_return_url(mut self, url: impl Into<String>) -> Self {
        self.return_url = present(url.into());
        self
    }
}

/// Whether the echoed mobile number is a different one, however it is written: with separators, a country code or a leading
/// zero. Of one that is masked the digits that are seen are compared, `XXXXXX0001` from its end; one that is not and has another number
/// of digits is not compared.
fn names_another(echo: Option<&Masked>, sent: &str) -> bool {
    let is_separator =
        |char: &char| char.is_whitespace() || matches!(char, '+' | '-' | '.' | '/' | '(' | ')');
    let digits = || {
        let echo = echo.map(Masked::expose).unwrap_or_default();
        echo.chars().filter(|char| !is_separator(char))
    };
    let is_mask = |char: &char| matches!(char, 'X' | 'x' | '*' | '#' | '\u{2022}');
    if digits().any(|char| is_mask(&char)) {
        let reversed: Vec<char> = digits().collect();
        // Behind a mask of another length only the end has a place.
        let whole = reversed.len() >= sent.len();
        let mut seen = reversed.iter().rev().zip(sent.chars().rev());
        let from_end = seen
            .by_ref()
            .take_while(|(char, _)| whole || !is_mask(char));
        return from_end
            .filter(|(char, _)| char.is_ascii_digit())
            .any(|(char, sent)| *char != sent);
    }
    if !digits().all(|char| char.is_ascii_digit()) {
        return false;
    }
    let Some(prefix) = digits().count().checked_sub(sent.len()) else {
        return false;
    };
    ["", "0", "91", "091", "0091"]
        .iter()
        .any(|known| digits().take(prefix).eq(known.chars()))
        && !digits().skip(prefix).eq(sent.chars())
}

fn present(text: String) -> Option<Masked> {
    (!text.is_empty()).then(|| Masked::new(text))
}

fn absent_if_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Masked>, D::Error> {
    Ok(Option::deserialize(deserializer)?.and_then(present))
}

/// The reply of *Initialize* (`[seed]`).
pub type Initialized = Envelope<InitializedData>;

/// The session that *Initialize* opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct InitializedData {
    /// The session's id.
    #[serde(deserialize_with = "lenient::id")]
    pub client_id: SessionId,
    /// The mobile number, as Finpass echoes it.
    #[serde(default, deserialize_with = "lenient::text")]
    pub mobile_number: Option<Masked>,
    /// The PAN, as Finpass echoes it; `None` if it used none.
    #[serde(default, deserialize_with = "lenient::text")]
    pub pan_number: Option<Masked>,
    /// The e-mail address, as Finpass echoes it.
    #[serde(default, deserialize_with = "lenient::text")]
    pub email_id: Option<Masked>,
    /// Where to send the person's browser, an absolute `http` or `https` URL. This client names it otherwise than the wire,
    /// where it is `redirect_url`.
    #[serde(rename = "redirect_url")]
    pub consent_url: ConsentUrl,
    /// Whether a PAN was sent and none was echoed: Finpass has probably ignored it. Its field table and its sample disagree
    /// about the field's name, so please report it if you see this.
    #[serde(skip)]
    pub pan_ignored: bool,
}

impl Endpoint for Initialize {
    type Provider = Finpass;
    type Output = Initialized;

    const OPERATION: Operation = Operation::new(
        "initialize",
        "POST /api/v1/services/account-aggregator/init",
        // No idempotency key is documented, and each call opens another session.
        Idempotency::Unsafe,
    )
    // The family has no status call, and a webhook, if one was set, is reported for a consent, not for a session.
    .settled_by(
        "no look-up is documented; without its URL the person cannot use a lost session, so opening another one is \
         safe, but may be billed; ask Finpass about the price with the time and the request id",
    )
    // Not a correlated reply: the mobile number is compared if it is echoed, but nothing promises that it is.
    .documented(Mark::Seed);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Finpass>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        check_id("consent_type", self.consent_type.as_str())?;
        for (field, url) in [
            ("webhook_url", &self.webhook_url),
            ("redirect_url", &self.return_url),
        ] {
            if let Some(url) = url {
                check_web_url(field, url.expose())?;
            }
        }
        request.json(self)
    }

    fn lint(&self, findings: &mut Findings<'_>) {
        findings.mobile("mobile_number", &self.mobile_number);
        if let Some(pan) = &self.pan_number {
            // A loan to a person, or to the proprietor of a business.
            findings.pan("pan_number", pan, Some(HolderClass::Person));
        }
    }

    fn response(&self, response: &Verified) -> Result<Initialized, ResponseError> {
        let mut initialized: Initialized = read(response)?;
        let data = &mut initialized.data;
        if data.client_id.as_str().trim().is_empty() {
            return Err(DecodeError::missing_data("$.data.client_id").into());
        }
        // A browser must not be sent to another scheme, such as `javascript:`.
        check_person_url("redirect_url", data.consent_url.expose())
            .map_err(|_| DecodeError::missing_data("$.data.redirect_url"))?;
        if names_another(data.mobile_number.as_ref(), self.mobile_number.expose()) {
            return Err(VerificationError::OtherRequest.into());
        }
        data.pan_ignored = self.pan_number.is_some() && data.pan_number.is_none();
        Ok(initialized)
    }
}
