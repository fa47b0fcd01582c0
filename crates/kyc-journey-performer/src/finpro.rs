//! FinPro's operations: bank accounts by an account aggregator.

use std::time::Duration;

use finpro_fiu::finpro_profile::{AaId, CheckProfile, FinproProfileClient, UserConsentId};
use finpro_fiu::{
    AccountId, ConsentHandle, ConsentId, ConsentState as Known, DecryptRedirection,
    EncryptRedirection, FiAccountStatus, FiEventStatus, FiSessionStatus, FiStatus, FiuClient,
    GetAllFiData, GetFiStatus, JourneyEnd, ListConsentsV3, ListedConsent, PartyIdentifier,
    ProductId, RedirectionUrl, RequestConsentV3, RequestFi, ReturnParameters, ReturnUrl,
    RevokeConsent, SessionId, Vua,
};
use kyc_journey::{
    AggregatorReturn, Answer, ConsentNews, ConsentQuery, ConsentState, Correlation, DataClass,
    DataNews, DataState, Failure, Operation, ProfileStanding, Readiness, Source,
};
use provider_core::capability::{AggregatorId, ProviderReference, Readiness as Neutral};
use provider_core::jiff::Timestamp;
use provider_core::{CallOptions, InvalidRequest, Items, Pan};

use crate::asked::{Asked, Told, reference};

#[derive(Debug, Clone)]
pub(crate) struct FinPro {
    fiu: FiuClient,
    profiles: FinproProfileClient,
    product: ProductId,
    aggregator: AggregatorId,
}

impl FinPro {
    pub(crate) fn new(fiu: FiuClient, product: ProductId, aggregator: AggregatorId) -> Self {
        Self {
            profiles: FinproProfileClient::from(fiu.client().clone()),
            fiu,
            product,
            aggregator,
        }
    }

    pub(crate) async fn perform(&self, asked: &Asked<'_>) -> Result<Told, Failure> {
        match &asked.call.operation {
            Operation::CheckProfile { aggregators } => self.profiles(asked, aggregators).await,
            Operation::RequestConsent {
                correlation,
                aggregator,
            } => self.request(asked, correlation, aggregator.as_ref()).await,
            Operation::ReadLink { handle } => {
                let pan = asked.applicant().await?.pan;
                let handle = valid(asked, ConsentHandle::parse(handle.as_str()))?;
                // Where the person returns, the consent was requested with.
                let url = self.link(asked, handle, None, pan, asked.deadline).await?;
                Ok(Told::with(Answer::Link, DataClass::Links, url.expose()))
            }
            Operation::ListConsents { by } => self.list(asked, by).await,
            Operation::FindConsent { handle } => {
                let by = ConsentQuery::Handle(handle.clone());
                self.list(asked, &by).await
            }
            Operation::FindRequestedConsent { correlation } => {
                let correlation = *correlation;
                self.list(asked, &ConsentQuery::Person { correlation })
                    .await
            }
            Operation::DecryptReturn { .. } => self.decrypt(asked).await,
            Operation::RequestData { consent } => self.request_data(asked, consent).await,
            Operation::DataStatus { consent, session } => {
                self.data_status(asked, consent, session.as_ref()).await
            }
            Operation::FetchData { consent, .. } => self.fetch(asked, consent).await,
            Operation::RevokeConsent { consent } => {
                let request = RevokeConsent::new(valid(asked, ConsentId::parse(consent.as_str()))?);
                let call = self.fiu.revoke_consent(request);
                asked.make(call).await?;
                Ok(Told::plain(Answer::Done))
            }
            _ => Err(asked.unfit("operation", "must be one of FinPro's")),
        }
    }

