//! Change Discovery API 1.0: what changed, as an ordered collection of activities in pages.
//!
//! Addresses and times are the caller's; nothing is looked up here. Oldest first, as section 2.2
//! wants it; who harvests walks backwards from the last page.

use serde_json::{Map, Value, json};

/// The JSON-LD context, also the profile of the media type.
pub const CONTEXT: &str = "http://iiif.io/api/discovery/1/context.json";

/// Section 2.2.1: the entry point.
///
/// ```
/// use dlcs_iiif::discovery::OrderedCollection;
///
/// let all = OrderedCollection {
///     id: "https://iiif.example/activity/1/all-changes".into(),
///     total: 3,
///     first: "https://iiif.example/activity/1/page/0".into(),
///     last: "https://iiif.example/activity/1/page/0".into(),
/// };
/// assert!(all.to_json().contains(r#""totalItems":3"#));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderedCollection {
    pub id: String,
    /// Number of activities in all pages.
    pub total: u64,
    pub first: String,
    pub last: String,
}

/// Section 2.2.2: some activities, in the order of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderedCollectionPage {
    pub id: String,
    /// Address of the collection.
    pub part_of: String,
    /// Place of the first activity in the whole collection, from 0.
    pub start_index: u64,
    pub prev: Option<String>,
    pub next: Option<String>,
    pub activities: Vec<Activity>,
}

/// Section 2.2.3: something that happened to a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    pub id: String,
    /// An `xsd:dateTime` in UTC.
    pub end_time: String,
    pub change: Change,
}

/// What happened: the types of level 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Create(Resource),
    Update(Resource),
    Delete(Resource),
    /// It was there before, and is told of from now on.
    Add(Resource),
    /// It is there, and is not told of any more.
    Remove(Resource),
    /// It is at `to` now, and no longer at `from`.
    Move {
        from: Resource,
        to: Resource,
    },
}

/// A document that can be fetched, or could.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub id: String,
    pub kind: ResourceKind,
    /// An address that it keeps wherever it is, if `id` is another.
    pub canonical: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceKind {
    Manifest,
    Collection,
}

impl OrderedCollection {
    /// Returns the document, always the same bytes for the same collection.
    pub fn to_json(&self) -> String {
        json!({
            "@context": CONTEXT,
            "id": self.id,
            "type": "OrderedCollection",
            "totalItems": self.total,
            "first": page(&self.first),
            "last": page(&self.last),
        })
        .to_string()
    }
}

impl OrderedCollectionPage {
    /// Returns the document, always the same bytes for the same page.
    pub fn to_json(&self) -> String {
        let mut document = Map::new();
        document.insert("@context".into(), json!(CONTEXT));
        document.insert("id".into(), json!(self.id));
        document.insert("type".into(), json!("OrderedCollectionPage"));
        document.insert("startIndex".into(), json!(self.start_index));
        let collection = json!({"id": self.part_of, "type": "OrderedCollection"});
        document.insert("partOf".into(), collection);
        for (name, address) in [("prev", &self.prev), ("next", &self.next)] {
            if let Some(address) = address {
                document.insert(name.into(), page(address));
            }
        }
        let activities = self.activities.iter().map(Activity::to_value).collect();
        document.insert("orderedItems".into(), Value::Array(activities));
        Value::Object(document).to_string()
    }
}

fn page(id: &str) -> Value {
    json!({"id": id, "type": "OrderedCollectionPage"})
}

impl Activity {
    fn to_value(&self) -> Value {
        let mut activity = Map::new();
        activity.insert("id".into(), json!(self.id));
        activity.insert("type".into(), json!(self.change.name()));
        match &self.change {
            Change::Create(object)
            | Change::Update(object)
            | Change::Delete(object)
            | Change::Add(object)
            | Change::Remove(object) => {
                activity.insert("object".into(), object.to_value());
            }
            Change::Move { from, to } => {
                activity.insert("object".into(), from.to_value());
                activity.insert("target".into(), to.to_value());
            }
        }
        activity.insert("endTime".into(), json!(self.end_time));
        Value::Object(activity)
    }
}

