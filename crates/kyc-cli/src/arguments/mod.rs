//! The arguments of the commands other than the providers' operations. Values are parsed as text here, because clap's own
//! messages would print a wrong one.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};
use clap_complete::Shell;

mod consent;
mod journey;
pub(crate) mod parse;
mod sandbox;

pub(crate) use self::consent::*;
pub(crate) use self::journey::*;
pub(crate) use self::sandbox::*;

const AFTER_HELP: &str = "\
Credentials come from the environment, never from arguments. Each variable may
also be given as NAME_FILE, the path of a file that holds the value and nothing
else.

  FINPASS_BASE_URL (https://api.finpass.ai)
  FINPASS_API_KEY  FINPASS_API_SECRET
  FINPRO_BASE_URL  FINPRO_CLIENT_ID  FINPRO_CLIENT_SECRET
  FINPRO_ORGANISATION_ID  FINPRO_APP_IDENTIFIER
  VERIFF_BASE_URL  VERIFF_API_KEY
  VERIFF_SHARED_SECRET (a,b,c: the first signs, all verify)
  DEEPVUE_BASE_URL (https://production.deepvue.tech)
  DEEPVUE_CLIENT_ID  DEEPVUE_CLIENT_SECRET

Webhooks, for `kyc listen` and `kyc webhooks verify`:

  VERIFF_API_KEY  VERIFF_WEBHOOK_SECRET
  FINPRO_WEBHOOK_SECRET  FINPRO_WEBHOOK_HEADER  FINPRO_WEBHOOK_ENCODING
  FINPRO_WEBHOOK_PREFIX (none)

Another sandbox than the last that was started on this machine:

  KYC_SANDBOX_URL  KYC_SANDBOX_TOKEN

Exit codes: 0 done (also a sandbox that was stopped), 2 invalid input or
configuration, 3 credentials refused, 4 provider refused or failed, or with
--complete or --browser the person said no, 5 not reached, too slow, broken
off, too many requests, or nobody answered in time, 6 not authentic, 7 not
understood, unclear or not written, 8 a disk refused, 130 interrupted. `kyc onboard` exits with the
highest code of its steps, a batch with that of its rows. `kyc journey start`, `resume` and
`watch` exit with 0 completed, 3 rejected, 4 somebody has to act, 5 expired,
withdrawn or cancelled.";

/// The heading of the flags that say something of a batch only.
pub(crate) const BATCH_HEADING: &str = "Many people";

/// KYC and account aggregator providers, one call at a time or one onboarding.
#[derive(Debug, Parser)]
#[command(name = "kyc", version, after_help = AFTER_HELP, max_term_width = 80)]
pub(crate) struct Arguments {
    /// Print what is for stdout, such as a provider's answer, as JSON, and errors as JSON on stderr
    #[arg(long, global = true, display_order = 100)]
    pub(crate) json: bool,

    /// Deadline of the call, of the whole onboarding with its waiting for the person, of following a journey, or of each call of a batch,
    /// such as 30s; a number alone is seconds
    #[arg(
        long,
        global = true,
        display_order = 101,
        value_name = "LENGTH",
        allow_negative_numbers = true
    )]
    pub(crate) timeout: Option<String>,

    /// What follows from an input that looks wrong, such as a PAN of another holder's class: ignore, warn, refuse-wrong,
    /// refuse-all; warn if absent
    #[arg(long, global = true, display_order = 103, value_name = "WHAT")]
    pub(crate) on_finding: Option<String>,

    /// Compare the replies with what the provider documents, and show on stderr what differs
    #[arg(long, global = true, display_order = 104)]
    pub(crate) drift: bool,

    /// Show on stderr each attempt of a call and how it ended; -vv also when it begins
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 102)]
    pub(crate) verbose: u8,

    /// `None` for an operation of a provider.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Onboard a person: record consent, open DigiLocker, find the aggregators, open an aggregator consent
    ///
    /// All of it happens in this process and in memory, at once: what the process leaves behind is its report, with `--out` in a
    /// file from which another one goes on. `kyc journey` takes the same steps over days, keeps them in a file, and goes on
    /// after the process has ended.
    ///
    /// Steps without input are skipped and reported as skipped. With `--sandbox` missing inputs are invented, so
    /// `--mobile-number` is enough.
    #[command(display_order = 1)]
    Onboard(Box<Onboard>),
    /// Journeys that outlive the process: start one, list them, show what happened
    #[command(display_order = 1)]
    Journey(Journey),
    /// The ledger of consents beside the journeys: show it, check it, export it, withdraw a consent
    #[command(display_order = 1)]
    Consent(Consent),
    /// Erase what is kept of a person, as far as nothing demands that it is kept
    #[command(display_order = 1)]
    Erase(Erase),
    /// Serve the sandbox and print the variables to export
    #[command(display_order = 2)]
    Sandbox(Serve),
    /// Show or move the clock of a running sandbox
    #[command(display_order = 80)]
    Clock(Clock),
    /// List the faults of a running sandbox, switch them on and off
    #[command(display_order = 81)]
    Faults(Faults),
    /// List the invented people of a running sandbox
    #[command(display_order = 82)]
    People(People),
    /// List the webhooks of a running sandbox, send them again, say where they go
    #[command(display_order = 83)]
    Webhooks(Webhooks),
    /// Let an event happen in a running sandbox, with its webhooks
    #[command(display_order = 83)]
    Trigger(Trigger),
    /// Receive webhooks, verify them, print them and forward them
    #[command(display_order = 84)]
    Listen(Listen),
    /// Print a provider's operations as an OpenAPI 3.1 document, in JSON
    #[command(display_order = 90)]
    Openapi {
        /// The provider: finpass, finpro, veriff, deepvue; or journeys: what `kyc journey serve` serves
        provider: String,
        /// Print YAML instead of JSON
        #[arg(long, conflicts_with = "json")]
        yaml: bool,
    },
    /// Print a completion script
    #[command(display_order = 91)]
    Completions {
        /// The shell
        shell: Shell,
    },
}

