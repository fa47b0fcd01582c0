//! Consent lists, versions 1, 2 and 3, and unique accounts.

use std::collections::HashMap;

use finpro_profile::Envelope;
use provider_core::{
    Fault, FaultClass, Idempotency, InvalidRequest, Items, Label, Mark, Masked, Mobile, Operation,
    ResponseError, VerificationError, lenient,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::endpoint::post;
use crate::values::{self, check_each, check_not_empty, check_party, lint_party, rule};
use crate::{
    AccountId, ConsentHandle, ConsentId, ConsentStatus, FipId, PartyIdentifier,
    PartyIdentifierType, ProductId,
};

/// A consent list, version 1 (`[docs]`; legacy): a row for each account of a consent.
///
/// Of two stored versions of its page one says that there is no paging, and the other that `productID` is optional: send both
/// required members, and pages only where you know that they exist.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct ListConsentsV1 {
    /// The customer's mobile number, 10 digits
    mobile_number: Mobile,
    /// The consent template, the productCode of list-products
    #[serde(rename = "productID")]
    product_id: ProductId,
    /// How many rows a page has; a consent has one for each account
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    /// The page; no page of FinPro says where they begin, and the sandbox has one for any number
    #[serde(rename = "pageno", default, skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
}

provider_core::request! { ListConsentsV1 }

impl ListConsentsV1 {
    /// Creates a request for a customer's consents by one template.
    pub fn new(mobile: Mobile, product: ProductId) -> Self {
        Self {
            mobile_number: mobile,
            product_id: product,
            limit: None,
            page: None,
        }
    }

    /// Asks for one page. The number of the first one is not documented (`[unknown]`).
    #[must_use]
    pub fn set_page(mut self, page: u32, limit: u32) -> Self {
        (self.page, self.limit) = (Some(page), Some(limit));
        self
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        self.product_id.check()
    }
}

/// A consent list, version 2 (`[docs]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct ListConsentsV2 {
    /// What identifies the customer: MOBILE, EMAIL or PAN
    #[cfg_attr(
        feature = "schema",
        schemars(extend("examples" = PartyIdentifierType::COMMON.map(|kind| kind.as_str().to_owned())))
    )]
    party_identifier_type: PartyIdentifierType,
    /// The mobile number of 10 digits, e-mail address or PAN
    party_identifier_value: Masked,
    /// The consent template, the productCode of list-products
    #[serde(rename = "productID")]
    product_id: ProductId,
    /// Your reference of the account or application
    #[serde(rename = "accountID")]
    account_id: AccountId,
}

provider_core::request! { ListConsentsV2 }

impl ListConsentsV2 {
    /// Creates a request for a customer's consents by one template.
    pub fn new(party: PartyIdentifier, product: ProductId, account: AccountId) -> Self {
        Self {
            party_identifier_type: party.kind,
            party_identifier_value: party.value,
            product_id: product,
            account_id: account,
        }
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        self.product_id.check()?;
        check_party(
            &self.party_identifier_type,
            &self.party_identifier_value,
            &PartyIdentifierType::COMMON,
        )
    }
}

/// A consent list, version 3 (`[docs]`): one of three questions. It is also how one consent is looked up.
///
/// ```
/// use finpro_fiu::{ConsentHandle, ListConsentsV3};
///
/// let handle = ConsentHandle::parse("3b9e7a50-51c4-4c0e-8f5d-0c6a2e94d18b")?;
/// let request = ListConsentsV3::Handles(vec![handle]);
/// # Ok::<(), finpro_fiu::finpro_profile::provider_core::InvalidRequest>(())
/// ```
///
/// As JSON it has the members of one of them; those of another are refused.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ListConsentsV3 {
    /// A customer's consents by one template.
    Party {
        /// The customer, by an identifier of any kind.
        party: PartyIdentifier,
        /// The consent template.
        product: ProductId,
        /// Your reference of the account or application.
        account: AccountId,
    },
    /// The consents with these handles; at least one.
    Handles(Vec<ConsentHandle>),
    /// The consents with these ids; at least one.
    Ids(Vec<ConsentId>),
}

