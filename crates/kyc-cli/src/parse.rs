//! Values of arguments. They are parsed here, because clap's own messages would print a wrong one.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use kyc_facade::provider_core::check_web_url;
use kyc_facade::provider_core::http::Uri;
use kyc_facade::provider_core::lint::OnFinding;

use crate::failure::Failure;

/// Parses a positive number of seconds.
pub(crate) fn seconds(field: &'static str, text: &str) -> Result<Duration, Failure> {
    text.parse::<f64>()
        .ok()
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| Failure::configuration(field, "must be a positive number of seconds"))
}

/// Parses an address to listen on. Of names only `localhost` has one meaning everywhere.
pub(crate) fn listen_address(field: &'static str, text: &str) -> Result<SocketAddr, Failure> {
    let port = text.strip_prefix("localhost:");
    let local = port.and_then(|port| Some((Ipv4Addr::LOCALHOST, port.parse().ok()?).into()));
    local.or_else(|| text.parse().ok()).ok_or_else(|| {
        let rule = "must be ADDRESS:PORT, such as 127.0.0.1:8787, [::1]:8787 or localhost:8787";
        Failure::configuration(field, rule)
    })
}

/// Parses the address of a web server.
pub(crate) fn web_uri(field: &'static str, text: &str) -> Result<Uri, Failure> {
    check_web_url(field, text)?;
    let uri = text.parse::<Uri>().ok();
    // No server has port 0.
    uri.filter(|uri| uri.port_u16() != Some(0))
        .ok_or_else(|| Failure::configuration(field, "must be an absolute http or https URL"))
}

/// A kind of document as Deepvue spells it; the name that the facade has for a driving licence is understood too.
pub(crate) fn document_type(text: &str) -> &str {
    match text {
        "driving_licence" => "dl",
        text => text,
    }
}

/// Parses what follows from an input that looks wrong.
pub(crate) fn on_finding(text: &str) -> Result<OnFinding, Failure> {
    Ok(match text {
        "ignore" => OnFinding::Ignore,
        "warn" => OnFinding::Warn,
        "refuse-wrong" => OnFinding::RefuseWrong,
        "refuse-all" => OnFinding::RefuseAll,
        _ => {
            let rule = "must be ignore, warn, refuse-wrong or refuse-all";
            return Err(Failure::configuration("--on-finding", rule));
        }
    })
}

/// Parses `true` or `false`, and nothing else.
pub(crate) fn yes_or_no(field: &'static str, text: &str) -> Result<bool, Failure> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Failure::configuration(field, "must be true or false")),
    }
}
