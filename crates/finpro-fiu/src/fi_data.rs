//! Reading the data of a consent that is ready.

use std::time::Duration;

use finpro_profile::{Envelope, Finpro};
use provider_core::{
    BuiltRequest, Content, DecodeError, Endpoint, Idempotency, InvalidRequest, Mark, Operation,
    RequestBuilder, ResponseError, Verified, check_pdf,
};
use serde::{Deserialize, Serialize};

use crate::endpoint::post;
use crate::values::{check_not_empty, rule};
use crate::{AccountId, ConsentId, FiAccounts, LinkRefNumber, TransactionId, UtcTime, xml};

/// Accounts of years are long.
const MAX_REPLY_BYTES: usize = 64 * 1024 * 1024;

/// The data of all accounts (`[docs]`). What `limit` and `offset` do is described as limiting and offsetting records, by a
/// size that the platform sets; how a second page is asked for is not documented (`[unknown]`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("allOf" = [{"oneOf": [{"required": ["consentID"]}, {"required": ["accountID"]}, {"required": ["transactionId"]}]}])))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct GetAllFiData {
    /// The aggregator's id of the consent, from list-consents-v3 or the webhook CONSENT_APPROVED; it, accountID or
    /// transactionId is required
    #[serde(rename = "consentID", default, skip_serializing_if = "Option::is_none")]
    consent_id: Option<ConsentId>,
    /// Your reference of the account or application, instead of the consent
    #[serde(rename = "accountID", default, skip_serializing_if = "Option::is_none")]
    account_id: Option<AccountId>,
    /// The id of an orchestrated journey, the transaction_id of request-consent-v3, instead of the consent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transaction_id: Option<TransactionId>,
    /// Transactions from then on only, such as 2030-01-01T00:00:00Z
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transactions_start_date: Option<UtcTime>,
    /// Transactions until then only
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transactions_end_date: Option<UtcTime>,
    /// Whether records are limited
    #[cfg_attr(feature = "schema", schemars(extend("x-query" = "limit")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<bool>,
    /// Whether records are offset
    #[cfg_attr(feature = "schema", schemars(extend("x-query" = "offset")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offset: Option<bool>,
}

provider_core::request! { GetAllFiData }

impl GetAllFiData {
    /// Reads the accounts of a consent.
    pub fn of_consent(consent: ConsentId) -> Self {
        Self {
            consent_id: Some(consent),
            ..Self::default()
        }
    }

    /// Reads the accounts by your own reference (`[docs]`, an error's text).
    pub fn of_account(account: AccountId) -> Self {
        Self {
            account_id: Some(account),
            ..Self::default()
        }
    }

    /// Reads the accounts of an orchestrated journey (`[docs]`, a guide).
    pub fn of_transaction(transaction: TransactionId) -> Self {
        Self {
            transaction_id: Some(transaction),
            ..Self::default()
        }
    }

    /// Reads transactions of this range only.
    #[must_use]
    pub fn set_range(mut self, from: UtcTime, to: UtcTime) -> Self {
        self.transactions_start_date = Some(from);
        self.transactions_end_date = Some(to);
        self
    }

    /// Sends `limit` and `offset`.
    #[must_use]
    pub fn set_paging(mut self, limit: bool, offset: bool) -> Self {
        (self.limit, self.offset) = (Some(limit), Some(offset));
        self
    }
}

impl Endpoint for GetAllFiData {
    type Provider = Finpro;
    type Output = Envelope<FiAccounts>;

    const OPERATION: Operation = read("get-all-fi-data", "POST /getallfidata");

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Finpro>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        let given = [
            self.consent_id.is_some(),
            self.account_id.is_some(),
            self.transaction_id.is_some(),
        ];
        const FIELD: &str = "consentID";
        match given.into_iter().filter(|given| *given).count() {
            0 => rule(false, FIELD, "it, accountID or transactionId must be given"),
            1 => Ok(()),
            _ => rule(
                false,
                FIELD,
                "only one of it, accountID and transactionId must be given",
            ),
        }?;
        self.consent_id.as_ref().map_or(Ok(()), ConsentId::check)?;
        let (from, to) = (self.transactions_start_date, self.transactions_end_date);
        UtcTime::check_range(from, to, "transactionsEndDate")?;
        let paging = (self.limit, self.offset);
        let body = Self {
            limit: None,
            offset: None,
            ..self.clone()
        };
        paged(request, paging).json(&body)
    }

    fn response(&self, response: &Verified) -> Result<Self::Output, ResponseError> {
        Envelope::read(response)
    }
}

