//! Several providers of one capability, tried in order.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use provider_core::capability::{
    AccessGrant, AccessReturn, AccountData, AggregatorConsent, AggregatorConsentRequest,
    AggregatorConsentSession, AggregatorData, AggregatorDiscovery, AggregatorQuery,
    AggregatorStandings, ConsentRecorder, ConsentStatement, DataRange, DataReadiness, Document,
    DocumentAccess, DocumentAccessRequest, DocumentList, DocumentReference, DocumentSession,
    FollowedConsent, GrantedAccess, IdentityRecord, IdentityVerification, RecordedConsent,
    SessionAccess, SessionReference, SharedDocuments, SharedIdentity, VerificationDecision,
    VerificationRequest, VerificationSession,
};
use provider_core::{
    CallOptions, Error, ErrorKind, Idempotency, InvalidRequest, Masked, Outcome, async_trait,
};
use tokio::time::Instant;

use crate::origin::Origin;
use crate::time_left::{options_left, share};

/// Several providers of one capability: the next one is called if the one before it failed and has certainly done nothing.
/// A `Fallback` implements the capability itself, so it can be used like a single provider.
///
/// ```
/// use std::sync::Arc;
///
/// use kyc_facade::provider_core::capability::AggregatorConsent;
/// use kyc_facade::{Fallback, Kyc, KycBuilder};
///
/// fn with_a_second_provider(
///     first: impl AggregatorConsent + 'static,
///     second: impl AggregatorConsent + 'static,
/// ) -> KycBuilder {
///     let either = Fallback::<dyn AggregatorConsent>::new(Arc::new(first))
///         .or(Arc::new(second))
///         .with_observer(|error| eprintln!("falling back after: {error}"));
///     Kyc::builder().aggregator_consent(Arc::new(either))
/// }
/// ```
///
/// | failure | the next provider is called | because |
/// |---|---|---|
/// | it may have been processed, or was: [`Error::is_unsettled`] | no | it would be processed, and billed, twice |
/// | `Connect`, `Unavailable` (circuit open), `RateLimited` | yes | it was not sent, or was refused temporarily |
/// | `Timeout`, `Transport`, nothing done | yes | the provider does not answer; rare except for reads, since the outcome is usually unknown |
/// | `Api`, transient, nothing done | yes | the provider has an outage |
/// | `Unrecognized`, nothing done | yes | something else answers in the provider's place |
/// | `Api` otherwise | no | the provider refused the request; another provider must not be used to get around that |
/// | `Decode` of a read | yes | this provider's replies have changed, not the others' |
/// | `Credentials` | no | the failure is permanent, and falling back would hide it; a 403 may also be a refusal of the request |
/// | `Verification` | no | there may be a man in the middle; find out first |
/// | `InvalidRequest` of the first | no | the input has to be corrected |
/// | `InvalidRequest` of another, nothing sent | it is skipped | it does not support this input |
///
/// [`AggregatorDiscovery`] is a read for every provider, so its failures leave nothing unsettled. The other capabilities are
/// not, unless the error says so.
///
/// **What is read of a session**, requested of it or completed, is asked of the provider that opened it, which
/// [`SessionReference`] names, and of no other: the verdict of an [`IdentityVerification`], and all of [`SharedDocuments`],
/// [`SharedIdentity`] and [`AggregatorData`].
///
/// **The answer** names the provider that served: `provider` in [`RecordedConsent`], [`DocumentSession`],
/// each standing of [`AggregatorStandings`], [`AggregatorConsentSession`], [`VerificationSession`], a verdict, what [`SharedDocuments`] and
/// [`SharedIdentity`] read, and each [`SessionReference`] that [`AggregatorData`] returns; and the step of an onboarding.
/// `provider_name` and the input checks before a session is opened are those of the first provider.
///
/// **The error**, if all fail, is the first provider's, with its cause; [`Error::also_failed`] lists the others. A failure
/// that is not passed on is returned unchanged.
///
/// **Deadlines** cover all providers together. For a read, each provider gets an equal share of the time left, so that a
/// silent provider leaves time for the next one; for other operations, each gets all of the time left, because a call that
/// is cut short may have been processed. A share below two fifths of an operation's deadline is too short for the
/// provider's circuit breaker to count a missing answer.
pub struct Fallback<C: ?Sized> {
    first: Arc<C>,
    others: Vec<Arc<C>>,
    observer: Option<Observer>,
}

