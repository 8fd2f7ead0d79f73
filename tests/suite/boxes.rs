//! The boxes of what a search finds, beside those that people drew around the same words.

use crate::support::fixtures;
use crate::support::server::{Persona, Server};
use std::collections::HashMap;
use std::path::Path;

/// x, y, width and height in pixels of the page.
type Rect = [f64; 4];

/// Words whose boxes a person drew, of the page and of the ALTO file that goes with it.
pub(crate) struct GroundTruth(HashMap<String, Vec<Rect>>);

impl GroundTruth {
    /// Reads every word of three or more letters; `None` where the fixtures are missing.
    pub(crate) fn of(page: &str) -> Option<Self> {
        let path = fixtures::folder("pages")?.join(format!("{page}.alto.xml"));
        let text = std::fs::read_to_string(path).expect("it is readable");
        let mut words: HashMap<String, Vec<Rect>> = HashMap::new();
        for word in text.split("<String ").skip(1) {
            let attribute = |name: &str| {
                let value = word.split_once(&format!(" {name}=\"")).expect("it has all").1;
                value.split_once('"').expect("it ends").0.to_owned()
            };
            let number = |name| attribute(name).parse::<f64>().expect("a number");
            let content = attribute("CONTENT");
            let word = content.trim_matches(|it: char| !it.is_alphabetic());
            if word.chars().count() >= 3 && word.chars().all(char::is_alphabetic) {
                let rect = ["HPOS", "VPOS", "WIDTH", "HEIGHT"].map(number);
                words.entry(word.to_owned()).or_default().push(rect);
            }
        }
        Some(Self(words))
    }

    /// Returns the box of a word that is on the page once.
    pub(crate) fn only(&self, word: &str) -> Option<Rect> {
        match self.0.get(word)?.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }
}

/// Returns the texts and boxes of what is found on the first page of results.
pub(crate) async fn found(server: &Server, path: &str) -> Vec<(String, Rect)> {
    let results = server.json(Persona::Anonymous, path).await;
    let items = results["items"].as_array().expect("a list").iter().map(|item| {
        let target = item["target"].as_str().expect("an address");
        let rect = target.split_once("#xywh=").expect("a box").1.split(',');
        let rect: Vec<f64> = rect.map(|it| it.parse().expect("a number")).collect();
        let text = item["body"]["value"].as_str().expect("text").to_owned();
        (text, rect.try_into().expect("four numbers"))
    });
    items.collect()
}

pub(crate) fn has_centre_in([x, y, width, height]: Rect, outer: Rect) -> bool {
    let (x, y) = (x + width / 2.0, y + height / 2.0);
    (outer[0]..=outer[0] + outer[2]).contains(&x) && (outer[1]..=outer[1] + outer[3]).contains(&y)
}

/// Intersection over union.
fn in_common(one: Rect, other: Rect) -> f64 {
    let overlap = |at: usize| {
        let end = (one[at] + one[at + 2]).min(other[at] + other[at + 2]);
        (end - one[at].max(other[at])).max(0.0)
    };
    let both = overlap(0) * overlap(1);
    both / (one[2] * one[3] + other[2] * other[3] - both)
}

/// Registers a page with its text recognised, and waits until every projection has seen it: a search
/// index on a node may be a moment behind.
pub(crate) async fn recognised(server: &Server, page: &Path, manifest: &str) {
    let page = page.to_str().expect("UTF-8");
    let args = ["register", "--ocr", "frk", "--wait-text", "--manifest", manifest, page];
    let output = server.command(&args);
    assert!(output.status.success(), "{output:?}");
    server.projected().await;
}

/// Fewer would say nothing about the boxes.
const WORDS_MIN: usize = 20;

/// Where recognition has read a word right: the centre of its box is in that of the ground truth,
/// for every one, and the boxes have .7 in common at the median.
#[tokio::test]
async fn boxes_of_hits_lie_on_the_words() {
    let Some(truth) = GroundTruth::of("kant_0020") else { return };
    let server = Server::start();
    let page = fixtures::folder("pages").expect("it was there").join("kant_0020.tif");
    recognised(&server, &page, "kant").await;
    let mut shares = Vec::new();
    for word in truth.0.keys() {
        let Some(expected) = truth.only(word) else { continue };
        let found = found(&server, &format!("/search/v2/1/assets/1/kant_0020.tif?q={word}")).await;
        // Read wrong, or there more than once as it is searched for: `ſo` finds `so`, too.
        let [(text, rect)] = found.as_slice() else { continue };
        if text.trim_matches(|it: char| !it.is_alphabetic()) != word {
            continue;
        }
        assert!(has_centre_in(*rect, expected), "{word}: {rect:?} is not on {expected:?}");
        shares.push(in_common(*rect, expected));
    }
    shares.sort_by(f64::total_cmp);
    // How many are read right depends on the model and on the processor.
    assert!(shares.len() >= WORDS_MIN, "only {} words could be compared", shares.len());
    let median = shares[shares.len() / 2];
    eprintln!("boxes: {} words, median of what they have in common {median:.2}", shares.len());
    assert!(median >= 0.7, "{median}");
}

#[test]
fn canary_a_box_beside_the_word_is_noticed() {
    let word = [100.0, 100.0, 50.0, 20.0];
    assert!(has_centre_in([101.0, 101.0, 50.0, 20.0], word));
    assert!(!has_centre_in([160.0, 100.0, 50.0, 20.0], word));
    assert!((in_common(word, [125.0, 100.0, 50.0, 20.0]) - 1.0 / 3.0).abs() < 1e-9);
    assert_eq!(in_common(word, [200.0, 100.0, 50.0, 20.0]), 0.0);
}
