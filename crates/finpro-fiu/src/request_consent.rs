//! Consent requests, versions 2, 3 and 4.

use finpro_profile::Envelope;
use provider_core::lint::Findings;
use provider_core::{
    DecodeError, Idempotency, InvalidRequest, Mark, Masked, Mobile, Operation, Pan, ResponseError,
    check_person_url, lenient,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::endpoint::post;
use crate::values::{self, check_each, check_party, lint_party, rule};
use crate::{
    AccountId, ConsentHandle, ConsentStatus, FipId, PartyIdentifier, PartyIdentifierType,
    ProductId, ReturnUrl, TransactionId, Vua,
};

provider_core::masked_text! {
    /// The URL where the customer gives consent, byte for byte as FinPro sent it. Open it in a browser; never log or cache it.
    pub struct RedirectionUrl;
}

/// A consent request, version 2 (`[docs]`; legacy on one page, deprecated on another). The customer is sent to the URL of
/// [`encrypt_redirection`](crate::FiuClient::encrypt_redirection).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestConsentV2 {
    /// The consent template, the productCode of list-products
    #[serde(rename = "productID")]
    product_id: ProductId,
    /// The customer's virtual user account, such as 9000000001@onemoney
    vua: Vua,
    /// What identifies the customer: MOBILE, EMAIL or PAN
    #[cfg_attr(
        feature = "schema",
        schemars(extend("examples" = PartyIdentifierType::COMMON.map(|kind| kind.as_str().to_owned())))
    )]
    party_identifier_type: PartyIdentifierType,
    /// The mobile number of 10 digits, e-mail address or PAN
    party_identifier_value: Masked,
    /// Your reference of the account or application
    #[serde(rename = "accountID")]
    account_id: AccountId,
}

provider_core::request! { RequestConsentV2 }

