//! A stored manifest as clients write it and as it is kept.
//!
//! Kept is the client's own document without what only this API knows (`slug`, `publicId`, …), and
//! with `paintedResources` in place of the canvases that are made of them. Addresses of ours are
//! kept without their base.

use super::place;
use crate::delivery::asset::space_of;
use crate::delivery::stored::PaintedNames;
use crate::error::{Answer, Problem};
use crate::http::fields::Fields;
use crate::state::Shared;
use dlcs_commands::NewDocument;
use dlcs_domain::manifest::ManifestEdit;
use dlcs_domain::manifest::document::{CANVASES_MAX, apply};
use dlcs_domain::{AssetId, CustomerId, PlacePatch};
use dlcs_iiif::base::{fill_base, strip_base};
use dlcs_iiif::presentation::{Danger, check, is_version_2, upgrade};
use dlcs_projections::manifests::ManifestRow;
use serde_json::{Value, json};

/// What the API adds when it shows a manifest, and takes away when it gets it back.
const EXTRAS: [&str; 9] = [
    "slug",
    "parent",
    "publicId",
    "flatId",
    "ingesting",
    "created",
    "modified",
    "id",
    "paintedResources",
];

/// A registered asset that is painted on a canvas of its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Painted {
    pub asset: AssetId,
    /// Chosen by the client.
    pub canvas_id: Option<String>,
    /// A text or a language map.
    pub label: Option<Value>,
    order: i64,
}

/// A document that was kept.
#[derive(Debug, Clone)]
pub(crate) struct StoredDocument {
    /// The client's, with our base filled in.
    pub document: Value,
    /// `None`: the canvases are the client's own.
    pub painted: Option<Vec<Painted>>,
}

/// What a client asks for.
#[derive(Debug)]
pub(crate) struct NewManifest {
    pub id: Option<String>,
    pub place: PlacePatch,
    pub document: NewDocument,
}

/// Reads a body. One of Presentation 2.1 is kept as 3.0.
pub(crate) async fn read(
    state: &Shared,
    customer: CustomerId,
    body: &Value,
) -> Answer<NewManifest> {
    check(body).map_err(dangerous)?;
    if is_version_2(body) {
        let upgraded = upgrade(body);
        // Addresses that were plain text are ids now.
        check(&upgraded).map_err(dangerous)?;
        return read_version_3(state, customer, &upgraded).await;
    }
    read_version_3(state, customer, body).await
}

async fn read_version_3(state: &Shared, customer: CustomerId, body: &Value) -> Answer<NewManifest> {
    let fields = Fields::of(body)?;
    if fields.text("type")?.is_some_and(|kind| kind != "Manifest") {
        return Err(Problem::field("type", "`type` has to be Manifest"));
    }
    let place = place::patch(state, &fields)?;
    let mut document = body.clone();
    let members = document.as_object_mut().ok_or_else(Problem::not_found)?;
    members.retain(|name, _| !EXTRAS.contains(&name.as_str()));
    let painted = match fields.get("paintedResources") {
        None | Some(Value::Null) => None,
        Some(Value::Array(resources)) => Some(painted(state, customer, resources).await?),
        Some(_) => {
            let detail = "`paintedResources` has to be a list";
            return Err(Problem::field("paintedResources", detail));
        }
    };
    match &painted {
        Some(painted) => {
            check_items(state, &fields, painted)?;
            members.remove("items");
            let kept: Vec<Value> = painted.iter().map(Painted::to_json).collect();
            members.insert("paintedResources".to_owned(), Value::from(kept));
        }
        None => check_canvases(&fields)?,
    }
    let label = place::label(&document);
    let bytes = strip_base(&document.to_string(), state.public_url.as_str()).into();
    let id = flat_id(state, "manifests", fields.text("id")?);
    Ok(NewManifest { id, place, document: NewDocument { bytes, label } })
}

/// Reads what was kept, and what was edited since.
pub(crate) fn stored(state: &Shared, row: &ManifestRow, kept: &str) -> Answer<StoredDocument> {
    let customer = row.id.customer;
    let filled = fill_base(kept, state.public_url.as_str());
    let mut document: Value = serde_json::from_str(&filled).map_err(Problem::internal)?;
    let names = PaintedNames::shown(state, &row.id);
    for edit in edits(state, &row.stored.pending)? {
        apply(&mut document, &edit, &names).map_err(Problem::internal)?;
    }
    let members = document.as_object_mut();
    let resources = members.and_then(|members| members.remove("paintedResources"));
    let painted = match resources {
        Some(Value::Array(resources)) => {
            let read = resources.iter().map(|resource| Painted::of_kept(customer, resource));
            let read = read.collect::<Option<Vec<_>>>();
            Some(read.ok_or_else(|| Problem::internal("a kept manifest cannot be read"))?)
        }
        _ => None,
    };
    Ok(StoredDocument { document, painted })
}

/// Returns edits with our base filled in.
fn edits(state: &Shared, pending: &[ManifestEdit]) -> Answer<Vec<ManifestEdit>> {
    if pending.is_empty() {
        return Ok(Vec::new());
    }
    let kept = serde_json::to_string(pending).map_err(Problem::internal)?;
    let filled = fill_base(&kept, state.public_url.as_str());
    serde_json::from_str(&filled).map_err(Problem::internal)
}

impl StoredDocument {
    /// Returns it with its painted assets, as a client may write it.
    pub(crate) fn whole(self) -> Value {
        let Self { mut document, painted } = self;
        if let Some(painted) = painted {
            let painted: Vec<Value> = painted.iter().map(Painted::to_json).collect();
            document["paintedResources"] = Value::from(painted);
        }
        document
    }
}

