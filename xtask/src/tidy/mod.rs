//! `cargo xtask tidy`: quick checks over files. Every problem is listed, not only the first.

mod edges;
mod fixtures;
mod layout;
mod manifests;
mod signatures;
mod sources;
mod text;

pub(crate) use edges::Role;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use pico_args::Arguments;

use crate::failure::{Context, Failure, Result, no_more};
use crate::files;
use crate::metadata::Metadata;
use crate::shell::Workspace;

/// One finding: a file, a line where there is one, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    pub(crate) path: String,
    line: usize,
    what: String,
}

impl Problem {
    fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
        }
    }

    fn of(path: &str, what: impl Into<String>) -> Self {
        Self::at(path, 0, what)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// What the checks look at: the text files by name, and the packages.
struct Tree {
    files: BTreeMap<String, String>,
    metadata: Metadata,
}

impl Tree {
    fn read(workspace: &Workspace) -> Result<Self> {
        let mut texts = BTreeMap::new();
        for name in files::of(workspace.root())? {
            let bytes =
                fs::read(workspace.root().join(&name)).context(|| format!("cannot read {name}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                texts.insert(name, text);
            }
        }
        Ok(Self {
            files: texts,
            metadata: Metadata::read(workspace)?,
        })
    }

    /// The files below a directory whose name ends so.
    fn below<'a>(
        &'a self,
        directory: &'a str,
        ending: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .filter(move |(name, _)| name.starts_with(directory) && name.ends_with(ending))
    }
}

pub(crate) fn command(workspace: &Workspace, arguments: Arguments) -> Result<()> {
    no_more(arguments)?;
    run(workspace)
}

/// Prints every problem and fails if there is one.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let problems = problems(workspace)?;
    for problem in &problems {
        println!("{problem}");
    }
    match problems.len() {
        0 => Ok(()),
        1 => Err(Failure::new("tidy: 1 problem")),
        many => Err(Failure::new(format!("tidy: {many} problems"))),
    }
}

/// Whether a file with this text would be found fault with for its text alone.
pub(crate) fn may_be_kept(path: &str, text: &str) -> bool {
    text::check(path, text).is_empty()
}

/// Every problem, sorted by file and line.
pub(crate) fn problems(workspace: &Workspace) -> Result<Vec<Problem>> {
    let tree = Tree::read(workspace)?;
    let mut problems = layout::check(workspace.root(), &tree)?;
    problems.extend(edges::check(&tree));
    problems.extend(manifests::check(&tree));
    problems.extend(sources::check(&tree));
    problems.extend(fixtures::check(&tree));
    problems.extend(
        tree.files
            .iter()
            .flat_map(|(path, text)| text::check(path, text)),
    );
    problems.sort();
    problems.dedup();
    Ok(problems)
}
