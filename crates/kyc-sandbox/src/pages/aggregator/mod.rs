//! An account aggregator as a person sees it.
