//! Values of arguments. They are parsed here, because clap's own messages would print a wrong one.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use kyc_facade::provider_core::check_web_url;
use kyc_facade::provider_core::http::Uri;
use kyc_facade::provider_core::jiff::{Span, SpanRelativeTo};
use kyc_facade::provider_core::lint::OnFinding;

use crate::failure::Failure;

/// Parses a length of time that is longer than none, such as `90s`, `1h30m`, `7d` or `PT1H`; a number alone, such as `30` or `0.5`, is
/// seconds. A day has 24 hours; months and years have no one length.
pub(crate) fn length(field: &'static str, text: &str) -> Result<Duration, Failure> {
    let seconds = || Duration::try_from_secs_f64(text.parse().ok()?).ok();
    let written = || {
        let span = text.parse::<Span>().ok()?;
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        Duration::try_from(length).ok()
    };
    let parsed = seconds().or_else(written);
    parsed.filter(|length| !length.is_zero()).ok_or_else(|| {
        let rule = "must be a positive length of time such as 90s, 1h30m, 7d or PT1H; a number alone is seconds";
        Failure::configuration(field, rule)
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_one_grammar() {
        for (text, milliseconds) in [
            ("30", Some(30_000)),
            ("0.5", Some(500)),
            ("1e3", Some(1_000_000)),
            ("90s", Some(90_000)),
            ("1.5s", Some(1_500)),
            ("500ms", Some(500)),
            ("1h30m", Some(5_400_000)),
            ("1h 30m", Some(5_400_000)),
            ("7d", Some(604_800_000)),
            ("1d12h", Some(129_600_000)),
            ("2w", Some(1_209_600_000)),
            ("PT1H", Some(3_600_000)),
            ("P7D", Some(604_800_000)),
            ("", None),
            ("0", None),
            ("0s", None),
            ("-1", None),
            ("-1h", None),
            ("inf", None),
            ("nan", None),
            ("1mo", None),
            ("P1Y", None),
            ("a week", None),
            ("99999999999999999999d", None),
        ] {
            let parsed = length("--timeout", text).ok();
            let parsed = parsed.map(|length| length.as_millis());
            assert_eq!(parsed, milliseconds, "{text}");
        }
    }
}