/// The booleans in the query.
fn paged<'a>(
    request: RequestBuilder<'a, Finpro>,
    (limit, offset): (Option<bool>, Option<bool>),
) -> RequestBuilder<'a, Finpro> {
    let word = |flag: Option<bool>| flag.map(|flag| if flag { "true" } else { "false" });
    request
        .optional_query("limit", word(limit))
        .optional_query("offset", word(offset))
}

/// The statement of accounts as a PDF (`[docs]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct GetAllFiDataPdf {
    /// The aggregator's id of the consent, from list-consents-v3 or the webhook CONSENT_APPROVED
    #[serde(rename = "consentID")]
    consent_id: ConsentId,
    /// The accounts' linkRefNumber, from fi-request-status
    link_ref_number: Vec<LinkRefNumber>,
    /// Transactions from then on only, such as 2030-01-01T00:00:00Z
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transactions_start_date: Option<UtcTime>,
    /// Transactions until then only
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transactions_end_date: Option<UtcTime>,
}

provider_core::request! { GetAllFiDataPdf }

impl GetAllFiDataPdf {
    /// Reads the statement of these accounts.
    pub fn new(consent: ConsentId, links: impl IntoIterator<Item = LinkRefNumber>) -> Self {
        Self {
            consent_id: consent,
            link_ref_number: links.into_iter().collect(),
            transactions_start_date: None,
            transactions_end_date: None,
        }
    }

    /// Reads transactions of this range only. The names of the members are those of the JSON call.
    #[must_use]
    pub fn set_range(mut self, from: UtcTime, to: UtcTime) -> Self {
        self.transactions_start_date = Some(from);
        self.transactions_end_date = Some(to);
        self
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        self.consent_id.check()?;
        check_not_empty(&self.link_ref_number, "linkRefNumber")?;
        let (from, to) = (self.transactions_start_date, self.transactions_end_date);
        UtcTime::check_range(from, to, "transactionsEndDate")
    }
}

/// A PDF, whatever type it claims, with its end.
fn pdf(response: &Verified) -> Result<Content, ResponseError> {
    let content = response.content()?;
    check_pdf(content.bytes()).map_err(DecodeError::from)?;
    Ok(content)
}

post!(
    GetAllFiDataPdf, Self::check, pdf => Content,
    read("get-all-fi-data-pdf", "POST /getallfidataPdf")
        .replying_with(&["application/pdf", "application/octet-stream"])
);

/// The data of one account as JSON (`[docs]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct GetFiData {
    /// The aggregator's id of the consent, from list-consents-v3 or the webhook CONSENT_APPROVED; the consent must be active
    #[serde(rename = "consentID")]
    consent_id: ConsentId,
    /// The account's linkRefNumber, from fi-request-status
    link_reference_number: LinkRefNumber,
    /// Whether records are limited, to a number that the platform sets
    #[cfg_attr(feature = "schema", schemars(extend("x-query" = "limit")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<bool>,
    /// Whether records are offset
    #[cfg_attr(feature = "schema", schemars(extend("x-query" = "offset")))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offset: Option<bool>,
}

provider_core::request! { GetFiData }

impl GetFiData {
    /// Reads one account.
    pub fn new(consent: ConsentId, link: LinkRefNumber) -> Self {
        Self {
            consent_id: consent,
            link_reference_number: link,
            limit: None,
            offset: None,
        }
    }

    /// Sends `limit` and `offset`.
    #[must_use]
    pub fn set_paging(mut self, limit: bool, offset: bool) -> Self {
        (self.limit, self.offset) = (Some(limit), Some(offset));
        self
    }
}

