//! What was measured: figures, by scenario, kept as JSON beside the tables that people read.

use crate::machine::Machine;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

const FILE: &str = "figures.json";

/// One value per round, in the order of the rounds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Rounds(pub(crate) Vec<f64>);

impl Rounds {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Returns the middle value, or the mean of the two in the middle.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            count if count % 2 == 1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        }
    }

    pub(crate) fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::min)
    }

    pub(crate) fn max(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::max)
    }
}

/// Which way a figure is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    More,
    Less,
}

/// What the same work costs elsewhere, in the same rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) rounds: Rounds,
}

/// One line of the table: the program and, where there is one, its peer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) case: String,
    pub(crate) unit: String,
    pub(crate) better: Better,
    pub(crate) dlcs: Rounds,
    pub(crate) peer: Option<Peer>,
}

impl Figure {
    pub(crate) fn new(case: impl Into<String>, unit: &str, better: Better, dlcs: Rounds) -> Self {
        Self { case: case.into(), unit: unit.to_owned(), better, dlcs, peer: None }
    }

    pub(crate) fn beside(mut self, name: &str, rounds: Rounds) -> Self {
        self.peer = Some(Peer { name: name.to_owned(), rounds });
        self
    }

    /// Returns the median of the program divided by that of its peer.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.peer.as_ref().map(|peer| self.dlcs.median() / peer.rounds.median())
    }
}

/// What a scenario found, or why it did not run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Measured { setup: String, figures: Vec<Figure> },
    Skipped(String),
}

/// A scenario's latest run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) scenario: String,
    pub(crate) title: String,
    pub(crate) commit: String,
    pub(crate) date: String,
    pub(crate) quick: bool,
    pub(crate) machine: Machine,
    pub(crate) outcome: Outcome,
}

/// The latest run of every scenario, in the order in which they are told.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Records(pub(crate) Vec<Record>);

impl Records {
    /// Reads what earlier runs left in `folder`; nothing is fine.
    pub(crate) fn load(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {FILE}"))?;
        serde_json::from_str(&text).with_context(|| format!("{FILE} is not from this program"))
    }

    pub(crate) fn save(&self, folder: &Path) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        std::fs::write(folder.join(FILE), text).with_context(|| format!("writing {FILE}"))
    }

    /// Puts a run in the place of the same scenario's earlier one.
    ///
    /// A scenario that was skipped leaves earlier figures alone.
    pub(crate) fn replace(&mut self, record: Record) {
        let earlier = self.0.iter_mut().find(|it| it.scenario == record.scenario);
        match (earlier, &record.outcome) {
            (Some(_), Outcome::Skipped(_)) => {}
            (Some(earlier), Outcome::Measured { .. }) => *earlier = record,
            (None, _) => self.0.push(record),
        }
    }

    /// Brings the scenarios into the given order; unknown ones go.
    pub(crate) fn arrange(&mut self, order: &[&str]) {
        let place = |record: &Record| order.iter().position(|it| *it == record.scenario);
        self.0.retain(|record| place(record).is_some());
        self.0.sort_by_key(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_does_not_depend_on_order() {
        assert_eq!(Rounds(vec![9.0, 1.0, 5.0]).median(), 5.0);
        assert_eq!(Rounds(vec![4.0, 1.0, 2.0, 8.0]).median(), 3.0);
        assert!(Rounds::default().median().is_nan());
    }

    #[test]
    fn a_ratio_is_of_medians() {
        let figure = Figure::new("tiles", "requests/s", Better::More, Rounds(vec![1.0, 6.0, 8.0]));
        assert_eq!(figure.ratio(), None);
        assert_eq!(figure.beside("nginx", Rounds(vec![4.0, 2.0, 3.0])).ratio(), Some(2.0));
    }
}
