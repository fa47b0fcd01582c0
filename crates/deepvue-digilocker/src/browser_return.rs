//! The browser's return to `redirect_url`: what its parameters say about a session.

use std::borrow::Cow;

use provider_core::capability::UnclearReturn;
use provider_core::{Label, Plus, VerificationError, is_same_text, query_parameters};

use crate::{DigilockerCode, DigilockerState, TransactionId};

/// The longest return that is read, in bytes.
const MAX_LEN: usize = 16 * 1024;

/// The most parameters that are read.
const MAX_PARAMETERS: usize = 100;

/// How the parameters of a return are named. What reaches `redirect_url` is not documented (`[unknown]`); the default has every
/// name that there is evidence for: `code` and `state`, as DigiLocker itself has them; `digilocker_code`, as the next call has it;
/// `transaction_id`, of which `state` is a copy in the example; `error` and `error_description`, as a refusal is reported to look
/// (`[3p]`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnForm {
    codes: Vec<Cow<'static, str>>,
    states: Vec<Cow<'static, str>>,
    errors: Vec<Cow<'static, str>>,
    needs_state: bool,
}

impl Default for ReturnForm {
    fn default() -> Self {
        Self {
            codes: vec!["code".into(), "digilocker_code".into()],
            states: vec!["state".into(), "transaction_id".into()],
            errors: vec!["error".into()],
            needs_state: true,
        }
    }
}

impl ReturnForm {
    /// Reads the code from a parameter of this name only.
    #[must_use]
    pub fn set_code_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.codes = vec![name.into()];
        self
    }

    /// Reads the session's id from a parameter of this name only.
    #[must_use]
    pub fn set_state_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.states = vec![name.into()];
        self
    }

    /// Reads a refusal from a parameter of this name only.
    #[must_use]
    pub fn set_error_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.errors = vec![name.into()];
        self
    }

    /// Believes a return that names no session. Only if Deepvue is known to send none, and if you tie the return to the session of
    /// your own logged-in user in another way: otherwise anybody can have a person's browser complete a session with the code of
    /// somebody else's documents.
    #[must_use]
    pub fn without_state(mut self) -> Self {
        self.needs_state = false;
        self
    }

    /// Reads a return: the URL that the browser asked for, or its query.
    ///
    /// # Errors
    ///
    /// [`VerificationError::OtherRequest`]: it names another session. It belongs to somebody else, or is forged.
    pub fn read(
        &self,
        url: &str,
        session: &TransactionId,
    ) -> Result<BrowserReturn, VerificationError> {
        let parameters = match parameters(url) {
            Ok(parameters) => parameters,
            Err(reason) => return Ok(BrowserReturn::Unclear(reason)),
        };
        let states = named(&parameters, &self.states);
        if states
            .iter()
            .any(|state| !is_same_text(state, session.as_str()))
        {
            return Err(VerificationError::OtherRequest);
        }
        Ok(self.said(&parameters, !states.is_empty() || !self.needs_state))
    }

    /// Reads a return whose session is compared later: what it says, whether it names a session or not, and the session that it
    /// names; `None` if it names none, or several. Compare it with the session of your own logged-in user before the code is used, as
    /// [`read`](Self::read) does.
    pub fn read_unmatched(&self, url: &str) -> (Option<TransactionId>, BrowserReturn) {
        let parameters = match parameters(url) {
            Ok(parameters) => parameters,
            Err(reason) => return (None, BrowserReturn::Unclear(reason)),
        };
        let said = self.said(&parameters, true);
        match named(&parameters, &self.states).as_slice() {
            [] => (None, said),
            [state] => match TransactionId::parse(*state) {
                Ok(session) => (Some(session), said),
                Err(_) => (None, BrowserReturn::Unclear(UnclearReturn::Malformed)),
            },
            _ => (None, BrowserReturn::Unclear(UnclearReturn::Contradictory)),
        }
    }

    fn said(&self, parameters: &[(String, String)], is_tied: bool) -> BrowserReturn {
        let unclear = BrowserReturn::Unclear;
        let codes = named(parameters, &self.codes);
        let errors = named(parameters, &self.errors);
        match (codes.as_slice(), errors.as_slice()) {
            ([], []) => unclear(UnclearReturn::Silent),
            ([code], []) => match DigilockerCode::parse(code) {
                Ok(_) if !is_tied => unclear(UnclearReturn::NoSession),
                Ok(code) => BrowserReturn::Approved(code),
                Err(_) => unclear(UnclearReturn::Malformed),
            },
            // RFC 6749's word for a person or a server that said no.
            ([], [error]) if error.eq_ignore_ascii_case("access_denied") => match is_tied {
                true => BrowserReturn::Denied,
                // Anybody could end a session that way.
                false => unclear(UnclearReturn::NoSession),
            },
            ([], [error]) => unclear(UnclearReturn::Failed(Label::from(*error))),
            _ => unclear(UnclearReturn::Contradictory),
        }
    }
}

