//! What an organisation can choose from: aggregators, institutions, consent templates, and how well institutions work.

use finpro_profile::{Envelope, Finpro};
use provider_core::http::HeaderValue;
use provider_core::http::header::CONTENT_TYPE;
use provider_core::{
    BuiltRequest, Endpoint, Idempotency, InvalidRequest, Items, Label, Mark, Masked, Operation,
    RequestBuilder, ResponseError, Verified, lenient,
};
use serde::{Deserialize, Serialize};

use crate::endpoint::post;
use crate::values::{self, NOT_TAKEN, check_each, is_same, rule};
use crate::{FipId, ProductId};

/// A question for all account aggregators (`[docs]`). It has no members.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListAggregators {}

provider_core::request! { ListAggregators }

impl ListAggregators {
    /// Creates a request.
    pub fn new() -> Self {
        Self::default()
    }
}

provider_core::open_enum! {
    /// Whether an aggregator is in use (`[docs]`).
    pub enum AggregatorStatus {
        /// It is.
        Active = "Active",
        /// It is not.
        Inactive = "Inactive",
    }
}

/// An account aggregator (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Aggregator {
    /// Its id in the registry, which is what follows the `@` of a virtual user account there, too.
    pub aa_id: Label,
    /// Its name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: Option<Masked>,
    /// Its web application.
    #[serde(default, deserialize_with = "lenient::text")]
    pub web_url: Option<Masked>,
    /// Its application for Android.
    #[serde(default, deserialize_with = "lenient::text")]
    pub apk_url: Option<Masked>,
    /// Its logo.
    #[serde(default, deserialize_with = "lenient::text")]
    pub logo_url: Option<Masked>,
    /// Its base domain.
    #[serde(default, deserialize_with = "lenient::text")]
    pub base_url: Option<Masked>,
    /// Whether it is in use.
    #[serde(default, deserialize_with = "lenient::text")]
    pub status: Option<AggregatorStatus>,
}

/// A question for all financial information providers (FIPs) that are live (`[docs]`). It has no members.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", deny_unknown_fields)]
#[non_exhaustive]
pub struct ListFips {}

provider_core::request! { ListFips }

impl ListFips {
    /// Creates a request.
    pub fn new() -> Self {
        Self::default()
    }
}

/// The institutions (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Fips {
    /// The institutions. This client sets aside one that it cannot read, see [`Items::unread`].
    pub fip_newlist: Items<Fip>,
}

/// A financial information provider (`[docs]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Fip {
    /// Its id in the registry, for the consent requests that name institutions.
    pub fip_id: FipId,
    /// Its name, to show to customers.
    #[serde(default, deserialize_with = "lenient::text")]
    pub fip_name: Option<Masked>,
    /// Its logo; empty for some.
    #[serde(rename = "logoURL", default, deserialize_with = "lenient::text")]
    pub logo_url: Option<Masked>,
    /// The kinds of accounts that it has, such as `DEPOSIT`.
    #[serde(rename = "FiTypes", default, deserialize_with = "lenient::value")]
    pub fi_types: Option<Vec<Label>>,
}

/// A question for the organisation's consent templates (`[docs]`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct ListProducts {
    /// One template, by its productCode; all active ones if absent. The list itself, without this, gives it
    #[serde(default, skip_serializing_if = "Option::is_none")]
    product_id: Option<ProductId>,
}

provider_core::request! { ListProducts }

impl ListProducts {
    /// Asks for all active templates.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for one of them only.
    #[must_use]
    pub fn set_product(mut self, product: ProductId) -> Self {
        self.product_id = Some(product);
        self
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        let product = self.product_id.as_ref().map_or(Ok(()), ProductId::check);
        product.map_err(|error| error.for_field("productId"))
    }
}

provider_core::open_enum! {
    /// What may be done with data under a consent. The page shows one mode, the consent artefact of the Account Aggregator
    /// framework all four.
    pub enum ConsentMode {
        /// Seen and not stored (`[docs]`).
        View = "VIEW",
        /// Stored.
        Store = "STORE",
        /// Queried.
        Query = "QUERY",
        /// Streamed.
        Stream = "STREAM",
    }
}

