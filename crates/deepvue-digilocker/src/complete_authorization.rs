//! Completes the authorisation with the code of the browser's return: `access-token` on the wire, although no token comes back.

use std::fmt;

use provider_core::jiff::Timestamp;
use provider_core::jiff::civil::Date;
use provider_core::{Idempotency, InvalidRequest, Label, Mark, Masked, Operation, lenient};
use serde::{Deserialize, Serialize};

use crate::envelope::{Envelope, read_object};
use crate::personal;
use crate::session_request::post;
use crate::{Consent, TransactionId};

/// The code with which DigiLocker lets the authorisation be completed: short-lived, and good for one use (`[3p]`). `Debug` prints
/// nothing of it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct DigilockerCode(Masked);

impl DigilockerCode {
    /// The longest code that is accepted, in bytes.
    pub const MAX_LEN: usize = 4096;

    /// Parses a code, as it stands in the return, percent-decoded once.
    ///
    /// # Errors
    ///
    /// Empty, longer than [`MAX_LEN`](Self::MAX_LEN), or with a control character. Its form is not documented.
    pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
        let rule = match text {
            "" => "must not be empty",
            _ if text.len() > Self::MAX_LEN => "must be at most 4096 bytes",
            _ if text.chars().any(char::is_control) => "must not have control characters",
            _ => return Ok(Self(Masked::new(text))),
        };
        Err(InvalidRequest::new("digilocker_code", rule))
    }

    /// The code itself. Whoever has it and your credentials can complete the authorisation.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for DigilockerCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigilockerCode(***)")
    }
}

provider_core::text_input! { DigilockerCode, "The code of the browser's return.", pattern: "." }

/// The request that completes a session's authorisation (`[docs: access-token]`). Send it as soon as the browser returns.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct CompleteAuthorization {
    /// That the person agreed: Y, the only value
    consent: Consent,
    /// Why the documents are wanted
    purpose: String,
    /// The session's id, the transaction_id of the reply that opened it
    initial_deepvue_transaction_id: TransactionId,
    /// The code that the browser brought back, the parameter code of its return
    digilocker_code: DigilockerCode,
}

provider_core::request! { CompleteAuthorization }

impl CompleteAuthorization {
    /// Creates a request with the code of a [`BrowserReturn`](crate::BrowserReturn) of this session.
    pub fn new(
        consent: Consent,
        purpose: impl Into<String>,
        session: TransactionId,
        code: DigilockerCode,
    ) -> Self {
        Self {
            consent,
            purpose: purpose.into(),
            initial_deepvue_transaction_id: session,
            digilocker_code: code,
        }
    }
}

provider_core::open_enum! {
    /// `Y` or `N`.
    pub enum YesNo {
        /// Yes.
        Yes = "Y",
        /// No.
        No = "N",
    }
}

/// Who has authorised, and for how long (`[docs: access-token]`). Which members may be absent is not documented.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("x-kyc-members" = ["digilocker_id", "eaadhar"])))]
#[non_exhaustive]
pub struct Authorization {
    /// For how many seconds documents can be fetched; 3600 in the example. No call to renew it is documented.
    #[serde(default, deserialize_with = "personal::integer")]
    pub expires_in: Option<u64>,
    /// When the consent ends, in Unix seconds; see [`Authorization::consent_ends`].
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["string", "integer", "null"])))]
    #[serde(default, deserialize_with = "personal::text")]
    pub consent_valid_till: Option<Label>,
    /// The person's id at DigiLocker.
    #[serde(alias = "digilocker_id", default, deserialize_with = "lenient::text")]
    pub digilockerid: Option<Masked>,
    /// The name.
    #[serde(default, deserialize_with = "personal::text")]
    pub name: Option<Masked>,
    /// The date of birth as `DDMMYYYY`; as a number it has lost a leading zero. See [`Authorization::date_of_birth`].
    #[cfg_attr(feature = "schema", schemars(extend("type" = ["string", "integer", "null"])))]
    #[serde(default, deserialize_with = "personal::text")]
    pub dob: Option<Masked>,
    /// `M`, `F` or `T`.
    #[serde(default, deserialize_with = "personal::text")]
    pub gender: Option<Masked>,
    /// Whether the account has an e-Aadhaar.
    #[serde(alias = "eaadhar", default, deserialize_with = "personal::text")]
    pub eaadhaar: Option<YesNo>,
    /// The mobile number, or a word such as `UNAVAILABLE` (`[3p]`).
    #[serde(default, deserialize_with = "personal::text")]
    pub mobile: Option<Masked>,
}