impl RequestConsentV2 {
    /// Creates a request.
    pub fn new(product: ProductId, vua: Vua, party: PartyIdentifier, account: AccountId) -> Self {
        Self {
            product_id: product,
            vua,
            party_identifier_type: party.kind,
            party_identifier_value: party.value,
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

/// A consent request, version 3 (`[docs]`). `productID` and `vua` are documented on its page, the rest in a guide's example.
///
/// The guide's `name`, `email`, `accountRef` and `customAttributes` are on no page of the operation. This client does not send
/// them.
///
/// ```
/// use finpro_fiu::{FipId, ProductId, RequestConsentV3, Vua};
///
/// let vua = Vua::parse("9000000001@onemoney")?;
/// let request = RequestConsentV3::new(ProductId::parse("LOAN-1")?, vua)
///     .set_fip_ids([FipId::parse("FIP-1")?]);
/// # Ok::<(), finpro_fiu::finpro_profile::provider_core::InvalidRequest>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("allOf" = [{"oneOf": [{"required": ["productID"]}, {"required": ["productIDList"]}]}])))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestConsentV3 {
    /// The consent template, the productCode of list-products
    #[serde(rename = "productID", default, skip_serializing_if = "Option::is_none")]
    product_id: Option<ProductId>,
    /// The consent templates of an orchestrated journey, each a productCode of list-products, instead of one
    #[serde(
        rename = "productIDList",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    product_id_list: Vec<ProductId>,
    /// The customer's virtual user account, such as 9000000001@onemoney
    vua: Vua,
    /// What identifies the customer: MOBILE, EMAIL or PAN
    #[cfg_attr(
        feature = "schema",
        schemars(extend("examples" = PartyIdentifierType::COMMON.map(|kind| kind.as_str().to_owned())))
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    party_identifier_type: Option<PartyIdentifierType>,
    /// The mobile number of 10 digits, e-mail address or PAN
    #[serde(default, skip_serializing_if = "Option::is_none")]
    party_identifier_value: Option<Masked>,
    /// Your reference of the account or application
    #[serde(rename = "accountID", default, skip_serializing_if = "Option::is_none")]
    account_id: Option<AccountId>,
    /// Where the customer returns
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redirect_url: Option<ReturnUrl>,
    /// Take accounts of these institutions only, each a fipId of list-fips
    #[serde(rename = "fipID", default, skip_serializing_if = "Vec::is_empty")]
    fip_id: Vec<FipId>,
    /// The customer's PAN, for institutions that need it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pan: Option<Pan>,
}

provider_core::request! { RequestConsentV3 }

impl RequestConsentV3 {
    /// Creates a request by one template.
    pub fn new(product: ProductId, vua: Vua) -> Self {
        Self::of(Some(product), Vec::new(), vua)
    }

    /// Creates a request of an orchestrated journey (`[docs]`, a guide), by several templates.
    pub fn orchestrated(products: impl IntoIterator<Item = ProductId>, vua: Vua) -> Self {
        Self::of(None, products.into_iter().collect(), vua)
    }

    fn of(product_id: Option<ProductId>, product_id_list: Vec<ProductId>, vua: Vua) -> Self {
        Self {
            product_id,
            product_id_list,
            vua,
            party_identifier_type: None,
            party_identifier_value: None,
            account_id: None,
            redirect_url: None,
            fip_id: Vec::new(),
            pan: None,
        }
    }

    /// Sets what identifies the customer.
    #[must_use]
    pub fn set_party(mut self, party: PartyIdentifier) -> Self {
        self.party_identifier_type = Some(party.kind);
        self.party_identifier_value = Some(party.value);
        self
    }

    /// Sets your reference of the account or application.
    #[must_use]
    pub fn set_account(mut self, account: AccountId) -> Self {
        self.account_id = Some(account);
        self
    }

    /// Sets where the customer returns.
    #[must_use]
    pub fn set_redirect_url(mut self, url: ReturnUrl) -> Self {
        self.redirect_url = Some(url);
        self
    }

    /// Takes accounts of these institutions only; of all if empty.
    #[must_use]
    pub fn set_fip_ids(mut self, fips: impl IntoIterator<Item = FipId>) -> Self {
        self.fip_id = fips.into_iter().collect();
        self
    }

    /// Sets the customer's PAN, for institutions that need it.
    #[must_use]
    pub fn set_pan(mut self, pan: Pan) -> Self {
        self.pan = Some(pan);
        self
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        rule(
            self.product_id.is_none() || self.product_id_list.is_empty(),
            "productID",
            "must not be given beside productIDList",
        )?;
        rule(
            self.product_id.is_some() || !self.product_id_list.is_empty(),
            "productID",
            "either it or productIDList must be given",
        )?;
        self.product_id.iter().try_for_each(ProductId::check)?;
        check_each(&self.product_id_list, "productIDList", ProductId::check)?;
        match (&self.party_identifier_type, &self.party_identifier_value) {
            (Some(kind), Some(value)) => check_party(kind, value, &PartyIdentifierType::COMMON),
            (None, None) => Ok(()),
            (Some(_), None) => Err(InvalidRequest::new(
                "partyIdentifierValue",
                "is required beside partyIdentifierType",
            )),
            (None, Some(_)) => Err(InvalidRequest::new(
                "partyIdentifierType",
                "is required beside partyIdentifierValue",
            )),
        }
    }
}

/// A consent request, version 4: a consent for each institution, which is approved, rejected and revoked on its own
/// (`[docs]`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestConsentV4 {
    /// The consent template, the productCode of list-products
    #[serde(rename = "productID")]
    product_id: ProductId,
    /// The customer's virtual user account, such as 9000000001@onemoney
    vua: Vua,
    /// What identifies the customer: MOBILE, EMAIL or PAN
    #[cfg_attr(
        feature = "schema",
        schemars(extend("examples" = PartyIdentifierType::COMMON.map(|kind| kind.as_str().to_owned())))
    )]
    party_identifier_type: PartyIdentifierType,
    /// The mobile number of 10 digits, e-mail address or PAN
    party_identifier_value: Masked,
    /// Your reference of the account or application
    #[serde(rename = "accountID")]
    account_id: AccountId,
    /// The institutions, each a fipId of list-fips; the name of this member is version 3's, unconfirmed for version 4
    #[serde(rename = "fipID", default, skip_serializing_if = "Vec::is_empty")]
    fip_id: Vec<FipId>,
}