type Observer = Arc<dyn Fn(&Error) + Send + Sync>;

/// The future of a capability's async function.
type Calling<'c, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'c>>;

impl<C: ?Sized> Fallback<C> {
    /// Starts with the provider that is called first.
    pub fn new(first: Arc<C>) -> Self {
        Self {
            first,
            others: Vec::new(),
            observer: None,
        }
    }

    /// Adds the provider that is called next.
    #[must_use]
    pub fn or(mut self, next: Arc<C>) -> Self {
        self.others.push(next);
        self
    }

    /// Reports each failure to `observer` before the next provider is called: a provider that fails for days should not go
    /// unnoticed because another one serves.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Calls one provider after the other. `read` states that the capability changes nothing, whatever an error says.
    async fn in_turn<'c, T: Origin>(
        &'c self,
        options: CallOptions,
        read: bool,
        name: impl Fn(&C) -> &'static str + Send,
        call: impl Fn(&'c C, CallOptions) -> Calling<'c, T> + Send,
    ) -> Result<T, Error>
    where
        C: Send + Sync,
    {
        let started = Instant::now();
        let ask = async |provider: &'c C, options: CallOptions, to_come: usize| {
            let options = match read {
                true => share(options, to_come.saturating_add(1)),
                false => options,
            };
            match call(provider, options).await {
                Ok(mut answer) => {
                    answer.set_origin(name(provider));
                    Ok(answer)
                }
                Err(error) if read => Err(error.with_idempotency(Idempotency::Safe)),
                Err(error) => Err(error),
            }
        };
        let mut to_come = self.others.len();
        let first = match ask(&self.first, options.clone(), to_come).await {
            Err(error) if passes_on(&error) => error,
            result => return result,
        };
        let mut others: Vec<Error> = Vec::new();
        for provider in &self.others {
            let Some(left) = options_left(&options, started.elapsed()) else {
                break;
            };
            if let Some(observer) = &self.observer {
                observer(others.last().unwrap_or(&first));
            }
            to_come = to_come.saturating_sub(1);
            match ask(provider, left, to_come).await {
                Err(error) if passes_on(&error) || cannot_take_it(&error) => others.push(error),
                result => return result,
            }
        }
        Err(first.with_also_failed(others))
    }

    /// The provider that opened a session, or the first one where it names none. No other one knows the session, so there is
    /// nothing to fall back to.
    fn opener_of(
        &self,
        session: &SessionReference,
        operation: &'static str,
        name: impl Fn(&C) -> &'static str,
    ) -> Result<&C, Error> {
        let Some(provider) = &session.provider else {
            return Ok(&self.first);
        };
        let mut all = std::iter::once(&self.first).chain(&self.others);
        all.find(|candidate| name(candidate) == provider)
            .map(|opener| &**opener)
            .ok_or_else(|| {
                let rule = "must be one of those that are asked";
                Error::from(InvalidRequest::new("provider", rule)).at(name(&self.first), operation)
            })
    }
}

/// Whether another provider may be called after this failure.
fn passes_on(error: &Error) -> bool {
    let misread = error.kind() == ErrorKind::Decode && !error.is_unsettled();
    error.is_retryable() || misread
}

fn cannot_take_it(error: &Error) -> bool {
    error.kind() == ErrorKind::InvalidRequest && error.outcome() == Outcome::NotSent
}

impl<C: ?Sized> Clone for Fallback<C> {
    fn clone(&self) -> Self {
        Self {
            first: Arc::clone(&self.first),
            others: self.others.clone(),
            observer: self.observer.clone(),
        }
    }
}

