//! That a generated provider builds, passes its tests, and that writing it changed nothing it must not.

use super::Session;
use crate::failure::{Failure, Result};
use crate::shell::{self, Workspace};
use crate::temporary::Directory;
use crate::{files, new_provider, tidy};

const NAME: &str = "acme-pay";

/// The files of the workspace that a new provider may change.
const MAY_CHANGE: &[&str] = &[new_provider::SANDBOX_LIB];

pub(super) fn run(session: &mut Session) -> Result<()> {
    let directory = Directory::copy_of(&session.workspace, "new-provider")?;
    let outcome = generate_and_test(session, &Workspace::at(directory.path()));
    directory.finish(outcome)
}

fn generate_and_test(session: &mut Session, copy: &Workspace) -> Result<()> {
    let before = files::contents(copy.root(), ".")?;
    new_provider::generate(copy, NAME)?;
    let after = files::contents(copy.root(), ".")?;
    let touched: Vec<&str> = before
        .iter()
        .filter(|(name, bytes)| after.get(*name) != Some(bytes))
        .map(|(name, _)| name.trim_start_matches("./"))
        .filter(|name| !MAY_CHANGE.contains(name))
        .collect();
    if !touched.is_empty() {
        return Err(Failure::new(format!(
            "a new provider changed existing files: {}",
            touched.join(", ")
        )));
    }

    // Its files carry its name, the sandbox's module with `_`; that ARCHITECTURE.md lacks it is as it must be.
    let concerns = |path: &str| path.replace('_', "-").contains(NAME) || MAY_CHANGE.contains(&path);
    let problems = tidy::problems(copy)?
        .into_iter()
        .filter(|problem| concerns(&problem.path));
    let untidy: Vec<String> = problems.map(|problem| problem.to_string()).collect();
    if !untidy.is_empty() {
        return Err(Failure::new(format!(
            "the generated provider is not tidy:\n{}",
            untidy.join("\n")
        )));
    }

    let target = session.metadata.target_directory.join("new-provider");
    let cargo = |arguments: &[&str]| {
        let mut command = copy.cargo(arguments);
        command
            .env("CARGO_TARGET_DIR", &target)
            .env("INSTA_UPDATE", "no");
        command
    };
    let both = ["--package", NAME, "--package", "kyc-sandbox"];
    let clippy = ["clippy", "--quiet", "--package", NAME, "--all-targets"];
    let mut test = |targets: &[&str]| {
        // Both packages each time: the same features, so one build serves.
        let mut command = cargo(&["test", "--no-fail-fast"]);
        shell::run_tests(command.args(both).args(targets), &mut session.counts)
    };
    shell::run(&mut cargo(&["fmt", "--package", NAME, "--check"]))?;
    shell::run(cargo(&clippy).args(["--", "-D", "warnings"]))?;
    test(&["--lib", "--test", "it"])?;
    test(&["--doc"])
}
