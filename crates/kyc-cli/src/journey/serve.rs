//! `kyc journey serve`: the runner of a file of journeys, and the server beside it.

use std::env;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kyc_facade::consent_hmac::{ConsentType, Veriff};
use kyc_facade::deepvue_digilocker::Deepvue;
use kyc_facade::finpass::Finpass;
use kyc_facade::finpro_fiu::ProductId;
use kyc_facade::finpro_profile::Finpro;
use kyc_facade::provider_core::capability::AggregatorId;
use kyc_facade::provider_core::jiff::Timestamp;
use kyc_facade::provider_core::{
    Clock, HyperTransport, InvalidRequest, Settings, SystemClock, Transport, check_person_url,
};
use kyc_journey::{Provider, Runner};
use kyc_journey_performer::{
    Addresses, LedgerConsents, ProviderClients, StoredApplicants, VeriffSettings, Webhooks,
};
use kyc_journey_server::{ApiToken, JourneyServer, Served, serve};
use kyc_sandbox::{Provider as At, Sandbox, ServedSandbox};
use serde_json::{Value, json};

use super::invented::{Nowhere, SandboxClock};
use super::receipts::Receipts;
use super::store::{Store, failed};
use crate::arguments::JourneyServe;
use crate::clients::{CallSettings, Clients, settings};
use crate::failure::{Failure, reason};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::parse::{listen_address, web_uri};
use crate::place::Place;
use crate::sandbox::running::RunningFile;
use crate::sandbox::serve as sandbox_serve;
use crate::terms::ConsentTerms;

/// Who brings this token is answered.
const TOKEN: &str = "KYC_JOURNEY_TOKEN";

/// How long a call may take; a plan's `call_deadline` is no shorter by default.
const CALL: Duration = Duration::from_secs(60);

/// How long requests and calls in flight may take when it is stopped.
const GRACE: Duration = Duration::from_secs(5);

/// What the sandbox knows.
const SANDBOX_PRODUCT: &str = "LOAN-1";
const PURPOSE: &str = "KYC of a new customer";

pub(crate) async fn run(
    arguments: JourneyServe,
    options: CallSettings,
    output: Output,
) -> Result<u8, Failure> {
    let address = listen_address("--listen", &arguments.listen)?;
    if !address.ip().is_loopback() && !arguments.allow_other_machines {
        let rule = "lets other machines reach it; use --allow-other-machines, behind a proxy that speaks TLS";
        return Err(Failure::configuration("--listen", rule));
    }
    if let Some(url) = &arguments.public_url {
        web_uri("--public-url", url)?;
        // Tokens of journeys travel there.
        check_person_url("--public-url", url)?;
    }
    let (token, made) = token(arguments.sandbox)?;
    let environment = settings(options.timeout);
    let set_up = match arguments.sandbox {
        true => Provider::ALL.to_vec(),
        false => set_up(&environment)?,
    };
    let terms = terms(&arguments)?;
    terms.cover(&set_up)?;
    let mut interrupt = Interrupt::listen();
    let store = Store::open(&Place::of(&arguments.store)?).await?;
    let providers = match arguments.sandbox {
        true => Some(InSandbox::serve(&store, &arguments.sandbox_listen).await?),
        false => None,
    };
    let clock: Arc<dyn Clock> = match &providers {
        Some(sandbox) => Arc::new(Wakeful(SandboxClock(sandbox.sandbox.clone()))),
        None => Arc::new(SystemClock),
    };
    let consents = Arc::new(store.ledger.consents(&terms)?);
    store.write_ledger(&consents).await?;
    let settings = match &providers {
        Some(sandbox) => Settings::of(sandbox.served.environment()),
        None => environment,
    };
    let clients = Clients::new(settings, options).gated(Arc::new(consents.gate()));
    let receipts = Receipts {
        ledger: store.ledger.clone(),
        terms,
        withdrawals: store.withdrawals(Arc::clone(&clock)),
        clock: Arc::clone(&clock),
        // The sandbox's clock is moved, and the ledger's is this machine's.
        is_one_time: providers.is_none(),
        output,
        one: Arc::default(),
    };
    let mut builder = JourneyServer::builder(store.engine.clone(), store.digests(), token)
        .clock(Arc::clone(&clock))
        .consent_receipts(Arc::new(receipts.clone()))
        .webhooks(Webhooks::from_settings(&clients.settings)?)
        .providers(set_up.clone());
    if let Some(host) = arguments.public_url.as_deref().and_then(authority) {
        builder = builder.host(&host)?;
    }
    let server = builder.build();
    let served = serve(&server, address).await.map_err(|error| {
        let rule = format!("could not listen on {address}: {}", reason(error.kind()));
        Failure::configuration("--listen", rule)
    })?;
    let url = format!("http://{}", served.address());
    let public = arguments.public_url.as_deref().unwrap_or(&url);
    if let Some(sandbox) = &providers {
        sandbox.send_webhooks_to(&url);
    }
    let performer = performer(&arguments, &clients, &set_up, &store, consents, public)?;
    let runner = Runner::new(store.engine.clone(), Arc::new(performer)).with_clock(clock);
    tell(
        &served,
        &set_up,
        providers.as_ref(),
        made.as_deref(),
        output,
    )?;
    let _running = providers
        .as_ref()
        .map(|sandbox| RunningFile::write(&sandbox.served.url(), sandbox.sandbox.control_token()));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut running = tokio::spawn(runner.run(async {
        let _ = stopped.await;
    }));
    tokio::select! {
        () = interrupt.next() => {}
        () = receipts.keep_telling() => {}
        // The store cannot be written or read any more.
        ended = &mut running => {
            let ended = ended.map_err(|_| Failure::configuration("runner", "ended before its time"))?;
            ended.map_err(failed)?;
        }
    }
    output.tell("ends; what is under way goes on for a moment, and what is left waits");
    drop(stop);
    let ending = async {
        served.shutdown(GRACE).await;
        let _in_time = tokio::time::timeout(GRACE, running).await;
        store.leave().await;
        if let Some(sandbox) = providers {
            sandbox.served.shutdown().await;
        }
    };
    // Whoever stops it twice waits for nothing.
    tokio::select! {
        () = ending => {}
        () = interrupt.next() => {}
    }
    Ok(0)
}

