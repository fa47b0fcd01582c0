//! The states of a journey, and the words for them.

use provider_core::State;

provider_core::open_enum! {
    /// How a journey is (`[docs: BSAJ-status]`). The page was cut off after the third word; words for denial, failure and expiry
    /// exist and are not known (`[unknown]`). A word that is not listed is not final.
    pub enum JourneyStatus {
        /// Created; the person has not opened the link.
        Initiated = "initiated",
        /// The person has opened the link and not decided.
        ConsentPending = "consent_pending",
        /// The person has approved; the data is being fetched.
        ConsentGranted = "consent_granted",
        /// Both results can be read.
        AnalysisComplete = "analysis_complete",
    }
}

impl JourneyStatus {
    /// The state; `None` for a word that is not documented: report it, and observe the state that Finpass says it means.
    pub fn state(&self) -> Option<JourneyState> {
        Some(match self {
            Self::Initiated => JourneyState::Initiated,
            Self::ConsentPending => JourneyState::ConsentPending,
            Self::ConsentGranted => JourneyState::ConsentGranted,
            Self::AnalysisComplete => JourneyState::AnalysisComplete,
            // The page ends in the middle of this word.
            Self::Unknown(text) if text.as_str().starts_with("data_fetc") => {
                JourneyState::DataFetch
            }
            Self::Unknown(_) => return None,
        })
    }
}

/// The state of a journey: the first three and the last by their words (`[docs: BSAJ-status]`), the fourth by half of its word, and
/// three more that the page names without a word for them. A [`Progress`](provider_core::Progress) of it takes what status calls
/// and webhooks tell, in any order.
///
/// ```
/// use finpass::{JourneyState, JourneyStatus};
/// use finpass::provider_core::{Observation, Progress};
///
/// let mut journey = Progress::<JourneyState>::default();
/// let told = JourneyStatus::from("analysis_complete").state();
/// assert_eq!(told.map(|state| journey.observe(state, None)), Some(Observation::MovedAcross));
/// assert_eq!(journey.observe(JourneyState::ConsentGranted, None), Observation::Late);
/// assert_eq!(journey.observe(JourneyState::Denied, None), Observation::Contradiction);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum JourneyState {
    /// Created; the person has not opened the link.
    #[default]
    Initiated,
    /// The person has opened the link and not decided.
    ConsentPending,
    /// The person has approved; the data is being fetched.
    ConsentGranted,
    /// `data_fetc…`: the data is being fetched, or was.
    DataFetch,
    /// Both results can be read; final.
    AnalysisComplete,
    /// The person declined; final.
    Denied,
    /// It failed; final.
    Failed,
    /// The person did not finish in time; final.
    Expired,
}

impl JourneyState {
    /// Whether nothing follows.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::AnalysisComplete | Self::Denied | Self::Failed | Self::Expired
        )
    }
}

impl State for JourneyState {
    const TABLE: &'static [(Self, Self, bool)] = &[
        (Self::Initiated, Self::ConsentPending, true),
        (Self::Initiated, Self::Failed, false),
        // The session ends at `expires_at` if the consent is not completed.
        (Self::Initiated, Self::Expired, true),
        (Self::ConsentPending, Self::ConsentGranted, true),
        (Self::ConsentPending, Self::Denied, true),
        (Self::ConsentPending, Self::Failed, false),
        (Self::ConsentPending, Self::Expired, true),
        (Self::ConsentGranted, Self::DataFetch, true),
        (Self::ConsentGranted, Self::Failed, false),
        (Self::DataFetch, Self::AnalysisComplete, true),
        (Self::DataFetch, Self::Failed, false),
    ];
}
