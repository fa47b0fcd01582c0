//! Modules that import each other in a circle cannot be read, tested or moved one at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::{Files, Problem, code};
use crate::pattern;

pub(super) fn check(files: &Files) -> Vec<Problem> {
    let crates: BTreeSet<&str> = files
        .keys()
        .filter_map(|path| path.strip_prefix("crates/")?.split('/').next())
        .collect();
    let circles = |name| circles(&format!("crates/{name}/src"), files);
    crates.into_iter().flat_map(circles).collect()
}

/// A problem for each circle of a directory. `crate::a` and `super::a` in another module are imports of `a`; what a module
/// imports for its tests does not count.
fn circles(directory: &str, files: &Files) -> Vec<Problem> {
    let module = |path: &str| {
        let below = path.strip_prefix(directory)?.strip_prefix('/')?;
        let name = below.split('/').next()?.trim_end_matches(".rs");
        let root = ["lib", "main", "mod"].contains(&name);
        (path.ends_with(".rs") && !root).then(|| name.to_owned())
    };
    let modules: BTreeSet<String> = files.keys().filter_map(|path| module(path)).collect();
    let mut imports: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, text) in files {
        let Some(importer) = module(path).and_then(|name| modules.get(&name)) else {
            continue;
        };
        let shipped = text
            .lines()
            .take_while(|line| line.trim() != "#[cfg(test)]");
        let shipped: String = shipped.map(code).collect();
        // What a file in a room imports from `super` is a neighbour of its own.
        let in_room = path.matches('/').count() > directory.matches('/').count() + 1;
        let found = imported(&shipped, if in_room { "crate" } else { "crate|super" });
        let found = found.into_iter();
        let found = found.filter_map(|name| modules.get(name));
        let found = found.filter(|name| *name != importer).map(String::as_str);
        imports.entry(importer).or_default().extend(found);
    }
    // A module that imports none of the remaining ones is not part of a circle; the rest is.
    loop {
        let left: BTreeSet<&str> = imports.keys().copied().collect();
        let outside: Vec<&str> = imports
            .iter()
            .filter(|(_, imported)| imported.is_disjoint(&left))
            .map(|(name, _)| *name)
            .collect();
        if outside.is_empty() {
            break;
        }
        imports.retain(|name, _| !outside.contains(name));
    }
    if imports.is_empty() {
        return Vec::new();
    }
    let names: Vec<&str> = imports.keys().copied().collect();
    let what = format!(
        "modules import each other in a circle, or import one: {}",
        names.join(", ")
    );
    vec![Problem::of(directory, what)]
}

/// The names right after such a root, those of a group too. A macro's `$crate` is another crate's path.
fn imported<'t>(text: &'t str, roots: &str) -> Vec<&'t str> {
    let paths = pattern(&format!(r"(?:^|[^$\w])(?:{roots})::(\w+|\{{[^;]*)"));
    let names = pattern(r"(?:^|[,{])\s*(\w+)");
    let paths = paths.captures_iter(text).filter_map(|path| path.get(1));
    let names = paths.flat_map(|path| names.captures_iter(path.as_str()).collect::<Vec<_>>());
    let names = names.filter_map(|name| name.get(1));
    names.map(|name| name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found_and_a_tree_is_not() {
        let mut files: Files = [
            ("src/lib.rs", "mod a;"),
            (
                "src/a.rs",
                "use crate::b::X;\n#[cfg(test)]\nuse crate::c::Y;",
            ),
            ("src/b/mod.rs", "fn b() {}"),
            (
                "src/c.rs",
                "use super::{a, std::x}; // crate::b\nuse serde::b::Y;",
            ),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into();
        assert_eq!(circles("src", &files), []);
        files.insert("src/b/inner.rs".to_owned(), "use crate::c::Y;".to_owned());
        let found = circles("src", &files);
        assert!(
            found
                .first()
                .is_some_and(|problem| problem.what.ends_with("a, b, c"))
        );
    }
}