/// The members of all three questions.
#[derive(Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("allOf" = [{"oneOf": [{"required": ["partyIdentifierType", "partyIdentifierValue", "productID", "accountID"]}, {"required": ["consentHandle"]}, {"required": ["consentID"]}]}])))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
struct QueryMembers {
    /// What identifies the customer: MOBILE, EMAIL, PAN, AADHAR, DOB or GSTIN; it requires partyIdentifierValue, productID and
    /// accountID
    #[serde(default, skip_serializing_if = "Option::is_none")]
    party_identifier_type: Option<PartyIdentifierType>,
    /// The identifier's value
    #[serde(default, skip_serializing_if = "Option::is_none")]
    party_identifier_value: Option<Masked>,
    /// The consent template, the productCode of list-products
    #[serde(rename = "productID", default, skip_serializing_if = "Option::is_none")]
    product_id: Option<ProductId>,
    /// Your reference of the account or application
    #[serde(rename = "accountID", default, skip_serializing_if = "Option::is_none")]
    account_id: Option<AccountId>,
    /// The consents' handles, from request-consent-v3, instead of a customer
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    consent_handle: Vec<ConsentHandle>,
    /// The aggregator's ids of consents, from the webhook CONSENT_APPROVED, instead of a customer or handles
    #[serde(rename = "consentID", default, skip_serializing_if = "Vec::is_empty")]
    consent_id: Vec<ConsentId>,
}

provider_core::request! { QueryMembers }

impl ListConsentsV3 {
    fn check(&self) -> Result<(), InvalidRequest> {
        use PartyIdentifierType::{Aadhaar, DateOfBirth, Email, Gstin, Mobile, Pan};
        match self {
            Self::Party { party, product, .. } => {
                product.check()?;
                let kinds = [Mobile, Email, Pan, Aadhaar, DateOfBirth, Gstin];
                check_party(&party.kind, &party.value, &kinds)
            }
            Self::Handles(handles) => ConsentHandle::check_all(handles),
            Self::Ids(ids) => {
                check_not_empty(ids, "consentID")?;
                check_each(ids, "consentID", ConsentId::check)
            }
        }
    }
}

impl Serialize for ListConsentsV3 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = QueryMembers::default();
        match self.clone() {
            Self::Party {
                party,
                product,
                account,
            } => {
                members.party_identifier_type = Some(party.kind);
                members.party_identifier_value = Some(party.value);
                members.product_id = Some(product);
                members.account_id = Some(account);
            }
            Self::Handles(handles) => members.consent_handle = handles,
            Self::Ids(ids) => members.consent_id = ids,
        }
        members.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ListConsentsV3 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const MODES: &str = "must have partyIdentifierType, partyIdentifierValue, productID and accountID, or consentHandle \
                             alone, or consentID alone";
        let QueryMembers {
            party_identifier_type,
            party_identifier_value,
            product_id,
            account_id,
            consent_handle,
            consent_id,
        } = <QueryMembers as Deserialize>::deserialize(deserializer)?;
        let party = (
            party_identifier_type,
            party_identifier_value,
            product_id,
            account_id,
        );
        Ok(
            match (party, consent_handle.is_empty(), consent_id.is_empty()) {
                ((Some(kind), Some(value), Some(product), Some(account)), true, true) => {
                    Self::Party {
                        party: PartyIdentifier { kind, value },
                        product,
                        account,
                    }
                }
                ((None, None, None, None), false, true) => Self::Handles(consent_handle),
                ((None, None, None, None), true, false) => Self::Ids(consent_id),
                _ => return Err(InvalidRequest::new("request", MODES).into_deserialize_error()),
            },
        )
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ListConsentsV3 {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ListConsentsV3".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        QueryMembers::json_schema(generator)
    }
}

/// The accounts of a customer under any consent (`[docs]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct ListUniqueAccounts {
    /// The customer's mobile number, 10 digits
    mobile_number: Mobile,
    /// The consent template, the productCode of list-products
    #[serde(rename = "productID")]
    product_id: ProductId,
    /// Of consents with this status only: PENDING, ACTIVE, REJECTED, REVOKED, EXPIRED or PAUSED
    #[cfg_attr(
        feature = "schema",
        schemars(extend("items" = {
            "type": "string", "examples": ["PENDING", "ACTIVE", "REJECTED", "REVOKED", "EXPIRED", "PAUSED"]
        }))
    )]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    status: Vec<ConsentStatus>,
    /// The page; no page of FinPro says where they begin or how long one is, and the sandbox has one for any number
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page_number: Option<u32>,
}