/// A consent template (`[docs]`); its page was readable in its first part only, so there may be more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Product {
    /// Its id, which other calls take as `productID` (`[derived]`).
    pub product_code: ProductId,
    /// Its name.
    #[serde(default, deserialize_with = "lenient::text")]
    pub product_name: Option<Masked>,
    /// What it is for.
    #[serde(default, deserialize_with = "lenient::text")]
    pub product_description: Option<Masked>,
    /// When consents by it begin, ISO 8601.
    #[serde(default, deserialize_with = "lenient::text")]
    pub consent_from: Option<Masked>,
    /// When they end, ISO 8601.
    #[serde(default, deserialize_with = "lenient::text")]
    pub consent_to: Option<Masked>,
    /// What may be done with the data.
    #[serde(default, deserialize_with = "lenient::text")]
    pub consent_mode: Option<ConsentMode>,
}

provider_core::open_enum! {
    /// A step of the journey whose health is measured (`[docs]`).
    pub enum FipEventType {
        /// Accounts are looked for.
        Discovery = "DISCOVERY",
        /// An account begins to be linked.
        LinkingInit = "LINKING-INIT",
        /// The customer's code is checked.
        LinkingOtp = "LINKING-OTP",
        /// A consent is given.
        Consent = "CONSENT",
        /// Data is requested.
        FiRequest = "FI-REQUEST",
        /// Data is fetched.
        FiFetch = "FI-FETCH",
        /// The institution tells that data is ready.
        FiNotification = "FI-NOTIFICATION",
        /// An account is unlinked.
        Delinking = "DELINKING",
    }
}

/// A question for the health of institutions (`[docs]`). Without members it asks for everything.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields)]
pub struct GetFipHealth {
    /// As these aggregators see it only, each an aaId of list-aggregators, without @
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aa_id: Vec<Label>,
    /// Of these institutions only, each a fipId of list-fips
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fip_ids: Vec<FipId>,
    /// Of these steps only: DISCOVERY, LINKING-INIT, LINKING-OTP, CONSENT, FI-REQUEST, FI-FETCH, FI-NOTIFICATION, DELINKING
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    event_types: Vec<FipEventType>,
}

provider_core::request! { GetFipHealth }

impl GetFipHealth {
    /// Asks for everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for what these aggregators see only, by their ids in the list of aggregators.
    #[must_use]
    pub fn set_aggregators<'a>(mut self, ids: impl IntoIterator<Item = &'a str>) -> Self {
        self.aa_id = ids.into_iter().map(Label::from).collect();
        self
    }

    /// Asks for these institutions only.
    #[must_use]
    pub fn set_fips(mut self, fips: impl IntoIterator<Item = FipId>) -> Self {
        self.fip_ids = fips.into_iter().collect();
        self
    }

    /// Asks for these steps only.
    #[must_use]
    pub fn set_event_types(mut self, types: impl IntoIterator<Item = FipEventType>) -> Self {
        self.event_types = types.into_iter().collect();
        self
    }

    fn check(&self) -> Result<(), InvalidRequest> {
        check_each(&self.aa_id, "aaId", |id| {
            rule(
                !id.trim().is_empty() && !id.contains('@'),
                "aaId",
                "must be an id without @, and not empty",
            )
        })?;
        check_each(&self.event_types, "eventTypes", |event| {
            let documented = !matches!(event, FipEventType::Unknown(_));
            rule(documented, "eventTypes", NOT_TAKEN)
        })
    }
}

/// How well an institution does one step (`[docs]`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FipHealth {
    /// The institution.
    pub fip_id: FipId,
    /// The step.
    #[serde(default, deserialize_with = "lenient::text")]
    pub event_type: Option<FipEventType>,
    /// What each aggregator sees.
    #[serde(default, deserialize_with = "values::one_or_many")]
    pub aa_wise_metrics: Items<FipMetrics>,
}

