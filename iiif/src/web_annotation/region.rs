//! The box that a selector cuts out of an image.
//!
//! Media Fragments URI 1.0, section 4.2.2 (`xywh`); Model, sections 4.2.1 and 4.2.7.

use super::{each, svg};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A box in units of the source, its edges on whole units, so that it holds what was selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Region {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// Where numbers end that stand for a place in an image.
const COORDINATE_MAX: f64 = 4_000_000_000.0;

impl Region {
    /// Returns the smallest such box around two corners; `None`: it lies outside of every image.
    pub(super) fn around(left: f64, top: f64, right: f64, bottom: f64) -> Option<Self> {
        let all = [left, top, right, bottom];
        if all.iter().any(|it| !it.is_finite()) || right < 0.0 || bottom < 0.0 {
            return None;
        }
        let low = |it: f64| it.clamp(0.0, COORDINATE_MAX).floor();
        let high = |it: f64| it.clamp(0.0, COORDINATE_MAX).ceil();
        let (x, y) = (whole(low(left)), whole(low(top)));
        let (width, height) = (whole(high(right)) - x, whole(high(bottom)) - y);
        Some(Self { x, y, width, height })
    }
}

impl Region {
    /// Returns left, top, right and bottom.
    pub fn edges(&self) -> [i64; 4] {
        let Self { x, y, width, height } = *self;
        let [x, y, width, height] = [x, y, width, height].map(i64::from);
        [x, y, x + width, y + height]
    }
}

/// Takes a whole number from 0 to [`COORDINATE_MAX`].
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is whole and within the bounds of u32"
)]
fn whole(number: f64) -> u32 {
    number as u32
}

/// What a fragment says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fragment {
    Pixels(Region),
    /// Of the size of the source, which is not known here.
    Percent,
}

/// Returns the box of a fragment such as `xywh=pixel:1,2,30,40`, without its `#`.
pub fn of_fragment(fragment: &str) -> Option<Region> {
    let xywh = fragment.split('&').find_map(|it| it.strip_prefix("xywh="))?;
    match parse(xywh) {
        Ok(Fragment::Pixels(region)) => Some(region),
        Ok(Fragment::Percent) | Err(_) => None,
    }
}

/// Returns the box of a selector; `None`: it has none, or it is not known.
pub(super) fn of_selector(selector: &Value) -> Option<Region> {
    let is = |name: &str| each(selector.get("type")).any(|it| it.as_str() == Some(name));
    let value = selector.get("value").and_then(Value::as_str);
    if is("FragmentSelector") {
        return value.and_then(of_fragment);
    }
    if is("SvgSelector") {
        return value.and_then(svg::region);
    }
    if is("Choice") {
        return each(selector.get("items")).find_map(of_selector);
    }
    if is("PointSelector") {
        // Presentation API 3.0, PointSelector: the point's own unit.
        let [x, y] = ["x", "y"].map(|it| selector.get(it).and_then(Value::as_f64));
        return Region::around(x?, y?, x? + 1.0, y? + 1.0);
    }
    None
}

/// Reads what stands behind `xywh=`.
pub(super) fn parse(text: &str) -> Result<Fragment, &'static str> {
    let (is_percent, numbers) = match text.split_once(':') {
        Some(("percent", numbers)) => (true, numbers),
        Some(("pixel", numbers)) => (false, numbers),
        Some(_) => return Err("an `xywh` is in `pixel:` or in `percent:`"),
        None => (false, text),
    };
    let numbers: Option<Vec<f64>> = numbers.split(',').map(number).collect();
    let Some([x, y, width, height]) = numbers.as_deref() else {
        return Err("an `xywh` has four numbers that are not negative: x, y, width, height");
    };
    if is_percent {
        let is_within = x + width <= 100.0 + f64::EPSILON && y + height <= 100.0 + f64::EPSILON;
        return if is_within { Ok(Fragment::Percent) } else { Err("`percent:` goes up to 100") };
    }
    let region = Region::around(*x, *y, x + width, y + height);
    region.map(Fragment::Pixels).ok_or("an `xywh` lies within an image")
}

/// Reads a decimal number as media fragments have them: digits and a point, no sign, no exponent.
/// Some clients give fractions of pixels; that is well understood.
fn number(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    let number: f64 = text.parse().ok().filter(|_| is_plain)?;
    (number <= COORDINATE_MAX).then_some(number)
}
