//! Data about the person's device, collected by a fingerprinting service.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use consent_hmac::SessionId;
use provider_core::{
    Email, Idempotency, InvalidRequest, Mark, Masked, Operation, ResponseError, Verified, lenient,
};
use serde::{Deserialize, Serialize};

use crate::endpoint::with_body;
use crate::ids::AttemptId;
use crate::reply::{ReplyStatus, accept};

/// The request that submits the data that a fingerprinting service collected. The session must be created or started
/// (`[docs]`).
///
/// The page lists further optional members, which were cut off (`[unknown]`). This client cannot send them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct SubmitCollectedData {
    /// The session's id, from create-session: 1 to 128 characters of A-Z a-z 0-9 _ -
    #[serde(rename = "session_id")]
    #[cfg_attr(feature = "schema", schemars(extend("x-path" = "id")))]
    session_id: SessionId,
    /// The fingerprinting service, at most 255 characters
    provider_name: String,
    /// The network
    network: Network,
    /// The device
    device: Device,
    /// What the person entered
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<Entered>,
}

provider_core::request! { SubmitCollectedData }

/// The person's network.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Network {
    /// Its addresses, at least one
    ip: Addresses,
}

/// Addresses.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("allOf" = [{"anyOf": [{"required": ["addressV4"]}, {"required": ["addressV6"]}]}])))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Addresses {
    /// The IPv4 address
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address_v4: Option<Masked>,
    /// The IPv6 address
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address_v6: Option<Masked>,
}

/// The person's device.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Device {
    /// Its fingerprint, at most 255 characters
    fingerprint: Masked,
}

/// What the person entered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entered {
    /// The email address
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<Email>,
    /// The phone number: digits and spaces, after a + or not
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone_number: Option<Masked>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    provider_name: &'a str,
    network: &'a Network,
    device: &'a Device,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<&'a Entered>,
}

impl SubmitCollectedData {
    /// Creates a request with what is required: the name of the fingerprinting service, the address that the person comes
    /// from, and the fingerprint of the device.
    pub fn new(
        session_id: SessionId,
        provider_name: impl Into<String>,
        address: IpAddr,
        fingerprint: impl Into<Masked>,
    ) -> Self {
        let request = Self {
            session_id,
            provider_name: provider_name.into(),
            network: Network {
                ip: Addresses::default(),
            },
            device: Device {
                fingerprint: fingerprint.into(),
            },
            person: None,
        };
        request.set_address(address)
    }

    /// Sets the address of this version, for a person who has one of each.
    #[must_use]
    pub fn set_address(mut self, address: IpAddr) -> Self {
        let ip = &mut self.network.ip;
        match address {
            IpAddr::V4(address) => ip.address_v4 = Some(address.to_string().into()),
            IpAddr::V6(address) => ip.address_v6 = Some(address.to_string().into()),
        }
        self
    }

    /// Sets the email address that the person entered.
    #[must_use]
    pub fn set_email(mut self, email: Email) -> Self {
        self.person.get_or_insert_default().email = Some(email);
        self
    }

    /// Sets the phone number that the person entered: digits and spaces, after a `+` or not.
    #[must_use]
    pub fn set_phone_number(mut self, phone_number: impl Into<Masked>) -> Self {
        self.person.get_or_insert_default().phone_number = Some(phone_number.into());
        self
    }

    fn body(&self) -> Result<Body<'_>, InvalidRequest> {
        let rule = |holds: bool, field: &'static str, rule: &'static str| match holds {
            true => Ok(()),
            false => Err(InvalidRequest::new(field, rule)),
        };
        let is_short = |text: &str| (1..=255).contains(&text.chars().count());
        let short = "must be 1 to 255 characters";
        rule(is_short(&self.provider_name), "providerName", short)?;
        let fingerprint = self.device.fingerprint.expose();
        rule(is_short(fingerprint), "device.fingerprint", short)?;
        let Addresses {
            address_v4,
            address_v6,
        } = &self.network.ip;
        rule(
            address_v4.is_some() || address_v6.is_some(),
            "network.ip",
            "must have an IPv4 or an IPv6 address",
        )?;
        let v4 = address_v4.as_ref();
        rule(
            v4.is_none_or(|text| text.expose().parse::<Ipv4Addr>().is_ok()),
            "network.ip.addressV4",
            "must be an IPv4 address",
        )?;
        let v6 = address_v6.as_ref();
        rule(
            v6.is_none_or(|text| text.expose().parse::<Ipv6Addr>().is_ok()),
            "network.ip.addressV6",
            "must be an IPv6 address",
        )?;
        let phone = self
            .person
            .as_ref()
            .and_then(|person| person.phone_number.as_ref());
        rule(
            phone.is_none_or(|phone| is_phone_number(phone.expose())),
            "person.phoneNumber",
            "must be digits and spaces, after a + or not",
        )?;
        Ok(Body {
            provider_name: &self.provider_name,
            network: &self.network,
            device: &self.device,
            person: self.person.as_ref(),
        })
    }

    fn read(&self, response: &Verified) -> Result<CollectedDataReply, ResponseError> {
        let reply: CollectedDataReply = lenient::reply(response, &["attemptId"])?;
        let about = Some(reply.session_id.as_str());
        accept(response, reply.status.as_ref(), &self.session_id, about)?;
        Ok(reply)
    }
}

fn is_phone_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let allowed = |char: char| char.is_ascii_digit() || char.is_whitespace();
    digits.chars().all(allowed) && digits.contains(|char: char| char.is_ascii_digit())
}

/// The reply: whose data are on record (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CollectedDataReply {
    /// `success`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<ReplyStatus>,
    /// The session. This client refuses a reply that names another one than the request.
    #[serde(deserialize_with = "lenient::id")]
    pub session_id: SessionId,
    /// The attempt that the data are of.
    #[serde(default, deserialize_with = "lenient::value")]
    pub attempt_id: Option<AttemptId>,
}

with_body!(
    SubmitCollectedData, Self::body, Self::read => CollectedDataReply,
    // What a second time does is not documented.
    Operation::new(
        "collected-data",
        "POST /v1/sessions/{id}/collected-data",
        Idempotency::Unsafe
    )
    .settled_by("submit the data again while the session is not handed in: no look-up is documented")
    // By the session's id in the signed body.
    .with_correlated_reply()
    .documented(Mark::Docs)
);
