//! What hand-written calls send and decode, as their authors would write it, and the MAC that Veriff's page shows.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{CONSENT, EMAIL, MOBILE, PAN, RETURN, VERIFF_SECRET, WEBHOOK};

/// The request of *Initialize*.
#[derive(Serialize)]
pub(crate) struct Initialize<'a> {
    mobile_number: &'a str,
    pan_number: &'a str,
    email: &'a str,
    consent_type: &'a str,
    webhook_url: &'a str,
    redirect_url: &'a str,
}

/// The request that everybody sends.
pub(crate) const INITIALIZE: Initialize<'static> = Initialize {
    mobile_number: MOBILE,
    pan_number: PAN,
    email: EMAIL,
    consent_type: "loan_underwriting",
    webhook_url: WEBHOOK,
    redirect_url: RETURN,
};

/// The reply of *Initialize*.
#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding it is the work that is measured")]
pub(crate) struct Initialized {
    data: Data,
    status_code: u16,
    success: bool,
    message: String,
    message_code: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding it is the work that is measured")]
struct Data {
    client_id: String,
    mobile_number: Option<String>,
    pan_number: Option<String>,
    email_id: Option<String>,
    redirect_url: String,
}

/// The request of *record consent*.
#[derive(Serialize)]
pub(crate) struct Consent<'a> {
    #[serde(rename = "type")]
    consent_type: &'a str,
    approved: bool,
    text: &'a str,
}

/// The consent that everybody records.
pub(crate) const CONSENT_GIVEN: Consent<'static> = Consent {
    consent_type: "aadhaar",
    approved: true,
    text: CONSENT,
};

/// The reply of *record consent*.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoding it is the work that is measured")]
pub(crate) struct Recorded {
    id: String,
    context: Option<String>,
    session_id: String,
}

/// The request of *Check Profile*.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CheckProfile<'a> {
    mobile_number: &'a str,
    user_consent_id: &'a str,
}

impl<'a> CheckProfile<'a> {
    /// The question about a person.
    pub(crate) const fn of(mobile_number: &'a str) -> Self {
        Self {
            mobile_number,
            user_consent_id: super::USER_CONSENT_ID,
        }
    }
}

/// The reply of *Check Profile*, also as it is written down.
#[derive(Deserialize, Serialize)]
pub(crate) struct Profile {
    ver: String,
    timestamp: String,
    txnid: String,
    data: Vec<Row>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    aa_id: String,
    registration_status: Option<bool>,
    has_linked_accounts: Option<bool>,
    status: String,
}

/// The MAC of a body with the shared secret.
pub(crate) fn mac(body: &[u8]) -> Result<Hmac<Sha256>, hmac::digest::InvalidLength> {
    let mut mac = Hmac::<Sha256>::new_from_slice(VERIFF_SECRET.as_bytes())?;
    mac.update(body);
    Ok(mac)
}
