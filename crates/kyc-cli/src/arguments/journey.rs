//! The arguments of `kyc journey`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Journey {
    #[command(subcommand)]
    pub(crate) command: JourneyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JourneyCommand {
    /// Begin a journey, and follow it until it ends or somebody has to act
    Start(Box<JourneyStart>),
    /// List the journeys of a file, the one that changed last first
    List(JourneyList),
    /// Show where a journey stands, and what happened
    Show(OneJourney),
    /// Wait until no other kyc has the file, which it says, then show what happened; ends as `start` does
    Watch(OneJourney),
    /// Let a journey go on that was interrupted or for which somebody had to act, and follow it as `start` does; of one that has ended,
    /// make the calls that give something back
    Resume(JourneyResume),
    /// Say that a person has done at the providers what a journey left to one, which `show` and `list` call `to do`: nothing is called
    Resolve(JourneyResolve),
    /// Print all that is kept of a journey as JSON: state, history, which payloads, receipts; nothing personal, and no secret
    Export(OneJourney),
    /// Serve the journeys of a file, and carry them out: an HTTP API, webhooks, returns and an operator's page
    ///
    /// Callers bring the token of KYC_JOURNEY_TOKEN, or of the file that KYC_JOURNEY_TOKEN_FILE names; it never starts without, but makes
    /// one with --sandbox. Providers are those whose settings are in the environment; their webhooks need their secrets there, too.
    Serve(Box<JourneyServe>),
    /// End a journey, as an operator does
    Cancel(OneJourney),
    /// End a journey because its person withdrew the consent; what was fetched is erased
    Withdraw(OneJourney),
}

/// What keeps the journeys and their consents.
#[derive(Debug, Args)]
pub(crate) struct Store {
    /// The SQLite file that keeps the journeys; beside it, with .key at the end, the key that opens it, with .ledger the consents, and
    /// with .sandbox what the sandbox knows of them. Or a PostgreSQL database that several processes may share, postgres://USER@HOST/NAME,
    /// whose password is in KYC_DB_PASSWORD, or in the file that KYC_DB_PASSWORD_FILE names
    #[arg(long, value_name = "FILE or URL", default_value = Store::DEFAULT)]
    pub(crate) db: PathBuf,
    /// With a PostgreSQL database: where its keys lie, the same ones for each process; PATH.key, PATH.ledger-kek, and PATH.sandbox for what
    /// the sandbox knows
    #[arg(long, value_name = "PATH")]
    pub(crate) keys: Option<PathBuf>,
    /// With a PostgreSQL database: a PEM file of the certificate authorities that may vouch for its server; the system's if absent
    #[arg(long, value_name = "FILE")]
    pub(crate) root_certificates: Option<PathBuf>,
}

impl Store {
    /// The file where `--db` names none.
    pub(crate) const DEFAULT: &str = "kyc-journeys.db";
}

/// The person's part is taken by the script in the mobile number, and the sandbox's clock is moved to whatever is due next, so that
/// days pass in a moment.
#[derive(Debug, Args)]
pub(crate) struct JourneyStart {
    /// Start the sandbox inside this process and use it for all four providers
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// The person's mobile number, 10 digits; may be left out where --key names a journey that has begun, which keeps it
    #[arg(long = "mobile-number", alias = "mobile")]
    pub(crate) mobile: Option<String>,
    /// What the journey is to reach, a TOML or JSON file; documents, accounts and a verification if absent
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// Your name for the journey: the same key is the same journey, which begins once, and goes on if it was interrupted
    #[arg(long)]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) store: Store,
}

#[derive(Debug, Args)]
pub(crate) struct JourneyResume {
    /// The journey
    pub(crate) id: String,
    /// Only this leg: documents, accounts, verification
    #[arg(long)]
    pub(crate) leg: Option<String>,
    /// Start the sandbox inside this process and use it for all four providers
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// The person's mobile number, which the journey keeps: refused if it is another one
    #[arg(long = "mobile-number", alias = "mobile")]
    pub(crate) mobile: Option<String>,
    #[command(flatten)]
    pub(crate) store: Store,
}

#[derive(Debug, Args)]
pub(crate) struct JourneyResolve {
    /// The journey, also one that has ended
    pub(crate) id: String,
    /// Only what was left of this leg: documents, accounts, verification
    #[arg(long)]
    pub(crate) leg: Option<String>,
    #[command(flatten)]
    pub(crate) store: Store,
}

/// Serves until it is interrupted.
#[derive(Debug, Args)]
pub(crate) struct JourneyServe {
    /// IP address, or localhost, to listen on; one that is not loopback needs --allow-other-machines
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8088")]
    pub(crate) listen: String,
    /// Accept other machines, at the sandbox too: it speaks no TLS, so let a proxy stand before it; needs --public-url
    #[arg(long)]
    pub(crate) allow_other_machines: bool,
    /// Where persons' browsers and providers' webhooks reach it, a scheme, a name and a port alone; where it listens if absent
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Serve the sandbox, too, and use it for all four providers; its state lies beside the journeys
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Where the sandbox listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8787")]
    pub(crate) sandbox_listen: String,
    /// To what persons consent, a TOML or JSON file: notice, purpose, data, recipients, validity; required without --sandbox
    #[arg(long, value_name = "FILE")]
    pub(crate) terms: Option<PathBuf>,
    /// The purpose that DigiLocker shows to the person
    #[arg(long)]
    pub(crate) purpose: Option<String>,
    /// FinPro: the template of the consents, as `kyc finpro list-products` has it; required where FinPro's settings are in the environment,
    /// for plans with accounts at FinPro. A sandbox has LOAN-1 alone
    #[arg(long, value_name = "ID")]
    pub(crate) product_id: Option<String>,
    /// FinPro: the aggregator where a plan names none
    #[arg(long, value_name = "ID", default_value = "onemoney")]
    pub(crate) aggregator: String,
    #[command(flatten)]
    pub(crate) store: Store,
}

#[derive(Debug, Args)]
pub(crate) struct JourneyList {
    /// Only journeys in this state, such as needs_person; may be given several times
    #[arg(long)]
    pub(crate) status: Vec<String>,
    /// Only journeys that have not changed for this long, such as 1h or 2d, and have not ended, unless --status asks for those
    #[arg(long, value_name = "LENGTH")]
    pub(crate) stuck: Option<String>,
    #[command(flatten)]
    pub(crate) store: Store,
}

#[derive(Debug, Args)]
pub(crate) struct OneJourney {
    /// The journey
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) store: Store,
}
