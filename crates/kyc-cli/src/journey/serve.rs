//! `kyc journey serve`: the runner of a file of journeys, and the server beside it.

use std::env;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kyc_facade::consent_hmac::{ConsentType, Veriff};
use kyc_facade::deepvue_digilocker::{Deepvue, DigilockerClient};
use kyc_facade::finpass::{Finpass, FinpassClient};
use kyc_facade::finpro_fiu::{FiuClient, ProductId};
use kyc_facade::finpro_profile::Finpro;
use kyc_facade::provider_core::capability::AggregatorId;
use kyc_facade::provider_core::http::uri::Authority;
use kyc_facade::provider_core::jiff::Timestamp;
use kyc_facade::provider_core::{
    Clock, HyperTransport, InvalidRequest, Settings, SystemClock, Transport, check_person_url,
};
use kyc_facade::veriff_sessions::SessionsClient;
use kyc_journey::{Provider, Runner};
use kyc_journey_performer::{
    Addresses, Applicants, LedgerConsents, ProviderClients, StoredApplicants, VeriffSettings,
    Webhooks,
};
use kyc_journey_server::{ApiToken, JourneyServer, serve_on};
use kyc_sandbox::{Provider as At, Sandbox, ServedSandbox};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::invented::{Lender, Nowhere, PURPOSE, SandboxClock};
use super::receipts::Receipts;
use super::store::Store;
use crate::arguments::JourneyServe;
use crate::arguments::parse::{listen_address, web_uri};
use crate::clients::{CallSettings, Clients};
use crate::failure::{Failure, reason};
use crate::product;
use crate::sandbox::running::RunningFile;
use crate::sandbox::serve as sandbox_serve;
use crate::storage::place::{Place, damaged, failed};
use crate::storage::terms::ConsentTerms;
use crate::terminal::interrupt::Interrupt;
use crate::terminal::output::Output;

/// Who brings this token is answered.
pub(crate) const TOKEN: &str = "KYC_JOURNEY_TOKEN";

/// How long a call may take; a plan's `call_deadline` is no shorter by default.
const CALL: Duration = Duration::from_secs(60);

/// How long requests and calls in flight may take when it is stopped.
const GRACE: Duration = Duration::from_secs(5);

pub(crate) async fn run(
    arguments: JourneyServe,
    options: CallSettings,
    output: Output,
) -> Result<u8, Failure> {
    // A setting that is wrong is found before a port is taken, and a port that is taken before anything is written.
    let address = listen_address("--listen", &arguments.listen)?;
    of_this_machine("--listen", address, &arguments)?;
    let public = match (&arguments.public_url, address.ip().is_loopback()) {
        (Some(url), _) => Some(Origin::parse(url)?),
        (None, true) => None,
        (None, false) => {
            let rule = "is required where --listen is not this machine's own address: persons' links lead there";
            return Err(Failure::configuration("--public-url", rule));
        }
    };
    let (token, made) = token(arguments.sandbox)?;
    let environment = Settings::environment();
    let set_up = match arguments.sandbox {
        true => Provider::ALL.to_vec(),
        false => set_up(&environment)?,
    };
    let terms = terms(&arguments)?;
    terms.cover(&set_up)?;
    let chosen = Chosen::of(&arguments, &set_up)?;
    let mut clients = Clients::new(environment, options);
    if !arguments.sandbox {
        check(&clients, &set_up)?;
        if let Some(product) = chosen
            .product
            .as_ref()
            .filter(|_| set_up.contains(&Provider::FinPro))
        {
            product::check(&clients.client(Finpro::from_settings)?, product).await?;
        }
    }
    let listener = bound("--listen", address).await?;
    let sandbox_listener = match arguments.sandbox {
        true => {
            let address = listen_address("--sandbox-listen", &arguments.sandbox_listen)?;
            of_this_machine("--sandbox-listen", address, &arguments)?;
            Some(bound("--sandbox-listen", address).await?)
        }
        false => None,
    };
    let own = own_origin(&listener)?;
    let mut interrupt = Interrupt::listen();
    let store = Store::open(&Place::of(&arguments.store)?).await?;
    store.tell_untold(output);
    let providers = match sandbox_listener {
        Some(listener) => {
            let sandbox = InSandbox::serve(&store, listener, arguments.allow_other_machines);
            let sandbox = sandbox.await?;
            sandbox.send_webhooks_to(&own);
            clients.settings = Settings::of(sandbox.served.environment());
            Some(sandbox)
        }
        None => {
            store.without_sandbox().await?;
            None
        }
    };
    let clock: Arc<dyn Clock> = match &providers {
        Some(sandbox) => Arc::new(Wakeful(SandboxClock(sandbox.sandbox.clone()))),
        None => Arc::new(SystemClock),
    };
    let consents = Arc::new(store.ledger.consents(&terms)?);
    store.write_ledger(&consents).await?;
    let clients = clients.gated(Arc::new(consents.gate()));
    let receipts = Receipts {
        ledger: store.ledger.clone(),
        terms,
        withdrawals: store.withdrawals(Arc::clone(&clock)),
        clock: Arc::clone(&clock),
        // The sandbox's clock is moved, and the ledger's is this machine's.
        is_one_time: providers.is_none(),
        output,
        untold_before: store.untold().to_vec(),
        one: Arc::default(),
    };
    let digests = match &providers {
        Some(_) => store.sandbox_digests(),
        None => store.digests(),
    };
    let mut builder = JourneyServer::builder(store.engine.clone(), digests, token)
        .clock(Arc::clone(&clock))
        .consent_receipts(Arc::new(receipts.clone()))
        .webhooks(Webhooks::from_settings(&clients.settings)?)
        .providers(set_up.clone())
        // An address is nobody else's name.
        .host(own.authority())?;
    for host in public.iter().flat_map(Origin::hosts) {
        builder = builder.host(&host)?;
    }
    let server = builder.build();
    let addresses = Addresses::new(public.as_ref().unwrap_or(&own).text())?;
    let applicants: Arc<dyn Applicants> = match &providers {
        Some(_) => Arc::new(Lender::of(store.engine.clone(), addresses)),
        None => Arc::new(StoredApplicants::new(store.engine.clone(), addresses)),
    };
    let performer = performer(chosen, &clients, &set_up, applicants, consents)?;
    let runner = Runner::new(store.engine.clone(), Arc::new(performer)).with_clock(clock);
    let served = serve_on(&server, listener).map_err(|error| Failure::system(&error))?;
    tell(
        &own,
        public.as_ref(),
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
        () = tell_damaged(&store, output) => {}
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

/// Says which journeys cannot be read, while the others are served, and goes on for ever.
async fn tell_damaged(store: &Store, output: Output) {
    match store.damaged().await {
        Ok(journeys) => {
            for id in journeys {
                output.tell(&format!("{id}: {}", damaged()));
            }
        }
        // Whoever asks for a journey is told the same.
        Err(_) => output.tell("what is damaged of the journeys could not be looked for"),
    }
    std::future::pending().await
}

/// Refuses an address that other machines reach, unless they may.
fn of_this_machine(
    field: &'static str,
    address: SocketAddr,
    arguments: &JourneyServe,
) -> Result<(), Failure> {
    let rule =
        "lets other machines reach it; use --allow-other-machines, behind a proxy that speaks TLS";
    match address.ip().is_loopback() || arguments.allow_other_machines {
        true => Ok(()),
        false => Err(Failure::configuration(field, rule)),
    }
}

async fn bound(field: &'static str, address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| {
        let rule = format!("could not listen on {address}: {}", reason(error.kind()));
        Failure::configuration(field, rule)
    })
}

