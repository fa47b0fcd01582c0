//! Whose journey it is.

use kyc_facade::provider_core::Mobile;
use kyc_journey::Journey;
use kyc_journey_performer::{Applicants as _, NoApplicant};

use super::invented::{Lender, addresses};
use super::store::Store;
use crate::failure::Failure;

pub(super) const MOBILE: &str = "--mobile-number";

/// Checks that a journey has a person, unless it has ended, and that it is the one with this number, if one is given. Neither number is
/// told.
pub(crate) async fn check(
    store: &Store,
    state: &Journey,
    mobile: Option<&Mobile>,
) -> Result<(), Failure> {
    let lender = Lender::of(store.engine.clone(), addresses()?);
    match lender.applicant(state.id()).await {
        Ok(person) if mobile.is_none_or(|mobile| *mobile == person.mobile) => Ok(()),
        Ok(_) => Err(Failure::configuration(
            MOBILE,
            "is not the number of the journey's person; it may be left out",
        )),
        // Who it was is forgotten with the consent, and the ledger still knows whose it is.
        Err(NoApplicant::Unknown) if state.status().is_end() => match mobile {
            Some(mobile) if !store.ledger.is_of(state.id(), mobile)? => {
                Err(Failure::configuration(
                    MOBILE,
                    "is not known to be that of the journey's person, who may have been erased; it may be left out",
                ))
            }
            _ => Ok(()),
        },
        Err(NoApplicant::Unknown) => Err(Failure::configuration(
            "ID",
            "is a journey that does not say whose it is: it was not begun by this command",
        )),
        Err(_) => Err(Failure::configuration(
            "--db",
            "says whose journey it is in a way that cannot be read",
        )),
    }
}