provider_core::request! { RequestConsentV4 }

impl RequestConsentV4 {
    /// Creates a request.
    pub fn new(product: ProductId, vua: Vua, party: PartyIdentifier, account: AccountId) -> Self {
        Self {
            product_id: product,
            vua,
            party_identifier_type: party.kind,
            party_identifier_value: party.value,
            account_id: account,
            fip_id: Vec::new(),
        }
    }

    /// Names the institutions (`[unknown]`: the member's name is that of version 3).
    #[must_use]
    pub fn set_fip_ids(mut self, fips: impl IntoIterator<Item = FipId>) -> Self {
        self.fip_id = fips.into_iter().collect();
        self
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

/// A requested consent. The page was cut off before its members: their names are those that integrators report (`[3p]`), and
/// they stand in `data` or beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("x-kyc-members" = ["consentHandle", "webRedirectionURL", "transactionId"])))]
#[non_exhaustive]
pub struct RequestedConsent {
    /// The request's id. Keep it: webhooks, lists and the status of data name it.
    #[serde(alias = "consentHandle")]
    pub consent_handle: ConsentHandle,
    /// `PENDING`.
    #[serde(default, deserialize_with = "consent_status")]
    pub status: Option<ConsentStatus>,
    /// Where the customer gives consent, an `http` or `https` URL, in version 3 (`[docs]`); its spelling varies between pages.
    /// If there is none, get it with [`encrypt_redirection`](crate::FiuClient::encrypt_redirection).
    #[serde(
        rename = "webRedirectionUrl",
        alias = "webRedirectionURL",
        default,
        deserialize_with = "told_url"
    )]
    pub web_redirection_url: Option<RedirectionUrl>,
    /// The id of an orchestrated journey (`[docs]`, a guide).
    #[serde(alias = "transactionId", default, deserialize_with = "values::id")]
    pub transaction_id: Option<TransactionId>,
}

/// A blank URL is none.
fn told_url<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<RedirectionUrl>, D::Error> {
    let url: Option<RedirectionUrl> = lenient::value(deserializer)?;
    Ok(url.filter(|url| !url.expose().trim().is_empty()))
}

/// The status of a consent; where the members stand in the envelope, its `success` is none.
fn consent_status<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ConsentStatus>, D::Error> {
    let status: Option<ConsentStatus> = lenient::text(deserializer)?;
    Ok(status.filter(|status| status.as_str() != "success"))
}

/// The consents that a request of version 4 opened, one for each institution. Only the concept is documented, not one member
/// (`[unknown]`): every object with a handle, wherever it is in the reply, is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RequestedConsents {
    /// The consents; at least one.
    pub consents: Vec<FipConsent>,
    /// Where the customer gives consent, an `http` or `https` URL. If there is none, get it with [`EncryptRedirection`](crate::EncryptRedirection) for
    /// all handles.
    #[serde(rename = "webRedirectionUrl")]
    pub web_redirection_url: Option<RedirectionUrl>,
}

/// The consent of one institution (`[unknown]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FipConsent {
    /// The request's id.
    pub consent_handle: ConsentHandle,
    /// The institution.
    #[serde(rename = "fipID")]
    pub fip_id: Option<FipId>,
}

impl<'de> Deserialize<'de> for RequestedConsents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut found = Self {
            consents: Vec::new(),
            web_redirection_url: None,
        };
        found.search(&Value::deserialize(deserializer)?, 6);
        if found.consents.is_empty() {
            return Err(D::Error::missing_field("consent_handle"));
        }
        Ok(found)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for RequestedConsents {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RequestedConsents".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A consent handle for each institution; where they are is not documented."
        })
    }
}

