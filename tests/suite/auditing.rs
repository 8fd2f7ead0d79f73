//! The auditor's tutorial, word for word: each command of `docs/auditing.md`, and what it says it prints.

use crate::support::fixtures::png;
use crate::support::server::{Server, dlcs, image_path};
use crate::support::workspace_root;
use reqwest::Method;
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// A command, and what is printed.
struct Step {
    script: String,
    printed: Vec<String>,
}

/// Takes the blocks `sh`, each with the block `text` that follows it.
fn steps(document: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut blocks = document.split("\n```").skip(1).step_by(2);
    for block in &mut blocks {
        let (kind, text) = block.split_once('\n').expect("a block has a first line");
        match kind {
            "sh" => steps.push(Step { script: text.to_owned(), printed: Vec::new() }),
            "text" => {
                let step = steps.last_mut().expect("a command comes before what it prints");
                step.printed = text.lines().map(str::to_owned).collect();
            }
            _ => {}
        }
    }
    steps
}

/// Says whether a line is as it was foretold; `…` stands for anything.
fn is_as(line: &str, foretold: &str) -> bool {
    let mut rest = line.trim();
    let pieces: Vec<&str> = foretold.trim().split('…').collect();
    for (at, piece) in pieces.iter().enumerate() {
        match rest.find(piece) {
            Some(0) => rest = &rest[piece.len()..],
            Some(begin) if at > 0 => rest = &rest[begin + piece.len()..],
            _ => return false,
        }
    }
    rest.is_empty() || foretold.trim().ends_with('…')
}

fn saved(server: &Server, args: &[&str], file: &Path) {
    let output = server.command(args);
    assert!(output.status.success(), "{output:?}");
    std::fs::write(file, output.stdout).expect("written");
}

#[tokio::test]
async fn the_tutorial_is_followed_word_for_word() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    let server = Server::start();
    server.space(1).await;
    saved(&server, &["audit", "key"], &file("key.txt"));
    saved(&server, &["audit", "checkpoint"], &file("checkpoint.txt"));
    for name in ["one.png", "two.png"] {
        server.upload(name, png(60, 40)).await;
    }
    server.send(Method::PATCH, &image_path("one.png"), &json!({"string1": "a"})).await;
    server.projected().await;
    let export = |server: &Server, name: &str| {
        let to = file(name);
        let output =
            server.command(&["audit", "export", to.to_str().expect("UTF-8"), "--with-blobs"]);
        assert!(output.status.success(), "{output:?}");
    };
    export(&server, "history.ndjson");
    let other = Server::start();
    other.space(1).await;
    other.projected().await;
    export(&other, "foreign.ndjson");
    drop((server, other));

    let program = dlcs().get_program().to_owned();
    let programs = Path::new(&program).parent().expect("it lies in a folder").display().to_string();
    let document = std::fs::read_to_string(workspace_root().join("docs/auditing.md"));
    let steps = steps(&document.expect("the tutorial"));
    assert!(steps.len() >= 7, "{} steps", steps.len());
    for Step { script, printed } in steps {
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", &script]).current_dir(folder.path());
        let path = std::env::var_os("PATH").unwrap_or_default();
        // Nothing but the program: no settings, no server.
        shell.env_clear().env("PATH", format!("{programs}:{}", path.display()));
        let output = shell.output().expect("bash runs");
        let said = String::from_utf8(output.stdout).expect("UTF-8");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), printed.len(), "{script}{said}{errors}");
        for (line, foretold) in lines.into_iter().zip(&printed) {
            assert!(is_as(line, foretold), "{script}`{line}` is not `{foretold}`");
        }
    }
}

#[test]
fn what_is_foretold_is_compared() {
    for (line, foretold, is_so) in [
        ("valid: 7 events", "valid: … events", true),
        ("valid: 7 events", "valid: … event", false),
        ("valid: 7", "valid: …", true),
        ("not valid: 7", "valid: …", false),
        ("same", "same", true),
        ("same and more", "same", false),
    ] {
        assert_eq!(is_as(line, foretold), is_so, "{line} {foretold}");
    }
}
