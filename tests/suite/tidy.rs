//! House rules that a compiler does not check, each with a canary.

use crate::support::{rust_files, workspace_root};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 500;

/// Longer than the rule and known; the list only shrinks: `path or path:function` → lines.
const KNOWN_LONG: &[(&str, usize)] = &[
    // A list of cases, one in a line.
    ("projections/src/conformance.rs:read_models", 71),
];

struct Source {
    path: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = workspace_root();
    let folders = [
        "domain",
        "commands",
        "projections",
        "api",
        "migrations",
        "iiif",
        "eventlog",
        "objects",
        "imaging",
        "text",
        "fuzz/src",
        "fuzz/fuzz_targets",
        "ingest",
        "export",
        "adapters",
        "server",
        "tests",
    ];
    let files = folders.iter().flat_map(|folder| rust_files(&root.join(folder)));
    files.map(|path| read(&root, path)).collect()
}

fn read(root: &Path, path: PathBuf) -> Source {
    let text = std::fs::read_to_string(&path).expect("source is readable");
    let path = path.strip_prefix(root).expect("below the root").display().to_string();
    Source { path, text }
}

/// Names functions and files that are too long.
fn too_long(source: &Source) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let lines: Vec<&str> = source.text.lines().collect();
    if lines.len() > FILE_LINES_MAX {
        found.push((source.path.clone(), lines.len()));
    }
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        if !has_body(&lines[start..]) {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let closing = format!("{}}}", " ".repeat(indent));
        let Some(length) = lines[start..].iter().position(|it| **it == closing) else { continue };
        if length + 1 > FUNCTION_LINES_MAX {
            found.push((format!("{}:{name}", source.path), length + 1));
        }
    }
    found
}

/// Tells a function from what a trait only declares.
fn has_body(lines: &[&str]) -> bool {
    let ends = |line: &&&str| line.ends_with(['{', ';', '}']);
    lines.iter().find(ends).is_some_and(|line| !line.ends_with(';'))
}

/// Returns the name when a line begins a function with a body.
fn function_name(line: &str) -> Option<&str> {
    let words = line.trim_start();
    let rest = words.strip_prefix("fn ").or_else(|| {
        let (before, after) = words.split_once(" fn ")?;
        let known = ["pub", "pub(crate)", "pub(super)", "async", "const", "unsafe"];
        before.split(' ').all(|word| known.contains(&word)).then_some(after)
    })?;
    rest.split(['(', '<']).next()
}

fn forbidden(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    if !source.text.trim_start().starts_with("//!") {
        found.push(format!("{}: begins without `//!`", source.path));
    }
    // Spelt in halves, so that this file does not find itself.
    let leftovers = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["#[ign", "ore"].concat(),
        ["todo", "!("].concat(),
        ["unimpl", "emented!("].concat(),
    ];
    for (number, line) in source.text.lines().enumerate() {
        let leftover = leftovers.iter().find(|it| line.contains(it.as_str()));
        if let Some(leftover) = leftover {
            found.push(format!("{}:{}: {leftover}", source.path, number + 1));
        }
    }
    found.extend(misplaced(source));
    found
}

/// What may stand in one place only.
fn misplaced(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let inside = |folder: &str| source.path.starts_with(folder);
    let code = source.text.split("#[cfg(test)]").next().unwrap_or_default();
    let reads_environment = code.contains("env::var(") || code.contains("env::var_os(");
    let test_support =
        ["tests/", "adapters/postgres/src/testing", "adapters/elasticsearch/src/testing"];
    let is_test_support = test_support.into_iter().any(inside) || source.path.contains("/tests/");
    if reads_environment && !inside("server/src/config.rs") && !is_test_support {
        found.push(format!("{}: only server/src/config.rs reads the environment", source.path));
    }
    let has_sql = ["SELECT ", "INSERT INTO ", "CREATE TABLE "].iter().any(|it| code.contains(it));
    let may_have_sql = ["adapters/sqlite", "adapters/postgres", "migrations", "tests/"];
    if has_sql && !may_have_sql.into_iter().any(inside) {
        found.push(format!("{}: SQL belongs in an adapter", source.path));
    }
    let module_file = source.path.ends_with("/mod.rs");
    if module_file {
        found.push(format!("{}: use a file beside the folder", source.path));
    }
    found
}

#[test]
fn functions_and_files_are_short() {
    let known: BTreeMap<&str, usize> = KNOWN_LONG.iter().copied().collect();
    let long = sources().iter().flat_map(too_long).collect::<Vec<_>>();
    let new: Vec<_> =
        long.iter().filter(|(name, lines)| known.get(name.as_str()) != Some(lines)).collect();
    assert!(new.is_empty(), "too long, or the list of known ones is out of date: {new:#?}");
    let gone: Vec<_> =
        known.keys().filter(|name| !long.iter().any(|(it, _)| it == *name)).collect();
    assert!(gone.is_empty(), "shorter now, take them off the list: {gone:?}");
}

#[test]
fn nothing_forbidden_is_written() {
    let found: Vec<String> = sources().iter().flat_map(forbidden).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn canary_every_rule_fires() {
    let long_body = "    let x = 1;\n".repeat(FUNCTION_LINES_MAX);
    let text = format!(
        "pub async fn long() {{\n{long_body}}}\n// {}\nfn sql() {{ run(\"SELECT 1\"); }}\n\
         fn environment() {{ std::env::var(\"X\"); }}\n",
        ["TO", "DO"].concat()
    );
    let source = Source { path: "domain/src/mod.rs".into(), text };
    assert_eq!(too_long(&source), [("domain/src/mod.rs:long".to_owned(), FUNCTION_LINES_MAX + 2)]);
    assert_eq!(forbidden(&source).len(), 5, "{:#?}", forbidden(&source));
}

#[test]
fn every_snapshot_belongs_to_a_test() {
    let root = workspace_root();
    let all: String = sources().into_iter().map(|source| source.text).collect();
    let orphans: Vec<_> =
        crate::support::files(&root, &|path| path.extension().is_some_and(|it| it == "snap"))
            .into_iter()
            .filter(|path| {
                let stem = path.file_stem().expect("named").to_string_lossy().into_owned();
                let name = stem.rsplit("__").next().unwrap_or(&stem).to_owned();
                !all.contains(&name)
            })
            .collect();
    assert!(orphans.is_empty(), "{orphans:?}");
}
