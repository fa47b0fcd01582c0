//! The arguments of `kyc consent` and `kyc erase`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::journey::Store;

#[derive(Debug, Args)]
pub(crate) struct Consent {
    #[command(subcommand)]
    pub(crate) command: ConsentCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConsentCommand {
    /// Show what a person agreed to and what was done under it, or how much the ledger has
    Show(ConsentShow),
    /// Check that the ledger, or an export of it, is what was written
    Verify(ConsentVerify),
    /// Write the ledger as lines of JSON that `verify --export` checks
    Export(ConsentExport),
    /// Withdraw a person's consent: no call begins any more, and every journey under it ends
    Withdraw(ConsentWithdraw),
}

/// Whose consent.
#[derive(Debug, Args)]
pub(crate) struct Whose {
    /// The person's pseudonym in the ledger
    #[arg(conflicts_with = "mobile")]
    pub(crate) subject: Option<String>,
    /// The person's mobile number, 10 digits
    #[arg(long = "mobile-number", alias = "mobile")]
    pub(crate) mobile: Option<String>,
}

impl Whose {
    /// What was typed, for messages.
    pub(crate) fn field(&self) -> &'static str {
        match self.mobile {
            Some(_) => "--mobile-number",
            None => "SUBJECT",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ConsentShow {
    #[command(flatten)]
    pub(crate) whose: Whose,
    #[command(flatten)]
    pub(crate) store: Store,
}

#[derive(Debug, Args)]
pub(crate) struct ConsentVerify {
    /// A head that was kept elsewhere, as `verify` prints it; may be given several times
    #[arg(long, value_name = "LEDGER:SEQ:DIGEST")]
    pub(crate) head: Vec<String>,
    /// Check this file, which `export` wrote, and no ledger
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: Store,
}

#[derive(Debug, Args)]
pub(crate) struct ConsentExport {
    /// Write to this new file, which is its owner's alone; standard output if absent
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Also write what the entries say, as far as it was not erased: receipts, uses, reasons
    #[arg(long)]
    pub(crate) bodies: bool,
    #[command(flatten)]
    pub(crate) store: Store,
}

#[derive(Debug, Args)]
pub(crate) struct ConsentWithdraw {
    #[command(flatten)]
    pub(crate) whose: Whose,
    /// Only this receipt; all of the person's if absent
    #[arg(long, value_name = "ID")]
    pub(crate) receipt: Option<String>,
    #[command(flatten)]
    pub(crate) store: Store,
}

/// What is kept, and why, is in the answer. The keys of what is erased are destroyed, so that no copy of the files opens it.
#[derive(Debug, Args)]
pub(crate) struct Erase {
    #[command(flatten)]
    pub(crate) whose: Whose,
    /// Say what would be erased and what kept, and erase nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) store: Store,
}
