//! Web redirection: to the aggregator, and back.

use finpro_profile::Envelope;
use provider_core::lenient::Read;
use provider_core::{
    DecodeError, Idempotency, InvalidRequest, Items, Label, Mark, Masked, Operation, Pan, Plus,
    check_person_url, is_same_text, lenient, query_parameters,
};
use serde::{Deserialize, Serialize};

use crate::endpoint::post;
use crate::values::{self, rule};
use crate::{ConsentHandle, RedirectionUrl, ReturnUrl};

/// A question for the URL where a customer decides on consents (`[docs]`), for consents of version 2 or another return.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct EncryptRedirection {
    /// The consents' handles, from request-consent-v3, all of one customer
    consent_handle: Vec<ConsentHandle>,
    /// Where the customer returns, instead of the organisation's own address
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redirect_url: Option<ReturnUrl>,
    /// The customer's PAN, for institutions that need it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pan: Option<Pan>,
}

provider_core::request! { EncryptRedirection }

impl EncryptRedirection {
    /// Creates a request for these consents of one customer.
    pub fn new(handles: impl IntoIterator<Item = ConsentHandle>) -> Self {
        Self {
            consent_handle: handles.into_iter().collect(),
            redirect_url: None,
            pan: None,
        }
    }

    /// Sets where the customer returns.
    #[must_use]
    pub fn set_redirect_url(mut self, url: ReturnUrl) -> Self {
        self.redirect_url = Some(url);
        self
    }

    /// Sets the customer's PAN.
    #[must_use]
    pub fn set_pan(mut self, pan: Pan) -> Self {
        self.pan = Some(pan);
        self
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        ConsentHandle::check_all(&self.consent_handle)
    }
}

/// Where the customer decides (`[docs]`; integrators report another spelling of the member, `[3p]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema), schemars(extend("x-kyc-members" = ["webRedirectionUrl"])),
    // Under one of its names.
    schemars(transform = |schema: &mut schemars::Schema| drop(schema.remove("required")))
)]
#[non_exhaustive]
pub struct Redirection {
    /// The URL, `http` or `https`. Open it in a browser; never log or cache it.
    #[serde(
        rename = "webRedirectionURL",
        alias = "webRedirectionUrl",
        deserialize_with = "given_url"
    )]
    pub web_redirection_url: RedirectionUrl,
}

fn given_url<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<RedirectionUrl, D::Error> {
    let url = RedirectionUrl::deserialize(deserializer)?;
    match url.expose().trim().is_empty() {
        true => Err(serde::de::Error::custom("empty")),
        false => Ok(url),
    }
}

/// A question for what the parameters mean with which a customer returned (`[docs]`).
///
/// It tells how the journey ended, not that there is a consent: list it, or wait for the webhook (`[derived]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct DecryptRedirection {
    /// The parameters of the customer's return
    #[serde(rename = "webRedirectionURL")]
    web_redirection_url: ReturnParameters,
}

/// The parameters in the address to which the customer returned, percent-decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReturnParameters {
    /// The encrypted result
    ecres: Masked,
    /// When it was made, `ddmmyyyyhh24misss` in UTC
    resdate: Masked,
    /// The encrypted id of the organisation
    fi: Masked,
}

provider_core::request! { DecryptRedirection }

impl ReturnParameters {
    /// Reads the parameters in the address to which the customer returned, `https://…?ecres=…&resdate=…&fi=…`, or in its query
    /// alone.
    ///
    /// They are percent-decoded, once. A `+` stays one: none of them has spaces, and aggregators may send Base64 as it is. Other
    /// parameters are the caller's own: only their encoding is looked at.
    ///
    /// # Errors
    ///
    /// A parameter that is missing, is empty or is there twice; the error names it. `url`, if a parameter's percent-encoding is
    /// broken, or if it has more than 64 KiB or 100 parameters.
    ///
    /// ```
    /// use finpro_fiu::{DecryptRedirection, ReturnParameters};
    ///
    /// let returned = ReturnParameters::of_url("https://lender.example.test/done?fi=Zmk%3D&ecres=AbC&resdate=010120300000000")?;
    /// let request = DecryptRedirection::of_return(returned);
    /// # Ok::<(), finpro_fiu::finpro_profile::provider_core::InvalidRequest>(())
    /// ```
    pub fn of_url(url: &str) -> Result<Self, InvalidRequest> {
        let mut parameters = parameters(url)?;
        let mut take = |name| parameter(&mut parameters, name);
        Ok(Self {
            ecres: take("ecres")?,
            resdate: take("resdate")?,
            fi: take("fi")?,
        })
    }

