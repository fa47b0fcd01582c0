//! `cargo xtask new-provider NAME`: writes a skeleton provider that builds and passes its tests.
//!
//! It adds files and one line in the sandbox's `lib.rs`; nothing in the core or the facade changes.

use anyhow::{Context as _, Result, bail, ensure};
use pico_args::Arguments;
use regex_lite::Captures;
use xshell::cmd;

use crate::workspace::Workspace;
use crate::{no_more, pattern};

/// The one existing file that a new provider changes.
pub(crate) const SANDBOX_LIB: &str = "crates/kyc-sandbox/src/lib.rs";

/// Plain files with placeholders: `{{name}}`, `{{module}}`, `{{type}}` and `{{SCREAMING}}`, in paths too. Each has the path
/// of its copy below the workspace, and ends in `.tmpl`.
const TEMPLATES: &str = "xtask/templates/new-provider";

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
        .context("usage: cargo xtask new-provider NAME")?;
    no_more(arguments)?;
    for path in generate(workspace, &name)? {
        println!("{path}");
    }
    println!(
        "\nNext: mention `{name}` in ARCHITECTURE.md, run `cargo test -p {name}`, then replace the sample operation by \
         the provider's own."
    );
    println!("\nFor facade, commands and OpenAPI, it is named once in each of these:");
    let names = Names::parse(&name)?;
    for (path, what) in NAMED_ONCE {
        println!("  {path:<WIDTH$}  {}", names.expand(what)?);
    }
    Ok(())
}

/// Where a provider is named beside its own crate, and as what: the first three make it a part of the facade, the others
/// give it commands, which follow from its catalogue.
const NAMED_ONCE: [(&str, &str); 4] = [
    ("Cargo.toml", "a path in `workspace.dependencies`"),
    (
        "crates/kyc-facade/Cargo.toml",
        "an optional dependency, a feature, and in `rustls`, `hyper`, `native-tls`, `schema`",
    ),
    (
        "crates/kyc-facade/src/presets.rs",
        "`pub use {{module}};`, and its part of `providers_from`",
    ),
    (
        "crates/kyc-cli/src/operations/providers.rs",
        "`{{type}}Client::CATALOGUE` and `{{module}}::OPENAPI`, in an entry of `PROVIDERS`",
    ),
];

/// The length of the longest of their paths.
const WIDTH: usize = 42;

/// Writes everything and returns what was written, relative to the root.
pub(crate) fn generate(workspace: &Workspace, name: &str) -> Result<Vec<String>> {
    let names = Names::parse(name)?;
    let templates = templates(workspace)?;
    refuse_taken(workspace, &names, &templates)?;

    // Everything is prepared before anything is written, so that a refusal leaves nothing behind.
    let mut files = Vec::new();
    for (path, template) in &templates {
        let (path, text) = (names.expand(path)?, names.expand(template)?);
        ensure!(!workspace.root().join(&path).exists(), "{path} exists");
        files.push((path, text));
    }
    let lib = workspace.sh.read_file(SANDBOX_LIB)?;
    files.push((SANDBOX_LIB.to_owned(), with_module(&lib, &names.module)?));
    for (path, text) in &files {
        workspace.sh.write_file(path, text)?;
    }

    // A package has its own copy of what a link points to.
    for (link, target) in [
        ("fixtures", format!("fixtures/{name}")),
        ("LICENSE-APACHE", "LICENSE-APACHE".to_owned()),
        ("LICENSE-MIT", "LICENSE-MIT".to_owned()),
    ] {
        cmd!(workspace.sh, "ln -s ../../{target} crates/{name}/{link}").run()?;
    }

    // Lines are as long as the names in them, so only the formatter knows where they break; it sorts modules, too.
    let sources: Vec<&str> = files
        .iter()
        .map(|(path, _)| path.as_str())
        .filter(|path| path.ends_with(".rs"))
        .collect();
    cmd!(workspace.sh, "rustfmt --edition 2024 {sources...}").run()?;
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

/// Every template: the path of its copy, and its text.
fn templates(workspace: &Workspace) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for path in workspace.files()? {
        if let Some(below) = path.strip_prefix(TEMPLATES) {
            let target = below.trim_start_matches('/').strip_suffix(".tmpl");
            let target = target.with_context(|| format!("{path} does not end in `.tmpl`"))?;
            found.push((target.to_owned(), workspace.sh.read_file(&path)?));
        }
    }
    Ok(found)
}

/// Refuses a name that a workspace crate, a dependency or a template uses already.
fn refuse_taken(
    workspace: &Workspace,
    names: &Names,
    templates: &[(String, String)],
) -> Result<()> {
    let packages = workspace.packages()?;
    let dependencies = packages.iter().flat_map(|package| &package.dependencies);
    let taken = packages
        .iter()
        .map(|package| package.name.as_str())
        .chain(dependencies.map(|dependency| dependency.name.as_str()))
        .any(|taken| taken == names.name || taken == names.module);
    ensure!(
        !taken,
        "`{}` is the name of a crate already; choose another one",
        names.name
    );
    let used = |word: &str| {
        let in_word = |c: char| c.is_alphanumeric() || c == '_';
        templates
            .iter()
            .any(|(_, text)| text.split(|c| !in_word(c)).any(|found| found == word))
    };
    ensure!(
        !used(&names.module) && !used(&names.type_name),
        "`{}` cannot name a provider: the generated files use that word for something else",
        names.name
    );
    Ok(())
}

