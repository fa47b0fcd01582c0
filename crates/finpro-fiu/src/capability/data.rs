//! FinPro as an [`AggregatorData`].

use finpro_profile::Finpro;
use provider_core::capability::{
    AccountData, AggregatorData, ConsentStanding, DataRange, DataReadiness, FollowedConsent,
    ProviderReference, SessionReference,
};
use provider_core::{
    CallOptions, DecodeError, Endpoint, Error, InvalidRequest, Items, Provider, async_trait,
};

use super::at;
use crate::{
    ConsentHandle, ConsentId, ConsentState, FiAccount, FiSessionStatus, FiStatus, FiuClient,
    GetAllFiData, GetFiStatus, ListConsentsV3, ListedConsent, RequestFi, SessionId, SessionState,
};

/// What a neutral reference names, as an id of FinPro's.
fn id<E: Endpoint, T>(
    named: &SessionReference,
    parse: impl FnOnce(String) -> Result<T, InvalidRequest>,
) -> Result<T, Error> {
    let reference = named.reference_at(Finpro::NAME).map_err(at::<E>)?;
    parse(reference.as_str().to_owned()).map_err(at::<E>)
}

fn reference(id: &str, place: &'static str) -> Result<SessionReference, DecodeError> {
    let reference = ProviderReference::parse(id);
    let reference = reference.map_err(|_| DecodeError::missing_data(place))?;
    Ok(SessionReference::new(reference).set_provider(Some(Finpro::NAME)))
}

/// All items, none of which was unreadable: the missing one could be the one that matters.
fn all<T>(items: &Items<T>) -> Result<&[T], DecodeError> {
    match items.unread_count() {
        0 => Ok(items),
        _ => Err(DecodeError::missing_data("$.data[]")),
    }
}

/// Where a consent is by the rows about it, of which there may be one for each account, and its id. Rows in one reply are
/// not facts in an order: where they differ, none is believed.
fn followed(row: &ListedConsent, others: &[ListedConsent]) -> Result<FollowedConsent, DecodeError> {
    let ids = || {
        others
            .iter()
            .chain([row])
            .filter_map(|row| row.consent_id.as_ref())
    };
    let first = ids().next();
    let agree =
        others.iter().all(|other| other.status == row.status) && ids().all(|id| Some(id) == first);
    let state = ConsentState::of_status(&row.status).filter(|_| agree);
    let standing = match state {
        Some(ConsentState::Pending) => ConsentStanding::Pending,
        Some(ConsentState::Active | ConsentState::Resumed) => ConsentStanding::Active,
        Some(ConsentState::Paused) => ConsentStanding::Paused,
        Some(ConsentState::Rejected) => ConsentStanding::Rejected,
        Some(ConsentState::Revoked) => ConsentStanding::Revoked,
        Some(ConsentState::Expired) => ConsentStanding::Expired,
        None => {
            let word = ConsentStanding::Unclear(row.status.as_str().into());
            return Ok(FollowedConsent::new(word, None));
        }
    };
    let id = first.map(|id| reference(id.as_str(), "$.data[].consentID"));
    Ok(FollowedConsent::new(standing, id.transpose()?))
}

/// How far a session is: its own word, held to those of its accounts.
fn readiness(session: &FiSessionStatus) -> DataReadiness {
    let accounts = &session.link_ref_numbers;
    let told = || {
        accounts
            .iter()
            .filter_map(|account| account.fi_status.as_ref())
    };
    let there = told().any(FiStatus::is_available);
    let missing = told().filter(|status| !status.is_available()).count();
    match session.event_status.session_state() {
        Some(SessionState::Pending) => DataReadiness::Pending,
        Some(SessionState::Ready) if missing == 0 && accounts.unread_count() == 0 => {
            DataReadiness::Ready
        }
        Some(SessionState::Ready) if missing < accounts.len() => DataReadiness::Partial,
        Some(SessionState::Failed | SessionState::Expired) if there => DataReadiness::Partial,
        Some(SessionState::Denied) => DataReadiness::Denied,
        Some(SessionState::Failed) => DataReadiness::Failed,
        Some(SessionState::Expired | SessionState::Deleted) => DataReadiness::Expired,
        // Ready, and no account is.
        Some(SessionState::Ready) | None => {
            DataReadiness::Unclear(session.event_status.as_str().into())
        }
    }
}

fn account(account: &FiAccount) -> AccountData {
    let mut data = AccountData::new(account.json());
    let link = account.link_reference_number.as_ref();
    data.reference = link.and_then(|link| ProviderReference::parse(link.as_str()).ok());
    data.masked_number
        .clone_from(&account.masked_account_number);
    data.kind.clone_from(&account.fi_type);
    data.institution.clone_from(&account.bank);
    data
}

/// A consent's session is its handle, what its data is requested by its `consentID`, and requested data a `sessionId`. A reply
/// with accounts does not say whose they are.
#[async_trait]
impl AggregatorData for FiuClient {
    fn provider_name(&self) -> &'static str {
        Finpro::NAME
    }

    async fn follow_consent(
        &self,
        session: SessionReference,
        options: CallOptions,
    ) -> Result<FollowedConsent, Error> {
        let handle = id::<ListConsentsV3, _>(&session, ConsentHandle::parse)?;
        let request = ListConsentsV3::Handles(vec![handle]);
        let listed = self.list_consents_v3(request).with_options(options).await?;
        listed.read::<ListConsentsV3, _>(|listed| match all(&listed.data)? {
            [row, others @ ..] => followed(row, others),
            [] => Err(DecodeError::missing_data("$.data[]")),
        })
    }

    async fn request_data(
        &self,
        consent: SessionReference,
        range: Option<DataRange>,
        options: CallOptions,
    ) -> Result<SessionReference, Error> {
        let mut request = RequestFi::new(id::<RequestFi, _>(&consent, ConsentId::parse)?);
        if let Some(DataRange { from, to }) = range {
            request = request.set_range(from.into(), to.into());
        }
        let begun = self.request_fi(request).with_options(options).await?;
        begun.read::<RequestFi, _>(|begun| {
            reference(begun.data.session_id.as_str(), "$.data.sessionId")
        })
    }

    async fn data_readiness(
        &self,
        data: SessionReference,
        options: CallOptions,
    ) -> Result<DataReadiness, Error> {
        let request = GetFiStatus::of_session(id::<GetFiStatus, _>(&data, SessionId::parse)?);
        let status = self
            .fi_request_status(request)
            .with_options(options)
            .await?;
        Ok(readiness(&status.value().data))
    }

    async fn read_accounts(
        &self,
        consent: SessionReference,
        options: CallOptions,
    ) -> Result<Vec<AccountData>, Error> {
        let request = GetAllFiData::of_consent(id::<GetAllFiData, _>(&consent, ConsentId::parse)?);
        let read = self.get_all_fi_data(request).with_options(options).await?;
        read.read::<GetAllFiData, _>(|read| Ok(all(&read.data)?.iter().map(account).collect()))
    }
}
