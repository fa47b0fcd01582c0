//! What a journey is to reach, and in which order.

use std::borrow::Cow;
use std::fmt;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use provider_core::InvalidRequest;
use provider_core::capability::AggregatorId;
use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::leg::Leg;

/// What is longer is a slip of the pen: nobody is waited for so long.
const LONGEST: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);
const TOO_LONG: &str = "must be 10 years at most";
const LENGTH: &str = "a length of time such as `30d` or `12h`, 10 years at most";
/// How long data may be kept.
const LONGEST_KEPT: SignedDuration = SignedDuration::from_hours(100 * 366 * 24);
const LENGTH_KEPT: &str = "a length of time such as `365d` or `12h`, 100 years at most";
/// Who has accounts.
const OF_ACCOUNTS: &str = "`finpro` or `finpass`";

/// Who carries out a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// Deepvue, for DigiLocker.
    Deepvue,
    /// Finpass, for an account aggregator.
    Finpass,
    /// MoneyOne FinPro, for account aggregators.
    FinPro,
    /// Veriff.
    Veriff,
}

provider_core::named_enum! {
    Provider("provider") {
        Deepvue = "deepvue",
        Finpass = "finpass",
        FinPro = "finpro",
        Veriff = "veriff",
    }
}

/// What a journey is to reach: its legs, whether each is required, and what has to end before it begins. It holds nothing about the
/// person, and has at least one leg. Members that are absent have their defaults.
///
/// ```
/// use kyc_journey::{AccountsPlan, DocumentKind, DocumentsPlan, Leg, Plan, Provider};
///
/// let plan = Plan::new()
///     .set_documents(Some(DocumentsPlan::new([DocumentKind::EAadhaar])))
///     .set_accounts(Some(AccountsPlan::new(Provider::FinPro).set_after([Leg::Documents])));
/// assert!(plan.check().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(provider_core::schemars::JsonSchema),
    schemars(crate = "provider_core::schemars")
)]
// Unknown members are ignored: what is stored may be a newer version's.
#[serde(default)]
#[non_exhaustive]
pub struct Plan {
    /// Documents from DigiLocker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<DocumentsPlan>,
    /// Bank accounts from an account aggregator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<AccountsPlan>,
    /// Who the person is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification: Option<VerificationPlan>,
    /// How long the person has for the consent after the start; 24 hours.
    #[serde(deserialize_with = "length")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub notice: SignedDuration,
    /// How long the journey may take after the consent; 30 days.
    #[serde(deserialize_with = "length")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub deadline: SignedDuration,
    /// How long before the consent's expiry the person is asked to renew it; 48 hours.
    #[serde(deserialize_with = "length")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub renewal: SignedDuration,
    /// How long a call may take, retries of the client included; 60 seconds. A look-up that finds nothing counts only
    /// a minute after this time.
    #[serde(deserialize_with = "length")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub call_deadline: SignedDuration,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            documents: None,
            accounts: None,
            verification: None,
            notice: SignedDuration::from_hours(24),
            deadline: SignedDuration::from_hours(30 * 24),
            renewal: SignedDuration::from_hours(48),
            call_deadline: SignedDuration::from_secs(60),
        }
    }
}

impl Plan {
    /// A plan without legs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Plans documents.
    #[must_use]
    pub fn set_documents(mut self, documents: Option<DocumentsPlan>) -> Self {
        self.documents = documents;
        self
    }

    /// Plans bank accounts.
    #[must_use]
    pub fn set_accounts(mut self, accounts: Option<AccountsPlan>) -> Self {
        self.accounts = accounts;
        self
    }

    /// Plans a verification.
    #[must_use]
    pub fn set_verification(mut self, verification: Option<VerificationPlan>) -> Self {
        self.verification = verification;
        self
    }

    /// How long the journey may take after the consent.
    #[must_use]
    pub fn set_deadline(mut self, deadline: SignedDuration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The planned legs.
    pub fn legs(&self) -> impl Iterator<Item = Leg> + '_ {
        Leg::ALL.iter().copied().filter(|leg| self.has(*leg))
    }

    /// Whether the plan has this leg.
    pub fn has(&self, leg: Leg) -> bool {
        match leg {
            Leg::Documents => self.documents.is_some(),
            Leg::Accounts => self.accounts.is_some(),
            Leg::Verification => self.verification.is_some(),
        }
    }

