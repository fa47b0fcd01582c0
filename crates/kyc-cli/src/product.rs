//! The template of consents at FinPro, which is known to be there before anything is opened for a person.

use std::time::Duration;

use kyc_facade::finpro_fiu::{FiuClient, ListProducts, ProductId};

use crate::failure::Failure;

pub(crate) const FIELD: &str = "--product-id";
/// The one that a sandbox has.
pub(crate) const OF_THE_SANDBOX: &str = "LOAN-1";

/// How long it is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The template that was chosen, in its form.
pub(crate) fn parse(text: &str) -> Result<ProductId, Failure> {
    Ok(ProductId::parse(text).map_err(|error| error.for_field(FIELD))?)
}

/// Refuses a template that FinPro does not list. Where it does not say so in time, the request for a consent does.
pub(crate) async fn check(accounts: &FiuClient, product: &ProductId) -> Result<(), Failure> {
    let asked = ListProducts::new().set_product(product.clone());
    let listed = tokio::time::timeout(PATIENCE, accounts.list_products(asked)).await;
    let Ok(Ok(listed)) = listed else {
        return Ok(());
    };
    let products = &listed.value().data;
    if !products.is_empty() || !products.unread().is_empty() {
        return Ok(());
    }
    let rule = "is no template that FinPro has; `kyc finpro list-products` lists those. Nothing was opened";
    Err(Failure::configuration(FIELD, rule))
}
