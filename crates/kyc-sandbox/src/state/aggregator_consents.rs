//! The consents at account aggregators that FinPro was asked for.

use super::people::is_mobile_number;
use super::store::Word;
use super::{JourneyId, MobileScript};

/// The status of a consent at an account aggregator, as FinPro names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum AggregatorConsentStatus {
    /// The customer has not decided.
    Pending,
    /// Approved; after a pause again.
    Active,
    /// Paused.
    Paused,
    /// Declined; final.
    Rejected,
    /// Withdrawn; final.
    Revoked,
    /// Its time is over; final.
    Expired,
}

impl AggregatorConsentStatus {
    /// The status as on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Active => "ACTIVE",
            Self::Paused => "PAUSED",
            Self::Rejected => "REJECTED",
            Self::Revoked => "REVOKED",
            Self::Expired => "EXPIRED",
        }
    }

    /// The status in a word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Rejected => "rejected",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }

    /// Whether a consent may go from this status to that one. That a pending or paused consent expires is on no page; the
    /// rest is documented.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Pending => matches!(next, Self::Active | Self::Rejected | Self::Expired),
            Self::Active => matches!(next, Self::Paused | Self::Revoked | Self::Expired),
            Self::Paused => matches!(next, Self::Active | Self::Revoked | Self::Expired),
            Self::Rejected | Self::Revoked | Self::Expired => false,
        }
    }
}

/// An account that is linked to a consent.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct LinkedAccount {
    pub(crate) link: String,
    pub(crate) fip_id: String,
    #[cfg_attr(
        feature = "state-file",
        serde(deserialize_with = "super::store::form::word")
    )]
    pub(crate) fi_type: Word,
    pub(crate) masked_number: String,
    #[cfg_attr(
        feature = "state-file",
        serde(deserialize_with = "super::store::form::word")
    )]
    pub(crate) bank: Word,
    /// `SAVINGS` or `CURRENT`.
    #[cfg_attr(
        feature = "state-file",
        serde(deserialize_with = "super::store::form::word")
    )]
    pub(crate) kind: Word,
    /// Which of the accounts it is that the bank data of a scripted customer has.
    pub(crate) scripted: Option<usize>,
    /// Whether it has two holders.
    pub(crate) joint: bool,
}

impl LinkedAccount {
    /// Whether it is this account, perhaps by another reference.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.fip_id == other.fip_id
            && self.masked_number == other.masked_number
            && self.fi_type == other.fi_type
    }
}

/// A consent. It has its aggregator's id from the start, and tells it once it is approved.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "state-file", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct AggregatorConsent {
    pub(crate) handle: String,
    pub(crate) id: String,
    pub(crate) product: String,
    pub(crate) account: Option<String>,
    pub(crate) vua: String,
    pub(crate) party: Option<String>,
    pub(crate) status: AggregatorConsentStatus,
    /// Whether the customer ever approved.
    pub(crate) was_given: bool,
    pub(crate) created_ms: i64,
    pub(crate) changed_ms: i64,
    /// When it is over.
    pub(crate) expires_ms: i64,
    /// What the customer can share.
    pub(crate) offered: Vec<LinkedAccount>,
    /// What the customer shares: nothing before the approval.
    pub(crate) accounts: Vec<LinkedAccount>,
    /// The institutions that the request names, if any.
    pub(crate) fips: Vec<String>,
    /// Where the customer returns, unless to the organisation's own address.
    pub(crate) return_url: Option<String>,
    /// What the customer's number says.
    pub(crate) script: Option<MobileScript>,
    pub(crate) journey: Option<JourneyId>,
    /// The id of the orchestrated journey that asks for it, if one does.
    pub(crate) transaction: Option<String>,
}

impl AggregatorConsent {
    /// The aggregator's id, unless the customer never approved.
    pub(crate) fn approved_id(&self) -> Option<&str> {
        self.was_given.then_some(self.id.as_str())
    }

    /// The part of the virtual user account before the `@`, and the aggregator after it.
    pub(crate) fn user(&self) -> (&str, &str) {
        self.vua.split_once('@').unwrap_or((&self.vua, ""))
    }

    /// The customer's mobile number, or what stands for it.
    pub(crate) fn person(&self) -> &str {
        let user = self.user().0;
        let party = self.party.as_deref();
        match party.filter(|party| is_mobile_number(party)) {
            Some(party) if !is_mobile_number(user) => party,
            _ => user,
        }
    }

    /// Whether it is a customer's with this identifier.
    pub(crate) fn is_of(&self, identifier: &str) -> bool {
        self.user().0 == identifier || self.party.as_deref() == Some(identifier)
    }

    /// Changes the status, where the old one allows it.
    pub(crate) fn become_status(
        &mut self,
        next: AggregatorConsentStatus,
        now_ms: i64,
    ) -> Result<(), AggregatorConsentStatus> {
        if !self.status.may_become(next) {
            return Err(self.status);
        }
        (self.status, self.changed_ms) = (next, now_ms);
        self.was_given |= next == AggregatorConsentStatus::Active;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::AggregatorConsentStatus::{Active, Expired, Paused, Pending, Rejected, Revoked};
    use super::*;

    fn consent(handle: &str) -> AggregatorConsent {
        AggregatorConsent {
            handle: handle.to_owned(),
            id: format!("id-{handle}"),
            product: "P".to_owned(),
            account: None,
            vua: "9000000001@onemoney".to_owned(),
            party: Some("AAAAA0000A".to_owned()),
            status: Pending,
            was_given: false,
            created_ms: 0,
            changed_ms: 0,
            expires_ms: 0,
            offered: Vec::new(),
            accounts: Vec::new(),
            fips: Vec::new(),
            return_url: None,
            script: None,
            journey: None,
            transaction: None,
        }
    }

    #[test]
    fn a_status_changes_as_the_table_says_and_an_end_is_final() {
        let all = [Pending, Active, Paused, Rejected, Revoked, Expired];
        let next = |from: AggregatorConsentStatus| {
            let may = all.into_iter().filter(|next| from.may_become(*next));
            may.collect::<Vec<_>>()
        };
        assert_eq!(next(Pending), [Active, Rejected, Expired]);
        assert_eq!(next(Active), [Paused, Revoked, Expired]);
        assert_eq!(next(Paused), [Active, Revoked, Expired]);
        for end in [Rejected, Revoked, Expired] {
            assert_eq!(next(end), []);
        }
    }

    #[test]
    fn a_consent_is_found_by_its_customer_and_tells_its_id_once_approved() {
        let mut consent = consent("a");
        let is_of = |identifier: &str| consent.is_of(identifier);
        assert_eq!(
            ["9000000001", "AAAAA0000A", "9000000002"].map(is_of),
            [true, true, false]
        );
        assert_eq!(consent.approved_id(), None);
        assert_eq!(consent.become_status(Revoked, 7), Err(Pending));
        assert_eq!(consent.become_status(Active, 7), Ok(()));
        assert_eq!(
            (consent.approved_id(), consent.changed_ms),
            (Some("id-a"), 7)
        );
    }
}