impl Authorization {
    /// When the consent ends; `None` if it is not told in seconds.
    pub fn consent_ends(&self) -> Option<Timestamp> {
        let seconds = self.consent_valid_till.as_deref()?.trim().parse().ok()?;
        Timestamp::from_second(seconds).ok()
    }

    /// The date of birth; `None` if it is not `DDMMYYYY`. A leading zero that was lost is restored.
    pub fn date_of_birth(&self) -> Option<Date> {
        let text = self.dob.as_ref()?.expose().trim();
        let is_date = matches!(text.len(), 7 | 8) && text.bytes().all(|byte| byte.is_ascii_digit());
        let text = format!("{text:0>8}");
        let part = |range: std::ops::Range<usize>| {
            text.get(range)
                .and_then(|digits| digits.parse::<i16>().ok())
        };
        let (day, month, year) = (part(0..2)?, part(2..4)?, part(4..8)?);
        let date = Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok();
        date.filter(|_| is_date)
    }
}

/// The reply to a completed authorisation.
pub type CompletedAuthorization = Envelope<Authorization>;

post!(
    CompleteAuthorization => Authorization,
    Operation::new(
        "complete-authorization",
        "POST /v1/kyc/digilocker/access-token",
        // The code is good for one use: a second call would be refused although the first one was done.
        Idempotency::Unsafe,
    )
    .settled_by(
        "no look-up is documented; list the session's issued files, which needs the authorisation: if they are refused, open \
         another session",
    )
    .documented(Mark::Docs),
    read_object
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_member_repeats_a_whole_number() {
        use provider_core::lint::mask_aadhaar;

        let mut numbers = (0..10).map(|last| format!("{}{last}", "2".repeat(11)));
        let number = numbers.find(|text| mask_aadhaar(text) != *text).unwrap();
        let names = [
            "expires_in",
            "consent_valid_till",
            "name",
            "dob",
            "gender",
            "eaadhaar",
            "eaadhar",
            "mobile",
        ];
        for name in names {
            for value in [number.clone(), format!("\"{number}\"")] {
                let json = format!(r#"{{"{name}":{value}}}"#);
                let read: Authorization = serde_json::from_str(&json).unwrap();
                let written = serde_json::to_string(&read).unwrap();
                assert!(!written.contains(&number), "{json}");
                assert!(!format!("{read:?}").contains(&number), "{json}");
            }
        }
    }

    #[test]
    fn dates_are_read_in_their_units_and_kept_as_they_came() {
        for (dob, date) in [
            (r#""19011994""#, Some("1994-01-19")),
            (r#""01021990""#, Some("1990-02-01")),
            ("1021990", Some("1990-02-01")),
            (r#""31021990""#, None),
            (r#""19-01-1994""#, None),
            (r#""1994""#, None),
            (r#""+9011994""#, None),
            ("null", None),
        ] {
            let json = format!(r#"{{"dob":{dob}}}"#);
            let read: Authorization = serde_json::from_str(&json).unwrap();
            let found = read.date_of_birth().map(|date| date.to_string());
            assert_eq!(found.as_deref(), date, "{dob}");
            assert!(dob == "null" || read.dob.is_some());
        }
        for (until, end) in [
            (r#""1768674599""#, Some("2026-01-17T18:29:59Z")),
            ("1768674599", Some("2026-01-17T18:29:59Z")),
            (r#""soon""#, None),
            (r#""99999999999999999999""#, None),
        ] {
            let json =
                format!(r#"{{"consent_valid_till":{until},"digilocker_id":"d","eaadhar":"N"}}"#);
            let read: Authorization = serde_json::from_str(&json).unwrap();
            let found = read.consent_ends().map(|end| end.to_string());
            assert_eq!(found.as_deref(), end, "{until}");
            assert_eq!(read.eaadhaar, Some(YesNo::No));
        }
    }
}
