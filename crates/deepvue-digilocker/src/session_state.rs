//! The states of a DigiLocker session.

use provider_core::State;

/// The state of a session (`[derived]`: no page lists states, and no status call is documented). What is observed is what calls
/// return and what the browser's return says; a [`Progress`](provider_core::Progress) of it takes both, in any order.
///
/// ```
/// use deepvue_digilocker::DigilockerState;
/// use deepvue_digilocker::provider_core::{Observation, Progress};
///
/// let mut session = Progress::<DigilockerState>::default();
/// assert_eq!(session.observe(DigilockerState::CodeReceived, None), Observation::Moved);
/// assert_eq!(session.observe(DigilockerState::Authorized, None), Observation::Moved);
/// // The browser's page is loaded again.
/// assert_eq!(session.observe(DigilockerState::CodeReceived, None), Observation::Late);
/// assert_eq!(session.observe(DigilockerState::Denied, None), Observation::Contradiction);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DigilockerState {
    /// Opened; the person has not returned.
    #[default]
    Opened,
    /// The person returned with a code: complete the authorisation.
    CodeReceived,
    /// The authorisation is complete: documents can be fetched.
    Authorized,
    /// The person said no; final.
    Denied,
    /// Its time, or that of the consent, is over; final.
    Expired,
}

impl State for DigilockerState {
    const TABLE: &'static [(Self, Self, bool)] = &[
        // The order of the documented calls.
        (Self::Opened, Self::CodeReceived, true),
        (Self::CodeReceived, Self::Authorized, true),
        // What happens on a denial is not documented.
        (Self::Opened, Self::Denied, false),
        // Lifetimes of sessions and codes are not documented; the consent's is.
        (Self::Opened, Self::Expired, false),
        (Self::CodeReceived, Self::Expired, false),
        (Self::Authorized, Self::Expired, true),
    ];
}

impl DigilockerState {
    /// Whether documents can be fetched.
    pub fn is_authorized(self) -> bool {
        matches!(self, Self::Authorized)
    }
}
