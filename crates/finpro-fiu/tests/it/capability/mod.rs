//! The capabilities' conformance suites against the in-process sandbox, and what each asks and believes.

mod consent;
mod data;

use std::sync::Arc;

use finpro_fiu::finpro_profile::Finpro;
use finpro_fiu::{AggregatorConsents, FiuClient, ProductId};
use kyc_sandbox::{SandboxTransport, credentials};
use provider_core::capability::{AggregatorConsentRequest, AggregatorId, ConsentPurpose};
use provider_core::{Mobile, Transport};

const HANDLE: &str = "3b9e7a50-51c4-4c0e-8f5d-0c6a2e94d18b";

fn client(transport: Arc<dyn Transport>) -> FiuClient {
    let settings = credentials::environment(&SandboxTransport::base_urls());
    let finpro = Finpro::from_settings(&provider_core::Settings::of(settings)).unwrap();
    FiuClient::builder(finpro)
        .transport(transport)
        .build()
        .unwrap()
}

fn consents(transport: Arc<dyn Transport>) -> AggregatorConsents {
    let onemoney = AggregatorId::parse("onemoney").unwrap();
    AggregatorConsents::new(client(transport), onemoney).with_product(
        ConsentPurpose::LoanUnderwriting,
        ProductId::parse("LOAN-1").unwrap(),
    )
}

fn minimal(mobile: &str) -> AggregatorConsentRequest {
    let mobile = Mobile::parse(mobile).unwrap();
    AggregatorConsentRequest::new(mobile, ConsentPurpose::LoanUnderwriting)
}