provider_core::request! { ListUniqueAccounts }

impl ListUniqueAccounts {
    /// Creates a request.
    pub fn new(mobile: Mobile, product: ProductId) -> Self {
        Self {
            mobile_number: mobile,
            product_id: product,
            status: Vec::new(),
            page_number: None,
        }
    }

    /// Takes consents with one of these statuses only; with any if empty.
    #[must_use]
    pub fn set_status(mut self, status: impl IntoIterator<Item = ConsentStatus>) -> Self {
        self.status = status.into_iter().collect();
        self
    }

    /// Asks for one page.
    #[must_use]
    pub fn set_page(mut self, page: u32) -> Self {
        self.page_number = Some(page);
        self
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        self.product_id.check()?;
        check_each(&self.status, "status", |status| {
            rule(
                !matches!(status, ConsentStatus::Resumed | ConsentStatus::Unknown(_)),
                "status",
                "must be PENDING, ACTIVE, REJECTED, REVOKED, EXPIRED or PAUSED",
            )
        })
    }
}

/// The reply of every consent list. A consent that cannot be read does not fail the others, see [`Items::unread`].
pub type ListedConsents = Envelope<Items<ListedConsent>>;

/// A consent in a list. Version 1 has a row for each account, with its institution and number in the row (`[docs]`); the
/// others have [`accounts`](Self::accounts), whose members are unconfirmed (`[3p]`). Each version has some of the members.
///
/// Unique accounts are reported not to be limited to the template that was asked for (`[3p]`): compare `productID`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("x-kyc-members" = ["consentId", "consent_handle", "consentCreationData", "consentCreationDate", "consent_expiry"])))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListedConsent {
    /// The aggregator's id; `None` until the consent is approved.
    #[serde(
        rename = "consentID",
        alias = "consentId",
        default,
        deserialize_with = "values::id"
    )]
    pub consent_id: Option<ConsentId>,
    /// The request's id.
    #[serde(alias = "consent_handle", default, deserialize_with = "values::id")]
    pub consent_handle: Option<ConsentHandle>,
    /// The status.
    pub status: ConsentStatus,
    /// The consent template.
    #[serde(rename = "productID", default, deserialize_with = "values::id")]
    pub product_id: Option<ProductId>,
    /// Your reference of the account or application.
    #[serde(rename = "accountID", default, deserialize_with = "values::id")]
    pub account_id: Option<AccountId>,
    /// The aggregator, as this operation spells it: `onemoney-aa` in a sample of version 1, `onemoney` elsewhere.
    #[serde(default, deserialize_with = "lenient::text")]
    pub aa_id: Option<Label>,
    /// The customer's virtual user account (`[3p]`).
    #[serde(default, deserialize_with = "lenient::text")]
    pub vua: Option<Masked>,
    /// When it was created, ISO 8601. Integrators report `consentCreationData` (`[3p]`).
    #[serde(
        alias = "consentCreationData",
        alias = "consentCreationDate",
        default,
        deserialize_with = "lenient::text"
    )]
    pub created_on: Option<Label>,
    /// When it was changed, ISO 8601.
    #[serde(default, deserialize_with = "lenient::text")]
    pub modified_on: Option<Label>,
    /// When it begins, ISO 8601.
    #[serde(default, deserialize_with = "lenient::text")]
    pub consent_start: Option<Label>,
    /// When it ends: ISO 8601, or with a space and without a zone, which is not documented.
    #[serde(alias = "consent_expiry", default, deserialize_with = "lenient::text")]
    pub consent_expiry: Option<Masked>,
    /// `ONETIME` or `PERIODIC`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub fetch_type: Option<Label>,
    /// The kinds of accounts.
    #[serde(default, deserialize_with = "lenient::value")]
    pub fi_types: Option<Vec<Label>>,
    /// The institution, in version 1.
    #[serde(default, deserialize_with = "values::id")]
    pub fip_id: Option<FipId>,
    /// The account's number, masked by the institution, in version 1.
    #[serde(default, deserialize_with = "lenient::text")]
    pub masked_account_number: Option<Masked>,
    /// The accounts, in all versions but the first.
    #[serde(default, deserialize_with = "lenient::value")]
    pub accounts: Option<Items<ListedAccount>>,
}