    /// Who carries out a leg.
    pub fn provider(&self, leg: Leg) -> Provider {
        match leg {
            Leg::Documents => Provider::Deepvue,
            Leg::Accounts => self
                .accounts
                .as_ref()
                .map_or(Provider::FinPro, |plan| plan.provider),
            Leg::Verification => Provider::Veriff,
        }
    }

    /// Whether the journey completes only with this leg.
    pub fn is_required(&self, leg: Leg) -> bool {
        match leg {
            Leg::Documents => self.documents.as_ref().is_some_and(|plan| plan.required),
            Leg::Accounts => self.accounts.as_ref().is_some_and(|plan| plan.required),
            Leg::Verification => self.verification.as_ref().is_some_and(|plan| plan.required),
        }
    }

    /// The legs that have to end before this one begins.
    pub fn after(&self, leg: Leg) -> &[Leg] {
        match leg {
            Leg::Documents => self.documents.as_ref().map_or(&[], |plan| &plan.after),
            Leg::Accounts => self.accounts.as_ref().map_or(&[], |plan| &plan.after),
            Leg::Verification => self.verification.as_ref().map_or(&[], |plan| &plan.after),
        }
    }

    /// Checks that the plan can be carried out.
    ///
    /// # Errors
    ///
    /// It has no leg; a leg waits for one that is not planned, or for itself by way of others; documents are asked for without
    /// saying which; accounts are another company's, or say something that their provider does not read: a flow at FinPro, aggregators,
    /// sessions, a template that fetches by itself or, but for monitoring, a frequency at Finpass; a duration is not positive, or longer
    /// than 10 years: how long data is kept, than 100.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        fn rule(
            holds: bool,
            field: &'static str,
            rule: impl Into<Cow<'static, str>>,
        ) -> Result<(), InvalidRequest> {
            match holds {
                true => Ok(()),
                false => Err(InvalidRequest::new(field, rule)),
            }
        }

        let length = |length: SignedDuration, field| {
            rule(length.is_positive(), field, "must be positive")?;
            rule(length <= LONGEST, field, TOO_LONG)
        };
        rule(self.legs().next().is_some(), "plan", "must have a leg")?;
        for leg in self.legs() {
            let planned = self.after(leg).iter().all(|other| self.has(*other));
            let after = match leg {
                Leg::Documents => "documents.after",
                Leg::Accounts => "accounts.after",
                Leg::Verification => "verification.after",
            };
            rule(planned, after, "must name planned legs")?;
            rule(
                !self.waits_for(leg, leg),
                after,
                "must not lead back to the leg itself",
            )?;
        }
        if let Some(documents) = &self.documents {
            rule(
                !documents.wanted.is_empty(),
                "documents.wanted",
                "must name a document",
            )?;
            length(documents.link, "documents.link")?;
        }
        if let Some(accounts) = &self.accounts {
            let is_aggregator = matches!(accounts.provider, Provider::FinPro | Provider::Finpass);
            rule(
                is_aggregator,
                "accounts.provider",
                format!("must be {OF_ACCOUNTS}"),
            )?;
            for (field, why) in accounts.unread() {
                rule(false, field, format!("must not be given: {why}"))?;
            }
            length(accounts.link, "accounts.link")?;
            rule(
                accounts.every.is_none_or(|every| every.count > 0),
                "accounts.every",
                "must be positive",
            )?;
        }
        let (documents, accounts) = (&self.documents, &self.accounts);
        for (life, field) in [
            (
                documents.as_ref().and_then(|plan| plan.data_life),
                "documents.data_life",
            ),
            (
                accounts.as_ref().and_then(|plan| plan.data_life),
                "accounts.data_life",
            ),
        ] {
            let is_positive = life.is_none_or(|life| life.is_positive());
            rule(is_positive, field, "must be positive")?;
            let is_kept = life.is_none_or(|life| life <= LONGEST_KEPT);
            rule(is_kept, field, "must be 100 years at most")?;
        }
        if let Some(verification) = &self.verification {
            length(verification.review, "verification.review")?;
        }
        for (duration, field) in [
            (self.notice, "notice"),
            (self.deadline, "deadline"),
            (self.call_deadline, "call_deadline"),
        ] {
            length(duration, field)?;
        }
        let is_renewal = !self.renewal.is_negative();
        rule(is_renewal, "renewal", "must not be negative")?;
        rule(self.renewal <= LONGEST, "renewal", TOO_LONG)
    }

    /// Whether a leg waits for another one, directly or by way of others.
    fn waits_for(&self, leg: Leg, other: Leg) -> bool {
        let mut reached: Vec<Leg> = self.after(leg).to_vec();
        let mut next = 0;
        while let Some(before) = reached.get(next).copied() {
            if before == other {
                return true;
            }
            for further in self.after(before) {
                if !reached.contains(further) {
                    reached.push(*further);
                }
            }
            next = next.saturating_add(1);
        }
        false
    }
}