impl Endpoint for GetFiData {
    type Provider = Finpro;
    type Output = Envelope<FiAccounts>;

    const OPERATION: Operation = read("get-fi-data", "POST /getfidata");

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Finpro>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        self.consent_id.check()?;
        let body = Self::new(self.consent_id.clone(), self.link_reference_number.clone());
        paged(request, (self.limit, self.offset)).json(&body)
    }

    fn response(&self, response: &Verified) -> Result<Self::Output, ResponseError> {
        let accounts: Envelope<FiAccounts> = Envelope::read(response)?;
        accounts
            .data
            .check_links(Some(&self.link_reference_number))?;
        Ok(accounts)
    }
}

/// The data of one account as XML (`[docs]`), unparsed: the institution's document.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct GetFiDataXml {
    /// The aggregator's id of the consent, from list-consents-v3 or the webhook CONSENT_APPROVED; the consent must be active
    #[serde(rename = "consentID")]
    consent_id: ConsentId,
    /// The account's linkRefNumber, from fi-request-status
    link_reference_number: LinkRefNumber,
}

provider_core::request! { GetFiDataXml }

impl GetFiDataXml {
    /// Reads one account.
    pub fn new(consent: ConsentId, link: LinkRefNumber) -> Self {
        Self {
            consent_id: consent,
            link_reference_number: link,
        }
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        self.consent_id.check()
    }
}

post!(
    GetFiDataXml, Self::check, xml::document => Content,
    read("get-fi-data-xml", "POST /xml/getfidata").replying_with(&["application/xml", "text/xml"])
);

/// The balance of one account or of all (`[docs]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct GetFiBalance {
    /// The aggregator's id of the consent, from list-consents-v3 or the webhook CONSENT_APPROVED; the consent must be active
    #[serde(rename = "consentID")]
    consent_id: ConsentId,
    /// One account's linkRefNumber, from fi-request-status; all accounts if absent
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link_reference_number: Option<LinkRefNumber>,
}

provider_core::request! { GetFiBalance }

impl GetFiBalance {
    /// Reads the balances of all accounts.
    pub fn new(consent: ConsentId) -> Self {
        Self {
            consent_id: consent,
            link_reference_number: None,
        }
    }

    /// Reads that of one account only.
    #[must_use]
    pub fn set_link(mut self, link: LinkRefNumber) -> Self {
        self.link_reference_number = Some(link);
        self
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        self.consent_id.check()
    }
}

post!(
    GetFiBalance, Self::check, Envelope::read => Envelope<FiAccounts>,
    read("get-fi-balance", "POST /getfibalance"),
    answer: |request, accounts| {
        Ok(accounts.data.check_links(request.link_reference_number.as_ref())?)
    }
);

/// What is new since the last time (`[docs]`): new or changed records of a periodic consent, and everything of a consent for
/// one time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct GetAllLatestFiData {
    /// The aggregator's id of the consent, from list-consents-v3 or the webhook CONSENT_APPROVED; the consent must be active
    #[serde(rename = "consentID")]
    consent_id: ConsentId,
}

provider_core::request! { GetAllLatestFiData }

impl GetAllLatestFiData {
    /// Reads what is new.
    pub fn new(consent: ConsentId) -> Self {
        Self {
            consent_id: consent,
        }
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        self.consent_id.check()
    }
}

post!(
    GetAllLatestFiData, Self::check, Envelope::read => Envelope<FiAccounts>,
    // Nothing says that what was new to a call whose answer is lost is new to the next one.
    operation(
        "get-all-latest-fi-data",
        "POST /getalllatestfidata",
        Idempotency::Unsafe
    )
    .settled_by("read all data: what was new is in it")
);

pub(crate) const fn read(name: &'static str, route: &'static str) -> Operation {
    operation(name, route, Idempotency::Safe)
}

pub(crate) const fn operation(
    name: &'static str,
    route: &'static str,
    idempotency: Idempotency,
) -> Operation {
    Operation::new(name, route, idempotency)
        .with_timeout(Duration::from_secs(60))
        .with_max_reply_bytes(MAX_REPLY_BYTES)
        .documented(Mark::Docs)
}
