//! What a journey's person is called: by the handle of the script in the mobile number, never by the number.

use std::borrow::Cow;

use crate::state::{JourneyId, Journeys, MobileScript};

/// By the digits for the journey, for the webhook and for the data.
const JOURNEYS: [(u8, &str); 26] = [
    (0, "approve"),
    (1, "slow"),
    (2, "partial"),
    (3, "deny"),
    (4, "cancel"),
    (5, "abandon"),
    (6, "expire"),
    (7, "revoke-later"),
    (8, "pause"),
    (9, "run-out"),
    (10, "otp-thrice"),
    (11, "otp-none"),
    (12, "no-account-here"),
    (13, "no-account-anywhere"),
    (14, "bank-error"),
    (15, "flaky-aa"),
    (16, "aa-down-twice"),
    (17, "joint"),
    (18, "needs-pan"),
    (19, "back-twice"),
    (30, "no-digilocker"),
    (31, "no-e-aadhaar"),
    (32, "no-pan-document"),
    (33, "ticks-none"),
    (34, "code-late"),
    (35, "issuer-down"),
];
const WEBHOOKS: [&str; 8] = [
    "webhook-twice",
    "webhook-reordered",
    "webhook-never",
    "webhook-late",
    "webhook-forged",
    "webhook-old-secret",
    "webhook-insists",
    "webhook-strange",
];
const DATA: [&str; 9] = [
    "data-partial",
    "data-pending",
    "data-failed",
    "data-expired",
    "data-denied",
    "data-gone",
    "data-stuck",
    "data-odd",
    "data-huge",
];

/// What the person of a mobile number is called.
pub(super) fn handle(mobile: &str) -> Cow<'static, str> {
    let Some(script) = MobileScript::of(mobile) else {
        let last = mobile.get(mobile.len().saturating_sub(2)..);
        return match mobile.strip_prefix("90000000") {
            Some(place) => format!("person-{place}").into(),
            None => format!("••{}", last.unwrap_or_default()).into(),
        };
    };
    let mut journeys = JOURNEYS.iter();
    let journey = journeys.find(|(number, _)| *number == script.journey);
    let journey = match journey {
        Some((_, name)) => Cow::Borrowed(*name),
        None => format!("journey-{:02}", script.journey).into(),
    };
    let of = |names: &[&'static str], digit: u8| {
        let place = usize::from(digit).checked_sub(1)?;
        names.get(place).copied()
    };
    let extra = [of(&WEBHOOKS, script.webhook), of(&DATA, script.data)];
    if script.journey == 0
        && let [Some(only), None] | [None, Some(only)] = extra
    {
        return only.into();
    }
    let mut handle = journey;
    for name in extra.into_iter().flatten() {
        handle = format!("{handle}+{name}").into();
    }
    handle
}

/// What a journey's person is called, if a provider knows the number.
pub(super) fn of_journey(
    journeys: &Journeys,
    journey: Option<JourneyId>,
) -> Option<Cow<'static, str>> {
    Some(handle(&journeys.mobile(journey?)?))
}

#[cfg(test)]
mod tests {
    use super::handle;

    #[test]
    fn a_script_has_a_name_and_no_number_is_told() {
        for (mobile, name) in [
            ("9001000000", "approve"),
            ("9001030000", "deny"),
            ("9001001000", "webhook-twice"),
            ("9001000900", "data-huge"),
            ("9001031200", "deny+webhook-twice+data-pending"),
            ("9001001205", "approve+webhook-twice+data-pending"),
            ("9001990000", "journey-99"),
            ("9000000001", "person-01"),
            ("9876543210", "••10"),
        ] {
            assert_eq!(handle(mobile), name, "{mobile}");
        }
    }
}
