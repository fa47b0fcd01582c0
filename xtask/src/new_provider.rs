//! `cargo xtask new-provider NAME`: writes a provider that builds and passes its tests, to be filled with the real one.
//!
//! It adds files and one line in the sandbox's `lib.rs`; nothing in the core or the facade changes.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use pico_args::Arguments;

use crate::failure::{Context, Failure, Result, no_more};
use crate::metadata::Metadata;
use crate::rust_text;
use crate::shell::{self, Workspace};

/// The one existing file that a new provider changes.
pub(crate) const SANDBOX_LIB: &str = "crates/kyc-sandbox/src/lib.rs";

/// Includes a template by its name.
macro_rules! template {
    ($path:literal, $name:literal) => {
        (
            $path,
            include_str!(concat!("../templates/new-provider/", $name)),
        )
    };
}

/// Where each file goes, and what it is made from. Both have placeholders.
const TEMPLATES: &[(&str, &str)] = &[
    template!("crates/{{name}}/Cargo.toml", "Cargo.toml.tmpl"),
    template!("crates/{{name}}/README.md", "README.md.tmpl"),
    template!("crates/{{name}}/src/lib.rs", "lib.rs.tmpl"),
    template!("crates/{{name}}/src/provider.rs", "provider.rs.tmpl"),
    template!("crates/{{name}}/src/client.rs", "client.rs.tmpl"),
    template!("crates/{{name}}/src/capability.rs", "capability.rs.tmpl"),
    template!(
        "crates/{{name}}/src/envelope.rs",
        "crates/{{name}}/src/envelope.rs.tmpl"
    ),
    template!(
        "crates/{{name}}/src/open_session.rs",
        "open_session.rs.tmpl"
    ),
    template!("crates/{{name}}/tests/it/main.rs", "tests/main.rs.tmpl"),
    template!(
        "crates/{{name}}/tests/it/sandbox.rs",
        "tests/sandbox.rs.tmpl"
    ),
    template!(
        "crates/{{name}}/tests/it/conformance.rs",
        "tests/conformance.rs.tmpl"
    ),
    template!(
        "crates/{{name}}/tests/it/fixtures.rs",
        "tests/fixtures.rs.tmpl"
    ),
    template!(
        "crates/{{name}}/tests/it/open_session.rs",
        "tests/open_session.rs.tmpl"
    ),
    template!(
        "crates/{{name}}/tests/it/snapshots/it__fixtures__tolerance_open-session.snap",
        "crates/{{name}}/tests/it/snapshots/it__fixtures__tolerance_open-session.snap.tmpl"
    ),
    template!(
        "crates/{{name}}/tests/recordings.rs",
        "crates/{{name}}/tests/recordings.rs.tmpl"
    ),
    template!(
        "fixtures/{{name}}/open-session/recorded-full.json",
        "fixtures/{{name}}/open-session/recorded-full.json.tmpl"
    ),
    template!(
        "fixtures/{{name}}/open-session/recorded-wrong-key.json",
        "fixtures/{{name}}/open-session/recorded-wrong-key.json.tmpl"
    ),
    template!(
        "fixtures/{{name}}/open-session/success.json",
        "success.json.tmpl"
    ),
    template!(
        "fixtures/{{name}}/open-session/unauthorized.json",
        "unauthorized.json.tmpl"
    ),
    template!(
        "crates/kyc-sandbox/src/{{module}}.rs",
        "sandbox_module.rs.tmpl"
    ),
];

/// The spellings of a provider's name.
#[derive(Debug, PartialEq, Eq)]
struct Names {
    /// `acme-pay`
    name: String,
    /// `acme_pay`
    module: String,
    /// `AcmePay`
    type_name: String,
    /// `ACME_PAY`
    screaming: String,
}

pub(crate) fn command(workspace: &Workspace, mut arguments: Arguments) -> Result<()> {
    let name: String = arguments
        .free_from_str()
        .map_err(|_| Failure::new("usage: cargo xtask new-provider NAME"))?;
    no_more(arguments)?;
    for path in generate(workspace, &name)? {
        println!("{path}");
    }
    println!(
        "\nNext: mention `{name}` in ARCHITECTURE.md, run `cargo test -p {name}`, then replace the sample operation by \
         the provider's own."
    );
    Ok(())
}