impl Change {
    fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "Create",
            Self::Update(_) => "Update",
            Self::Delete(_) => "Delete",
            Self::Add(_) => "Add",
            Self::Remove(_) => "Remove",
            Self::Move { .. } => "Move",
        }
    }
}

impl Resource {
    fn to_value(&self) -> Value {
        let mut resource = json!({"id": self.id, "type": self.kind.name()});
        if let Some(canonical) = &self.canonical {
            resource["canonical"] = json!(canonical);
        }
        resource
    }
}

impl ResourceKind {
    /// Returns the `type` of its document.
    pub fn name(self) -> &'static str {
        match self {
            Self::Manifest => "Manifest",
            Self::Collection => "Collection",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(id: &str) -> Resource {
        let (id, kind) = (format!("https://iiif.example/{id}"), ResourceKind::Manifest);
        Resource { id, kind, canonical: None }
    }

    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_collection_leads_to_its_first_and_last_page() {
        let collection = OrderedCollection {
            id: "https://iiif.example/all".into(),
            total: 201,
            first: "https://iiif.example/0".into(),
            last: "https://iiif.example/2".into(),
        };
        let page = |id: &str| json!({"id": id, "type": "OrderedCollectionPage"});
        let expected = json!({
            "@context": CONTEXT, "id": "https://iiif.example/all", "type": "OrderedCollection",
            "totalItems": 201, "first": page("https://iiif.example/0"),
            "last": page("https://iiif.example/2"),
        });
        assert_eq!(read(&collection.to_json()), expected);
    }

    #[test]
    fn a_page_says_where_it_stands() {
        let mut page = OrderedCollectionPage {
            id: "https://iiif.example/1".into(),
            part_of: "https://iiif.example/all".into(),
            start_index: 100,
            prev: Some("https://iiif.example/0".into()),
            next: None,
            activities: vec![],
        };
        let document = read(&page.to_json());
        assert_eq!(document["partOf"]["type"], "OrderedCollection");
        assert_eq!(document["partOf"]["id"], "https://iiif.example/all");
        assert_eq!((&document["startIndex"], &document["orderedItems"]), (&json!(100), &json!([])));
        assert_eq!(document["prev"]["type"], "OrderedCollectionPage");
        assert!(document.get("next").is_none(), "{document}");
        page.next = page.prev.take();
        let document = read(&page.to_json());
        assert_eq!(document["next"]["id"], "https://iiif.example/0");
        assert!(document.get("prev").is_none(), "{document}");
    }

    #[test]
    fn a_move_leads_from_the_object_to_the_target() {
        let to = Resource { canonical: Some("https://iiif.example/c".into()), ..manifest("b") };
        let activity = Activity {
            id: "https://iiif.example/0#7".into(),
            end_time: "2026-11-27T20:00:00Z".into(),
            change: Change::Move { from: manifest("a"), to },
        };
        let expected = json!({
            "id": "https://iiif.example/0#7", "type": "Move", "endTime": "2026-11-27T20:00:00Z",
            "object": {"id": "https://iiif.example/a", "type": "Manifest"},
            "target": {"id": "https://iiif.example/b", "type": "Manifest",
                "canonical": "https://iiif.example/c"},
        });
        assert_eq!(activity.to_value(), expected);
    }

    #[test]
    fn every_other_activity_has_an_object_only() {
        type Make = fn(Resource) -> Change;
        let changes: [(Make, &str); 5] = [
            (Change::Create, "Create"),
            (Change::Update, "Update"),
            (Change::Delete, "Delete"),
            (Change::Add, "Add"),
            (Change::Remove, "Remove"),
        ];
        for (change, name) in changes {
            let collection = Resource { kind: ResourceKind::Collection, ..manifest("a") };
            let (id, end_time) = ("https://iiif.example/0#0".into(), "2026".into());
            let activity = Activity { id, end_time, change: change(collection) }.to_value();
            assert_eq!((&activity["type"], &activity["target"]), (&json!(name), &Value::Null));
            assert_eq!(activity["object"]["type"], "Collection");
        }
    }
}
