//! Account bodies in the forms of ReBIT's schemas, as live documents have them: versions mixed, a list of one without the list,
//! numbers as text, and empty text where there is nothing.

mod deposits;
mod gst;
mod insurance;
mod investments;
mod pension;
mod record;

use std::fmt;
use std::marker::PhantomData;

use provider_core::jiff::Timestamp;
use provider_core::jiff::civil::{Date as CivilDate, DateTime};
use provider_core::jiff::tz::{Offset, TimeZone};
use provider_core::lenient::Read;
use provider_core::{Amount, Items, Masked};
use serde::Deserializer;
use serde::de::{MapAccess, SeqAccess};

pub use self::deposits::{
    DepositSummary, DepositTransaction, Pending, PendingTransactions, TermDepositSummary,
};
pub use self::gst::{
    B2bDetails, B2bInvoice, BusinessDetails, GstProfile, GstReturns, Gstr1, Gstr1Details, Gstr3b,
    Gstr3bDetails, InvoiceItems, Supplies, TaxAmounts,
};
pub use self::insurance::{
    Cover, Covers, InsuranceSummary, InsuranceTransaction, MoneyBack, MoneyBacks,
};
pub use self::investments::{
    EquityHolding, EquityTransaction, EtfHolding, EtfTransaction, Holdings, Investment,
    InvestmentSummary, MutualFundHolding, MutualFundTransaction, SecurityHolding,
    SecurityTransaction, SipHolding, SipPlan, SipPlans, SipScheme, SipSchemes, SipTransaction,
};
pub use self::pension::{
    NpsHoldings, NpsSummary, NpsTransaction, NpsTransactions, SchemeChoice, SchemeChoices,
    Tier1InvestmentTransactions, Tier1SchemeTransactions, Tier2InvestmentTransactions,
    Tier2SchemeTransactions, TierHolding, TierHoldings,
};
use self::record::{Elements, Field, OneOrMany, Record, records};
use crate::FiAccount;

type Text = Read<Masked>;
type Money = Read<Amount>;
type Date = Read<DateText>;
type Flag = Read<bool>;
type Direct = Read<Direction>;
type Means = Read<Mode>;

provider_core::open_enum! {
    /// Which way a row goes, or what it is: the words of all schemas.
    pub enum Direction {
        /// Money in.
        Credit = "CREDIT",
        /// Money out.
        Debit = "DEBIT",
        /// A deposit was opened.
        Opening = "OPENING",
        /// Interest.
        Interest = "INTEREST",
        /// Tax deducted at source.
        Tds = "TDS",
        /// An instalment.
        Installment = "INSTALLMENT",
        /// A deposit was closed.
        Closing = "CLOSING",
        /// Bought.
        Buy = "BUY",
        /// Sold.
        Sell = "SELL",
        /// A bonus.
        Bonus = "BONUS",
        /// Shares were split.
        Split = "SPLIT",
        /// A dividend.
        Dividend = "DIVIDEND",
        /// Rights.
        Rights = "RIGHTS",
        /// A premium was paid.
        PremiumPayment = "PREMIUM_PAYMENT",
        /// A claim.
        Claim = "CLAIM",
        /// A contribution.
        Contribution = "CONTRIBUTION",
        /// A withdrawal.
        Withdrawal = "WITHDRAWAL",
        /// Anything else.
        Others = "OTHERS",
    }
}

provider_core::open_enum! {
    /// By what means money moved: the words of versions 1 and 2. `OTHERS` is also what some banks call UPI.
    pub enum Mode {
        /// Cash.
        Cash = "CASH",
        /// A cash machine; version 1.
        Atm = "ATM",
        /// A card.
        Card = "CARD",
        /// A card; term deposits.
        CardPayment = "CARD_PAYMENT",
        /// The Unified Payments Interface.
        Upi = "UPI",
        /// A transfer of funds; version 1.
        Ft = "FT",
        /// Immediate payment; version 2, and so are the following.
        Imps = "IMPS",
        /// A transfer by NEFT.
        Neft = "NEFT",
        /// A transfer by RTGS.
        Rtgs = "RTGS",
        /// A cheque.
        Cheque = "CHEQUE",
        /// A demand draft.
        DemandDraft = "DEMAND_DRAFT",
        /// A standing order.
        AutoDebit = "AUTO_DEBIT",
        /// Interest.
        InterestCredit = "INTEREST_CREDIT",
        /// A mandate.
        Nach = "NACH",
        /// Electronic clearing.
        Ecs = "ECS",
        /// A remittance.
        Remittance = "REMITTANCE",
        /// Anything else.
        Others = "OTHERS",
    }
}