/// The token, and its text where it was made here: for a sandbox nobody needs to think of one.
fn token(sandbox: bool) -> Result<(ApiToken, Option<String>), Failure> {
    let is_set = [TOKEN, "KYC_JOURNEY_TOKEN_FILE"]
        .iter()
        .any(|name| env::var_os(name).is_some());
    if is_set || !sandbox {
        return Ok((ApiToken::from_environment(TOKEN)?, None));
    }
    let text = format!("{:032x}", SystemClock.random()?);
    Ok((ApiToken::new(text.clone())?, Some(text)))
}

/// To what persons consent: a sandbox has terms of its own.
fn terms(arguments: &JourneyServe) -> Result<ConsentTerms, Failure> {
    match (&arguments.terms, arguments.sandbox) {
        (Some(path), _) => ConsentTerms::read(path),
        (None, true) => ConsentTerms::of_the_sandbox(),
        (None, false) => Err(Failure::configuration(
            "--terms",
            "is required: the ledger writes to what a person consents",
        )),
    }
}

/// Name and port of a URL.
fn authority(url: &str) -> Option<String> {
    let uri = web_uri("--public-url", url).ok()?;
    uri.authority().map(|named| named.as_str().to_owned())
}

/// The providers of which any setting is there.
fn set_up(settings: &Settings) -> Result<Vec<Provider>, Failure> {
    let all = [
        (Provider::Deepvue, Deepvue::SETTINGS),
        (Provider::FinPro, Finpro::SETTINGS),
        (Provider::Finpass, Finpass::SETTINGS),
        (Provider::Veriff, Veriff::SETTINGS),
    ];
    let mut found = Vec::new();
    for (provider, names) in all {
        if settings.any(names)? {
            found.push(provider);
        }
    }
    match found.is_empty() {
        true => Err(Failure::configuration(
            "environment",
            "must have the settings of a provider; or use --sandbox",
        )),
        false => Ok(found),
    }
}

