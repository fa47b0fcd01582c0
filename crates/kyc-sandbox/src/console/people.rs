//! What a journey's person is called: by the handle of the script in the mobile number, never by the number.

use std::borrow::Cow;

use crate::state::{JourneyId, Journeys, MobileScript, journey};

/// What the person of a mobile number is called.
pub(super) fn handle(mobile: &str) -> Cow<'static, str> {
    let Some(script) = MobileScript::of(mobile) else {
        let last = mobile.get(mobile.len().saturating_sub(2)..);
        return match mobile.strip_prefix("90000000") {
            Some(place) => format!("person-{place}").into(),
            None => format!("••{}", last.unwrap_or_default()).into(),
        };
    };
    let [journey, webhook, data] = script.names();
    let journey = match journey {
        Some(name) => Cow::Borrowed(name),
        None => format!("journey-{:02}", script.journey).into(),
    };
    let extra = [webhook, data];
    if script.journey == journey::APPROVE
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