impl<C: ?Sized + fmt::Debug> fmt::Debug for Fallback<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("first", &self.first)
            .field("others", &self.others)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ConsentRecorder for Fallback<dyn ConsentRecorder> {
    fn provider_name(&self) -> &'static str {
        self.first.provider_name()
    }

    /// Whoever may have recorded it: once more does no harm only if it does none at any of them.
    fn idempotency(&self) -> Idempotency {
        let harmless =
            |provider: &Arc<dyn ConsentRecorder>| provider.idempotency() != Idempotency::Unsafe;
        match harmless(&self.first) && self.others.iter().all(harmless) {
            true => Idempotency::Repeatable,
            false => Idempotency::Unsafe,
        }
    }

    fn check_consent(&self, consent: &ConsentStatement) -> Result<(), Error> {
        self.first.check_consent(consent)
    }

    async fn record_consent(
        &self,
        consent: ConsentStatement,
        options: CallOptions,
    ) -> Result<RecordedConsent, Error> {
        self.in_turn(
            options,
            false,
            |provider| provider.provider_name(),
            |provider, options| provider.record_consent(consent.clone(), options),
        )
        .await
    }
}

#[async_trait]
impl DocumentAccess for Fallback<dyn DocumentAccess> {
    fn provider_name(&self) -> &'static str {
        self.first.provider_name()
    }

    fn check_session(&self, request: &DocumentAccessRequest) -> Result<(), Error> {
        self.first.check_session(request)
    }

    async fn open_session(
        &self,
        request: DocumentAccessRequest,
        options: CallOptions,
    ) -> Result<DocumentSession, Error> {
        self.in_turn(
            options,
            false,
            |provider| provider.provider_name(),
            |provider, options| provider.open_session(request.clone(), options),
        )
        .await
    }
}

#[async_trait]
impl AggregatorDiscovery for Fallback<dyn AggregatorDiscovery> {
    fn provider_name(&self) -> &'static str {
        self.first.provider_name()
    }

    fn check_query(&self, query: &AggregatorQuery) -> Result<(), Error> {
        self.first.check_query(query)
    }

    async fn discover(
        &self,
        query: AggregatorQuery,
        options: CallOptions,
    ) -> Result<AggregatorStandings, Error> {
        self.in_turn(
            options,
            true,
            |provider| provider.provider_name(),
            |provider, options| provider.discover(query.clone(), options),
        )
        .await
    }
}

#[async_trait]
impl AggregatorConsent for Fallback<dyn AggregatorConsent> {
    fn provider_name(&self) -> &'static str {
        self.first.provider_name()
    }

    fn check_request(&self, request: &AggregatorConsentRequest) -> Result<(), Error> {
        self.first.check_request(request)
    }

    async fn open_consent(
        &self,
        request: AggregatorConsentRequest,
        options: CallOptions,
    ) -> Result<AggregatorConsentSession, Error> {
        self.in_turn(
            options,
            false,
            |provider| provider.provider_name(),
            |provider, options| provider.open_consent(request.clone(), options),
        )
        .await
    }
}

#[async_trait]
impl IdentityVerification for Fallback<dyn IdentityVerification> {
    fn provider_name(&self) -> &'static str {
        self.first.provider_name()
    }

    fn check_verification(&self, request: &VerificationRequest) -> Result<(), Error> {
        self.first.check_verification(request)
    }

    async fn open_verification(
        &self,
        request: VerificationRequest,
        options: CallOptions,
    ) -> Result<VerificationSession, Error> {
        self.in_turn(
            options,
            false,
            |provider| provider.provider_name(),
            |provider, options| provider.open_verification(request.clone(), options),
        )
        .await
    }

    async fn read_verdict(
        &self,
        session: SessionReference,
        options: CallOptions,
    ) -> Result<VerificationDecision, Error> {
        let opener = self.opener_of(
            &session,
            "read-verdict",
            IdentityVerification::provider_name,
        )?;
        let mut decision = opener.read_verdict(session, options).await?;
        decision.set_origin(opener.provider_name());
        Ok(decision)
    }
}