/// Where this machine reaches a listener. The unspecified address cannot be connected to.
fn own_origin(listener: &TcpListener) -> Result<Origin, Failure> {
    let address = listener
        .local_addr()
        .map_err(|error| Failure::system(&error))?;
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let authority = SocketAddr::new(ip, address.port()).to_string();
    Ok(Origin {
        scheme: "http",
        authority,
    })
}

/// Where the server is reached: it is at the root.
struct Origin {
    scheme: &'static str,
    /// Without the scheme's own port, which nobody writes.
    authority: String,
}

impl Origin {
    fn parse(url: &str) -> Result<Self, Failure> {
        const FIELD: &str = "--public-url";

        let uri = web_uri(FIELD, url)?;
        // Tokens of journeys travel there.
        check_person_url(FIELD, url)?;
        let whole = url.split_once("://").map_or("", |(_, rest)| rest);
        let named = whole.strip_suffix('/').unwrap_or(whole);
        let (Some(authority), false) = (uri.authority(), named.contains(['/', '?', '#'])) else {
            let rule = "must be a scheme, a name and a port alone, such as https://kyc.lender.example: it is served at the root";
            return Err(Failure::configuration(FIELD, rule));
        };
        let (scheme, port) = match uri.scheme_str() {
            Some("https") => ("https", ":443"),
            _ => ("http", ":80"),
        };
        let authority = authority.as_str().to_ascii_lowercase();
        Ok(Self {
            scheme,
            authority: authority
                .strip_suffix(port)
                .unwrap_or(&authority)
                .to_owned(),
        })
    }

