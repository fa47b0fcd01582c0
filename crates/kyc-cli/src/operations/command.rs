//! How an operation's command differs from its catalogue entry.

use super::flags::Form;

/// The command of an operation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Command {
    /// The operation's own name, which the command keeps as an alias.
    pub(super) operation: &'static str,
    pub(super) name: &'static str,
    /// Members of the request that are not plain flags.
    pub(super) forms: &'static [(&'static str, Form)],
    /// Whether it also accepts a file of questions.
    pub(super) batch: bool,
    /// Where its reply has a document as text, as a JSON pointer.
    pub(super) document: Option<&'static str>,
    /// What the help says beside it, or nothing.
    pub(super) note: &'static str,
}

impl Command {
    /// The command of an operation, with the operation's name.
    pub(super) const fn of(operation: &'static str) -> Self {
        Self {
            operation,
            name: operation,
            forms: &[],
            batch: false,
            document: None,
            note: "",
        }
    }

    /// The same command under another name.
    pub(super) const fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// The same command, with these forms of members.
    pub(super) const fn with_forms(mut self, forms: &'static [(&'static str, Form)]) -> Self {
        self.forms = forms;
        self
    }

    /// The same command, whose reply has a document here, which `--document` writes.
    pub(super) const fn with_document(mut self, pointer: &'static str) -> Self {
        self.document = Some(pointer);
        self
    }

    /// The same command with a note in its help.
    pub(super) const fn noting(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }

    /// The same command, which takes a file of questions, too.
    pub(super) const fn with_batch(mut self) -> Self {
        self.batch = true;
        self
    }
}
