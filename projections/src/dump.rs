//! The canonical dump of a read model: equal rows give equal digests, in every store.
//!
//! Tables in a fixed order; of each table its name and its rows in key order; each row one line of
//! canonical JSON (keys sorted, no blanks).

use dlcs_eventlog::Position;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What a read model holds, summed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dump {
    pub projection: String,
    pub version: u32,
    /// Checkpoint of the snapshot that was read.
    pub position: Position,
    pub tables: Vec<TableDump>,
    /// SHA-256 over all tables, in hexadecimal. Says nothing of the position.
    pub digest: String,
}

/// One table of a read model, summed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDump {
    pub table: String,
    pub rows: u64,
    /// SHA-256 over the rows, in hexadecimal.
    pub digest: String,
}

impl Dump {
    /// Returns the names of the tables that differ between two dumps of one projection.
    pub fn unequal_tables<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        let differs = |it: &&TableDump| !other.tables.contains(it);
        self.tables.iter().filter(differs).map(|it| it.table.as_str()).collect()
    }
}

/// Takes rows in and gives a [`Dump`] out.
#[derive(Default)]
pub struct DumpWriter {
    tables: Vec<TableDump>,
    rows: Sha256,
    count: u64,
    line: Vec<u8>,
}

impl DumpWriter {
    /// Adds a row of the present table. Rows come in the order of their keys.
    pub fn row(&mut self, row: &impl Serialize) {
        let value = serde_json::to_value(row).expect("a row is plain JSON");
        self.line.clear();
        write_canonical(&value, &mut self.line);
        self.line.push(b'\n');
        self.rows.update(&self.line);
        self.count += 1;
    }

    /// Ends the present table.
    pub fn end_table(&mut self, table: &str) {
        let digest = hex::encode(std::mem::take(&mut self.rows).finalize());
        let rows = std::mem::take(&mut self.count);
        self.tables.push(TableDump { table: table.to_owned(), rows, digest });
    }

    pub fn finish(self, projection: &str, version: u32, position: Position) -> Dump {
        let mut whole = Sha256::new();
        for TableDump { table, rows, digest } in &self.tables {
            whole.update(format!("{table} {rows} {digest}\n"));
        }
        Dump {
            projection: projection.to_owned(),
            version,
            position,
            tables: self.tables,
            digest: hex::encode(whole.finalize()),
        }
    }
}

/// Writes JSON with sorted keys, whatever order the map has.
fn write_canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            let mut separator = b'[';
            for item in items {
                out.push(separator);
                write_canonical(item, out);
                separator = b',';
            }
            out.extend_from_slice(if items.is_empty() { b"[]" } else { b"]" });
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| *key);
            let mut separator = b'{';
            for (key, item) in &fields {
                out.push(separator);
                write_scalar(key, out);
                out.push(b':');
                write_canonical(item, out);
                separator = b',';
            }
            out.extend_from_slice(if fields.is_empty() { b"{}" } else { b"}" });
        }
        scalar => write_scalar(scalar, out),
    }
}

fn write_scalar(scalar: &impl Serialize, out: &mut Vec<u8>) {
    serde_json::to_writer(out, scalar).expect("a scalar is written to memory");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn digest(rows: &[Value]) -> String {
        let mut writer = DumpWriter::default();
        rows.iter().for_each(|row| writer.row(row));
        writer.end_table("things");
        writer.finish("test", 1, Position(7)).digest
    }

    #[test]
    fn equal_rows_give_equal_digests_whatever_the_order_of_keys() {
        let left = digest(&[serde_json::from_str(r#"{"b": [1, {}], "a": "x"}"#).unwrap()]);
        assert_eq!(left, digest(&[json!({"a": "x", "b": [1, {}]})]));
        assert_ne!(left, digest(&[json!({"a": "x", "b": [2, {}]})]));
        assert_ne!(left, digest(&[]));
    }

    #[test]
    fn canonical_json_has_sorted_keys_and_no_blanks() {
        let mut out = Vec::new();
        write_canonical(&json!({"b": [1, 2, []], "a": {"é": null, "z": "\n"}}), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"a":{"z":"\n","é":null},"b":[1,2,[]]}"#);
    }
}