/// The parameters of a return, unless there are too many.
fn parameters(url: &str) -> Result<Vec<(String, String)>, UnclearReturn> {
    if url.len() > MAX_LEN {
        return Err(UnclearReturn::TooLong);
    }
    let parameters = query_parameters(url, Plus::Space).ok_or(UnclearReturn::Malformed)?;
    match parameters.len() > MAX_PARAMETERS {
        true => Err(UnclearReturn::TooLong),
        false => Ok(parameters),
    }
}

/// The different values of parameters with one of these names.
fn named<'p>(parameters: &'p [(String, String)], names: &[Cow<'static, str>]) -> Vec<&'p str> {
    let is_named = |name: &str| names.iter().any(|known| known == name);
    let values = parameters.iter().filter(|(name, _)| is_named(name));
    let mut values: Vec<_> = values.map(|(_, value)| value.as_str()).collect();
    values.retain(|value| !value.is_empty());
    values.dedup();
    values
}

/// What the browser's return says about a session. It proves nothing but what it says: the session is the person's own only if the
/// return came to your own logged-in user for whom it was opened.
///
/// ```
/// use deepvue_digilocker::{BrowserReturn, TransactionId};
///
/// let session = TransactionId::parse("0c8c7833678e412f9fec77dbe0494562")?;
/// let url = "https://lender.example.test/back?code=c-1&state=0c8c7833678e412f9fec77dbe0494562";
/// match BrowserReturn::read(url, &session) {
///     Ok(BrowserReturn::Approved(code)) => assert_eq!(code.expose(), "c-1"), // complete the authorisation at once
///     Ok(BrowserReturn::Denied) => {} // the person said no
///     Ok(BrowserReturn::Unclear(_)) => {} // neither: log the reason and ask the person
///     Err(_) => {} // another session's: refuse it
///     Ok(_) => {}
/// }
/// # Ok::<(), deepvue_digilocker::provider_core::InvalidRequest>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BrowserReturn {
    /// The person approved, of some documents at least, perhaps of none. The code is short-lived: complete the authorisation.
    Approved(DigilockerCode),
    /// The person, or DigiLocker for them, said no.
    Denied,
    /// Neither: never take it for an approval or a denial. More than 16 KiB or 100 parameters are not read; a code without a session is
    /// believed only by [`ReturnForm::without_state`].
    Unclear(UnclearReturn),
}

impl BrowserReturn {
    /// Reads a return in the default [`ReturnForm`].
    ///
    /// # Errors
    ///
    /// As of [`ReturnForm::read`].
    pub fn read(url: &str, session: &TransactionId) -> Result<Self, VerificationError> {
        ReturnForm::default().read(url, session)
    }

    /// What it tells about the session's state; `None` if it is unclear.
    pub fn state(&self) -> Option<DigilockerState> {
        match self {
            Self::Approved(_) => Some(DigilockerState::CodeReceived),
            Self::Denied => Some(DigilockerState::Denied),
            Self::Unclear(_) => None,
        }
    }
}
