//! An account aggregator as a person sees it.

/// Where FinPro's web redirection leads.
pub(crate) const FINPRO_ENTRY: &str = "/aa/consent";