    /// Like [`of_url`](Self::of_url), for a return address that had a parameter of its own, such as `state`, by which the
    /// return belongs to the session of the browser that makes it. Whether every aggregator keeps such parameters is not
    /// documented (`[unknown]`). That the journey was about the right consent is told by [`Journey::end_of`].
    ///
    /// # Errors
    ///
    /// As of [`of_url`](Self::of_url), and for the parameter `name` if it is not `expected`.
    pub fn of_url_in_state(
        url: &str,
        name: &'static str,
        expected: &str,
    ) -> Result<Self, InvalidRequest> {
        let found = Self::of_url(url)?;
        let state = parameter(&mut parameters(url)?, name)?;
        rule(
            is_same_text(state.expose(), expected),
            name,
            "is not the one of this session",
        )?;
        Ok(found)
    }
}

/// The most parameters that are read.
const MAX_PARAMETERS: usize = 100;

/// The longest return that is read, in bytes: `fi` and `ecres` are encrypted, and long.
const MAX_LEN: usize = 64 * 1024;

fn parameters(url: &str) -> Result<Vec<(String, String)>, InvalidRequest> {
    rule(url.len() <= MAX_LEN, "url", "must be 64 KiB at most")?;
    let parameters = query_parameters(url, Plus::Kept)
        .ok_or(InvalidRequest::new("url", "must be percent-encoded UTF-8"))?;
    rule(
        parameters.len() <= MAX_PARAMETERS,
        "url",
        "must have 100 parameters at most",
    )?;
    Ok(parameters)
}

/// The parameter with this name.
fn parameter(
    parameters: &mut Vec<(String, String)>,
    name: &'static str,
) -> Result<Masked, InvalidRequest> {
    let mut values = parameters.extract_if(.., |(found, _)| found == name);
    let value = match (values.next(), values.next()) {
        (Some((_, value)), None) => value,
        (None, _) => return Err(InvalidRequest::new(name, "is required")),
        (Some(_), Some(_)) => return Err(InvalidRequest::new(name, "must not appear twice")),
    };
    rule(!value.is_empty(), name, "must not be empty").map(|()| Masked::new(value))
}

impl DecryptRedirection {
    /// Creates a request from the parameters of the return.
    pub fn of_return(parameters: ReturnParameters) -> Self {
        Self {
            web_redirection_url: parameters,
        }
    }

    /// Creates a request from the parameters `ecres`, `resdate` and `fi`.
    pub fn new(
        ecres: impl Into<Masked>,
        resdate: impl Into<Masked>,
        fi: impl Into<Masked>,
    ) -> Self {
        Self {
            web_redirection_url: ReturnParameters {
                ecres: ecres.into(),
                resdate: resdate.into(),
                fi: fi.into(),
            },
        }
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        let parameters = &self.web_redirection_url;
        for (value, field) in [
            (&parameters.ecres, "webRedirectionURL.ecres"),
            (&parameters.resdate, "webRedirectionURL.resdate"),
            (&parameters.fi, "webRedirectionURL.fi"),
        ] {
            rule(!value.expose().is_empty(), field, "must not be empty")?;
        }
        Ok(())
    }
}

provider_core::open_enum! {
    /// Whether the customer's journey succeeded.
    pub enum JourneyStatus {
        /// Accepted.
        Success = "S",
        /// Any other end.
        Failure = "F",
    }
}

/// How the customer's journey ended (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Journey {
    /// Whether it succeeded. Read [`Journey::end`] instead.
    #[serde(default, deserialize_with = "Read::text")]
    pub status: Read<JourneyStatus>,
    /// The code, text in a sample. Read [`Journey::end`] instead.
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["integer", "string", "null"])))]
    #[serde(default, deserialize_with = "Read::integer")]
    pub errorcode: Read<u16>,
    /// The journey's transaction.
    #[serde(default, deserialize_with = "lenient::text")]
    pub txnid: Option<Label>,
    /// The journey's session.
    #[serde(default, deserialize_with = "lenient::text")]
    pub sessionid: Option<Label>,
    /// The handles of the consents that were decided: text in a sample, a list in the guideline.
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["array", "string"])))]
    #[serde(default, deserialize_with = "values::one_or_many")]
    pub srcref: Items<ConsentHandle>,
    /// The customer's virtual user account (`[3p]`).
    #[serde(default, deserialize_with = "lenient::text")]
    pub userid: Option<Masked>,
    /// Where the customer returned.
    #[serde(default, deserialize_with = "lenient::text")]
    pub redirect: Option<Masked>,
    /// The customer's e-mail address (`[3p]`).
    #[serde(default, deserialize_with = "lenient::text")]
    pub email: Option<Masked>,
    /// The customer's PAN (`[3p]`).
    #[serde(default, deserialize_with = "lenient::text")]
    pub pan: Option<Masked>,
}