/// Writes everything and returns what was written, relative to the root.
pub(crate) fn generate(workspace: &Workspace, name: &str) -> Result<Vec<String>> {
    let names = Names::parse(name)?;
    refuse_taken(workspace, &names)?;

    // Everything is made before anything is written, so that a refusal leaves nothing behind.
    let mut files = TEMPLATES
        .iter()
        .map(|(path, template)| Ok((names.expand(path)?, names.expand(template)?)))
        .collect::<Result<Vec<_>>>()?;
    if let Some((path, _)) = files
        .iter()
        .find(|(path, _)| workspace.root().join(path).exists())
    {
        return Err(Failure::new(format!("{path} exists")));
    }
    let lib = fs::read_to_string(workspace.root().join(SANDBOX_LIB))
        .context(|| format!("cannot read {SANDBOX_LIB}"))?;
    files.push((SANDBOX_LIB.to_owned(), with_module(&lib, &names.module)?));

    for (path, text) in &files {
        let target = workspace.root().join(path);
        let writing = || format!("cannot write {path}");
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).context(writing)?;
        }
        fs::write(&target, text).context(writing)?;
    }

    // Lines are as long as the names in them, so only the formatter knows where they break.
    let mut format = Command::new("rustfmt");
    format
        .current_dir(workspace.root())
        .args(["--edition", "2024"]);
    format.args(
        files
            .iter()
            .map(|(path, _)| path)
            .filter(|path| path.ends_with(".rs") && *path != SANDBOX_LIB),
    );
    if let Err(failure) = shell::run(&mut format) {
        println!("warning: not formatted: {failure}");
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

/// Refuses a name that something of ours, or a dependency, has already.
fn refuse_taken(workspace: &Workspace, names: &Names) -> Result<()> {
    let metadata = Metadata::read(workspace)?;
    let dependencies = metadata
        .packages
        .values()
        .flat_map(|package| &package.dependencies);
    let taken: BTreeSet<&str> = metadata
        .packages
        .keys()
        .map(String::as_str)
        .chain(dependencies.map(|dependency| dependency.name.as_str()))
        .collect();
    if taken.contains(names.name.as_str()) || taken.contains(names.module.as_str()) {
        return Err(Failure::new(format!(
            "`{}` is the name of a crate already",
            names.name
        )));
    }
    Ok(())
}

impl Names {
    fn parse(name: &str) -> Result<Self> {
        let refuse = |why: &str| {
            Err(Failure::new(format!(
                "`{name}` cannot name a provider: {why}"
            )))
        };
        let mut parts = name.split('-');
        let good = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        if !parts.all(good) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            return refuse("write it in kebab case, such as `acme` or `acme-pay`");
        }
        if name.len() > 40 {
            return refuse("it is longer than 40 characters");
        }
        if RESERVED.contains(&name) {
            return refuse("the word means something in Rust or cargo");
        }
        let names = Self {
            name: name.to_owned(),
            module: name.replace('-', "_"),
            type_name: name.split('-').map(capitalised).collect(),
            screaming: name.replace('-', "_").to_ascii_uppercase(),
        };
        let used = |word: &str| {
            TEMPLATES
                .iter()
                .any(|(_, template)| rust_text::names(template, word))
        };
        if used(&names.module) || used(&names.type_name) {
            return refuse("the generated files use that word for something else");
        }
        Ok(names)
    }

    /// Fills the placeholders of a template; an unknown one is an error of the template.
    fn expand(&self, template: &str) -> Result<String> {
        let mut text = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            text.push_str(before);
            let Some((placeholder, after)) = after.split_once("}}") else {
                return Err(Failure::new("a template has `{{` without `}}`"));
            };
            text.push_str(match placeholder {
                "name" => &self.name,
                "module" => &self.module,
                "type" => &self.type_name,
                "SCREAMING" => &self.screaming,
                other => {
                    return Err(Failure::new(format!(
                        "a template has an unknown placeholder `{other}`"
                    )));
                }
            });
            rest = after;
        }
        text.push_str(rest);
        Ok(text)
    }
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|first| first.to_ascii_uppercase())
        .into_iter()
        .chain(chars)
        .collect()
}