impl Command {
    /// Whether it asks a running sandbox for something.
    pub(crate) fn steers_a_sandbox(&self) -> bool {
        match self {
            Self::Webhooks(webhooks) => {
                !matches!(webhooks.command, Some(WebhooksCommand::Verify(_)))
            }
            Self::Clock(_) | Self::Faults(_) | Self::People(_) | Self::Trigger(_) => true,
            _ => false,
        }
    }
}

/// What `kyc onboard` takes.
#[derive(Debug, Args)]
pub(crate) struct Onboard {
    /// Start the sandbox inside this process and use it for all four providers
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Go on to the end: read the documents, the accounts and the decision once the person has answered. With --sandbox the
    /// script in the mobile number answers, and the clock is moved. Without it, it is for a sandbox that runs elsewhere and whose
    /// variables are exported: it prints where the person has to go, and waits for ten minutes, or --timeout. For real providers
    /// use --browser
    #[arg(long)]
    pub(crate) complete: bool,
    /// As --complete, with a person at a browser: print where to go, wait, and go on when the browser comes back
    #[arg(long)]
    pub(crate) browser: bool,
    /// With --complete or --browser: the consent template at FinPro, whose consents they read
    #[arg(long, value_name = "ID")]
    pub(crate) product_id: Option<String>,
    /// The person's mobile number, 10 digits
    #[arg(long = "mobile-number", alias = "mobile")]
    pub(crate) mobile: String,
    /// The person's PAN
    #[arg(long = "pan-number", alias = "pan")]
    pub(crate) pan: Option<String>,
    /// The person's e-mail address
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// The Veriff session to record the consent for; needs --consent-text
    #[arg(long)]
    pub(crate) session_id: Option<String>,
    /// What the person consents to at Veriff: aadhaar, ine, bipa
    #[arg(long = "type", value_name = "TYPE", default_value = "aadhaar")]
    pub(crate) consent_kind: String,
    /// The consent text exactly as it was shown; needs --session-id, and without it no documents are requested
    #[arg(long, alias = "text")]
    pub(crate) consent_text: Option<String>,
    /// Whether the person agreed; a refusal is recorded, which needs a session and a text, and all other steps are skipped. True if
    /// absent, and with --resume what the report says
    #[arg(long, value_name = "true|false")]
    pub(crate) approved: Option<String>,
    /// The purpose of the documents, for DigiLocker; needs --redirect-url and --consent-text
    #[arg(long)]
    pub(crate) purpose: Option<String>,
    /// Which documents: aadhaar, pan, dl; may be given several times
    #[arg(long)]
    pub(crate) doc_type: Vec<String>,
    /// Where the person's browser returns to; not with --browser, which has an address of its own
    #[arg(long)]
    pub(crate) redirect_url: Option<String>,
    /// Where changes of the aggregator consent are reported
    #[arg(long)]
    pub(crate) webhook_url: Option<String>,
    /// What the aggregator consent is for: loan_underwriting, loan_monitoring
    #[arg(long, default_value = "loan_underwriting")]
    pub(crate) consent_type: String,
    /// Your id for the query to aggregators; random if absent
    #[arg(long)]
    pub(crate) user_consent_id: Option<String>,
    /// Ask only this aggregator; may be given several times, the preferred one first
    #[arg(long)]
    pub(crate) aa_id: Vec<String>,
    /// The aggregator to use if none knows the person
    #[arg(long)]
    pub(crate) default_aa_id: Option<String>,
    #[command(flatten)]
    pub(crate) kept: KeptReport,
}

