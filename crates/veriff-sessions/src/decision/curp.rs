//! What the Mexican population registry says: the registry variant of the decision.

use consent_hmac::{SessionId, Veriff};
use provider_core::{
    BuiltRequest, Endpoint, Idempotency, InvalidRequest, Mark, Masked, Operation, RequestBuilder,
    ResponseError, Verified, lenient,
};
use serde::{Deserialize, Serialize};

provider_core::open_enum! {
    /// The state of a registration (`[docs]`).
    pub enum CurpStatus {
        /// Active: a normal registration.
        Normal = "AN",
        /// Active: a registration of persons of one name.
        Homonym = "AH",
        /// Active: registered again.
        Reactivated = "CRA CU",
        /// Active: changed, and the number is the same.
        Changed = "RCN",
        /// Active: changed, and the number with it.
        NumberChanged = "RCC",
        /// Inactive: the person is dead.
        Deceased = "BD",
        /// Inactive: registered twice.
        Duplicate = "BDA",
        /// Inactive: the number was changed.
        Replaced = "BCC",
        /// Inactive: ended, and the number is not affected.
        Ended = "BCN",
    }
}

/// The request of what the registry says about the person of a session (legacy). The registries of INE, and of INE and CURP
/// together, have variants of their own whose paths are not documented (`[unknown]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct GetCurpDecision {
    /// The session's id, from create-session: 1 to 128 characters of A-Z a-z 0-9 _ -
    #[cfg_attr(feature = "schema", schemars(extend("x-path" = "id")))]
    session_id: SessionId,
    /// The version of the reply, 1.0.0 if it is not given
    #[cfg_attr(feature = "schema", schemars(extend("x-query" = "version")))]
    #[serde(default = "first_version")]
    version: String,
}

provider_core::request! { GetCurpDecision }

fn first_version() -> String {
    "1.0.0".to_owned()
}

impl GetCurpDecision {
    /// Creates a request for what the registry says, in version 1.0.0, the only one that a page names.
    pub fn new(session_id: SessionId) -> Self {
        Self {
            session_id,
            version: first_version(),
        }
    }

    /// Asks for another version of the reply.
    #[must_use]
    pub fn set_version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }
}

/// What the registry says. The reply has no status, and does not say which session it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CurpDecision {
    /// The state of the registration; null if the registry has said nothing.
    #[serde(deserialize_with = "lenient::text")]
    pub status_curp: Option<CurpStatus>,
    /// The person's number in the registry, 18 characters.
    #[serde(default, deserialize_with = "lenient::text")]
    pub curp: Option<Masked>,
}

impl CurpDecision {
    /// Whether the registration is active; `None` if the registry has said nothing, or what no page lists.
    pub fn is_active(&self) -> Option<bool> {
        use CurpStatus::{
            Changed, Deceased, Duplicate, Ended, Homonym, Normal, NumberChanged, Reactivated,
            Replaced,
        };

        match self.status_curp.as_ref()? {
            Normal | Homonym | Reactivated | Changed | NumberChanged => Some(true),
            Deceased | Duplicate | Replaced | Ended => Some(false),
            CurpStatus::Unknown(_) => None,
        }
    }
}

impl Endpoint for GetCurpDecision {
    type Provider = Veriff;
    type Output = CurpDecision;

    const OPERATION: Operation = Operation::new(
        "curp-decision",
        "GET /v1/sessions/{id}/decision/curp-registry",
        Idempotency::Safe,
    )
    // Not the query.
    .signing_segment("id")
    .documented(Mark::Docs);

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Veriff>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        if self.version.is_empty() {
            return Err(InvalidRequest::new("version", "must not be empty"));
        }
        request
            .segment("id", self.session_id.as_path_id())
            .query("version", &self.version)
            .empty()
    }

    fn response(&self, response: &Verified) -> Result<CurpDecision, ResponseError> {
        Ok(lenient::reply(response, &[])?)
    }
}