/// The source with `pub mod NAME;` where the alphabet puts it among the modules.
fn with_module(source: &str, module: &str) -> Result<String> {
    let name_of = |line: &str| -> Option<String> {
        let after = line
            .strip_prefix("pub mod ")
            .or_else(|| line.strip_prefix("mod "))?;
        Some(after.strip_suffix(';')?.to_owned())
    };
    let mut lines: Vec<&str> = source.lines().collect();
    let modules: Vec<(usize, String)> = lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| Some((at, name_of(line)?)))
        .collect();
    if modules.iter().any(|(_, name)| name == module) {
        return Err(Failure::new(format!(
            "the sandbox has a module `{module}` already"
        )));
    }
    let after_it = modules
        .iter()
        .find(|(_, name)| name.as_str() > module)
        .map(|(at, _)| *at);
    let at = after_it
        .or(modules.last().map(|(at, _)| at + 1))
        .ok_or_else(|| Failure::new(format!("{SANDBOX_LIB} has no `mod` line to stand beside")))?;
    let line = format!("pub mod {module};");
    lines.insert(at, &line);
    Ok(lines.join("\n") + "\n")
}

/// Words that cannot be a module or a package.
const RESERVED: &[&str] = &[
    "abstract", "alloc", "as", "async", "await", "become", "box", "break", "build", "const",
    "continue", "core", "crate", "do", "dyn", "else", "enum", "examples", "extern", "false",
    "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "std", "struct",
    "super", "test", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_spelled_four_ways() {
        let names = Names::parse("acme-pay2").unwrap();
        assert_eq!(
            names
                .expand("{{name}} {{module}} {{type}} {{SCREAMING}}")
                .unwrap(),
            "acme-pay2 acme_pay2 AcmePay2 ACME_PAY2"
        );
    }

    #[test]
    fn bad_names_are_refused_with_the_reason() {
        for name in [
            "", "Acme", "acme_pay", "-acme", "acme-", "a--b", "2acme", "ac me", "../acme", "acmé",
        ] {
            assert!(
                Names::parse(name)
                    .unwrap_err()
                    .to_string()
                    .contains("kebab case"),
                "{name}"
            );
        }
        for name in ["type", "core", "test"] {
            assert!(
                Names::parse(name)
                    .unwrap_err()
                    .to_string()
                    .contains("means something"),
                "{name}"
            );
        }
        for name in ["provider", "sandbox", "open-session", "header-value"] {
            assert!(
                Names::parse(name)
                    .unwrap_err()
                    .to_string()
                    .contains("use that word"),
                "{name}"
            );
        }
        assert!(Names::parse(&"a".repeat(41)).is_err());
    }

    #[test]
    fn broken_templates_are_errors() {
        let names = Names::parse("acme").unwrap();
        assert!(names.expand("{{nmae}}").is_err());
        assert!(names.expand("{{name").is_err());
        assert_eq!(names.expand("{ } {x}").unwrap(), "{ } {x}");
    }

    #[test]
    fn every_template_expands() {
        let names = Names::parse("acme-pay").unwrap();
        for (path, template) in TEMPLATES {
            assert!(names.expand(path).is_ok(), "{path}");
            assert!(names.expand(template).is_ok(), "{path}");
        }
    }

    #[test]
    fn the_module_stands_where_the_alphabet_puts_it() {
        let source = "//! Sandbox.\n\nmod bravo;\npub mod delta;\n\npub use bravo::B;\n";
        assert_eq!(
            with_module(source, "charlie").unwrap(),
            "//! Sandbox.\n\nmod bravo;\npub mod charlie;\npub mod delta;\n\npub use bravo::B;\n"
        );
        assert_eq!(
            with_module(source, "echo").unwrap().lines().nth(4),
            Some("pub mod echo;")
        );
        assert!(with_module(source, "delta").is_err());
        assert!(with_module("fn main() {}\n", "delta").is_err());
    }
}