/// What `kyc onboard` takes to keep its report, and to go on from it.
#[derive(Debug, Args)]
#[command(next_help_heading = "A report that is kept")]
pub(crate) struct KeptReport {
    /// Keep the report in this file, for its owner only: whatever ends the command, what was opened is in it, with the links for
    /// the person. A file that exists is not overwritten. Not with --complete or --browser
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Go on from the report in --out, with the same flags: take again what failed or was not reached, but not what is done or may
    /// have been. Not with --sandbox, which knows nothing of an earlier one; a journey that is kept with its sandbox is
    /// kyc journey
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
    /// With --resume: take this step and no other: record-consent, open-documents, discover-aggregators, open-aggregator-consent;
    /// may be given several times
    #[arg(long, value_name = "STEP")]
    pub(crate) only: Vec<String>,
    /// With --resume: take this step although it is done or may have been: it was reconciled, or a second time is wanted; may be
    /// given several times
    #[arg(long, value_name = "STEP")]
    pub(crate) repeat: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = BATCH_HEADING)]
pub(crate) struct BatchArguments {
    /// Check each row of this file: mobileNumber, and optionally userConsentId, aaId, reference; - is standard input
    #[arg(long, value_name = "FILE", requires = "out")]
    pub(crate) batch: Option<PathBuf>,
    /// Resume from existing results; start from the beginning if there are none
    #[arg(long, requires = "batch")]
    pub(crate) resume: bool,
    /// Format of the input: csv, jsonl; by its file extension if absent
    #[arg(long, value_name = "FORMAT", requires = "batch")]
    pub(crate) format: Option<String>,
    /// How many calls in flight at once, 1 to 1000; 32 if absent
    #[arg(long, value_name = "NUMBER", requires = "batch")]
    pub(crate) concurrency: Option<String>,
    /// The most requests per second, 1 to 1000
    #[arg(long, value_name = "NUMBER", requires = "batch")]
    pub(crate) per_second: Option<String>,
    /// Send many rows over one connection of HTTP/1.1: faster, but should a proxy on the way send a reply twice, later rows get the
    /// answers of other people, and nothing notices
    #[arg(long, requires = "batch")]
    pub(crate) reuse_connections: bool,
    /// Write the results in the order of the rows; a slow reply delays the others
    #[arg(long, requires = "batch")]
    pub(crate) in_order: bool,
    /// Stop after this long without any answer; 15m if absent
    #[arg(
        long,
        value_name = "LENGTH",
        requires = "batch",
        allow_negative_numbers = true
    )]
    pub(crate) give_up_after: Option<String>,
}