/// The end of a journey: status and code, read as a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JourneyEnd {
    /// 0: accepted, and accounts linked. Confirm it with a list or the webhook.
    Accepted,
    /// 1: the customer rejected.
    Rejected,
    /// 2: the aggregator does not know the consent.
    ConsentNotFound,
    /// 3: the redirection was malformed.
    Malformed,
    /// 4: the customer could not authenticate.
    NotAuthenticated,
    /// 5: the customer left the consent pending. In an older guideline between aggregators, on no page of FinPro.
    LeftPending,
    /// 6: the login timed out.
    TimedOut,
    /// 7: the one institution that was named has no account of the customer.
    NoAccount,
    /// 8: the one institution that was named could not be asked.
    DiscoveryFailed,
    /// 9: several or no institutions were named, and none has an account.
    NothingDiscovered,
    /// Status and code contradict each other, one of them cannot be read, or neither is documented. Never take it for an
    /// acceptance.
    Unclear,
}

impl Journey {
    /// The end of the journey of this consent; [`JourneyEnd::Unclear`] if the journey does not name it, whatever its end.
    ///
    /// That `srcref` has the consent's handle is what integrators report (`[3p]`).
    pub fn end_of(&self, handle: &ConsentHandle) -> JourneyEnd {
        let is = |told: &ConsentHandle| told.as_str().eq_ignore_ascii_case(handle.as_str());
        match self.srcref.iter().any(is) {
            true => self.end(),
            false => JourneyEnd::Unclear,
        }
    }

    /// Status and code as a pair. Where one of them is absent the other decides, if it alone can.
    pub fn end(&self) -> JourneyEnd {
        const FAILURES: [JourneyEnd; 9] = [
            JourneyEnd::Rejected,
            JourneyEnd::ConsentNotFound,
            JourneyEnd::Malformed,
            JourneyEnd::NotAuthenticated,
            JourneyEnd::LeftPending,
            JourneyEnd::TimedOut,
            JourneyEnd::NoAccount,
            JourneyEnd::DiscoveryFailed,
            JourneyEnd::NothingDiscovered,
        ];
        let (accepts, fails) = match &self.status {
            Read::Absent => (true, true),
            Read::Value(JourneyStatus::Success) => (true, false),
            Read::Value(JourneyStatus::Failure) => (false, true),
            Read::Value(JourneyStatus::Unknown(_)) | Read::Unreadable(_) => (false, false),
        };
        match &self.errorcode {
            Read::Value(0) if accepts => JourneyEnd::Accepted,
            Read::Absent if accepts && !fails => JourneyEnd::Accepted,
            Read::Value(code) if fails => {
                let failure = code.checked_sub(1).map(usize::from);
                let failure = failure.and_then(|index| FAILURES.get(index).copied());
                failure.unwrap_or(JourneyEnd::Unclear)
            }
            _ => JourneyEnd::Unclear,
        }
    }
}

post!(
    EncryptRedirection, Self::check, Envelope::read => Envelope<Redirection>,
    Operation::new(
        "encrypt-redirection", "POST /webRedirection/getEncryptedUrl", Idempotency::Safe,
    )
    .documented(Mark::Docs),
    lint: |request, findings| {
        if let Some(pan) = &request.pan {
            findings.pan("pan", pan, None);
        }
    },
    answer: |_, reply| {
        // A browser must not be sent to another scheme, such as `javascript:`.
        check_person_url("webRedirectionURL", reply.data.web_redirection_url.expose())
            .map_err(|_| DecodeError::missing_data("$.data.webRedirectionURL").into())
    }
);
post!(
    DecryptRedirection, Self::check, Envelope::read => Envelope<Journey>,
    Operation::new("decrypt-redirection", "POST /webRedirection/decryptUrl", Idempotency::Safe)
        .documented(Mark::Docs),
    doubt: |reply| {
        (reply.data.end() == JourneyEnd::Unclear).then_some(
            "$.data is unclear: status and errorcode contradict each other, or are not documented; it is no acceptance",
        )
    }
);
