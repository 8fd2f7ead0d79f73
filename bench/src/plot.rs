//! The plot: a bar for DLCS and one for its peer, each pair on a scale of its own, as SVG.

use crate::figures::{Better, Figure, Outcome, Records, Rounds};
use crate::report::significant;
use std::fmt::Write;

const WIDTH: f64 = 960.0;
/// Where bars begin, and the most that one is long.
const BARS_AT: f64 = 420.0;
const BAR_LENGTH_MAX: f64 = 330.0;
const BAR_HEIGHT: f64 = 13.0;
const PAIR_HEIGHT: f64 = 42.0;
const TITLE_HEIGHT: f64 = 40.0;
const MARGIN: f64 = 16.0;
const DLCS_COLOUR: &str = "#1f6f8b";
const PEER_COLOUR: &str = "#b0b7bd";

/// Draws every rate that has a peer. Figures without one are in the table only.
pub(crate) fn draw(records: &Records) -> String {
    let (mut body, mut top) = (String::new(), MARGIN);
    for record in &records.0 {
        let Outcome::Measured { figures, .. } = &record.outcome else { continue };
        let pairs: Vec<&Figure> =
            figures.iter().filter(|it| it.peer.is_some() && it.better == Better::More).collect();
        if pairs.is_empty() {
            continue;
        }
        top += TITLE_HEIGHT;
        text(&mut body, MARGIN, top - 14.0, "title", &record.title);
        for figure in pairs {
            pair(&mut body, top, figure);
            top += PAIR_HEIGHT;
        }
    }
    let height = top + MARGIN;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n\
         <title>DLCS and its peers</title>\n\
         <style>.title{{font-size:16px;font-weight:bold}}.unit,.peer{{fill:#555}}\
         .value{{font-weight:bold}}.spread{{stroke:#222;stroke-width:1.5}}</style>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n{body}</svg>\n"
    )
}

fn pair(body: &mut String, top: f64, figure: &Figure) {
    let Some(peer) = &figure.peer else { return };
    let longest = figure.dlcs.max().max(peer.rounds.max());
    let label = figure.case.replace('`', "");
    text(body, MARGIN, top + 11.0, "case", &label);
    text(body, MARGIN, top + 27.0, "unit", &format!("{}; peer: {}", figure.unit, peer.name));
    bar(body, top, DLCS_COLOUR, &figure.dlcs, longest);
    bar(body, top + BAR_HEIGHT + 3.0, PEER_COLOUR, &peer.rounds, longest);
    let ratio = figure.ratio().map(significant).unwrap_or_default();
    text(body, WIDTH - MARGIN - 50.0, top + 18.0, "value", &format!("{ratio} ×"));
}

/// Draws the median, and a line from the least to the most.
fn bar(body: &mut String, top: f64, colour: &str, rounds: &Rounds, longest: f64) {
    let scale = |value: f64| BAR_LENGTH_MAX * value / longest;
    let (length, middle) = (scale(rounds.median()), top + BAR_HEIGHT / 2.0);
    let (from, to) = (BARS_AT + scale(rounds.min()), BARS_AT + scale(rounds.max()));
    let _ = writeln!(
        body,
        "<rect x=\"{BARS_AT}\" y=\"{top:.1}\" width=\"{length:.1}\" height=\"{BAR_HEIGHT}\" \
         fill=\"{colour}\"/>\
         <line class=\"spread\" x1=\"{from:.1}\" x2=\"{to:.1}\" y1=\"{middle:.1}\" y2=\"{middle:.1}\"/>"
    );
    text(body, to.max(BARS_AT + length) + 6.0, top + 11.0, "peer", &significant(rounds.median()));
}

fn text(body: &mut String, x: f64, y: f64, class: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(body, "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{words}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_side_fills_the_scale() {
        let figure = Figure::new("a < b", "1/s", Better::More, Rounds(vec![5.0]));
        let mut body = String::new();
        pair(&mut body, 0.0, &figure.beside("peer", Rounds(vec![10.0])));
        assert!(body.contains("width=\"330.0\"") && body.contains("width=\"165.0\""), "{body}");
        assert!(body.contains("a &lt; b") && body.contains("0.50 ×"), "{body}");
    }
}
