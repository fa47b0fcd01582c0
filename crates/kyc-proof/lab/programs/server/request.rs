//! A request as it stands on the wire, and whether it is what everybody should send.

use std::ops::Range;

use hmac::Mac;
use serde_json::Value;

use crate::exchange::by_hand::{CONSENT_GIVEN, CheckProfile, INITIALIZE, mac};
use crate::{Settings, exchange};

const FINPASS_HEADERS: &[&str] = &["x-api-key", "x-api-secret"];
const VERIFF_HEADERS: &[&str] = &["x-auth-client"];
const FINPRO_HEADERS: &[&str] = &[
    "appidentifier",
    "client_id",
    "client_secret",
    "organisationid",
];
/// What ours send besides.
const COMMON_HEADERS: &[&str] = &[
    "accept",
    "content-length",
    "content-type",
    "host",
    "user-agent",
    "x-request-id",
];
const SIGNATURE: &str = "x-hmac-signature";
/// What not everybody sends.
const OPTIONAL: [&str; 2] = [SIGNATURE, "accept-encoding"];

/// What a request asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Exchange {
    Finpass,
    Veriff,
    Finpro,
}

/// A request that was looked through and is right.
pub(crate) struct Known {
    pub(crate) exchange: Exchange,
    /// Where the session's id stands, if it has one.
    pub(crate) session: Range<usize>,
    request_id: Range<usize>,
    /// Where the person's mobile number stands, if it can be anybody's.
    mobile: Option<Range<usize>>,
    bytes: Vec<u8>,
}

impl Known {
    /// Whether these bytes are this request again, for any session and person and with any request id.
    pub(crate) fn is_like(&self, seen: &[u8]) -> bool {
        let same = |part: Range<usize>| seen.get(part.clone()) == self.bytes.get(part);
        let mobile = self.mobile.clone().unwrap_or(seen.len()..seen.len());
        seen.len() == self.bytes.len()
            && same(0..self.session.start)
            && same(self.session.end..self.request_id.start)
            && same(self.request_id.end..mobile.start)
            && same(mobile.end..seen.len())
    }

    /// The mobile number in a request that is like this one, if it can be anybody's.
    pub(crate) fn mobile<'s>(&self, seen: &'s [u8]) -> Option<&'s [u8]> {
        seen.get(self.mobile.clone()?)
    }
}

/// A request, once all of it is there.
pub(crate) struct Request<'a> {
    bytes: &'a [u8],
    path: &'a str,
    headers: Vec<(String, &'a str)>,
    body: &'a str,
}

impl<'a> Request<'a> {
    pub(crate) fn complete(bytes: &'a [u8]) -> Option<Self> {
        let (head, body) = std::str::from_utf8(bytes).ok()?.split_once("\r\n\r\n")?;
        let (start, headers) = head.split_once("\r\n")?;
        let headers = headers
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value));
        let request = Self {
            bytes,
            path: start.strip_prefix("POST ")?.strip_suffix(" HTTP/1.1")?,
            headers: headers.collect(),
            body,
        };
        let length: usize = request.header("content-length")?.parse().ok()?;
        (body.len() == length).then_some(request)
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        let mut named = self.headers.iter().filter(|(found, _)| *found == name);
        named.next().map(|(_, value)| *value)
    }

    /// What to compare the next requests with, if this one is right.
    pub(crate) fn known(&self, settings: &Settings) -> Option<Known> {
        let exact = settings.exact;
        let mut mobile = None;
        let (exchange, session, required, body) = if self.path == exchange::FINPASS_PATH {
            let body = serde_json::to_string(&INITIALIZE).ok()?;
            (Exchange::Finpass, None, FINPASS_HEADERS, body)
        } else if self.path == exchange::FINPRO_PATH {
            if settings.people > 0 {
                mobile = Some(self.mobile()?);
            }
            let body = CheckProfile::of(mobile.unwrap_or(exchange::MOBILE));
            let body = serde_json::to_string(&body).ok()?;
            (Exchange::Finpro, None, FINPRO_HEADERS, body)
        } else {
            let session = self.path.strip_prefix("/v1/sessions/")?;
            let session = session.strip_suffix("/consents")?;
            let body = serde_json::to_string(&CONSENT_GIVEN).ok()?;
            (Exchange::Veriff, Some(session), VERIFF_HEADERS, body)
        };
        let right =
            self.has(required, exact)? && self.says(&body, exact)? && self.is_signed_right()?;
        let request_id = self.place(self.header("x-request-id")?)?;
        let session = match session {
            Some(session) => self.place(session)?,
            None => 0..0,
        };
        let mobile = match mobile {
            Some(mobile) => Some(self.place(mobile)?),
            None => None,
        };
        right.then(|| Known {
            exchange,
            session,
            request_id,
            mobile,
            bytes: self.bytes.to_vec(),
        })
    }

    /// The ten digits of the person whom FinPro is asked about.
    fn mobile(&self) -> Option<&'a str> {
        let (_, value) = self.body.split_once(r#""mobileNumber":"#)?;
        value.trim_start().strip_prefix('"')?.get(..10)
    }

    /// Whether it has the headers that are needed, with the right values, and no others if it has to be exact.
    fn has(&self, required: &[&str], exact: bool) -> Option<bool> {
        let values = [
            ("accept", "application/json"),
            ("x-api-key", exchange::FINPASS_KEY),
            ("x-api-secret", exchange::FINPASS_SECRET),
            ("x-auth-client", exchange::VERIFF_KEY),
        ];
        let mut values = values.iter().chain(&exchange::FINPRO_CREDENTIALS);
        let all = [COMMON_HEADERS, required].concat();
        let there = all.iter().all(|name| self.header(name).is_some());
        let right = values
            .all(|(name, value)| !required.contains(name) || self.header(name) == Some(value));
        let others = || {
            let names = self.headers.iter().map(|(name, _)| name.as_str());
            names.filter(|name| !OPTIONAL.contains(name)).count() != all.len()
        };
        let json = self.header("content-type")?.starts_with("application/json");
        Some(there && right && json && !(exact && others()))
    }

    fn says(&self, expected: &str, exact: bool) -> Option<bool> {
        if exact {
            return Some(self.body == expected);
        }
        let value = |text| serde_json::from_str::<Value>(text).ok();
        Some(value(self.body)? == value(expected)?)
    }

    /// Whether the signature is right, or there is none.
    fn is_signed_right(&self) -> Option<bool> {
        let Some(signature) = self.header(SIGNATURE) else {
            return Some(true);
        };
        let mac = mac(self.body.as_bytes()).ok()?.finalize().into_bytes();
        Some(signature == hex::encode(mac))
    }

    /// Where a part of this request stands in its bytes.
    fn place(&self, part: &str) -> Option<Range<usize>> {
        let start = (part.as_ptr() as usize).checked_sub(self.bytes.as_ptr() as usize)?;
        Some(start..start + part.len())
    }
}