/// A kind of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentKind {
    /// The e-Aadhaar, masked.
    EAadhaar,
    /// The PAN card.
    Pan,
    /// The driving licence.
    DrivingLicence,
}

provider_core::named_enum! {
    DocumentKind("document") {
        EAadhaar = "e_aadhaar",
        Pan = "pan",
        DrivingLicence = "driving_licence",
    }
}

/// The documents that are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(provider_core::schemars::JsonSchema),
    schemars(crate = "provider_core::schemars")
)]
#[non_exhaustive]
pub struct DocumentsPlan {
    /// Whether the journey completes only with them; yes. Documents that the person does not have are `missing` in the leg, which ends well
    /// all the same if there is any.
    #[serde(default = "yes")]
    pub required: bool,
    /// The legs that have to end well before.
    #[serde(default)]
    pub after: Vec<Leg>,
    /// The kinds of documents.
    pub wanted: Vec<DocumentKind>,
    /// How long the person has for the link; 60 minutes. The provider documents no lifetime.
    #[serde(default = "an_hour", deserialize_with = "length")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub link: SignedDuration,
    /// Whether a return must name the session; yes. Without, the token in the address of the return has to do.
    #[serde(default = "yes")]
    pub return_names_session: bool,
    /// How long the documents are kept after the leg ended; `None`: until the journey is forgotten.
    #[serde(
        default,
        deserialize_with = "length_kept",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub data_life: Option<SignedDuration>,
}

impl DocumentsPlan {
    /// Required, with these documents.
    pub fn new(wanted: impl IntoIterator<Item = DocumentKind>) -> Self {
        Self {
            required: true,
            after: Vec::new(),
            wanted: wanted.into_iter().collect(),
            link: an_hour(),
            return_names_session: true,
            data_life: None,
        }
    }

    /// Whether the journey completes only with them.
    #[must_use]
    pub fn set_required(mut self, required: bool) -> Self {
        self.required = required;
        self
    }

    /// The legs that have to end well before.
    #[must_use]
    pub fn set_after(mut self, after: impl IntoIterator<Item = Leg>) -> Self {
        self.after = after.into_iter().collect();
        self
    }

    /// How long the person has for the link.
    #[must_use]
    pub fn set_link(mut self, link: SignedDuration) -> Self {
        self.link = link;
        self
    }

    /// Whether a return must name the session.
    #[must_use]
    pub fn set_return_names_session(mut self, names: bool) -> Self {
        self.return_names_session = names;
        self
    }

    /// How long the documents are kept after the leg ended.
    #[must_use]
    pub fn set_data_life(mut self, data_life: Option<SignedDuration>) -> Self {
        self.data_life = data_life;
        self
    }
}

/// A unit of the calendar, in India's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CalendarUnit {
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month: from the 31st to the last day of a shorter one.
    Month,
    /// A year.
    Year,
}

provider_core::named_enum! {
    CalendarUnit("unit") {
        Day = "day",
        Week = "week",
        Month = "month",
        Year = "year",
    }
}

/// How often data is fetched again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(provider_core::schemars::JsonSchema),
    schemars(crate = "provider_core::schemars")
)]
pub struct Frequency {
    /// How many units lie between two fetches.
    pub count: u16,
    /// The unit.
    pub unit: CalendarUnit,
}

/// The flow of Finpass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FinpassFlow {
    /// Account aggregator: data is fetched once.
    Underwriting,
    /// Account aggregator: data is refreshed while a loan runs.
    Monitoring,
    /// The analyzer's journey.
    Analyzer,
}

provider_core::named_enum! {
    FinpassFlow("flow") {
        Underwriting = "underwriting",
        Monitoring = "monitoring",
        Analyzer = "analyzer",
    }
}

