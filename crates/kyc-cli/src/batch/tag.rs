//! The tag that matches a question and its result.

/// Identifies a question.
#[derive(Debug)]
pub(super) struct Tag {
    pub(super) line: u64,
    pub(super) reference: Option<String>,
    pub(super) generated_id: Option<String>,
}
