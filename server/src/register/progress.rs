//! What the person sees: a bar on a terminal, one JSON line per image otherwise.

use super::send::Outcome;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};

pub(super) struct Reporter {
    json: bool,
    bar: ProgressBar,
}

impl Reporter {
    pub(super) fn new(json: bool, count: usize) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar =
            if json || !terminal { ProgressBar::hidden() } else { ProgressBar::new(count as u64) };
        let style = "{bar:30} {pos}/{len} images, {elapsed}, {msg}";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is well formed"));
        // A terminal gets the bar; a pipe gets the lines.
        let json = json || !std::io::stdout().is_terminal();
        Self { json, bar }
    }

    pub(super) fn registered(&self) {
        self.bar.tick();
    }

    pub(super) fn finished(&self, outcome: &Outcome) {
        self.bar.inc(1);
        self.bar.set_message(outcome.id.clone());
        if self.json {
            print_line(&outcome.line().to_string());
        }
        if let Some(error) = &outcome.error {
            let line = format!("{}: {} ({})", outcome.source, error.detail, error.code);
            self.bar.suspend(|| eprintln!("{line}"));
        }
    }

    pub(super) fn done(&self, outcomes: &[Outcome]) {
        self.bar.finish_and_clear();
        let count = |state: &str| outcomes.iter().filter(|it| it.state == state).count();
        eprintln!(
            "{} delivered, {} failed, {} refused, {} still in work",
            count("delivered"),
            count("failed"),
            count("refused"),
            count("ingesting"),
        );
    }

    pub(super) fn manifest(&self, url: &str) {
        if self.json {
            print_line(&serde_json::json!({ "manifest": url }).to_string());
        } else {
            print_line(url);
        }
    }
}

/// Prints a line; a closed pipe is no reason to stop registering.
fn print_line(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