    async fn profiles(
        &self,
        asked: &Asked<'_>,
        aggregators: &[AggregatorId],
    ) -> Result<Told, Failure> {
        let mobile = asked.applicant().await?.mobile;
        let ids = aggregators.iter().map(|id| AaId::parse(id.as_str()));
        let ids = valid(asked, ids.collect::<Result<Vec<_>, _>>())?;
        // The question's own id: new for each, and nothing about the person.
        let id = UserConsentId::parse(&asked.call.id.to_string());
        let request = CheckProfile::new(mobile, valid(asked, id)?).set_aa_ids(ids);
        let call = self.profiles.check_profile(request);
        let report = asked.make(call).await?.into_value();
        let standing = |row: &finpro_fiu::finpro_profile::ProfileRow| {
            let named = AggregatorId::parse(&*row.aa_id).ok()?;
            // In the spelling of the plan, by which the journey finds it again.
            let is = |id: &&AggregatorId| id.as_str().eq_ignore_ascii_case(named.as_str());
            let aggregator = aggregators.iter().find(is).cloned().unwrap_or(named);
            let readiness = match row.readiness() {
                Neutral::Ready => Readiness::Ready,
                Neutral::NeedsLinking => Readiness::NeedsLinking,
                Neutral::NeedsRegistration => Readiness::NeedsRegistration,
                Neutral::Undetermined => Readiness::Undetermined,
            };
            Some(ProfileStanding {
                aggregator,
                readiness,
            })
        };
        let standings = report.data.iter().filter_map(standing).collect();
        Ok(Told::plain(Answer::Profiles { standings }))
    }

    async fn request(
        &self,
        asked: &Asked<'_>,
        correlation: &Correlation,
        aggregator: Option<&AggregatorId>,
    ) -> Result<Told, Failure> {
        let applicant = asked.applicant().await?;
        let aggregator = aggregator.unwrap_or(&self.aggregator).as_str();
        let vua = Vua::parse(&format!("{}@{aggregator}", applicant.mobile.expose()));
        let url = ReturnUrl::parse(applicant.addresses.return_url(correlation).expose());
        let (vua, url) = (valid(asked, vua)?, valid(asked, url)?);
        let mut request = RequestConsentV3::new(self.product.clone(), vua)
            .set_party(PartyIdentifier::mobile(&applicant.mobile))
            .set_account(valid(asked, AccountId::parse(correlation.expose()))?)
            .set_redirect_url(url.clone());
        if let Some(pan) = applicant.pan.clone() {
            request = request.set_pan(pan);
        }
        let call = self.fiu.request_consent_v3(request);
        let requested = asked.make(call).await?;
        let left = asked.deadline.saturating_sub(requested.elapsed());
        let requested = requested.into_value().data;
        let answer = Answer::Opened {
            reference: reference(requested.consent_handle.as_str())?,
        };
        if let Some(url) = requested.web_redirection_url {
            return Ok(Told::with(answer, DataClass::Links, url.expose()));
        }
        // The consent exists, whatever comes of asking where it is decided: its handle must not be lost.
        let (handle, url) = (requested.consent_handle, Some(url));
        Ok(
            match self.link(asked, handle, url, applicant.pan, left).await {
                Ok(link) => Told::with(answer, DataClass::Links, link.expose()),
                Err(_) => Told::plain(answer),
            },
        )
    }

    /// Where a consent is decided.
    async fn link(
        &self,
        asked: &Asked<'_>,
        handle: ConsentHandle,
        back: Option<ReturnUrl>,
        pan: Option<Pan>,
        deadline: Duration,
    ) -> Result<RedirectionUrl, Failure> {
        let mut question = EncryptRedirection::new([handle]);
        if let Some(url) = back {
            question = question.set_redirect_url(url);
        }
        if let Some(pan) = pan {
            question = question.set_pan(pan);
        }
        // A read, whatever it belongs to.
        let options = CallOptions::new().with_time_limit(deadline);
        let call = self.fiu.encrypt_redirection(question);
        let link = asked.make_with(call, options).await?;
        Ok(link.into_value().data.web_redirection_url)
    }

