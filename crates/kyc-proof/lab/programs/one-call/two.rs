//! A user's program with two providers: a consent at Finpass, a session at Deepvue.

mod measure;

use deepvue_digilocker::{
    ClientId, ClientSecret, Consent, Deepvue, DigilockerClient, DocType, InitiateSession,
};
use finpass::provider_core::{BaseUrl, Mobile};
use finpass::{ApiKey, ApiSecret, ConsentType, Finpass, FinpassClient, Initialize};
use measure::Measure;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(measure::base_url()?))
}

async fn run(base_url: String) -> Result<(), Box<dyn std::error::Error>> {
    let mut measure = Measure::start();
    let base_url = BaseUrl::parse("base_url", &base_url)?;
    let provider = Finpass::new(
        ApiKey::new("made-up-key-0001")?,
        ApiSecret::new("made-up-secret-0001")?,
    );
    let client = FinpassClient::new(provider.with_base_url(base_url.clone()))?;
    measure.step();
    for _ in 0..2 {
        let mobile = Mobile::parse("9000000001")?;
        let request = Initialize::new(mobile, ConsentType::LoanUnderwriting)
            .set_webhook_url("https://lender.example.test/hook");
        let consent = client.initialize(request).await?.into_value();
        assert!(consent.data.client_id.as_str().starts_with("aa_"));
        measure.step();
    }
    measure.print();

    let provider = Deepvue::new(
        ClientId::new("made-up-id-0001")?,
        ClientSecret::new("made-up-secret-0001")?,
    );
    let client = DigilockerClient::new(provider.with_base_url(base_url))?;
    let consent = Consent::given_by_person();
    let request = InitiateSession::new(
        consent,
        "KYC for a loan",
        "https://lender.example.test/back",
    )
    .set_doc_types([DocType::Aadhaar, DocType::Pan]);
    // Nobody answers for Deepvue here: what counts is that the code is there.
    match client.initiate_session(request).await {
        Ok(session) => println!("{}", session.into_value().transaction_id.as_str()),
        Err(error) => println!("{error}"),
    }
    Ok(())
}
