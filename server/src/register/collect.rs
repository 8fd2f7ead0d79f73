//! What is to be registered: arguments become items, in a stable order.

use super::{RegisterArgs, UsageError};
use anyhow::Context;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// One image to register.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    /// As it was named on the command line or in the table.
    pub(super) source: String,
    pub(super) id: String,
    pub(super) bytes: Bytes,
    /// Fields of the management API besides `origin`.
    pub(super) fields: Map<String, Value>,
}

/// Where the bytes are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Bytes {
    File(PathBuf),
    Origin(String),
}

/// Collects the items of every source, in order; a folder's files by name.
pub(super) fn items(args: &RegisterArgs) -> anyhow::Result<Vec<Item>> {
    let mut items = Vec::new();
    for source in &args.sources {
        collect(source, &fields(args), &mut items)?;
    }
    if let Some(id) = &args.id {
        let [item] = items.as_mut_slice() else {
            return usage(format!("`--id` names one image, but there are {}", items.len()));
        };
        item.id.clone_from(id);
    }
    if items.is_empty() {
        return usage("there is no file in what was named".to_owned());
    }
    Ok(items)
}

fn usage<T>(message: String) -> anyhow::Result<T> {
    Err(UsageError(message).into())
}

fn fields(args: &RegisterArgs) -> Map<String, Value> {
    let given = [
        ("string1", args.string1.as_ref().map(|it| json!(it))),
        ("string2", args.string2.as_ref().map(|it| json!(it))),
        ("string3", args.string3.as_ref().map(|it| json!(it))),
        ("number1", args.number1.map(|it| json!(it))),
        ("number2", args.number2.map(|it| json!(it))),
        ("number3", args.number3.map(|it| json!(it))),
        ("tags", (!args.tags.is_empty()).then(|| json!(args.tags))),
        ("ocr", args.ocr.as_ref().map(|it| json!(it))),
        ("maxWidth", args.max_width.map(|it| json!(it))),
        ("openFullMax", args.open_full_max.map(|it| json!(it))),
        ("roles", (!args.roles.is_empty()).then(|| json!(args.roles))),
    ];
    given.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

fn collect(source: &str, fields: &Map<String, Value>, into: &mut Vec<Item>) -> anyhow::Result<()> {
    if source.contains("://") {
        into.push(item_of_origin(source, fields));
        return Ok(());
    }
    let path = Path::new(source);
    let kind = std::fs::metadata(path);
    let Ok(kind) = kind else {
        return usage(format!("`{source}` is neither a file, a folder nor an address"));
    };
    if kind.is_dir() {
        return collect_folder(path, fields, into);
    }
    match path.extension().and_then(|it| it.to_str()).map(str::to_lowercase).as_deref() {
        Some("csv") => collect_csv(path, fields, into),
        Some("ndjson" | "jsonl") => collect_ndjson(path, fields, into),
        _ => {
            into.push(item_of_file(path, fields));
            Ok(())
        }
    }
}

/// Takes every file of a folder and its folders, by path; hidden ones are left out.
fn collect_folder(
    folder: &Path,
    fields: &Map<String, Value>,
    into: &mut Vec<Item>,
) -> anyhow::Result<()> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .with_context(|| format!("the folder `{}` cannot be read", folder.display()))?;
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if path.is_dir() {
            collect_folder(&path, fields, into)?;
        } else {
            into.push(item_of_file(&path, fields));
        }
    }
    Ok(())
}

fn item_of_file(path: &Path, fields: &Map<String, Value>) -> Item {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    Item {
        source: path.display().to_string(),
        id: name.unwrap_or_default(),
        bytes: Bytes::File(path.to_owned()),
        fields: fields.clone(),
    }
}

fn item_of_origin(url: &str, fields: &Map<String, Value>) -> Item {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    let id = percent_encoding::percent_decode_str(last).decode_utf8_lossy().into_owned();
    Item {
        source: url.to_owned(),
        id,
        bytes: Bytes::Origin(url.to_owned()),
        fields: fields.clone(),
    }
}

fn collect_ndjson(
    path: &Path,
    fields: &Map<String, Value>,
    into: &mut Vec<Item>,
) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(path)?;
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let Ok(Value::Object(row)) = serde_json::from_str(line) else {
            return usage(format!("{}:{}: not a JSON object", path.display(), index + 1));
        };
        into.push(item_of_row(path, index + 1, row, fields)?);
    }
    Ok(())
}

fn collect_csv(
    path: &Path,
    fields: &Map<String, Value>,
    into: &mut Vec<Item>,
) -> anyhow::Result<()> {
    let mut reader = csv::Reader::from_path(path)?;
    let headers = reader.headers()?.clone();
    for (index, record) in reader.records().enumerate() {
        let record = record?;
        let cells = headers.iter().zip(record.iter()).filter(|(_, cell)| !cell.is_empty());
        let row = cells.map(|(key, cell)| (key.to_owned(), value_of_cell(key, cell))).collect();
        into.push(item_of_row(path, index + 2, row, fields)?);
    }
    Ok(())
}

fn value_of_cell(key: &str, cell: &str) -> Value {
    match (key, cell.parse::<i64>()) {
        ("number1" | "number2" | "number3" | "maxWidth" | "openFullMax", Ok(number)) => {
            json!(number)
        }
        ("tags" | "roles", _) => json!(cell.split(';').map(str::trim).collect::<Vec<_>>()),
        _ => json!(cell),
    }
}

/// A row has `origin` (an address or a path beside the table), and any field of the API.
fn item_of_row(
    table: &Path,
    line: usize,
    mut row: Map<String, Value>,
    fields: &Map<String, Value>,
) -> anyhow::Result<Item> {
    let Some(Value::String(origin)) = row.remove("origin") else {
        return usage(format!("{}:{line}: the column `origin` is missing", table.display()));
    };
    let mut item = if origin.contains("://") {
        item_of_origin(&origin, fields)
    } else {
        item_of_file(&table.parent().unwrap_or(Path::new("")).join(&origin), fields)
    };
    if let Some(Value::String(id)) = row.remove("id") {
        item.id = id;
    }
    item.fields.extend(row);
    Ok(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_an_address_is_its_last_part() {
        let item = item_of_origin("https://example.org/a/page%207.tif?x=1", &Map::new());
        assert_eq!(item.id, "page 7.tif");
    }

    #[test]
    fn a_table_gives_fields_and_the_flags_fill_in() {
        let folder = tempfile::tempdir().unwrap();
        let table = folder.path().join("t.csv");
        std::fs::write(&table, "origin,id,string1,number1,tags\nb.png,p1,x,7,a;b\n").unwrap();
        let mut items = Vec::new();
        let flags = Map::from_iter([("string2".to_owned(), json!("y"))]);
        collect(table.to_str().unwrap(), &flags, &mut items).unwrap();
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].id, "p1");
        assert_eq!(items[0].bytes, Bytes::File(folder.path().join("b.png")));
        assert_eq!(
            Value::Object(items[0].fields.clone()),
            json!({"string1": "x", "string2": "y", "number1": 7, "tags": ["a", "b"]})
        );
    }

    #[test]
    fn a_folder_is_walked_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.png", "a.png", ".hidden"] {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        let mut items = Vec::new();
        collect(folder.path().to_str().unwrap(), &Map::new(), &mut items).unwrap();
        let ids: Vec<_> = items.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids, ["a.png", "b.png"]);
    }
}