    fn text(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    fn authority(&self) -> &str {
        &self.authority
    }

    /// As `Host` headers may have it: some write the scheme's own port, too.
    fn hosts(&self) -> Vec<String> {
        let port = match self.scheme {
            "https" => 443,
            _ => 80,
        };
        let has_port = self.authority.parse::<Authority>();
        let has_port = has_port.is_ok_and(|authority| authority.port().is_some());
        let mut hosts = vec![self.authority.clone()];
        if !has_port {
            hosts.push(format!("{}:{port}", self.authority));
        }
        hosts
    }
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

/// Finds what is wrong with the settings of these providers.
fn check(clients: &Clients, set_up: &[Provider]) -> Result<(), Failure> {
    for provider in set_up {
        match provider {
            Provider::Deepvue => {
                clients.client::<_, DigilockerClient>(Deepvue::from_settings)?;
            }
            Provider::FinPro => {
                clients.client::<_, FiuClient>(Finpro::from_settings)?;
            }
            Provider::Finpass => {
                clients.client::<_, FinpassClient>(Finpass::from_settings)?;
            }
            Provider::Veriff => {
                clients.client::<_, SessionsClient>(Veriff::from_settings)?;
            }
        }
    }
    Webhooks::from_settings(&clients.settings)?;
    Ok(())
}

/// What the arguments say of providers.
struct Chosen {
    purpose: String,
    product: Option<ProductId>,
    aggregator: AggregatorId,
}

impl Chosen {
    fn of(arguments: &JourneyServe, set_up: &[Provider]) -> Result<Self, Failure> {
        let product = match (arguments.product_id.as_deref(), arguments.sandbox) {
            (None, true) => Some(product::OF_THE_SANDBOX),
            (Some(product), true) if product != product::OF_THE_SANDBOX => {
                let rule = format!("must be {} in a sandbox", product::OF_THE_SANDBOX);
                return Err(Failure::configuration(product::FIELD, rule));
            }
            (None, false) if set_up.contains(&Provider::FinPro) => {
                let rule = "is required with FinPro's settings";
                return Err(Failure::configuration(product::FIELD, rule));
            }
            (product, _) => product,
        };
        let product = product.map(product::parse).transpose()?;
        let aggregator = AggregatorId::parse(&arguments.aggregator);
        let purpose = arguments.purpose.as_deref().unwrap_or(PURPOSE);
        Ok(Self {
            purpose: purpose.to_owned(),
            product,
            aggregator: aggregator.map_err(|error| error.for_field("--aggregator"))?,
        })
    }
}

fn performer(
    chosen: Chosen,
    clients: &Clients,
    set_up: &[Provider],
    applicants: Arc<dyn Applicants>,
    consents: Arc<LedgerConsents>,
) -> Result<ProviderClients, Failure> {
    let deadline = clients
        .options
        .timeout
        .map_or(CALL, |timeout| timeout.min(CALL));
    let mut performer = ProviderClients::new(applicants, Arc::new(Nowhere), consents.clone())
        .with_consents(consents)
        .with_call_deadline(deadline);
    for provider in set_up {
        performer = match (provider, &chosen.product) {
            (Provider::Deepvue, _) => performer.deepvue(
                clients.client(Deepvue::from_settings)?,
                chosen.purpose.clone(),
            ),
            (Provider::FinPro, Some(product)) => performer.finpro(
                clients.client(Finpro::from_settings)?,
                product.clone(),
                chosen.aggregator.clone(),
            ),
            (Provider::FinPro, None) => performer,
            (Provider::Finpass, _) => performer.finpass(clients.client(Finpass::from_settings)?),
            (Provider::Veriff, _) => {
                let veriff = VeriffSettings::new(ConsentType::Aadhaar).with_mobile_number();
                performer.veriff(clients.client(Veriff::from_settings)?, veriff)
            }
        };
    }
    Ok(performer)
}

/// Says where everything is, and what a first request needs.
fn tell(
    own: &Origin,
    public: Option<&Origin>,
    set_up: &[Provider],
    sandbox: Option<&InSandbox>,
    made: Option<&str>,
    output: Output,
) -> Result<(), Failure> {
    let url = own.text();
    let names: Vec<_> = set_up.iter().map(|provider| provider.as_str()).collect();
    let console = sandbox.map(|sandbox| {
        let (url, token) = (sandbox.served.url(), sandbox.sandbox.control_token());
        format!("{url}/?token={token}")
    });
    if output.json {
        let told: Value = json!({
            "url": url,
            "public_url": public.map(Origin::text),
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
    if let Some(public) = public {
        let public = public.text();
        output.text(&format!("# Persons and webhooks come to {public}"))?;
    }
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
    async fn serve(
        store: &Store,
        listener: TcpListener,
        allow_other_machines: bool,
    ) -> Result<Self, Failure> {
        let transport = HyperTransport::builder().allow_plain_http().build()?;
        let transport: Arc<dyn Transport> = Arc::new(transport);
        let settings = kyc_sandbox::Settings::default()
            .with_allow_other_machines(allow_other_machines)
            .with_webhook_transport(Some(transport))
            // It is for tests in process; nobody can read this one's.
            .with_ledger_capacity(0);
        let sandbox = store.sandbox_of_all(settings).await?;
        let served = sandbox.serve_on(listener);
        let served =
            served.map_err(|error| sandbox_serve::failure_of("--sandbox-listen", error))?;
        Ok(Self { sandbox, served })
    }

    fn send_webhooks_to(&self, server: &Origin) {
        for (at, name) in [(At::Veriff, "veriff"), (At::Finpro, "finpro")] {
            let url = Some(format!("{}/hooks/{name}", server.text()));
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