impl Names {
    fn parse(name: &str) -> Result<Self> {
        let refuse = |why: &str| bail!("`{name}` cannot name a provider: {why}");
        if !pattern("^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$").is_match(name) {
            return refuse("write it in kebab case, such as `acme` or `acme-pay`");
        }
        if name.len() > 40 {
            return refuse("it is longer than 40 characters");
        }
        if RESERVED.contains(&name) {
            return refuse("the word means something in Rust or cargo");
        }
        Ok(Self {
            name: name.to_owned(),
            module: name.replace('-', "_"),
            type_name: pattern("(?:^|-)(.)")
                .replace_all(name, |first: &Captures<'_>| first[1].to_ascii_uppercase())
                .into_owned(),
            screaming: name.replace('-', "_").to_ascii_uppercase(),
        })
    }

    /// Fills the placeholders of a template; an unknown one is an error of the template.
    fn expand(&self, template: &str) -> Result<String> {
        let mut text = template.to_owned();
        for (placeholder, value) in [
            ("{{name}}", &self.name),
            ("{{module}}", &self.module),
            ("{{type}}", &self.type_name),
            ("{{SCREAMING}}", &self.screaming),
        ] {
            text = text.replace(placeholder, value);
        }
        ensure!(
            !text.contains("{{"),
            "a template has an unknown placeholder"
        );
        Ok(text)
    }
}

/// The source with `pub mod NAME;` before the first module.
fn with_module(source: &str, module: &str) -> Result<String> {
    let present = pattern(&format!(r"(?m)^(?:pub )?mod {module};")).is_match(source);
    ensure!(!present, "the sandbox has a module `{module}` already");
    let first = pattern(r"(?m)^(?:pub )?mod \w+;").find(source);
    let first = first.with_context(|| format!("{SANDBOX_LIB} has no `mod` line"))?;
    let (before, after) = source.split_at(first.start());
    Ok(format!("{before}pub mod {module};\n{after}"))
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
        assert!(Names::parse(&"a".repeat(41)).is_err());
    }

    #[test]
    fn broken_templates_are_errors() {
        let names = Names::parse("acme").unwrap();
        assert!(names.expand("{{unknown}}").is_err());
        assert!(names.expand("{{name").is_err());
        assert_eq!(names.expand("{ } {x}").unwrap(), "{ } {x}");
    }

    #[test]
    fn every_template_expands_and_no_word_of_theirs_can_be_a_name() {
        let workspace = Workspace::find().unwrap();
        let templates = templates(&workspace).unwrap();
        assert!(templates.len() > 10);
        let names = Names::parse("acme-pay").unwrap();
        for (path, template) in &templates {
            assert!(
                names.expand(path).is_ok() && names.expand(template).is_ok(),
                "{path}"
            );
        }
        refuse_taken(&workspace, &names, &templates).unwrap();
        for name in ["provider", "sandbox", "finpass", "serde"] {
            let names = Names::parse(name).unwrap();
            assert!(
                refuse_taken(&workspace, &names, &templates).is_err(),
                "{name}"
            );
        }
    }

    #[test]
    fn the_files_that_name_a_provider_do() {
        let workspace = Workspace::find().unwrap();
        let names = Names::parse("acme-pay").unwrap();
        for (path, what) in NAMED_ONCE {
            let text = workspace.sh.read_file(path).unwrap();
            assert!(text.contains("finpass") && path.len() <= WIDTH, "{path}");
            names.expand(what).unwrap();
        }
        let (path, _) = NAMED_ONCE[3];
        let text = workspace.sh.read_file(path).unwrap();
        assert!(text.contains("FinpassClient::CATALOGUE"), "{path}");
    }

    #[test]
    fn the_part_of_an_openapi_document_has_those_of_the_others() {
        let workspace = Workspace::find().unwrap();
        let names = Names::parse("acme-pay").unwrap();
        let path = format!("{TEMPLATES}/crates/{{{{name}}}}/openapi.json.tmpl");
        let text = workspace.sh.read_file(path).unwrap();
        let made: serde_json::Value = serde_json::from_str(&names.expand(&text).unwrap()).unwrap();
        let other = workspace.sh.read_file("crates/finpass/openapi.json");
        let other: serde_json::Value = serde_json::from_str(&other.unwrap()).unwrap();
        for part in ["", "/info", "/components"] {
            let keys = |value: &serde_json::Value| -> Vec<String> {
                let members = value.pointer(part).unwrap().as_object().unwrap();
                members.keys().cloned().collect()
            };
            assert_eq!(keys(&made), keys(&other), "{part}");
        }
        assert_eq!(made["openapi"], other["openapi"]);
    }

    #[test]
    fn a_module_is_added_once() {
        let source = "//! Sandbox.\n\nmod bravo;\npub mod delta;\n\npub use bravo::B;\n";
        assert_eq!(
            with_module(source, "charlie").unwrap(),
            "//! Sandbox.\n\npub mod charlie;\nmod bravo;\npub mod delta;\n\npub use bravo::B;\n"
        );
        assert!(with_module(source, "delta").is_err());
        assert!(with_module("fn main() {}\n", "delta").is_err());
    }
}
