//! *Initialize*: opens an account aggregator consent session.

use provider_core::http::Request;
use provider_core::{
    Attempt, Body, DecodeError, Email, Endpoint, FaultClass, Idempotency, InvalidRequest, Masked,
    Mobile, Operation, Pan, Provider, ResponseError, Segment, VerificationError, Verified,
    post_json,
};
use serde::{Deserialize, Serialize};

use crate::Finpass;
use crate::provider::fault;

provider_core::open_enum! {
    /// What the consent is for.
    ///
    /// Finpass shows one value and does not close the list (`[seed]`), so any other text is sent as it is.
    pub enum ConsentType {
        /// A lending decision (`[seed]`).
        LoanUnderwriting = "loan_underwriting",
        /// Following a running loan. A flow name on another page, never listed as a value of this field (`[docs: AA-pdf]`).
        LoanMonitoring = "loan_monitoring",
    }
}

provider_core::opaque_id! {
    /// The id of an account aggregator session, which every later call names. Its form varies between pages.
    pub struct ClientId("client_id");
}

provider_core::masked_text! {
    /// Where the person gives consent, byte for byte as Finpass sent it.
    ///
    /// It may hold raw `+` and `=` (`[seed]`): never decode and re-encode it.
    pub struct ConsentUrl;
}

/// The request of *Initialize*: a mobile number and a purpose, and what else is known.
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
#[derive(Debug, Clone, Serialize)]
pub struct Initialize {
    mobile_number: Mobile,
    // The field table says `pan_number`, the sample body says `pan` (`[seed]`); the reply echoes `pan_number`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pan_number: Option<Pan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<Email>,
    consent_type: ConsentType,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_url: Option<Masked>,
    // The wire has `redirect_url` for where the person returns here, and for where the journey begins in the reply.
    #[serde(rename = "redirect_url", skip_serializing_if = "Option::is_none")]
    return_url: Option<Masked>,
}

impl Initialize {
    /// The two fields that Finpass requires.
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

    /// The person's PAN, for additional verification. If the reply's `pan_number` is null although this was set, Finpass
    /// has ignored it.
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

    /// Where Finpass reports changes of the consent. An empty text counts as absent.
    #[must_use]
    pub fn set_webhook_url(mut self, url: impl Into<String>) -> Self {
        self.webhook_url = present(url.into());
        self
    }

    /// Where the person's browser goes after the consent journey, `redirect_url` on the wire. An empty text counts as absent.
    #[must_use]
    pub fn set_return_url(mut self, url: impl Into<String>) -> Self {
        self.return_url = present(url.into());
        self
    }
}

/// Whether the echo of the mobile number is another one. An echo in another form, masked or with a country code, says
/// nothing.
fn names_another(echo: Option<&Masked>, sent: &str) -> bool {
    echo.and_then(|echo| Mobile::parse(echo.expose()).ok())
        .is_some_and(|echo| echo.expose() != sent)
}

fn present(text: String) -> Option<Masked> {
    (!text.is_empty()).then(|| Masked::new(text))
}

/// The reply of *Initialize* (`[seed]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Initialized {
    /// The session.
    pub data: InitializedData,
    /// The HTTP status once more, if it was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// Always true here: a `false` is an error.
    pub success: bool,
    /// For people; do not match on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Masked>,
    /// `success`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_code: Option<String>,
    /// Whether a PAN was sent and none came back: Finpass has probably ignored it. Its field table and its sample disagree
    /// about the field's name, so tell us if you see this.
    #[serde(skip)]
    pub pan_ignored: bool,
}

/// The session that *Initialize* opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InitializedData {
    /// The session's id.
    pub client_id: ClientId,
    /// The mobile number, as Finpass repeats it.
    #[serde(default)]
    pub mobile_number: Option<Masked>,
    /// The PAN, as Finpass repeats it; `None` if it took none.
    #[serde(default)]
    pub pan_number: Option<Masked>,
    /// The e-mail address, as Finpass repeats it.
    #[serde(default)]
    pub email_id: Option<Masked>,
    /// Where to send the person's browser, `redirect_url` on the wire.
    #[serde(rename = "redirect_url")]
    pub consent_url: ConsentUrl,
}

/// What a 2xx body may hold: a session, or a refusal in spite of the status.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    data: Option<InitializedData>,
    #[serde(default)]
    status_code: Option<u16>,
    success: bool,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    message_code: Option<String>,
    // The name in Finpass's other families (`[docs]`); a refusal may use it here.
    #[serde(default)]
    error_code: Option<String>,
}

impl Endpoint for Initialize {
    type Provider = Finpass;
    type Output = Initialized;

    const OPERATION: Operation = Operation::new(
        "initialize",
        "POST /api/v1/services/account-aggregator/init",
        // No idempotency key is documented, and each call opens another session.
        Idempotency::Unsafe,
    );

    fn request(
        &self,
        provider: &Finpass,
        _attempt: &Attempt,
    ) -> Result<Request<Body>, InvalidRequest> {
        if self.consent_type.as_str().is_empty() {
            return Err(InvalidRequest::new("consent_type", "must not be empty"));
        }
        let path = [Segment::Literal("/api/v1/services/account-aggregator/init")];
        post_json(provider.base_url().join(&path)?, self)
    }

    fn response(&self, response: &Verified) -> Result<Initialized, ResponseError> {
        let Envelope {
            data,
            status_code,
            success,
            message,
            message_code,
            error_code,
        } = response.json()?;
        // The status is told three times and nothing says that they agree (`[seed]`): each may say no.
        let code_says_no = status_code.is_some_and(|code| code >= 400);
        if !success || code_says_no {
            let fault = fault(message_code.or(error_code), message);
            // A server's fault, or a contradiction: it may have been done.
            let unclear = status_code.is_some_and(|code| code >= 500) || success;
            return Err(if unclear {
                fault.with_class(FaultClass::Transient)
            } else {
                fault
            }
            .into());
        }
        let data = data.ok_or(DecodeError::missing_data("$.data"))?;
        if names_another(data.mobile_number.as_ref(), self.mobile_number.expose()) {
            return Err(VerificationError::OtherRequest.into());
        }
        let pan_ignored = self.pan_number.is_some() && data.pan_number.is_none();
        Ok(Initialized {
            data,
            status_code,
            success,
            message: message.map(Masked::from),
            message_code,
            pan_ignored,
        })
    }
}