fn performer(
    arguments: &JourneyServe,
    clients: &Clients,
    set_up: &[Provider],
    store: &Store,
    consents: Arc<LedgerConsents>,
    public: &str,
) -> Result<ProviderClients, Failure> {
    let addresses = Addresses::new(public).map_err(|error| error.for_field("--public-url"))?;
    let applicants = Arc::new(StoredApplicants::new(store.engine.clone(), addresses));
    let deadline = clients
        .options
        .timeout
        .map_or(CALL, |timeout| timeout.min(CALL));
    let mut performer = ProviderClients::new(applicants, Arc::new(Nowhere), consents.clone())
        .with_consents(consents)
        .with_call_deadline(deadline);
    for provider in set_up {
        performer = match provider {
            Provider::Deepvue => {
                let purpose = arguments.purpose.as_deref().unwrap_or(PURPOSE);
                performer.deepvue(clients.client(Deepvue::from_settings)?, purpose)
            }
            Provider::FinPro => {
                let product = match (arguments.product_id.as_deref(), arguments.sandbox) {
                    (Some(product), _) => product,
                    (None, true) => SANDBOX_PRODUCT,
                    (None, false) => {
                        let rule = "is required with FinPro's settings";
                        return Err(Failure::configuration("--product-id", rule));
                    }
                };
                let product = ProductId::parse(product);
                let aggregator = AggregatorId::parse(&arguments.aggregator);
                performer.finpro(
                    clients.client(Finpro::from_settings)?,
                    product.map_err(|error| error.for_field("--product-id"))?,
                    aggregator.map_err(|error| error.for_field("--aggregator"))?,
                )
            }
            Provider::Finpass => performer.finpass(clients.client(Finpass::from_settings)?),
            Provider::Veriff => {
                let veriff = VeriffSettings::new(ConsentType::Aadhaar).with_mobile_number();
                performer.veriff(clients.client(Veriff::from_settings)?, veriff)
            }
        };
    }
    Ok(performer)
}

/// Says where everything is, and what a first request needs.
fn tell(
    served: &Served,
    set_up: &[Provider],
    sandbox: Option<&InSandbox>,
    made: Option<&str>,
    output: Output,
) -> Result<(), Failure> {
    let url = format!("http://{}", served.address());
    let names: Vec<_> = set_up.iter().map(|provider| provider.as_str()).collect();
    let console = sandbox.map(|sandbox| {
        let (url, token) = (sandbox.served.url(), sandbox.sandbox.control_token());
        format!("{url}/?token={token}")
    });
    if output.json {
        let told: Value = json!({
            "url": url,
            "token": made,
            "providers": names,
            "sandbox": sandbox.map(|sandbox| sandbox.served.url()),
            "console": console,
        });
        return output.text(&format!("{told:#}"));
    }
    output.text(&format!(
        "# Journeys are served on {url}; stop it with Ctrl-C."
    ))?;
    output.text(&format!("# Operator's page: {url}/"))?;
    output.text(&format!("# Providers: {}", names.join(", ")))?;
    if let Some(console) = console {
        output.text(&format!("# The sandbox's console: {console}"))?;
        output.text("# A first journey, of somebody who approves in time: `kyc clock advance 1h` lets it pass.")?;
        output.text(&format!(
            "#   curl {url}/v1/journeys -H \"authorization: Bearer ${TOKEN}\" -H 'idempotency-key: ORDER-17' \\\n#     -d '{FIRST}'"
        ))?;
    }
    if let Some(token) = made {
        output.text(&format!("export {TOKEN}='{token}'"))?;
    }
    Ok(())
}

/// What a first journey begins with.
const FIRST: &str =
    r#"{"applicant":{"mobile":"9001000000"},"plan":{"verification":{}},"consent":{}}"#;

/// The sandbox beside the journeys.
struct InSandbox {
    sandbox: Sandbox,
    served: ServedSandbox,
}

impl InSandbox {
    async fn serve(store: &Store, listen: &str) -> Result<Self, Failure> {
        let address: SocketAddr = listen_address("--sandbox-listen", listen)?;
        let transport = HyperTransport::builder().allow_plain_http().build()?;
        let transport: Arc<dyn Transport> = Arc::new(transport);
        let settings = kyc_sandbox::Settings::default()
            .with_webhook_transport(Some(transport))
            // It is for tests in process; nobody can read this one's.
            .with_ledger_capacity(0);
        let sandbox = store.sandbox(settings)?;
        let served = sandbox.serve(address).await;
        let served =
            served.map_err(|error| sandbox_serve::failure_of("--sandbox-listen", error))?;
        Ok(Self { sandbox, served })
    }

    fn send_webhooks_to(&self, url: &str) {
        for (at, name) in [(At::Veriff, "veriff"), (At::Finpro, "finpro")] {
            let url = Some(format!("{url}/hooks/{name}"));
            self.sandbox.set_webhook_url(at, url);
        }
    }
}

/// The sandbox's clock, looked at each second: somebody may move it.
#[derive(Debug)]
struct Wakeful(SandboxClock);

#[async_trait]
impl Clock for Wakeful {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn random(&self) -> Result<u128, InvalidRequest> {
        self.0.random()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration.min(Duration::from_secs(1))).await;
    }
}