/// The bank accounts that are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(provider_core::schemars::JsonSchema),
    schemars(crate = "provider_core::schemars")
)]
#[non_exhaustive]
pub struct AccountsPlan {
    /// FinPro or Finpass.
    #[serde(deserialize_with = "of_accounts")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", extend("enum" = ["finpass", "finpro"]))
    )]
    pub provider: Provider,
    /// Whether the journey completes only with them; yes.
    #[serde(default = "yes")]
    pub required: bool,
    /// The legs that have to end well before.
    #[serde(default)]
    pub after: Vec<Leg>,
    /// How long the person has for the link; 24 hours.
    #[serde(default = "a_day", deserialize_with = "length")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub link: SignedDuration,
    /// FinPro: the aggregators to ask about, the preferred one first, by the ids that FinPro lists: any are taken, and one that it does not
    /// have is found when it is asked.
    #[serde(default)]
    pub aggregators: Vec<AggregatorId>,
    /// FinPro: the aggregator if none answered; the first one else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_aggregator: Option<AggregatorId>,
    /// FinPro: whether the consent's template fetches data by itself, so that no data session is requested; no.
    #[serde(default)]
    pub fetches_by_itself: bool,
    /// How often data is fetched again, at Finpass in the flow `monitoring` alone; `None`: once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Frequency>,
    /// Finpass: the flow; `underwriting`. At FinPro there is none, and another one is refused.
    #[serde(default = "underwriting")]
    pub flow: FinpassFlow,
    /// FinPro: how many data sessions may be requested within 30 days, by the terms of the consent; `None`: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_a_month: Option<u32>,
    /// How long data is kept, as the consent's artefact says; `None`: until the journey is forgotten.
    #[serde(
        default,
        deserialize_with = "length_kept",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub data_life: Option<SignedDuration>,
}

impl AccountsPlan {
    /// What is said of another provider or flow, and why nothing reads it. What a member has by default says nothing.
    fn unread(&self) -> Vec<(&'static str, &'static str)> {
        const NO_CHOICE: &str = "Finpass has no choice of aggregator";

        let is_monitoring = self.flow == FinpassFlow::Monitoring;
        let of_finpass = [(
            self.flow != underwriting(),
            "accounts.flow",
            "FinPro has no flows, which are Finpass's",
        )];
        let of_finpro = [
            (
                !self.aggregators.is_empty(),
                "accounts.aggregators",
                NO_CHOICE,
            ),
            (
                self.default_aggregator.is_some(),
                "accounts.default_aggregator",
                NO_CHOICE,
            ),
            (
                self.fetches_by_itself,
                "accounts.fetches_by_itself",
                "Finpass has no template of a consent",
            ),
            (
                self.sessions_a_month.is_some(),
                "accounts.sessions_a_month",
                "Finpass has no data sessions",
            ),
            (
                self.every.is_some() && !is_monitoring,
                "accounts.every",
                "at Finpass the flow `monitoring` alone fetches again",
            ),
        ];
        let others: &[_] = match self.provider {
            Provider::FinPro => &of_finpass,
            Provider::Finpass => &of_finpro,
            Provider::Deepvue | Provider::Veriff => &[],
        };
        let given = others.iter().filter(|(is_given, ..)| *is_given);
        given.map(|(_, field, why)| (*field, *why)).collect()
    }

    /// Required, by this provider.
    pub fn new(provider: Provider) -> Self {
        Self {
            provider,
            required: true,
            after: Vec::new(),
            link: a_day(),
            aggregators: Vec::new(),
            default_aggregator: None,
            fetches_by_itself: false,
            every: None,
            flow: FinpassFlow::Underwriting,
            sessions_a_month: None,
            data_life: None,
        }
    }

    /// Whether the journey completes only with them.
    #[must_use]
    pub fn set_required(mut self, required: bool) -> Self {
        self.required = required;
        self
    }

    /// The legs that have to end well before.
    #[must_use]
    pub fn set_after(mut self, after: impl IntoIterator<Item = Leg>) -> Self {
        self.after = after.into_iter().collect();
        self
    }

    /// How long the person has for the link.
    #[must_use]
    pub fn set_link(mut self, link: SignedDuration) -> Self {
        self.link = link;
        self
    }

    /// FinPro: the aggregators to ask about, the preferred one first.
    #[must_use]
    pub fn set_aggregators(mut self, aggregators: impl IntoIterator<Item = AggregatorId>) -> Self {
        self.aggregators = aggregators.into_iter().collect();
        self
    }

    /// FinPro: the aggregator if none answered.
    #[must_use]
    pub fn set_default_aggregator(mut self, aggregator: Option<AggregatorId>) -> Self {
        self.default_aggregator = aggregator;
        self
    }

    /// FinPro: whether the consent's template fetches data by itself.
    #[must_use]
    pub fn set_fetches_by_itself(mut self, fetches: bool) -> Self {
        self.fetches_by_itself = fetches;
        self
    }

