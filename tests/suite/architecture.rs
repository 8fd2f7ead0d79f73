//! Arrows point inward: the table in ARCHITECTURE.md against what Cargo says.

use crate::support::workspace_root;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Crate → crates of ours that it may use.
type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Drivers and frameworks, and the crates that may name them.
const CONFINED: &[(&str, &[&str])] = &[
    ("axum", &["dlcs-api", "dlcs-graphql", "dlcs-server"]),
    ("async-graphql", &["dlcs-graphql"]),
    ("rusqlite", &["dlcs-adapter-sqlite"]),
    ("turbojpeg", &["dlcs-imaging"]),
    ("tiff", &["dlcs-imaging"]),
    ("image", &["dlcs-imaging"]),
    ("cqrs-es", &["dlcs-commands"]),
    ("kurrentdb", &["dlcs-adapter-kurrentdb"]),
    ("tesseract", &["dlcs-adapter-tesseract"]),
    ("tesseract-sys", &["dlcs-adapter-tesseract"]),
    ("reqwest", &["dlcs-adapter-egress", "dlcs-adapter-elasticsearch", "dlcs-server"]),
];

/// What `domain` and `iiif` must not know.
const PURE: &[&str] = &["dlcs-domain", "dlcs-iiif"];
const IMPURE: &[&str] = &["tokio", "async-trait", "futures", "rand", "jiff", "axum", "rusqlite"];

fn metadata() -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(workspace_root())
        .output()
        .expect("cargo runs");
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

/// Normal dependencies of every crate of ours, those for tests left out.
fn dependencies(metadata: &serde_json::Value) -> Arrows {
    let packages = metadata["packages"].as_array().expect("packages");
    let names = |package: &serde_json::Value| {
        let all = package["dependencies"].as_array().expect("dependencies").clone();
        all.iter()
            .filter(|it| it["kind"].is_null())
            .map(|it| it["name"].as_str().expect("name").to_owned())
            .collect()
    };
    packages
        .iter()
        .map(|package| (package["name"].as_str().expect("name").to_owned(), names(package)))
        .collect()
}

/// Reads the table `| crate | may use |` of ARCHITECTURE.md.
fn allowed(text: &str) -> Arrows {
    let rows = text.lines().skip_while(|line| !line.starts_with("| crate | may use")).skip(2);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let uses = cells[1].split([',', ' ']).filter(|name| name.starts_with("dlcs-"));
            (cells[0].to_owned(), uses.map(str::to_owned).collect())
        })
        .collect()
}

/// Names every arrow that the table does not have.
fn violations(dependencies: &Arrows, allowed: &Arrows) -> Vec<String> {
    let mut found = Vec::new();
    for (name, uses) in dependencies {
        let Some(may_use) = allowed.get(name) else {
            found.push(format!("{name} is not in the table of ARCHITECTURE.md"));
            continue;
        };
        for used in uses.iter().filter(|used| used.starts_with("dlcs-")) {
            if !may_use.contains(used) {
                found.push(format!("{name} must not use {used}"));
            }
        }
    }
    found.extend(confined(dependencies));
    found
}

fn confined(dependencies: &Arrows) -> Vec<String> {
    let mut found = Vec::new();
    for (name, uses) in dependencies {
        for (driver, homes) in CONFINED {
            if uses.contains(*driver) && !homes.contains(&name.as_str()) {
                found.push(format!("{name} must not name {driver}"));
            }
        }
        for impure in IMPURE.iter().filter(|_| PURE.contains(&name.as_str())) {
            if uses.contains(*impure) {
                found.push(format!("{name} is pure and must not use {impure}"));
            }
        }
    }
    found
}

fn table() -> Arrows {
    let path = workspace_root().join("ARCHITECTURE.md");
    allowed(&std::fs::read_to_string(path).expect("ARCHITECTURE.md is there"))
}

#[test]
fn every_arrow_is_in_the_table() {
    let violations = violations(&dependencies(&metadata()), &table());
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn the_table_has_no_crate_that_is_gone() {
    let dependencies = dependencies(&metadata());
    let gone: Vec<_> = table().into_keys().filter(|it| !dependencies.contains_key(it)).collect();
    assert!(gone.is_empty(), "{gone:?}");
}

#[test]
fn canary_a_forbidden_arrow_is_found() {
    let mut dependencies = dependencies(&metadata());
    let domain = dependencies.get_mut("dlcs-domain").expect("domain is a crate");
    domain.insert("dlcs-api".to_owned());
    domain.insert("tokio".to_owned());
    domain.insert("rusqlite".to_owned());
    let found = violations(&dependencies, &table());
    for expected in [
        "dlcs-domain must not use dlcs-api",
        "dlcs-domain is pure and must not use tokio",
        "dlcs-domain must not name rusqlite",
    ] {
        assert!(found.iter().any(|it| it == expected), "{expected} is missing in {found:?}");
    }
}

#[test]
fn canary_a_crate_outside_the_table_is_found() {
    let mut dependencies = dependencies(&metadata());
    dependencies.insert("dlcs-utils".to_owned(), BTreeSet::new());
    let found = violations(&dependencies, &table());
    assert!(found.iter().any(|it| it.starts_with("dlcs-utils is not in the table")), "{found:?}");
}

#[test]
fn cqrs_es_is_named_in_one_file() {
    let commands = workspace_root().join("commands/src");
    let named: Vec<String> = crate::support::rust_files(&commands)
        .into_iter()
        .filter(|path| {
            let text = std::fs::read_to_string(path).expect("readable");
            text.lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains("cqrs_es::"))
        })
        .map(|path| path.strip_prefix(&commands).expect("below").display().to_string())
        .collect();
    assert!(named.iter().all(|it| it.starts_with("cqrs")), "{named:?}");
}
