//! What the performer sends and what it makes of the answers, over a script and over the sandbox.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing
)]

mod answers;
mod consent;
mod failures;
mod people;
mod returns;
mod sandbox;
mod stored;
mod thread;
mod webhooks;

use std::sync::Arc;

use consent_hmac::{ConsentType, Veriff};
use deepvue_digilocker::{Deepvue, DigilockerClient};
use finpass::{Finpass, FinpassClient};
use finpro_fiu::{FiuClient, ProductId, finpro_profile::Finpro};
use kyc_journey::{
    Correlation, CorrelationToken, DataClass, EffectCall, EffectId, JourneyId, Leg, Operation,
    Payload, Performed, Performer as _, Seq,
};
use kyc_journey_performer::{ConsentLog, ProviderClients, VeriffSettings};
use kyc_sandbox::{SandboxTransport, credentials};
use provider_core::capability::{AggregatorId, ProviderReference};
use provider_core::testing::{FixedClock, Fixture, ScriptedTransport, Sent, Step};
use provider_core::{
    Client, ClientBuilder, Clock, ConsentGate, Masked, Provider, Settings, Transport,
};
use veriff_sessions::SessionsClient;

use people::{Nowhere, Somebody};

/// The client of a provider of the sandbox.
fn client<P: Provider, C: From<Client<P>>>(
    provider: Result<P, provider_core::InvalidRequest>,
    builder: fn(P) -> ClientBuilder<P, C>,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
    gate: Option<&Arc<dyn ConsentGate>>,
) -> C {
    let mut builder = builder(provider.unwrap())
        .transport(Arc::clone(transport))
        .clock(Arc::clone(clock));
    if let Some(gate) = gate {
        builder = builder.consent_gate(Arc::clone(gate));
    }
    builder.build().unwrap()
}

/// All four providers of the sandbox over one transport.
fn performer(
    transport: impl Transport + 'static,
    applicant: Somebody,
    clock: Arc<dyn Clock>,
) -> ProviderClients {
    gated_performer(transport, applicant, clock, Arc::new(Nowhere), None)
}

/// The same, whose clients have this gate.
fn gated_performer(
    transport: impl Transport + 'static,
    applicant: Somebody,
    clock: Arc<dyn Clock>,
    log: Arc<dyn ConsentLog>,
    gate: Option<&Arc<dyn ConsentGate>>,
) -> ProviderClients {
    let transport: Arc<dyn Transport> = Arc::new(transport);
    let settings = Settings::of(credentials::environment(&SandboxTransport::base_urls()));
    let (transport, clock) = (&transport, &clock);
    let deepvue: DigilockerClient = client(
        Deepvue::from_settings(&settings),
        DigilockerClient::builder,
        transport,
        clock,
        gate,
    );
    let fiu: FiuClient = client(
        Finpro::from_settings(&settings),
        FiuClient::builder,
        transport,
        clock,
        gate,
    );
    let finpass: FinpassClient = client(
        Finpass::from_settings(&settings),
        FinpassClient::builder,
        transport,
        clock,
        gate,
    );
    let sessions: SessionsClient = client(
        Veriff::from_settings(&settings),
        SessionsClient::builder,
        transport,
        clock,
        gate,
    );
    let veriff = VeriffSettings::new(ConsentType::Aadhaar).with_mobile_number();
    ProviderClients::new(Arc::new(applicant), Arc::new(Nowhere), log)
        .deepvue(deepvue, "KYC of a new customer")
        .finpro(
            fiu,
            ProductId::parse("LOAN-1").unwrap(),
            AggregatorId::parse("onemoney").unwrap(),
        )
        .finpass(finpass)
        .veriff(sessions, veriff)
}

/// A call of the first journey.
fn call(operation: Operation, payload: Option<Payload>) -> EffectCall {
    EffectCall {
        id: EffectId {
            journey: JourneyId::from_bits(17),
            seq: Seq::new(3),
            ordinal: 1,
        },
        operation,
        payload,
    }
}

/// What a call makes of these replies, and what was sent for it.
async fn perform(
    operation: Operation,
    payload: Option<Payload>,
    steps: impl IntoIterator<Item = Step>,
) -> (Performed, Vec<Sent>) {
    let transport = ScriptedTransport::new(steps);
    let clock = Arc::new(FixedClock::default());
    let performer = performer(transport.clone(), Somebody::default(), clock);
    let performed = performer.perform(&call(operation, payload)).await;
    (performed, transport.sent())
}

/// A documented or recorded reply: `<provider>/<operation>/<case>`.
fn reply(case: &str) -> Step {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    Fixture::read(format!("{directory}/{case}.json")).step()
}

fn reference(id: &str) -> ProviderReference {
    ProviderReference::parse(id).unwrap()
}

fn payload(class: DataClass, content: &str) -> Option<Payload> {
    Some(Payload {
        class,
        content: Masked::new(content),
    })
}

fn correlation(leg: Leg) -> Correlation {
    Correlation {
        token: CorrelationToken::from_bits(0x5eed),
        leg,
        attempt: 2,
    }
}

/// What [`correlation`] is in a path, an `accountID` or a `vendorData`.
fn token(leg: Leg) -> String {
    format!("00000000000000000000000000005eed-{}-2", leg.as_str())
}