    /// How often data is fetched again, at Finpass in the flow `monitoring` alone.
    #[must_use]
    pub fn set_every(mut self, every: Option<Frequency>) -> Self {
        self.every = every;
        self
    }

    /// Finpass: the flow.
    #[must_use]
    pub fn set_flow(mut self, flow: FinpassFlow) -> Self {
        self.flow = flow;
        self
    }

    /// FinPro: how many data sessions may be requested within 30 days.
    #[must_use]
    pub fn set_sessions_a_month(mut self, sessions: Option<u32>) -> Self {
        self.sessions_a_month = sessions;
        self
    }

    /// How long data is kept.
    #[must_use]
    pub fn set_data_life(mut self, data_life: Option<SignedDuration>) -> Self {
        self.data_life = data_life;
        self
    }
}

/// The verification that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(provider_core::schemars::JsonSchema),
    schemars(crate = "provider_core::schemars")
)]
#[serde(default)]
#[non_exhaustive]
pub struct VerificationPlan {
    /// Whether the journey completes only with it; yes.
    pub required: bool,
    /// The legs that have to end well before.
    pub after: Vec<Leg>,
    /// Whether the consent is recorded at Veriff; yes.
    pub records_consent: bool,
    /// How long a person at Veriff may take before an operator is asked to look; 72 hours.
    #[serde(deserialize_with = "length")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub review: SignedDuration,
    /// Whether the session is deleted at Veriff when the person's data is erased; yes. Veriff enables it on request.
    pub deletes_session: bool,
}

impl Default for VerificationPlan {
    fn default() -> Self {
        Self {
            required: true,
            after: Vec::new(),
            records_consent: true,
            review: SignedDuration::from_hours(72),
            deletes_session: true,
        }
    }
}

impl VerificationPlan {
    /// Required.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the journey completes only with it.
    #[must_use]
    pub fn set_required(mut self, required: bool) -> Self {
        self.required = required;
        self
    }

    /// The legs that have to end well before.
    #[must_use]
    pub fn set_after(mut self, after: impl IntoIterator<Item = Leg>) -> Self {
        self.after = after.into_iter().collect();
        self
    }

    /// Whether the consent is recorded at Veriff.
    #[must_use]
    pub fn set_records_consent(mut self, records: bool) -> Self {
        self.records_consent = records;
        self
    }

    /// Whether the session is deleted at Veriff when the person's data is erased.
    #[must_use]
    pub fn set_deletes_session(mut self, deletes: bool) -> Self {
        self.deletes_session = deletes;
        self
    }
}

/// A time after another one; the last one that can be written where there is none.
pub(crate) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Reads a length of time, in which a day is 24 hours. An error says which form it has, and never the value.
fn length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedDuration, D::Error> {
    deserializer.deserialize_str(Length(LENGTH))
}

/// The same of how long data is kept.
fn length_kept<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SignedDuration>, D::Error> {
    struct Kept;

    impl<'de> Visitor<'de> for Kept {
        type Value = Option<SignedDuration>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(LENGTH_KEPT)
        }

        fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, some: D) -> Result<Self::Value, D::Error> {
            some.deserialize_str(Length(LENGTH_KEPT)).map(Some)
        }
    }

    deserializer.deserialize_option(Kept)
}

struct Length(&'static str);

impl Visitor<'_> for Length {
    type Value = SignedDuration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SignedDuration, E> {
        let in_days = |span: Span| span.to_duration(SpanRelativeTo::days_are_24_hours());
        let length = text
            .parse()
            .or_else(|_| text.parse::<Span>().and_then(in_days));
        length.map_err(|_| E::invalid_value(Unexpected::Other("another text"), &self))
    }
}

/// Reads who has accounts: of the providers, only two have any.
fn of_accounts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Provider, D::Error> {
    struct OfAccounts;

    impl Visitor<'_> for OfAccounts {
        type Value = Provider;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(OF_ACCOUNTS)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Provider, E> {
            [Provider::FinPro, Provider::Finpass]
                .into_iter()
                .find(|provider| provider.as_str() == text)
                .ok_or_else(|| E::invalid_value(Unexpected::Other("another name"), &self))
        }
    }

    deserializer.deserialize_str(OfAccounts)
}

fn yes() -> bool {
    true
}

fn an_hour() -> SignedDuration {
    SignedDuration::from_hours(1)
}

fn a_day() -> SignedDuration {
    SignedDuration::from_hours(24)
}

fn underwriting() -> FinpassFlow {
    FinpassFlow::Underwriting
}
