//! FinPro's capabilities in neutral terms.

mod consent;
mod data;

use finpro_profile::Finpro;
use provider_core::{Endpoint, Error, Provider};

pub use consent::AggregatorConsents;

fn at<E: Endpoint>(error: impl Into<Error>) -> Error {
    error.into().at(Finpro::NAME, E::OPERATION.name)
}