/// A date or a time as it came. Documents have several forms of both. `Debug` prints nothing of it: it may be one of birth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateText(Masked);

impl From<&str> for DateText {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

/// A moment, and whether its document says in which zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Moment {
    /// The moment.
    pub timestamp: Timestamp,
    /// No offset was given, and that of India was taken.
    pub offset_assumed: bool,
}

impl DateText {
    /// The text as it came.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The date: `2025-08-06`, alone or before a time, `06-08-2025`, `06/08/2025` or `06-AUG-2025`. Years of two digits and months
    /// alone are none.
    pub fn date(&self) -> Option<CivilDate> {
        const MONTHS: [&str; 12] = [
            "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
        ];
        let text = self.expose().trim();
        let text = text.split(['T', 't', ' ']).next().unwrap_or_default();
        let mut parts = text.split(['-', '/']);
        let (first, month, last) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let digits = |text: &str, length: usize| -> Option<i16> {
            let is_number = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| is_number)
        };
        let (year, day) = match first.len() {
            4 => (digits(first, 4)?, digits(last, 2)?),
            _ => (digits(last, 4)?, digits(first, 2)?),
        };
        let named = || {
            let mut months = MONTHS.iter();
            let index = months.position(|name| name.eq_ignore_ascii_case(month))?;
            i16::try_from(index.checked_add(1)?).ok()
        };
        let month = digits(month, 2).or_else(named)?;
        CivilDate::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    }

    /// The moment: ISO 8601 with an offset, or without one, which counts as India's, +05:30. A date alone is none. A moment
    /// at midnight UTC often means the day.
    pub fn moment(&self) -> Option<Moment> {
        let text = self.expose().trim();
        if let Ok(timestamp) = text.parse() {
            return Some(Moment {
                timestamp,
                offset_assumed: false,
            });
        }
        if !text.contains([':']) {
            return None;
        }
        let local: DateTime = text.parse().ok()?;
        let india = Offset::from_seconds(19_800).ok()?;
        let zoned = local.to_zoned(TimeZone::fixed(india)).ok()?;
        Some(Moment {
            timestamp: zoned.timestamp(),
            offset_assumed: true,
        })
    }
}

