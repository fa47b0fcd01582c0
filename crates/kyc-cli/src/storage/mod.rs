//! Where journeys and their consents are stored: the place, the ledger in it, and the terms that its receipts name.

pub(crate) mod ledger;
pub(crate) mod place;
pub(crate) mod terms;
