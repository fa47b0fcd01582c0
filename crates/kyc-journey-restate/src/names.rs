//! What the services are called in Restate. The names never change: invocations outlive a deploy.

/// The object of a journey, by its id.
pub(crate) const JOURNEY: &str = "KycJourney";
/// The object of something that a report is found by, by its digest.
pub(crate) const REFERENCE: &str = "KycReference";
/// Reports: finds their journeys.
pub(crate) const REPORT: &str = "KycReport";
/// Unsafe calls.
pub(crate) const ONCE: &str = "KycOnce";
/// Safe and repeatable calls.
pub(crate) const REPEAT: &str = "KycRepeat";
/// Notices and entries of the ledger.
pub(crate) const DELIVER: &str = "KycDeliver";