    async fn list(&self, asked: &Asked<'_>, by: &ConsentQuery) -> Result<Told, Failure> {
        let (request, of) = match by {
            ConsentQuery::Person { correlation } => {
                let applicant = asked.applicant().await?;
                let account = valid(asked, AccountId::parse(correlation.expose()))?;
                let request = ListConsentsV3::Party {
                    party: PartyIdentifier::mobile(&applicant.mobile),
                    product: self.product.clone(),
                    account,
                };
                (request, Some(correlation))
            }
            ConsentQuery::Handle(handle) => {
                let handle = valid(asked, ConsentHandle::parse(handle.as_str()))?;
                (ListConsentsV3::Handles(vec![handle]), None)
            }
            ConsentQuery::Id(id) => {
                let id = valid(asked, ConsentId::parse(id.as_str()))?;
                (ListConsentsV3::Ids(vec![id]), None)
            }
            _ => return Err(asked.unfit("by", "must be one that is known here")),
        };
        let call = self.fiu.list_consents_v3(request);
        let listed = asked.make(call).await?.into_value().data;
        // One that cannot be read may be the one that is looked for: nobody may take it for absent.
        if listed.unread_count() > 0 {
            return Err(Failure::unreadable());
        }
        let consents = listed.iter().map(consent);
        // Of another application of the same person, if the list is wider than the question.
        let is_asked = |news: &ConsentNews| {
            let told = news.source.correlation.as_ref();
            of.is_none_or(|of| told.is_none_or(|told| told == of))
        };
        Ok(Told::plain(Answer::Consents {
            consents: consents.filter(is_asked).collect(),
        }))
    }

    async fn decrypt(&self, asked: &Asked<'_>) -> Result<Told, Failure> {
        let parameters = valid(asked, ReturnParameters::of_url(asked.payload()?))?;
        let request = DecryptRedirection::of_return(parameters);
        let call = self.fiu.decrypt_redirection(request);
        let read = asked.make(call).await?.into_value();
        let end = match read.data.end() {
            JourneyEnd::Accepted => AggregatorReturn::Accepted,
            JourneyEnd::Rejected => AggregatorReturn::Rejected,
            JourneyEnd::ConsentNotFound => AggregatorReturn::ConsentNotFound,
            JourneyEnd::Malformed => AggregatorReturn::Malformed,
            JourneyEnd::NotAuthenticated => AggregatorReturn::NotAuthenticated,
            JourneyEnd::LeftPending => AggregatorReturn::LeftPending,
            JourneyEnd::TimedOut => AggregatorReturn::TimedOut,
            JourneyEnd::NoAccount => AggregatorReturn::NoAccount,
            JourneyEnd::DiscoveryFailed => AggregatorReturn::DiscoveryFailed,
            JourneyEnd::NothingDiscovered => AggregatorReturn::NothingDiscovered,
            _ => AggregatorReturn::Unclear,
        };
        Ok(Told::plain(Answer::ReturnRead { end }))
    }

    async fn request_data(
        &self,
        asked: &Asked<'_>,
        consent: &ProviderReference,
    ) -> Result<Told, Failure> {
        let request = RequestFi::new(valid(asked, ConsentId::parse(consent.as_str()))?);
        let call = self.fiu.request_fi(request);
        let requested = asked.make(call).await?;
        let session = reference(requested.value().data.session_id.as_str())?;
        Ok(Told::plain(Answer::DataRequested { session }))
    }

    async fn data_status(
        &self,
        asked: &Asked<'_>,
        consent: &ProviderReference,
        session: Option<&ProviderReference>,
    ) -> Result<Told, Failure> {
        let request = match session {
            Some(session) => {
                GetFiStatus::of_session(valid(asked, SessionId::parse(session.as_str()))?)
            }
            None => GetFiStatus::of_consent(valid(asked, ConsentId::parse(consent.as_str()))?),
        };
        let call = self.fiu.fi_request_status(request);
        let status = asked.make(call).await?.into_value();
        let news = Box::new(data(&status.data).set_consent(Some(consent.clone())));
        Ok(Told::plain(Answer::DataStatus { news }))
    }