impl Painted {
    pub(crate) fn to_json(&self) -> Value {
        let mut painting = json!({"canvasOrder": self.order});
        if let Some(label) = &self.label {
            painting["label"] = label.clone();
        }
        if let Some(id) = &self.canvas_id {
            painting["canvasId"] = json!(id);
        }
        let asset = json!({"id": self.asset.name(), "space": self.asset.space().space});
        json!({"asset": asset, "canvasPainting": painting})
    }

    fn of_kept(customer: CustomerId, resource: &Value) -> Option<Self> {
        let asset = &resource["asset"];
        let space = format!("{customer}/{}", asset["space"].as_u64()?).parse().ok()?;
        let painting = &resource["canvasPainting"];
        Some(Self {
            asset: AssetId::new(space, asset["id"].as_str()?).ok()?,
            canvas_id: painting["canvasId"].as_str().map(str::to_owned),
            label: painting.get("label").filter(|label| !label.is_null()).cloned(),
            order: painting["canvasOrder"].as_i64().unwrap_or_default(),
        })
    }
}

/// Reads one painted asset, as it is kept.
pub(crate) async fn painted_one(
    state: &Shared,
    customer: CustomerId,
    resource: &Value,
) -> Answer<Value> {
    Ok(one(state, customer, 0, resource).await?.to_json())
}

/// Reads painted assets in the order of their canvases.
async fn painted(
    state: &Shared,
    customer: CustomerId,
    resources: &[Value],
) -> Answer<Vec<Painted>> {
    if resources.len() > CANVASES_MAX {
        let detail = format!("a manifest has at most {CANVASES_MAX} canvases");
        return Err(Problem::field("paintedResources", detail));
    }
    let mut painted = Vec::with_capacity(resources.len());
    for (index, resource) in resources.iter().enumerate() {
        let one = one(state, customer, index, resource).await;
        painted.push(one.map_err(|problem| problem.with("index", json!(index)))?);
    }
    painted.sort_by_key(|painted| painted.order);
    Ok(painted)
}

async fn one(
    state: &Shared,
    customer: CustomerId,
    index: usize,
    resource: &Value,
) -> Answer<Painted> {
    let nothing = json!({});
    let part = |name: &str| match resource.get(name) {
        None | Some(Value::Null) => &nothing,
        Some(part) => part,
    };
    let (asset, painting) = (Fields::of(part("asset"))?, Fields::of(part("canvasPainting"))?);
    if asset.text("origin")?.is_some() {
        let detail = "assets are registered first, and then painted by `id` and `space`";
        return Err(Problem::field("asset", detail));
    }
    let label = painting.get("label").filter(|label| !label.is_null());
    if label.is_some_and(|label| !label.is_string() && !label.is_object()) {
        return Err(Problem::field("label", "a label is a text or a language map"));
    }
    let default = i64::try_from(index).unwrap_or(i64::MAX);
    let order = painting.get("canvasOrder").filter(|order| !order.is_null());
    let order = order.map_or(Some(default), Value::as_i64);
    Ok(Painted {
        asset: asset_id(state, customer, &asset).await?,
        canvas_id: painting.text("canvasId")?.map(str::to_owned),
        label: label.cloned(),
        order: order.ok_or_else(|| Problem::field("canvasOrder", "`canvasOrder` is a number"))?,
    })
}

async fn asset_id(state: &Shared, customer: CustomerId, asset: &Fields<'_>) -> Answer<AssetId> {
    let name = asset.needed_text("id")?;
    let space = match asset.get("space") {
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.clone(),
        _ => {
            let whole = name.parse::<AssetId>().ok().filter(|id| id.customer() == customer);
            return whole.ok_or_else(|| Problem::field("space", "`space` is missing"));
        }
    };
    let unknown = |problem: Problem| problem.or_if_missing(|| super::queue::no_space(&space));
    let space = space_of(state, customer, &space).await.map_err(unknown)?;
    AssetId::new(space, name).map_err(|error| Problem::field("id", error.to_string()))
}

/// Canvases beside painted assets may only be those that were made of them: a manifest that was
/// read can be written back, and nothing that a client drew is dropped in silence.
fn check_items(state: &Shared, fields: &Fields<'_>, painted: &[Painted]) -> Answer<()> {
    let ours = state.public_url.at("/");
    let items = fields.get("items").and_then(Value::as_array).into_iter().flatten();
    for item in items {
        let id = item["id"].as_str().unwrap_or_default();
        let is_ours = id.strip_prefix(&ours).is_some_and(|path| path.contains("/manifests/"));
        if !is_ours && !painted.iter().any(|painted| painted.canvas_id.as_deref() == Some(id)) {
            let detail = "a manifest has canvases of its own or painted resources, not both";
            return Err(Problem::field("items", detail));
        }
    }
    Ok(())
}

fn check_canvases(fields: &Fields<'_>) -> Answer<()> {
    match fields.get("items") {
        Some(Value::Array(items)) if items.len() <= CANVASES_MAX => Ok(()),
        Some(Value::Array(_)) => {
            let detail = format!("a manifest has at most {CANVASES_MAX} canvases");
            Err(Problem::field("items", detail))
        }
        _ => Err(Problem::field("items", "a manifest needs `items` or `paintedResources`")),
    }
}

pub(crate) fn dangerous(danger: Danger) -> Problem {
    Problem::field(&danger.at, danger.to_string())
}

/// Takes over an id that is flat, or the last part of an address of ours.
pub(crate) fn flat_id(state: &Shared, kind: &str, id: Option<&str>) -> Option<String> {
    let id = id?;
    let ours = state.public_url.at("/");
    let flat = match id.strip_prefix(&ours) {
        Some(path) => path.split_once(&format!("/{kind}/"))?.1,
        None => id,
    };
    (!flat.is_empty() && !flat.contains(['/', ':'])).then(|| flat.to_owned())
}
