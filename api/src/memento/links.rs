//! Links between a resource, its TimeGate, its TimeMap and its mementos: RFC 7089, section 2.2.

use super::LINK_FORMAT;
use super::moments::{Moment, Moments, PAGE_SIZE};
use super::remembered::Remembered;
use crate::http::time::{http_date, iso};
use crate::state::PublicUrl;
use axum::http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};

/// Lets an answer say where its past is told.
pub(crate) fn announce(headers: &mut HeaderMap, base: &PublicUrl, resource: &Remembered) {
    let gate = base.at(resource.path());
    let links = format!(
        "<{gate}>; rel=\"timegate\", <{gate}/timemap>; rel=\"timemap\"; type=\"{LINK_FORMAT}\""
    );
    if let Ok(links) = HeaderValue::try_from(links) {
        headers.append(header::LINK, links);
    }
}

pub(super) struct Links<'a> {
    pub(super) base: &'a PublicUrl,
    pub(super) resource: &'a Remembered,
    /// At least one.
    pub(super) moments: &'a Moments,
}

impl Links<'_> {
    fn gate(&self) -> String {
        self.base.at(self.resource.path())
    }

    fn map_address(&self, page: usize) -> String {
        match page {
            0 => format!("{}/timemap", self.gate()),
            page => format!("{}/timemap?page={page}", self.gate()),
        }
    }

    pub(super) fn memento(&self, index: usize) -> String {
        self.address(&self.moments.get(index))
    }

    fn address(&self, moment: &Moment) -> String {
        format!("{}/{}", self.gate(), moment.position.0)
    }

    fn original(&self) -> String {
        format!("<{}>; rel=\"original\"", self.resource.original(self.base))
    }

    fn time_map(&self) -> String {
        let (from, until) = (self.moments.get(0), self.moments.get(self.moments.len() - 1));
        format!(
            "<{}>; rel=\"timemap\"; type=\"{LINK_FORMAT}\"; from=\"{}\"; until=\"{}\"",
            self.map_address(0),
            http_date(from.recorded_at_us),
            http_date(until.recorded_at_us)
        )
    }

    /// Returns the `Link` of a TimeGate's answer.
    pub(super) fn of_gate(&self, chosen: usize) -> String {
        [self.original(), self.time_map(), self.mementos(chosen)].join(", ")
    }

    /// Returns the `Link` of a memento.
    pub(super) fn of_memento(&self, chosen: usize) -> String {
        let gate = format!("<{}>; rel=\"timegate\"", self.gate());
        [self.original(), gate, self.time_map(), self.mementos(chosen)].join(", ")
    }

    /// Links the memento with its neighbours and both ends; each address once.
    fn mementos(&self, chosen: usize) -> String {
        let last = self.moments.len() - 1;
        let mut shown = vec![0, chosen.saturating_sub(1), chosen, (chosen + 1).min(last), last];
        shown.dedup();
        let links = shown.into_iter().map(|index| {
            let mut relation = Vec::new();
            relation.extend((index == 0).then_some("first"));
            relation.extend((index + 1 == chosen).then_some("prev"));
            relation.extend((index == chosen + 1).then_some("next"));
            relation.extend((index == last).then_some("last"));
            relation.push("memento");
            self.dated(&self.moments.get(index), &relation.join(" "))
        });
        links.collect::<Vec<_>>().join(", ")
    }

    fn dated(&self, moment: &Moment, relation: &str) -> String {
        let (address, date) = (self.address(moment), http_date(moment.recorded_at_us));
        format!("<{address}>; rel=\"{relation}\"; datetime=\"{date}\"")
    }

    /// Returns a page of the TimeMap as links: RFC 7089, section 5; RFC 6690.
    pub(super) fn map(&self, page: usize) -> String {
        let mut lines = vec![self.original(), format!("<{}>; rel=\"timegate\"", self.gate())];
        for other in 0..self.moments.len().div_ceil(PAGE_SIZE) {
            let shown = self.moments.slice(other);
            let (Some(from), Some(until)) = (shown.first(), shown.last()) else { continue };
            let relation = if other == page { "self" } else { "timemap" };
            lines.push(format!(
                "<{}>; rel=\"{relation}\"; type=\"{LINK_FORMAT}\"; from=\"{}\"; until=\"{}\"",
                self.map_address(other),
                http_date(from.recorded_at_us),
                http_date(until.recorded_at_us)
            ));
        }
        let last = self.moments.len() - 1;
        for (place, moment) in self.moments.slice(page).iter().enumerate() {
            let index = page * PAGE_SIZE + place;
            let relation = match (index == 0, index == last) {
                (true, true) => "first last memento",
                (true, false) => "first memento",
                (false, true) => "last memento",
                (false, false) => "memento",
            };
            lines.push(self.dated(moment, relation));
        }
        lines.join(",\n") + "\n"
    }

    /// Returns the same for programs that read JSON.
    pub(super) fn map_as_json(&self, page: usize) -> Value {
        let shown = |moment: &Moment| {
            json!({
                "datetime": iso(moment.recorded_at_us),
                "position": moment.position.0,
                "uri": self.address(moment),
            })
        };
        let pages = 0..self.moments.len().div_ceil(PAGE_SIZE);
        json!({
            "original_uri": self.resource.original(self.base),
            "timegate_uri": self.gate(),
            "timemap_uri": {
                "link_format": self.map_address(page),
                "json_format": self.map_address(page),
            },
            "timemap_index": pages.map(|it| json!({"uri": self.map_address(it)})).collect::<Vec<_>>(),
            "mementos": {
                "first": shown(&self.moments.get(0)),
                "last": shown(&self.moments.get(self.moments.len() - 1)),
                "list": self.moments.slice(page).iter().map(shown).collect::<Vec<_>>(),
            },
        })
    }
}