/// What one aggregator sees of an institution's step (`[docs]`). A figure is absent where it has too little data. The units are
/// read off the samples (`[derived]`): milliseconds, and percentages from 0 to 100.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FipMetrics {
    /// The aggregator.
    #[serde(default, deserialize_with = "lenient::text")]
    pub aa_id: Option<Label>,
    /// How often it measures, in seconds: 600 for OneMoney, 60 for Finvu.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub refresh_rate_in_sec: Option<u32>,
    /// Whether the institution supports the step.
    #[serde(default, deserialize_with = "lenient::boolean_or_text")]
    pub supported: Option<bool>,
    /// The median of its latency, in milliseconds.
    #[serde(rename = "latencyP50", default, deserialize_with = "values::number")]
    pub latency_p50: Option<f64>,
    /// Nine of ten are as fast or faster, in milliseconds.
    #[serde(rename = "latencyP90", default, deserialize_with = "values::number")]
    pub latency_p90: Option<f64>,
    /// 95 of 100 are as fast or faster, in milliseconds.
    #[serde(rename = "latencyP95", default, deserialize_with = "values::number")]
    pub latency_p95: Option<f64>,
    /// 99 of 100 are as fast or faster, in milliseconds.
    #[serde(rename = "latencyP99", default, deserialize_with = "values::number")]
    pub latency_p99: Option<f64>,
    /// The mean of its latency, in milliseconds.
    #[serde(default, deserialize_with = "values::number")]
    pub latency_avg: Option<f64>,
    /// The longest latency, in milliseconds.
    #[serde(default, deserialize_with = "values::number")]
    pub latency_max: Option<f64>,
    /// How often a request succeeds, in percent.
    #[serde(default, deserialize_with = "values::number")]
    pub success_rate: Option<f64>,
    /// How often there is no answer in time, in percent.
    #[serde(default, deserialize_with = "values::number")]
    pub timeout_rate: Option<f64>,
    /// How often there is no account, in percent.
    #[serde(default, deserialize_with = "values::number")]
    pub acc_not_found_rate: Option<f64>,
    /// How often the institution fails, in percent.
    #[serde(default, deserialize_with = "values::number")]
    pub server_error_rate: Option<f64>,
    /// How often a request is refused as wrong, in percent.
    #[serde(default, deserialize_with = "values::number")]
    pub client_error_rate: Option<f64>,
}

const fn read(name: &'static str, route: &'static str) -> Operation {
    Operation::new(name, route, Idempotency::Safe).documented(Mark::Docs)
}

post!(
    ListAggregators, |_| Ok(()), Envelope::read => Envelope<Items<Aggregator>>,
    read("list-aggregators", "POST /accountaggregatorlist")
);
post!(
    ListProducts, Self::check, Envelope::read => Envelope<Items<Product>>,
    read("list-products", "POST /productslist"),
    answer: |request, products| {
        let mut products = products.data.iter();
        let asked = request.product_id.as_ref();
        Ok(products.try_for_each(|product| is_same(Some(&product.product_code), asked))?)
    }
);
post!(
    GetFipHealth, Self::check, Envelope::read => Envelope<Items<FipHealth>>,
    read("fip-health", "POST /fiphealth")
);

impl Endpoint for ListFips {
    type Provider = Finpro;
    type Output = Envelope<Fips>;

    const OPERATION: Operation = read("list-fips", "GET /list/fips");

    fn request<'a>(
        &'a self,
        request: RequestBuilder<'a, Finpro>,
    ) -> Result<BuiltRequest<'a>, InvalidRequest> {
        // The page requires it, although there is no body.
        let json = HeaderValue::from_static("application/json");
        request.header(CONTENT_TYPE, json).empty()
    }

    fn response(&self, response: &Verified) -> Result<Self::Output, ResponseError> {
        Envelope::read(response)
    }
}