    async fn fetch(&self, asked: &Asked<'_>, consent: &ProviderReference) -> Result<Told, Failure> {
        let request = GetAllFiData::of_consent(valid(asked, ConsentId::parse(consent.as_str()))?);
        let call = self.fiu.get_all_fi_data(request);
        let read = asked.make(call).await?;
        // As it came, an account that cannot be read included.
        Ok(Told::with(
            Answer::AccountData,
            DataClass::AccountData,
            crate::asked::body(&read),
        ))
    }
}

fn valid<T>(asked: &Asked<'_>, parsed: Result<T, InvalidRequest>) -> Result<T, Failure> {
    parsed.map_err(|error| asked.not_sent(&error))
}

fn consent(row: &ListedConsent) -> ConsentNews {
    let handle = row.consent_handle.as_ref();
    let handle = handle.and_then(|handle| ProviderReference::parse(handle.as_str()).ok());
    let account = row.account_id.as_ref();
    let correlation = account.and_then(|account| Correlation::parse(account.as_str()).ok());
    let consent = row.consent_id.as_ref();
    let consent = consent.and_then(|id| ProviderReference::parse(id.as_str()).ok());
    let state = consent_state(Known::of_status(&row.status));
    ConsentNews::new(Source::new(handle, correlation), state)
        .set_consent(consent)
        .set_at(time(row.modified_on.as_deref()))
}

fn data(status: &FiSessionStatus) -> DataNews {
    let handle = status.consent_handle.as_ref();
    let handle = handle.and_then(|handle| ProviderReference::parse(handle.as_str()).ok());
    let account = status.account_id.as_ref();
    let correlation = account.and_then(|account| Correlation::parse(account.as_str()).ok());
    let session = status.session_id.as_ref();
    let session = session.and_then(|id| ProviderReference::parse(id.as_str()).ok());
    let state = data_state(&status.event_status);
    let (delivered, all) = counts(&status.link_ref_numbers);
    DataNews::new(Source::new(handle, correlation), state)
        .set_session(session)
        .set_delivered(delivered, all)
        .set_until(time(status.data_expiry.as_deref()))
        .set_at(time(status.timestamp.as_deref()))
}

/// A state in the journey's words; `None` is a word that is not documented.
pub(crate) fn consent_state(state: Option<Known>) -> ConsentState {
    match state {
        Some(Known::Pending) => ConsentState::Pending,
        Some(Known::Active | Known::Resumed) => ConsentState::Active,
        Some(Known::Paused) => ConsentState::Paused,
        Some(Known::Rejected) => ConsentState::Rejected,
        Some(Known::Revoked) => ConsentState::Revoked,
        Some(Known::Expired) => ConsentState::Expired,
        None => ConsentState::Unknown,
    }
}

pub(crate) fn data_state(status: &FiEventStatus) -> DataState {
    match status {
        FiEventStatus::DataReady => DataState::Ready,
        FiEventStatus::Pending => DataState::Pending,
        FiEventStatus::Timeout => DataState::TimedOut,
        FiEventStatus::DataDenied => DataState::Denied,
        FiEventStatus::SessionFailed => DataState::Failed,
        FiEventStatus::SessionExpired => DataState::Expired,
        _ => DataState::Unknown,
    }
}

/// How many accounts were delivered, and how many there are.
pub(crate) fn counts(accounts: &Items<FiAccountStatus>) -> (u32, u32) {
    let told = accounts
        .iter()
        .filter_map(|account| account.fi_status.as_ref());
    let delivered = told.filter(|status| FiStatus::is_available(status)).count();
    let all = accounts.len().saturating_add(accounts.unread_count());
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    (count(delivered), count(all))
}

pub(crate) fn time(text: Option<&str>) -> Option<Timestamp> {
    text.and_then(|text| text.parse().ok())
}
