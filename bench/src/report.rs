//! The page that people read: a table per scenario, in Markdown.

use crate::figures::{Better, Figure, Outcome, Record, Records, Rounds};
use std::fmt::Write;

const HEAD: &str = "# Benchmarks

Written by `make bench`; do not edit. Each pair was measured in one run, side after side in turns; \
figures are medians of the rounds, with the least and the most of them in brackets. A ratio is DLCS \
divided by its peer. Compare ratios, not figures of different machines. Every round is in \
[figures.json](figures.json).

![DLCS and its peers, each pair on its own scale](figures.svg)
";

/// Writes the whole page.
pub(crate) fn page(records: &Records) -> String {
    let mut page = HEAD.to_owned();
    for record in &records.0 {
        page.push_str(&section(record));
    }
    page
}

/// Writes one scenario, for the page and for the terminal.
pub(crate) fn section(record: &Record) -> String {
    let mut text = format!("\n## {}\n\n", record.title);
    match &record.outcome {
        Outcome::Skipped(reason) => {
            let _ = writeln!(text, "Skipped: {reason}.");
        }
        Outcome::Measured { setup, figures } => {
            let _ = writeln!(text, "{setup}\n\n{}", origin(record));
            text.push_str("| | unit | DLCS | peer | | ratio |\n|:--|:--|--:|:--|--:|--:|\n");
            for figure in figures {
                text.push_str(&row(figure));
            }
        }
    }
    text
}

/// Writes where and when the figures were taken.
fn origin(record: &Record) -> String {
    let quick = if record.quick { " One short round (`--quick`): not for quoting." } else { "" };
    format!(
        "Taken on {}, commit {}, on {}.{quick}\n",
        record.date,
        record.commit,
        record.machine.describe()
    )
}

fn row(figure: &Figure) -> String {
    let unit = match figure.better {
        Better::More => figure.unit.clone(),
        Better::Less => format!("{}, less is better", figure.unit),
    };
    let (peer, value) = match &figure.peer {
        Some(peer) => (peer.name.as_str(), spread(&peer.rounds)),
        None => ("", String::new()),
    };
    let ratio = figure.ratio().map(|ratio| format!("{} ×", significant(ratio)));
    let ratio = ratio.unwrap_or_default();
    let (case, dlcs) = (&figure.case, spread(&figure.dlcs));
    format!("| {case} | {unit} | {dlcs} | {peer} | {value} | {ratio} |\n")
}

/// Writes a median with the least and the most, where there is more than one round.
fn spread(rounds: &Rounds) -> String {
    let median = significant(rounds.median());
    if rounds.0.len() < 2 {
        return format!("**{median}**");
    }
    format!("**{median}** ({}–{})", significant(rounds.min()), significant(rounds.max()))
}

/// Writes a number with two significant digits at least, and with separators.
pub(crate) fn significant(value: f64) -> String {
    match value {
        value if !value.is_finite() => "–".into(),
        value if value >= 100.0 => separated(value),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 0.1 => format!("{value:.2}"),
        value => format!("{value:.4}"),
    }
}

fn separated(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_readable() {
        let written = [0.0123, 0.123, 4.567, 45.67, 456.7, 4_567.8, 1_234_567.0].map(significant);
        assert_eq!(written, ["0.0123", "0.12", "4.57", "45.7", "457", "4,568", "1,234,567"]);
        assert_eq!(significant(f64::NAN), "–");
    }

    #[test]
    fn a_row_quotes_median_spread_and_ratio() {
        let figure =
            Figure::new("tile", "requests/s", Better::More, Rounds(vec![30.0, 10.0, 20.0]))
                .beside("nginx", Rounds(vec![40.0, 50.0, 30.0]));
        let expected = "| tile | requests/s | **20.0** (10.0–30.0) | nginx | \
                        **40.0** (30.0–50.0) | 0.50 × |\n";
        assert_eq!(row(&figure), expected);
    }
}