records! {
    /// A holder of an account. A mobile number may begin with 91, an e-mail address may lack its domain.
    Holder {
        name: Text = "name";
        dob: Date = "dob";
        mobile: Text = "mobile";
        landline: Text = "landline";
        address: Text = "address";
        email: Text = "email";
        pan: Text = "pan";
        /// `REGISTERED` or `NOT-REGISTERED`.
        nominee: Text = "nominee";
        /// `YES`, `NO` or `NO_DATA_AVAILABLE`, and a truth value in version 1.
        ckyc: Text = "ckycRegistered" | "ckycCompliance" | "kycCompliance";
        demat_id: Text = "dematId";
        folio_no: Text = "folioNo";
        pran_id: Text = "pranId";
        rank: Text = "rank";
        bo_id: Text = "boId";
        dp_id: Text = "dpId";
        broker_name: Text = "brokerName";
    }

    /// The holders of an account.
    Holders {
        /// `SINGLE` or `JOINT`.
        kind: Text = "type";
        holder: Items<Holder> = "holder";
    }

    /// Whose an account is.
    Profile {
        /// Where FinPro's page has it without holders around it.
        kind: Text = "type";
        holders: Option<Holders> = "holders";
    }

    /// The rows of an account, as an object.
    RowList<R> {
        start_date: Date = "startDate";
        end_date: Date = "endDate";
        rows: Items<R> = "transaction";
    }

    /// An account in the form that deposits, investments and insurance have in common. What a document does not have is absent;
    /// all three sections may be.
    AccountBody<S, R> {
        /// Of the schema: `2.0.0` and the like; often absent.
        version: Text = "version";
        link: Text = "linkReferenceNumber" | "linkedAccRef" | "linkRefNumber" | "linkRefNo" | "link_ref_number";
        masked_account_number: Text = "maskedAccountNumber" | "maskedAccNumber" | "masked_account_number";
        masked_demat_id: Text = "maskedDematId" | "maskedDematID";
        masked_folio_no: Text = "maskedFolioNo";
        masked_policy_number: Text = "maskedPolicyNumber";
        profile: Option<Profile> = "profile";
        /// Where FinPro's page has them beside the profile.
        holder: Items<Holder> = "holder";
        summary: Option<S> = "summary";
        /// Where FinPro's page has it beside the summary.
        balance: Option<S> = "balance";
        transactions: Transactions<R> = "transactions";
    }

    /// A pension account, whose rows are four lists.
    NpsAccount {
        version: Text = "version";
        link: Text = "linkReferenceNumber" | "linkedAccRef" | "linkRefNumber" | "linkRefNo" | "link_ref_number";
        masked_account_number: Text = "maskedAccountNumber" | "maskedAccNumber" | "masked_account_number";
        profile: Option<Profile> = "profile";
        summary: Option<NpsSummary> = "summary";
        transactions: Option<NpsTransactions> = "transactions";
    }
}

impl<S, R> AccountBody<S, R> {
    /// The holders, wherever the document has them.
    pub fn holders(&self) -> &[Holder] {
        match self
            .profile
            .as_ref()
            .and_then(|profile| profile.holders.as_ref())
        {
            Some(holders) if !holders.holder.is_empty() => &holders.holder,
            _ => &self.holder,
        }
    }
}

/// The rows of an account, and from when until when they are.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Transactions<R> {
    /// From when.
    pub start_date: Read<DateText>,
    /// Until when.
    pub end_date: Read<DateText>,
    /// The rows. Their order says nothing. This client sets aside one that it cannot read, see [`Items::unread`].
    pub rows: Items<R>,
}

impl<R> Default for Transactions<R> {
    fn default() -> Self {
        RowList::default().into()
    }
}

impl<R> From<RowList<R>> for Transactions<R> {
    fn from(list: RowList<R>) -> Self {
        let RowList {
            start_date,
            end_date,
            rows,
        } = list;
        Self {
            start_date,
            end_date,
            rows,
        }
    }
}

/// Prints nothing of it, which is personal data.
impl<R> fmt::Debug for Transactions<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transactions").finish_non_exhaustive()
    }
}

/// An object of ReBIT's schemas, or the list of rows alone of FinPro's page.
impl<R: Record> Elements for Transactions<R> {
    fn of_object<'de, const DIRECT: bool, A: MapAccess<'de>>(members: A) -> Result<Self, A::Error> {
        RowList::of_members::<DIRECT, A>(members).map(Into::into)
    }

    fn of_list<'de, const DIRECT: bool, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Ok(Self {
            rows: Items::of_list::<DIRECT, A>(list)?,
            ..Self::default()
        })
    }
}

impl<R: Record> Field for Transactions<R> {
    fn read<'de, const DIRECT: bool, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMany::<_, DIRECT>(PhantomData))
    }

    fn add(&mut self, other: Self) {
        if self.rows.is_empty() {
            *self = other;
        }
    }
}

