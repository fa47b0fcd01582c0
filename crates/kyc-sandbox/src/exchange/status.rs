//! The statuses that replies with a body can have.

use super::SettingError;

/// What a status has to be.
pub(crate) const RULE: &str =
    "must be from 200 to 599, and none of 204, 205 and 304, whose replies have no body";
/// The same of a setting.
pub(crate) const FORM: &str =
    "a status from 200 to 599, and none of 204, 205 and 304, whose replies have no body";

/// Whether a reply with a body can have this status.
pub(crate) fn is_sendable(status: u16) -> bool {
    matches!(status, 200..=599) && !matches!(status, 204 | 205 | 304)
}

/// The status if a reply with a body can have it, else 500.
pub(crate) fn sendable(status: u16) -> u16 {
    match is_sendable(status) {
        true => status,
        false => 500,
    }
}

/// Refuses the text of a setting that is no such status.
pub(crate) fn check(text: &str) -> Result<(), SettingError> {
    match text.parse().is_ok_and(is_sendable) {
        true => Ok(()),
        false => Err(SettingError::Malformed {
            form: FORM.to_owned(),
        }),
    }
}