/// An account of a consent (`[3p]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListedAccount {
    /// The institution's name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub fip_name: Option<Masked>,
    /// The institution.
    #[serde(default, deserialize_with = "values::id")]
    pub fip_id: Option<FipId>,
    /// `SAVINGS` and the like.
    #[serde(default, deserialize_with = "lenient::text")]
    pub account_type: Option<Label>,
    /// The link's id, with which one account's data is read.
    #[serde(alias = "linkRefNumber", default, deserialize_with = "values::id")]
    pub link_reference_number: Option<crate::LinkRefNumber>,
    /// The account's number, masked by the institution.
    #[serde(default, deserialize_with = "lenient::text")]
    pub masked_account_number: Option<Masked>,
    /// The kind of account.
    #[serde(default, deserialize_with = "lenient::text")]
    pub fi_type: Option<Label>,
}

/// Refuses a list whose rows tell different statuses of one consent: a row is not believed because it stands first.
fn agree(consents: &[ListedConsent]) -> Result<(), ResponseError> {
    let mut told = HashMap::new();
    let differs = |consent: &ListedConsent| {
        let handle = consent.consent_handle.as_ref().map(ConsentHandle::as_str);
        let id = consent.consent_id.as_ref().map(ConsentId::as_str);
        [("handle", handle), ("id", id)]
            .into_iter()
            .any(|(kind, id)| {
                id.is_some_and(|id| {
                    let before = told
                        .entry((kind, id.to_owned()))
                        .or_insert_with(|| consent.status.clone());
                    *before != consent.status
                })
            })
    };
    match consents.iter().any(differs) {
        true => Err(Fault::new()
            .with_meaning(Some("rows of one consent tell different statuses"))
            .with_class(FaultClass::Contradictory)
            .into()),
        false => Ok(()),
    }
}

impl ListConsentsV3 {
    /// Refuses consents that were not asked for by handle or by id.
    fn is_answered_by(&self, listed: &ListedConsents) -> Result<(), ResponseError> {
        let asked = |consent: &ListedConsent| match self {
            Self::Party { .. } => true,
            Self::Handles(handles) => {
                let told = consent.consent_handle.as_ref();
                told.is_none_or(|told| handles.contains(told))
            }
            Self::Ids(ids) => {
                let told = consent.consent_id.as_ref();
                told.is_none_or(|told| ids.contains(told))
            }
        };
        match listed.data.iter().all(asked) {
            true => agree(&listed.data),
            false => Err(VerificationError::OtherRequest.into()),
        }
    }
}

const fn operation(name: &'static str, route: &'static str) -> Operation {
    Operation::new(name, route, Idempotency::Safe).documented(Mark::Docs)
}

post!(
    ListConsentsV1, Self::check, Envelope::read => ListedConsents,
    operation("list-consents-v1", "POST /getconsentslist"),
    lint: |request, findings| findings.mobile("mobileNumber", &request.mobile_number),
    answer: |_, listed| agree(&listed.data)
);
post!(
    ListConsentsV2, Self::check, Envelope::read => ListedConsents,
    operation("list-consents-v2", "POST /v2/getconsentslist"),
    lint: |request, findings| {
        lint_party(findings, &request.party_identifier_type, &request.party_identifier_value);
    },
    answer: |_, listed| agree(&listed.data)
);
post!(
    ListConsentsV3, Self::check, Envelope::read => ListedConsents,
    operation("list-consents-v3", "POST /v3/getconsentslist"),
    lint: |request, findings| {
        if let ListConsentsV3::Party { party, .. } = request {
            lint_party(findings, &party.kind, &party.value);
        }
    },
    answer: Self::is_answered_by
);
post!(
    ListUniqueAccounts, Self::check, Envelope::read => ListedConsents,
    operation("list-unique-accounts", "POST /v1/accounts/getconsentslist"),
    lint: |request, findings| findings.mobile("mobileNumber", &request.mobile_number),
    answer: |_, listed| agree(&listed.data)
);