provider_core::open_enum! {
    /// The kind of an account.
    pub enum FiKind {
        /// Savings and current accounts.
        Deposit = "DEPOSIT",
        /// Term deposits.
        TermDeposit = "TERM_DEPOSIT",
        /// Recurring deposits.
        RecurringDeposit = "RECURRING_DEPOSIT",
        /// Mutual funds.
        MutualFunds = "MUTUAL_FUNDS",
        /// Shares.
        Equities = "EQUITIES",
        /// Exchange-traded funds.
        Etf = "ETF",
        /// Instalments into funds.
        Sip = "SIP",
        /// Commercial paper.
        Cp = "CP",
        /// Government securities.
        GovtSecurities = "GOVT_SECURITIES",
        /// Bonds.
        Bonds = "BONDS",
        /// Debentures.
        Debentures = "DEBENTURES",
        /// Depository receipts.
        Idr = "IDR",
        /// Collective investment schemes.
        Cis = "CIS",
        /// Alternative investment funds.
        Aif = "AIF",
        /// Infrastructure investment trusts.
        Invit = "INVIT",
        /// Real estate investment trusts.
        Reit = "REIT",
        /// Insurance, the withdrawn draft.
        InsurancePolicies = "INSURANCE_POLICIES",
        /// Life insurance.
        LifeInsurance = "LIFE_INSURANCE",
        /// General insurance.
        GeneralInsurance = "GENERAL_INSURANCE",
        /// The National Pension System.
        Nps = "NPS",
        /// Returns of goods and services tax.
        Gst = "GSTR1_3B",
    }
}

impl FiKind {
    /// The kind in any spelling: `TERM-DEPOSIT`, `mutualfunds`, `mutual_funds`, and `insurance` for the withdrawn draft.
    pub fn of(text: &str) -> Self {
        let plain = text.replace(['_', '-'], "").to_ascii_uppercase();
        let listed = match plain.as_str() {
            "TERMDEPOSIT" => "TERM_DEPOSIT",
            "RECURRINGDEPOSIT" => "RECURRING_DEPOSIT",
            "MUTUALFUNDS" => "MUTUAL_FUNDS",
            "GOVTSECURITIES" => "GOVT_SECURITIES",
            "INSURANCE" | "INSURANCEPOLICIES" => "INSURANCE_POLICIES",
            "LIFEINSURANCE" => "LIFE_INSURANCE",
            "GENERALINSURANCE" => "GENERAL_INSURANCE",
            "GSTR13B" => "GSTR1_3B",
            "REITS" => "REIT",
            other => other,
        };
        match Self::from(listed) {
            Self::Unknown(_) => Self::from(text),
            known => known,
        }
    }
}

/// A form that an account is read in: see [`FiAccount::read_as`].
pub trait FiForm: private::Form {
    /// The kinds of accounts that have it.
    const KINDS: &'static [FiKind];
}

mod private {
    #[expect(unnameable_types, reason = "nobody else implements it")]
    pub trait Form: Sized {
        /// Reads a whole account.
        fn of_json(json: &str) -> serde_json::Result<Self>;

        /// Whether there is nothing in it.
        fn is_empty(&self) -> bool;
    }
}

