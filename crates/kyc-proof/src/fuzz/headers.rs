//! Headers that tell how long to wait and how much is left.

use std::time::Duration;

use finpro_profile::RateLimit;
use kyc_proof::made_up;
use kyc_proof::scripted::answer;
use provider_core::http::header::RETRY_AFTER;
use provider_core::http::{HeaderMap, HeaderValue, StatusCode};
use provider_core::jiff::Timestamp;
use provider_core::{ErrorKind, Provider, RawResponse};

use crate::parts::Parts;

pub(crate) fn retry_after(input: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(input) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, value);
    let reply = RawResponse::new(StatusCode::TOO_MANY_REQUESTS, headers, Default::default());
    let error = answer(made_up::finpro(), made_up::check_profile(), reply).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    let text = input.trim_ascii();
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if digits(text) {
        let seconds = decimal(text).filter(|seconds| *seconds <= u64::from(u32::MAX));
        assert_eq!(error.retry_after(), seconds.map(Duration::from_secs));
    }
    // Neither a count of seconds nor a date begins with a sign.
    if matches!(text.first(), Some(b'-' | b'+')) {
        assert_eq!(error.retry_after(), None);
    }
}

pub(crate) fn rate_limit(input: &[u8]) {
    let mut parts = Parts::of(input);
    let (remaining, reset) = (parts.bytes(), parts.bytes());
    let mut headers = HeaderMap::new();
    let mut expected = [None, None];
    let named = [
        ("x-ratelimit-remaining", remaining),
        ("x-ratelimit-reset", reset),
    ];
    for ((name, text), expected) in named.into_iter().zip(&mut expected) {
        if let Ok(value) = HeaderValue::from_bytes(text) {
            headers.insert(name, value);
            let text = text.trim_ascii();
            *expected = decimal(text.strip_prefix(b"+").unwrap_or(text));
        }
    }
    let limit = RateLimit::from_headers(&headers);
    assert_eq!([limit.remaining, limit.reset], expected);

    let reply = RawResponse::new(StatusCode::OK, headers, Default::default());
    let allowance = made_up::finpro().allowance(&reply, NOW);
    assert_eq!(
        allowance.map(|allowance| allowance.remaining),
        limit.remaining
    );
    if let Some(resets_in) = allowance.and_then(|allowance| allowance.resets_in) {
        // No moment beyond this century is believed to be one.
        assert!(limit.reset.is_some() && resets_in < Duration::from_secs(75 * 366 * 86_400));
    }
}

/// 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// A number in decimal digits and nothing else, read another way than the code under test reads it.
fn decimal(digits: &[u8]) -> Option<u64> {
    let mut number: u64 = 0;
    for digit in digits {
        let digit = u64::from(digit.checked_sub(b'0').filter(|digit| *digit <= 9)?);
        number = number.checked_mul(10)?.checked_add(digit)?;
    }
    (!digits.is_empty()).then_some(number)
}