#[async_trait]
impl SharedDocuments for Fallback<dyn SharedDocuments> {
    fn provider_name(&self) -> &'static str {
        self.first.provider_name()
    }

    fn check_access(&self, access: &SessionAccess) -> Result<(), Error> {
        let opener = self.opener_of(
            &access.session,
            "check-access",
            SharedDocuments::provider_name,
        )?;
        opener.check_access(access)
    }

    fn read_return(
        &self,
        session: &SessionReference,
        return_url: &Masked,
    ) -> Result<AccessReturn, Error> {
        let opener = self.opener_of(session, "read-return", SharedDocuments::provider_name)?;
        opener.read_return(session, return_url)
    }

    async fn complete_access(
        &self,
        access: SessionAccess,
        grant: AccessGrant,
        options: CallOptions,
    ) -> Result<GrantedAccess, Error> {
        let opener = self.opener_of(
            &access.session,
            "complete-access",
            SharedDocuments::provider_name,
        )?;
        let mut granted = opener.complete_access(access, grant, options).await?;
        granted.set_origin(opener.provider_name());
        Ok(granted)
    }

    async fn list_documents(
        &self,
        access: SessionAccess,
        options: CallOptions,
    ) -> Result<DocumentList, Error> {
        let opener = self.opener_of(
            &access.session,
            "list-documents",
            SharedDocuments::provider_name,
        )?;
        let mut listed = opener.list_documents(access, options).await?;
        listed.set_origin(opener.provider_name());
        Ok(listed)
    }

    async fn read_document(
        &self,
        access: SessionAccess,
        document: DocumentReference,
        options: CallOptions,
    ) -> Result<Document, Error> {
        let opener = self.opener_of(
            &access.session,
            "read-document",
            SharedDocuments::provider_name,
        )?;
        let mut read = opener.read_document(access, document, options).await?;
        read.set_origin(opener.provider_name());
        Ok(read)
    }
}

#[async_trait]
impl SharedIdentity for Fallback<dyn SharedIdentity> {
    fn provider_name(&self) -> &'static str {
        self.first.provider_name()
    }

    fn check_identity(&self, access: &SessionAccess) -> Result<(), Error> {
        let opener = self.opener_of(
            &access.session,
            "check-identity",
            SharedIdentity::provider_name,
        )?;
        opener.check_identity(access)
    }

    async fn read_identity(
        &self,
        access: SessionAccess,
        options: CallOptions,
    ) -> Result<IdentityRecord, Error> {
        let opener = self.opener_of(
            &access.session,
            "read-identity",
            SharedIdentity::provider_name,
        )?;
        let mut record = opener.read_identity(access, options).await?;
        record.set_origin(opener.provider_name());
        Ok(record)
    }
}

/// Names the provider that a reference is one of, unless one is named already.
fn set_opener(reference: &mut SessionReference, provider: &'static str) {
    let named = &mut reference.provider;
    named.get_or_insert_with(|| provider.to_owned());
}

#[async_trait]
impl AggregatorData for Fallback<dyn AggregatorData> {
    fn provider_name(&self) -> &'static str {
        self.first.provider_name()
    }

    async fn follow_consent(
        &self,
        session: SessionReference,
        options: CallOptions,
    ) -> Result<FollowedConsent, Error> {
        let opener = self.opener_of(&session, "follow-consent", AggregatorData::provider_name)?;
        let mut followed = opener.follow_consent(session, options).await?;
        if let Some(consent) = &mut followed.consent {
            set_opener(consent, opener.provider_name());
        }
        Ok(followed)
    }

    async fn request_data(
        &self,
        consent: SessionReference,
        range: Option<DataRange>,
        options: CallOptions,
    ) -> Result<SessionReference, Error> {
        let opener = self.opener_of(&consent, "request-data", AggregatorData::provider_name)?;
        let mut requested = opener.request_data(consent, range, options).await?;
        set_opener(&mut requested, opener.provider_name());
        Ok(requested)
    }

    async fn data_readiness(
        &self,
        data: SessionReference,
        options: CallOptions,
    ) -> Result<DataReadiness, Error> {
        let opener = self.opener_of(&data, "data-readiness", AggregatorData::provider_name)?;
        opener.data_readiness(data, options).await
    }

    async fn read_accounts(
        &self,
        consent: SessionReference,
        options: CallOptions,
    ) -> Result<Vec<AccountData>, Error> {
        let opener = self.opener_of(&consent, "read-accounts", AggregatorData::provider_name)?;
        opener.read_accounts(consent, options).await
    }
}
