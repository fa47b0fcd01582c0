//! The tag that matches a question and its result.

use kyc_facade::provider_core::Mobile;

/// Identifies a question.
#[derive(Debug)]
pub(super) struct Tag {
    pub(super) line: u64,
    pub(super) reference: Option<String>,
    pub(super) generated_id: Option<String>,
    /// The number that is asked about, so that it is recognised in the answer; `None` for a row that is not asked.
    pub(super) mobile: Option<Mobile>,
}
