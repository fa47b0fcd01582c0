//! Parses the `Retry-After` header, strictly, and the moments of a peer's clock.

use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use jiff::fmt::{rfc2822, strtime};
use jiff::tz::TimeZone;

/// The longest wait until a date. A clock that is set to another time zone would otherwise cost hours; seconds need no clock.
const LONGEST_UNTIL_A_DATE: Duration = Duration::from_secs(10 * 60);
/// The longest wait that seconds tell: a hundred years and more.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);
/// The same where the reply does not tell the peer's clock.
const LONGEST_BY_OUR_CLOCK: Duration = Duration::from_secs(60);

/// The wait that the header asks for, in seconds or until a date; `None` if it is absent or empty. Of several the longest.
///
/// A date is read against the reply's own `Date`, because the peer's clock may be off, and is believed for at most ten
/// minutes. Without `Date` it is read against `now`: believed for at most a minute, and not at all if it has passed. Seconds
/// are rounded up, and at most [`LONGEST`]: the caller compares them with its deadline. Anything else asks for a wait that
/// nobody understands, and counts as a minute: it is not repeated early.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let values = headers.get_all(RETRY_AFTER).iter();
    values.filter_map(|value| wait(value, headers, now)).max()
}

fn wait(value: &HeaderValue, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = value.as_bytes().trim_ascii();
    if text.is_empty() {
        return None;
    }
    if let Some(seconds) = seconds(text) {
        return Some(seconds);
    }
    let Some(date) = http_date(value) else {
        return Some(LONGEST_BY_OUR_CLOCK);
    };
    let until = |from: Timestamp| Duration::try_from(date.duration_since(from)).ok();
    match sent_at(headers) {
        Some(sent) => Some(until(sent).unwrap_or_default().min(LONGEST_UNTIL_A_DATE)),
        None => until(now).map(|wait| wait.min(LONGEST_BY_OUR_CLOCK)),
    }
}

/// Seconds, also with a fraction, which the header cannot have: digits and one point, without a sign or an exponent.
fn seconds(text: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let more = fraction.bytes().any(|digit| digit != b'0');
    // Digits that no number holds are too many seconds.
    let seconds = whole
        .parse()
        .unwrap_or(u64::MAX)
        .saturating_add(more.into());
    Some(Duration::from_secs(seconds).min(LONGEST))
}

/// When the peer sent a reply, by its own clock.
pub(crate) fn sent_at(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(DATE)?)
}

/// Reads the three forms of RFC 9110, 5.6.7: of today, of RFC 850, of C's `asctime`.
fn http_date(value: &HeaderValue) -> Option<Timestamp> {
    let text = value.to_str().ok()?.trim();
    if let Ok(date) = rfc2822::DateTimeParser::new().parse_timestamp(text) {
        return Some(date);
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .into_iter()
        .find_map(|form| strtime::parse(form, text).ok())
        .and_then(|date| date.to_datetime().ok()?.to_zoned(TimeZone::UTC).ok())
        .map(|date| date.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The wait that `value` asks for at 08:49:37 by our clock, where the reply says that it was sent at `date`.
    fn wait_as_of(date: Option<&'static str>, value: &'static str) -> Option<u64> {
        let now = Timestamp::from_second(784_111_777).unwrap(); // Sun, 06 Nov 1994 08:49:37 GMT
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
        headers.extend(date.map(|date| (DATE, HeaderValue::from_static(date))));
        retry_after(&headers, now).map(|wait| wait.as_secs())
    }

    fn wait(value: &'static str) -> Option<u64> {
        wait_as_of(None, value)
    }

    #[test]
    fn seconds_and_dates_are_understood() {
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait(" 0 "), Some(0));
        for date in [
            "Sun, 06 Nov 1994 08:50:07 GMT",
            "Sunday, 06-Nov-94 08:50:07 GMT",
            "Sun Nov  6 08:50:07 1994",
        ] {
            assert_eq!(wait(date), Some(30), "{date}");
        }
    }

    #[test]
    fn a_date_is_read_by_the_clock_of_the_peer_that_wrote_it() {
        // Correct, five and a half hours ahead, a day behind; in each of the three forms.
        for (sent, until) in [
            (
                "Sun, 06 Nov 1994 08:49:37 GMT",
                "Sun, 06 Nov 1994 08:50:07 GMT",
            ),
            (
                "Sunday, 06-Nov-94 14:19:37 GMT",
                "Sun, 06 Nov 1994 14:20:07 GMT",
            ),
            (
                "Sat Nov  5 08:49:37 1994",
                "Saturday, 05-Nov-94 08:50:07 GMT",
            ),
        ] {
            assert_eq!(wait_as_of(Some(sent), until), Some(30), "{sent}");
            assert_eq!(wait_as_of(Some(sent), sent), Some(0), "{sent}");
        }
        let sent = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(wait_as_of(sent, "Sun, 06 Nov 1994 08:48:37 GMT"), Some(0));
        assert_eq!(wait_as_of(sent, "Sun, 06 Nov 1994 14:19:37 GMT"), Some(600));
        assert_eq!(
            wait_as_of(sent, "7200"),
            Some(7_200),
            "seconds need no clock"
        );
        // Nobody tells the peer's clock: a date far from ours is rather a wrong clock than a long wait.
        for sent in [None, Some("yesterday")] {
            assert_eq!(wait_as_of(sent, "Sun, 06 Nov 1994 14:19:37 GMT"), Some(60));
            assert_eq!(wait_as_of(sent, "Sun, 06 Nov 1994 08:48:37 GMT"), None);
        }
    }

    #[test]
    fn hostile_values_do_no_harm() {
        assert_eq!(wait("1000000000"), Some(1_000_000_000));
        let longest = Some(u64::from(u32::MAX));
        for value in [
            "4294967295",
            "4294967296",
            "99999999999999999999",
            "4294967295.5",
        ] {
            assert_eq!(wait(value), longest, "{value}");
        }
        let forty = "9".repeat(400);
        assert_eq!(wait(forty.leak()), longest);
        for (value, seconds) in [("0.5", 1), ("1.000", 1), ("1.5", 2), ("0007", 7)] {
            assert_eq!(wait(value), Some(seconds), "{value}");
        }
        // A wait is asked for, and nobody knows which: not repeated early.
        for value in [
            "-1",
            "-99999999999999999999",
            "1e9",
            "1.",
            ".5",
            "1,5",
            "5, 10",
            "soon",
            "+x",
            "+5",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sunday, 99-Nov-94 08:49:37 GMT",
            "Monday, 06-Nov-94 08:50:07 GMT",
            "Sun Nov 99 08:49:37 1994",
            "Fri, 31 Dec 99999 23:59:59 GMT",
        ] {
            assert_eq!(wait(value), Some(60), "{value:?}");
        }
        assert_eq!(wait(""), None);
        assert_eq!(retry_after(&HeaderMap::new(), Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn of_several_waits_the_longest_counts() {
        let mut repeated = HeaderMap::new();
        for value in ["5", "120", "soon"] {
            repeated.append(RETRY_AFTER, HeaderValue::from_static(value));
        }
        let wait = retry_after(&repeated, Timestamp::UNIX_EPOCH);
        assert_eq!(wait, Some(Duration::from_secs(120)));
    }
}
