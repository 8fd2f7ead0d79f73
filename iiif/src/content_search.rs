//! Content Search: the answers of a search and of an autocomplete, as versions 2.0 and 1.0.
//!
//! One neutral model is printed as either. Addresses are the caller's; nothing is looked up here.
//! Section numbers cite Content Search API 2.0 and 1.0.

mod v1;
mod v2;

#[cfg(test)]
mod tests;

/// Version of the Content Search API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SearchVersion {
    /// Content Search API 1.0.
    V1,
    /// Content Search API 2.0.
    V2,
}

/// Both versions of a search service and of its autocomplete, as a manifest refers to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchService {
    pub search_v1: String,
    pub autocomplete_v1: String,
    pub search_v2: String,
    pub autocomplete_v2: String,
}

/// One page of results.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchResults {
    /// Address of this page.
    pub id: String,
    /// Address of the whole list, and the way through it.
    pub list: ResultList,
    pub next: Option<String>,
    pub previous: Option<String>,
    /// Number of annotations before this page; `None`: not known.
    pub start_index: Option<u64>,
    /// Names of request parameters that had no effect.
    pub ignored: Vec<&'static str>,
    pub matches: Vec<Match>,
}

/// Everything that was found, as one list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResultList {
    pub id: String,
    /// Number of annotations; `None`: not counted.
    pub total: Option<u64>,
    pub first: String,
    pub last: Option<String>,
}

/// One occurrence of what was looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Match {
    /// One for each line that it runs over; at least one.
    pub annotations: Vec<MatchAnnotation>,
    pub before: String,
    /// As it stands on the page.
    pub exact: String,
    pub after: String,
}

/// The part of an occurrence that lies on one line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MatchAnnotation {
    pub id: String,
    /// The words of the part.
    pub text: String,
    /// Address of the canvas, without a fragment.
    pub canvas: String,
    /// x, y, width, height in units of the canvas.
    pub xywh: [u32; 4],
    /// Where the canvas is found, in searches over more than one resource.
    pub within: Option<Container>,
}

/// A manifest that holds a canvas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub id: String,
    pub label: String,
}

/// Words that a search could be for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TermList {
    pub id: String,
    pub ignored: Vec<&'static str>,
    /// In ascending order.
    pub terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    pub value: String,
    pub total: Option<u64>,
    /// Address of a search for the term.
    pub search: String,
}

impl SearchVersion {
    /// Returns the path segment of our addresses.
    pub fn segment(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }

    /// Returns the JSON-LD context.
    pub fn context(self) -> &'static str {
        match self {
            Self::V1 => "http://iiif.io/api/search/1/context.json",
            Self::V2 => "http://iiif.io/api/search/2/context.json",
        }
    }

    /// Returns the media type of answers.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::V1 => "application/json",
            Self::V2 => "application/ld+json;profile=\"http://iiif.io/api/search/2/context.json\"",
        }
    }
}

impl SearchResults {
    fn is_paged(&self) -> bool {
        self.next.is_some() || self.previous.is_some()
    }

    /// Returns the document, always the same bytes for the same results.
    pub fn to_json(&self, version: SearchVersion) -> String {
        match version {
            SearchVersion::V1 => v1::results(self),
            SearchVersion::V2 => v2::results(self),
        }
        .to_string()
    }
}

impl TermList {
    /// Returns the document, always the same bytes for the same terms.
    pub fn to_json(&self, version: SearchVersion) -> String {
        match version {
            SearchVersion::V1 => v1::terms(self),
            SearchVersion::V2 => v2::terms(self),
        }
        .to_string()
    }
}

impl MatchAnnotation {
    /// Returns the canvas with the box as its fragment.
    fn target(&self) -> String {
        let [x, y, width, height] = self.xywh;
        format!("{}#xywh={x},{y},{width},{height}", self.canvas)
    }
}
