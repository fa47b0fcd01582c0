//! Ids and addresses that several capabilities share.

crate::opaque_id! {
    /// An account aggregator's id, without `@`: `onemoney`.
    pub struct AggregatorId("aggregator");

    /// The id of a session or a record at a provider: opaque, and meaningful to that provider only.
    pub struct ProviderReference("reference");
}

crate::masked_text! {
    /// A URL to send the person's browser to, byte for byte as the provider sent it. Never decode and re-encode it.
    pub struct BrowserUrl;
}
