//! The rows that a resumed batch keeps of earlier runs, and those that it asks again.

use kyc_facade::provider_core::{Error, ErrorKind};

use crate::failure::exit_code_of;

/// The rows that earlier runs completed.
#[derive(Debug, Default)]
pub(super) struct Kept {
    rows: u64,
    exit_code: u8,
}

impl Kept {
    pub(super) fn add(&mut self, kind: Option<&str>) {
        self.rows = self.rows.saturating_add(1);
        self.exit_code = self.exit_code.max(kind.map_or(0, exit_code_of));
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The highest exit code of the rows.
    pub(super) fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

/// Whether a run with `--resume` asks again: errors that are temporary, or not specific to this row.
pub(super) fn ask_again(error: &Error) -> bool {
    error.is_retryable()
        || matches!(
            error.kind(),
            ErrorKind::Credentials | ErrorKind::Verification
        )
}
