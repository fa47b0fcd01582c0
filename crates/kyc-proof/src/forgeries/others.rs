//! The providers that sign nothing: TLS vouches for a reply, and what it repeats of the request is compared.

use std::sync::Arc;

use deepvue_digilocker::Deepvue;
use finpass::{ConsentType, Finpass, FinpassClient, Initialize};
use finpro_profile::Finpro;
use provider_core::VerificationError::OtherRequest;
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{Authenticity, BaseUrl, Mobile, Provider};

use super::Verdict::{Accepted, Refused};
use super::veriff::{NOW, VRF, X, reply};
use super::{Called, Table};
use crate::failure::{Failure, Result};

pub(super) async fn run(table: &mut Table) -> Result<()> {
    let base_url = BaseUrl::parse("base_url", "http://localhost")?;
    let finpass = Finpass::new(
        finpass::ApiKey::new("made-up-key")?,
        finpass::ApiSecret::new("made-up-secret")?,
    );
    let finpro = Finpro::new(
        base_url.clone(),
        finpro_profile::Credentials {
            client_id: finpro_profile::ClientId::new("made-up-client")?,
            client_secret: finpro_profile::ClientSecret::new("made-up-secret")?,
            organisation_id: finpro_profile::OrganisationId::new("made-up-organisation")?,
            app_identifier: finpro_profile::AppIdentifier::new("made-up-app")?,
        },
    );
    let deepvue = Deepvue::new(
        deepvue_digilocker::ClientId::new("made-up-client")?,
        deepvue_digilocker::ClientSecret::new("made-up-secret")?,
    );
    signs_nothing(&finpass)?;
    signs_nothing(&finpro)?;
    signs_nothing(&deepvue)?;

    let finpass = finpass.with_base_url(base_url);
    for (what, echo, expected) in [
        (
            "finpass: about another person",
            "9000000002",
            Refused(OtherRequest),
        ),
        (
            "finpass: about the person who was asked about",
            "9000000001",
            Accepted,
        ),
        (
            "finpass: another number with a country's code: a limit",
            "+919000000002",
            Accepted,
        ),
        (
            "finpass: another number, masked: a limit",
            "XXXXXX0002",
            Accepted,
        ),
    ] {
        let called = initialize(finpass.clone(), echo).await?;
        table.add("F80", what, expected, called.verdict()?);
    }
    Ok(())
}

/// A signature says nothing where none is documented: it neither helps nor harms.
fn signs_nothing<P: Provider>(provider: &P) -> Result<()> {
    for headers in [
        vec![],
        vec![(X, b"00".to_vec())],
        vec![(X, vec![]), (X, vec![]), (VRF, vec![])],
    ] {
        let found = provider.verify(&reply(&headers, b"{}"), NOW);
        if found != Ok(Authenticity::Unsigned) {
            return Err(Failure::new(format!(
                "{} takes a reply for {found:?}",
                P::NAME
            )));
        }
    }
    Ok(())
}

/// Asks Finpass about 9000000001; the reply is about `echo`.
async fn initialize(finpass: Finpass, echo: &str) -> Result<Called> {
    let body = format!(
        r#"{{"data":{{"client_id":"made-up","mobile_number":"{echo}","redirect_url":"https://aa.example.test/"}},"success":true}}"#
    );
    let replies = (0..4).map(|_| Step::respond(200, body.clone()));
    let transport = ScriptedTransport::new(replies);
    let client = FinpassClient::builder(finpass)
        .transport(Arc::new(transport.clone()))
        .build()?;
    let mobile = Mobile::parse("9000000001")?;
    let request = Initialize::new(mobile, ConsentType::LoanUnderwriting);
    let result = client.initialize(request).await.map(drop);
    Ok(Called {
        result,
        requests: transport.sent().len(),
    })
}
