//! How far pictures are from each other, over many pixels.

use super::ciede2000::{Srgb, difference};
use super::reference::Picture;

/// Differences are counted in steps of a hundredth, up to this one.
const MOST: f64 = 100.0;
const STEPS: usize = 100;

/// Counts of ΔE00.
#[derive(Clone)]
pub(super) struct Tally {
    sum: f64,
    counts: Vec<u64>,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self { sum: 0.0, counts: vec![0; MOST as usize * STEPS + 1] }
    }

    /// Compares two pictures of one size.
    pub(super) fn of(srgb: &Srgb, one: &Picture, two: &Picture) -> Self {
        let mut tally = Self::new();
        for (one, two) in one.pixels.iter().zip(&two.pixels) {
            let found = if one == two { 0.0 } else { difference(srgb.lab(*one), srgb.lab(*two)) };
            tally.sum += found;
            tally.counts[(found.min(MOST) * STEPS as f64) as usize] += 1;
        }
        tally
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.sum += other.sum;
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, it)| *sum += it);
    }

    pub(super) fn pixels(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(super) fn mean(&self) -> f64 {
        self.sum / self.pixels() as f64
    }

    /// Returns the difference that 999 of 1,000 pixels do not exceed.
    pub(super) fn of_999(&self) -> f64 {
        let mut left = self.pixels() / 1_000;
        for (step, count) in self.counts.iter().enumerate().rev() {
            if *count > left {
                return (step + 1) as f64 / STEPS as f64;
            }
            left -= count;
        }
        0.0
    }
}

#[test]
fn one_pixel_in_a_thousand_may_differ_more() {
    let gray = |level| Picture { width: 1_000, height: 2, pixels: vec![[level; 3]; 2_000] };
    let (one, mut two) = (gray(100), gray(100));
    two.pixels[..2].fill([255; 3]);
    let srgb = Srgb::new();
    assert_eq!(Tally::of(&srgb, &one, &two).of_999(), 0.01);
    two.pixels[2] = [255; 3];
    let tally = Tally::of(&srgb, &one, &two);
    assert!(tally.of_999() > 40.0 && tally.mean() < 0.1, "{} {}", tally.of_999(), tally.mean());
}
