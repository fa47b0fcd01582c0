//! What the webhook digit of a [`MobileScript`](crate::MobileScript) makes of a webhook.

use crate::state::WebhookSigning;

/// Which of a journey's webhooks one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The one that opens what later ones are about, such as an approval before its data.
    First,
    /// One that follows.
    Later,
}

/// What a webhook says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// What happened.
    Genuine,
    /// Something of a kind that is on no page, with members that are on no page.
    Strange,
}

/// One webhook that is made for something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) content: Content,
    pub(crate) signing: WebhookSigning,
    /// How often it is sent although it was accepted.
    pub(crate) repeats: u8,
    /// After how many milliseconds it is sent for the first time, if ever.
    pub(crate) after_ms: Option<i64>,
}

const GENUINE: Planned = Planned {
    content: Content::Genuine,
    signing: WebhookSigning::Genuine,
    repeats: 0,
    after_ms: Some(0),
};

/// How long the first webhook of a journey is held back so that the next ones overtake it.
const HELD_BACK_MS: i64 = 15 * 60 * 1000;
/// How late a late webhook is.
const LATE_MS: i64 = 2 * 60 * 60 * 1000;
/// How long a genuine webhook follows a forged one, and an ordinary one a strange one.
const FOLLOWS_MS: i64 = 1000;

/// The webhooks that are made for something that happened to a person whose number has this digit. Digits without a meaning
/// are as 0: one webhook, at once.
pub(crate) fn plan(digit: u8, place: Place) -> Vec<Planned> {
    let follows = Planned {
        after_ms: Some(FOLLOWS_MS),
        ..GENUINE
    };
    match (digit, place) {
        (1, _) => vec![Planned {
            repeats: 1,
            ..GENUINE
        }],
        (2, Place::First) => vec![Planned {
            after_ms: Some(HELD_BACK_MS),
            ..GENUINE
        }],
        (3, _) => vec![Planned {
            after_ms: None,
            ..GENUINE
        }],
        (4, _) => vec![Planned {
            after_ms: Some(LATE_MS),
            ..GENUINE
        }],
        (5, _) => vec![
            Planned {
                signing: WebhookSigning::Forged,
                ..GENUINE
            },
            follows,
        ],
        (6, _) => vec![Planned {
            signing: WebhookSigning::OldSecret,
            ..GENUINE
        }],
        (7, _) => vec![Planned {
            repeats: 2,
            ..GENUINE
        }],
        (8, _) => vec![
            Planned {
                content: Content::Strange,
                ..GENUINE
            },
            follows,
        ],
        _ => vec![GENUINE],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_digit_has_its_webhooks() {
        let said = |digit, place| -> Vec<_> {
            let planned = plan(digit, place).into_iter();
            planned
                .map(|planned| {
                    (
                        planned.content,
                        planned.signing,
                        planned.repeats,
                        planned.after_ms,
                    )
                })
                .collect()
        };
        use Content::{Genuine as Said, Strange};
        use WebhookSigning::{Forged, Genuine, OldSecret};
        let once = [(Said, Genuine, 0, Some(0))];
        for (digit, expected) in [
            (0, once.as_slice()),
            (1, &[(Said, Genuine, 1, Some(0))]),
            (2, &[(Said, Genuine, 0, Some(900_000))]),
            (3, &[(Said, Genuine, 0, None)]),
            (4, &[(Said, Genuine, 0, Some(7_200_000))]),
            (
                5,
                &[(Said, Forged, 0, Some(0)), (Said, Genuine, 0, Some(1000))],
            ),
            (6, &[(Said, OldSecret, 0, Some(0))]),
            (7, &[(Said, Genuine, 2, Some(0))]),
            (
                8,
                &[
                    (Strange, Genuine, 0, Some(0)),
                    (Said, Genuine, 0, Some(1000)),
                ],
            ),
            (9, &once),
        ] {
            assert_eq!(said(digit, Place::First), expected, "{digit}");
        }
        assert_eq!(said(2, Place::Later), once);
    }
}