macro_rules! forms {
    ($($(#[$meta:meta])* $name:ident = ($summary:ty, $row:ty): $($kind:ident)|+;)+) => {$(
        $(#[$meta])*
        pub type $name = AccountBody<$summary, $row>;

        impl private::Form for $name {
            fn of_json(json: &str) -> serde_json::Result<Self> {
                record::record(json)
            }

            fn is_empty(&self) -> bool {
                let rows = &self.transactions.rows;
                let sections = self.summary.is_some() || self.balance.is_some() || self.profile.is_some();
                !sections && self.holder.is_empty() && rows.is_empty() && rows.unread_count() == 0
            }
        }

        impl FiForm for $name {
            const KINDS: &'static [FiKind] = &[$(FiKind::$kind),+];
        }
    )+};
}

forms! {
    /// A savings or current account.
    DepositAccount = (DepositSummary, DepositTransaction): Deposit;
    /// A term or recurring deposit.
    TermDepositAccount = (TermDepositSummary, DepositTransaction): TermDeposit | RecurringDeposit;
    /// Units of mutual funds.
    MutualFundAccount = (InvestmentSummary<MutualFundHolding>, MutualFundTransaction): MutualFunds;
    /// Shares.
    EquityAccount = (InvestmentSummary<EquityHolding>, EquityTransaction): Equities;
    /// Units of exchange-traded funds.
    EtfAccount = (InvestmentSummary<EtfHolding>, EtfTransaction): Etf;
    /// Instalments into funds.
    SipAccount = (InvestmentSummary<SipHolding>, SipTransaction): Sip;
    /// Other securities.
    SecurityAccount = (InvestmentSummary<SecurityHolding>, SecurityTransaction):
        Cp | GovtSecurities | Bonds | Debentures | Idr | Cis | Aif | Invit | Reit;
    /// A policy.
    InsuranceAccount = (InsuranceSummary, InsuranceTransaction): InsurancePolicies | LifeInsurance | GeneralInsurance;
}

impl private::Form for NpsAccount {
    fn of_json(json: &str) -> serde_json::Result<Self> {
        record::record(json)
    }

    fn is_empty(&self) -> bool {
        self.summary.is_none() && self.transactions.is_none() && self.profile.is_none()
    }
}

impl FiForm for NpsAccount {
    const KINDS: &'static [FiKind] = &[FiKind::Nps];
}

impl private::Form for GstReturns {
    fn of_json(json: &str) -> serde_json::Result<Self> {
        record::record(json)
    }

    fn is_empty(&self) -> bool {
        self.gstr1.is_none() && self.gstr3b.is_none() && self.profile.is_none()
    }
}

impl FiForm for GstReturns {
    const KINDS: &'static [FiKind] = &[FiKind::Gst];
}

/// Why an account could not be read in a form. Its JSON is in [`FiAccount::json`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FormError {
    /// The account says that it is of another kind. Ask [`FiAccount::kind`] before.
    OtherKind,
    /// A member's name cannot be read, such as half a character.
    Unreadable,
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherKind => "the account is of another kind",
            Self::Unreadable => "the account has a member whose name cannot be read",
        })
    }
}

impl std::error::Error for FormError {}

impl FiAccount {
    /// The kind, if the account says it.
    pub fn kind(&self) -> Option<FiKind> {
        self.fi_type.as_deref().map(FiKind::of)
    }

    /// The account in the form of its kind.
    ///
    /// The form is lenient, because live documents mix versions and platforms (`[3p]`, `[derived]`): a leaf that cannot be read is
    /// [`Read::Unreadable`], a row that is no object is set aside, and what no schema has is only in the [JSON](Self::json). Money
    /// is read exactly and never through a float.
    ///
    /// ```
    /// use finpro_fiu::FiAccount;
    /// use finpro_fiu::finpro_profile::provider_core::serde_json;
    /// use finpro_fiu::rebit::DepositAccount;
    ///
    /// let account: FiAccount = serde_json::from_str(
    ///     r#"{"fiType":"DEPOSIT","Summary":{"currentBalance":"101666.33","ifscCode":""},
    ///         "Transactions":{"Transaction":{"type":"DEBIT","amount":1239.0}}}"#,
    /// )?;
    /// let deposit: DepositAccount = account.read_as()?;
    /// let summary = deposit.summary.as_ref().unwrap();
    /// assert_eq!(summary.current_balance.value().unwrap().to_text(), "101666.33");
    /// assert!(summary.ifsc.value().is_none());
    /// assert_eq!(deposit.transactions.rows[0].amount.value().unwrap().to_text(), "1239.0");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`FormError::OtherKind`], where the account says its kind, and [`FormError::Unreadable`].
    pub fn read_as<T: FiForm>(&self) -> Result<T, FormError> {
        if self.kind().is_some_and(|kind| !T::KINDS.contains(&kind)) {
            return Err(FormError::OtherKind);
        }
        let read = |json: &str| T::of_json(json).map_err(|_| FormError::Unreadable);
        let account = read(self.json())?;
        // Some platforms have an element around all others.
        match account
            .is_empty()
            .then(|| self.section("account"))
            .flatten()
        {
            Some(inner) if inner.starts_with('{') => read(inner),
            _ => Ok(account),
        }
    }
}