impl RequestedConsents {
    fn search(&mut self, value: &Value, levels: u8) {
        let Some(levels) = levels.checked_sub(1) else {
            return;
        };
        let members = match value {
            Value::Array(items) => return items.iter().for_each(|item| self.search(item, levels)),
            Value::Object(members) => members,
            _ => return,
        };
        let text = |names: &[&str]| names.iter().find_map(|name| members.get(*name)?.as_str());
        if let Some(Ok(consent_handle)) =
            text(&["consent_handle", "consentHandle"]).map(ConsentHandle::parse)
        {
            let fip_id = text(&["fipID", "fipId", "fip_id"]);
            self.consents.push(FipConsent {
                consent_handle,
                fip_id: fip_id.and_then(|id| FipId::parse(id).ok()),
            });
        }
        if self.web_redirection_url.is_none() {
            let url = text(&["webRedirectionUrl", "webRedirectionURL"]);
            let url = url.filter(|url| !url.trim().is_empty());
            self.web_redirection_url = url.map(RedirectionUrl::new);
        }
        members
            .values()
            .for_each(|value| self.search(value, levels));
    }
}

/// Checks where the customer is sent, if the reply says so: not to another scheme, such as `javascript:`.
fn check_url(url: Option<&RedirectionUrl>) -> Result<(), ResponseError> {
    let checked = url.map_or(Ok(()), |url| {
        check_person_url("webRedirectionUrl", url.expose())
    });
    checked.map_err(|_| DecodeError::missing_data("$.data.webRedirectionUrl").into())
}

/// Each request asks a customer anew; no idempotency is documented (`[unknown]`).
const fn operation(name: &'static str, route: &'static str) -> Operation {
    Operation::new(name, route, Idempotency::Unsafe)
        .documented(Mark::Docs)
        .settled_by("list the customer's consents by template and reference: one that was opened is among them, pending")
}

/// Checks the account, and the person that it is of.
fn lint(
    findings: &mut Findings<'_>,
    vua: &Vua,
    kind: Option<&PartyIdentifierType>,
    value: Option<&Masked>,
) {
    let party = kind.zip(value);
    let mobile = party.filter(|(kind, _)| **kind == PartyIdentifierType::Mobile);
    let mobile = mobile.and_then(|(_, value)| Mobile::parse(value.expose()).ok());
    findings.vua("vua", vua.expose(), mobile.as_ref());
    if let Some((kind, value)) = party {
        lint_party(findings, kind, value);
    }
}

post!(
    RequestConsentV2, Self::check, Envelope::read_flat => Envelope<RequestedConsent>,
    operation("request-consent-v2", "POST /v2/requestconsent").deprecated(),
    lint: |request, findings| {
        lint(findings, &request.vua, Some(&request.party_identifier_type), Some(&request.party_identifier_value));
    },
    answer: |_, reply| check_url(reply.data.web_redirection_url.as_ref())
);
post!(
    RequestConsentV3, Self::check, Envelope::read_flat => Envelope<RequestedConsent>,
    operation("request-consent-v3", "POST /v3/requestconsent"),
    lint: |request, findings| {
        lint(findings, &request.vua, request.party_identifier_type.as_ref(), request.party_identifier_value.as_ref());
        if let Some(pan) = &request.pan {
            findings.pan("pan", pan, None);
        }
    },
    answer: |_, reply| check_url(reply.data.web_redirection_url.as_ref())
);
post!(
    RequestConsentV4, Self::check, Envelope::read_flat => Envelope<RequestedConsents>,
    operation("request-consent-v4", "POST /v4/requestconsent"),
    lint: |request, findings| {
        lint(findings, &request.vua, Some(&request.party_identifier_type), Some(&request.party_identifier_value));
    },
    answer: |_, reply| check_url(reply.data.web_redirection_url.as_ref())
);
