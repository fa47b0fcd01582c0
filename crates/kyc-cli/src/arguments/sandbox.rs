//! The arguments of `kyc sandbox`, and of the commands that steer one that runs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Serves until it is interrupted.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// IP address, or localhost, to listen on; one that is not loopback needs --allow-other-machines
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8787")]
    pub(crate) listen: String,
    /// Accept other machines, although the sandbox's credentials are published
    #[arg(long)]
    pub(crate) allow_other_machines: bool,
    /// Change a setting of the sandbox, such as finpro.auth-status=403; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// List the settings that --set takes, and serve nothing
    #[arg(long)]
    pub(crate) settings: bool,
    /// Send the webhooks of Veriff and FinPro to this URL
    #[arg(long, value_name = "URL")]
    pub(crate) webhook_url: Option<String>,
    /// Keep the state in this file, and go on where the last sandbox ended that kept its state there; also KYC_SANDBOX_STATE.
    /// In memory without
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Clock {
    /// `None` shows it.
    #[command(subcommand)]
    pub(crate) command: Option<ClockCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClockCommand {
    /// Show the clock, as `kyc clock` alone does
    Show,
    /// Move the clock forward by a length such as 90s, 1h30m or 7d; what is due happens, and webhooks are delivered
    Advance {
        /// How far
        #[arg(allow_hyphen_values = true)]
        length: String,
    },
    /// Move the clock forward to a time such as 2026-12-03T00:00:00Z, or to a date's first moment in UTC
    To {
        /// When
        time: String,
    },
    /// Move the clock forward to the next planned event of this name; ends with 5 if it is called off on the way
    Until {
        /// Such as j_23.expired, or expired for any journey; one that is not planned is refused with a list of those that are
        event: String,
    },
    /// Let the clock run in real time, from the time that it shows
    Run,
    /// Let the clock stand still
    Freeze,
    /// Let the clock run faster
    Fast {
        /// How many times as fast
        factor: u64,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Faults {
    /// `None` lists them.
    #[command(subcommand)]
    pub(crate) command: Option<FaultsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FaultsCommand {
    /// List the faults that are on, as `kyc faults` alone does
    List,
    /// Switch a fault on
    On(FaultOn),
    /// Switch a fault off
    Off {
        /// Its id, such as f_2, or all
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct FaultOn {
    /// What fails and how: finpass=503 for every answer, finpass=503:3 for the next three, veriff=delay:1.5s for answers that
    /// are so late. A status is from 200 to 599, and none of 204, 205 and 304,
    /// whose replies have no body; one below 300 is a refusal inside a success
    #[arg(value_name = "PROVIDER=FAULT")]
    pub(crate) fault: String,
    /// Only this operation, such as check-profile; a name that is none is answered with the list
    #[arg(long, value_name = "NAME")]
    pub(crate) operation: Option<String>,
    /// Only this journey, such as j_19
    #[arg(long, value_name = "ID")]
    pub(crate) journey: Option<String>,
    /// Do the work, and fail the answer
    #[arg(long)]
    pub(crate) after_effect: bool,
    /// Answer with a gateway's HTML page instead of the provider's error
    #[arg(long)]
    pub(crate) gateway_page: bool,
    /// Only this share of the requests, such as 10%; from 1% to 100%
    #[arg(long, value_name = "PERCENT")]
    pub(crate) rate: Option<String>,
    /// Begin the draw of --rate here; the same seed meets the same requests
    #[arg(long, value_name = "NUMBER", requires = "rate")]
    pub(crate) seed: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct People {
    /// `None` lists them.
    #[command(subcommand)]
    pub(crate) command: Option<PeopleCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PeopleCommand {
    /// List the invented people, as `kyc people` alone does
    List,
    /// Say what the person with this mobile number does; needs no sandbox that runs
    Explain {
        /// Ten digits
        mobile_number: String,
    },
    /// Invent a person with a mobile number that nobody in the sandbox has
    New {
        /// Whom the person is like, such as deny; may be given several times, once of a journey, of webhooks and of data
        #[arg(long, value_name = "NAME")]
        like: Vec<String>,
        /// Whose bank accounts: 00 to 19, or the name
        #[arg(long, value_name = "NUMBER")]
        archetype: Option<String>,
        /// What the person is called in lists; documents have an invented name
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Webhooks {
    /// `None` lists them.
    #[command(subcommand)]
    pub(crate) command: Option<WebhooksCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhooksCommand {
    /// List the webhooks that were made, oldest first
    List(WebhookFilter),
    /// Show a webhook: its headers, its body and the attempts to deliver it
    Show {
        /// Its id, such as w_002a
        id: String,
    },
    /// Send webhooks again: the same bytes with the same signature
    Resend {
        /// The ids, such as w_002a
        #[arg(required_unless_present_any = ["failed", "journey"])]
        ids: Vec<String>,
        #[command(flatten)]
        filter: WebhookFilter,
    },
    /// Verify a webhook that was received elsewhere, by the secrets in the environment; needs no sandbox
    Verify(Verify),
    /// Send webhooks to this URL from now on, or with `nowhere` keep them
    To {
        /// Where; of this machine, unless the sandbox accepts other machines
        url: String,
        /// Only those of this provider: veriff or finpro
        #[arg(long)]
        provider: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Who sent it
    #[arg(long, value_name = "NAME", value_parser = ["veriff", "finpro"])]
    pub(crate) provider: String,
    /// A header as it was received; may be given several times, and each that was received should be
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,
    /// The body's raw bytes as they were received, at most 1 MiB; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) body: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct WebhookFilter {
    /// Only those that were attempted and never accepted
    #[arg(long)]
    pub(crate) failed: bool,
    /// Only those of this journey, such as j_19
    #[arg(long, value_name = "ID")]
    pub(crate) journey: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Listen {
    /// Send each genuine event on to this URL, once: the same bytes and headers
    #[arg(long, value_name = "URL")]
    pub(crate) forward_to: Option<String>,
    /// IP address, or localhost, to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8788")]
    pub(crate) listen: String,
    /// Forward and print only these events, named as in `kyc trigger --list` or by the beginning of such a name, such as
    /// veriff.decision; may be given several times
    #[arg(long, value_name = "EVENT")]
    pub(crate) events: Vec<String>,
    /// End with 0 once this event, named as for --events, was genuine, and accepted where it was forwarded to
    #[arg(long, value_name = "EVENT")]
    pub(crate) until: Option<String>,
    /// With --until: end with 5 after this long without it, such as 30s
    #[arg(long, value_name = "LENGTH", requires = "until")]
    pub(crate) within: Option<String>,
    /// Do not tell the running sandbox to send its webhooks here
    #[arg(long)]
    pub(crate) alone: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Trigger {
    /// The event, such as veriff.decision.approved or finpro.CONSENT_APPROVED
    #[arg(required_unless_present = "list")]
    pub(crate) event: Option<String>,
    /// List all events; needs no sandbox that runs
    #[arg(long, conflicts_with = "event")]
    pub(crate) list: bool,
    /// Change a member of the webhook's body, by its name or its path with dots, .status for one of the body itself; may be
    /// given several times. Later calls do not know of the change
    #[arg(long, value_name = "MEMBER=VALUE")]
    pub(crate) set: Vec<String>,
    /// Send it so many times at once, although it is accepted: 1 to 100
    #[arg(long, value_name = "NUMBER")]
    pub(crate) times: Option<u64>,
    /// Sign with a secret that was replaced, with a wrong one, or not at all: old, wrong, none
    #[arg(long, value_name = "HOW")]
    pub(crate) sign: Option<String>,
    /// Go on from the newest consent or session of this journey, such as j_19, instead of opening one
    #[arg(long, value_name = "ID")]
    pub(crate) journey: Option<String>,
}
