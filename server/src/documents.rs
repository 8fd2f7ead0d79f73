//! `dlcs manifest` and `dlcs collection`: what is stored on a running server, from a shell.

use crate::client::{Client, ServerArgs, segment};
use crate::config::Settings;
use crate::search::print_line;
use anyhow::{Context, bail};
use clap::Subcommand;
use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value};
use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct ManifestArgs {
    #[command(flatten)]
    at: At,
    #[command(subcommand)]
    verb: ManifestVerb,
}

#[derive(clap::Args)]
pub(crate) struct CollectionArgs {
    #[command(flatten)]
    at: At,
    #[command(subcommand)]
    verb: Verb,
}

/// Where they are.
#[derive(clap::Args)]
struct At {
    #[command(flatten)]
    server: ServerArgs,
    /// Number of the customer.
    #[arg(long, default_value_t = 1, global = true)]
    customer: u32,
}

#[derive(Subcommand)]
enum ManifestVerb {
    #[command(flatten)]
    Document(Verb),
    /// Write a PDF of it, with the recognised text behind its pages.
    Pdf(Export),
    /// Write a zip of its pictures.
    Zip(Export),
}

#[derive(Subcommand)]
enum Verb {
    /// Print id, public address and label of each; whole, as lines of JSON, with --json.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Print one as managers read it.
    Get { id: String },
    /// Store a document under an id, or replace what is there, and print its public address.
    Put {
        id: String,
        /// A file of JSON; `-` is standard input.
        file: PathBuf,
        /// Only if its ETag, without quotes, is still this.
        #[arg(long, value_name = "ETAG")]
        if_match: Option<String>,
    },
    /// Give it another slug or parent: its former addresses lead to the new one.
    Move {
        id: String,
        #[arg(long, required_unless_present = "parent")]
        slug: Option<String>,
        /// Flat id of a storage collection, or `root`.
        #[arg(long)]
        parent: Option<String>,
    },
    /// Delete it: its addresses answer 410.
    Delete { id: String },
}

#[derive(clap::Args)]
struct Export {
    id: String,
    /// Where it is written; `-` is standard output.
    file: PathBuf,
}

pub(crate) async fn manifest(args: ManifestArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let store = Store::new(&args.at, "manifests", settings)?;
    match args.verb {
        ManifestVerb::Document(verb) => store.run(verb).await,
        ManifestVerb::Pdf(export) => store.export("pdf", &export).await,
        ManifestVerb::Zip(export) => store.export("zip", &export).await,
    }
}

pub(crate) async fn collection(
    args: CollectionArgs,
    settings: &Settings,
) -> anyhow::Result<ExitCode> {
    Store::new(&args.at, "collections", settings)?.run(args.verb).await
}

/// The manifests or the collections of a customer.
struct Store {
    client: Client,
    customer: u32,
    kind: &'static str,
}

impl Store {
    fn new(at: &At, kind: &'static str, settings: &Settings) -> anyhow::Result<Self> {
        let client = Client::new(&at.server, settings)?;
        Ok(Self { client, customer: at.customer, kind })
    }

    async fn run(&self, verb: Verb) -> anyhow::Result<ExitCode> {
        match verb {
            Verb::List { json } => self.list(json).await?,
            Verb::Get { id } => {
                let document = self.client.json(self.ask(Method::GET, &id)).await?;
                print_line(&serde_json::to_string_pretty(&document)?);
            }
            Verb::Put { id, file, if_match } => {
                let mut request = self.ask(Method::PUT, &id).json(&read(&file)?);
                if let Some(etag) = if_match {
                    request = request.header("if-match", format!("\"{etag}\""));
                }
                self.write(request).await?;
            }
            Verb::Move { id, slug, parent } => {
                let members = [("slug", slug), ("parent", parent)];
                let members = members.into_iter().filter_map(|(name, value)| Some((name, value?)));
                let patch: Map<_, _> =
                    members.map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
                self.write(self.ask(Method::PATCH, &id).json(&patch)).await?;
            }
            Verb::Delete { id } => drop(self.client.send(self.ask(Method::DELETE, &id)).await?),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn ask(&self, method: Method, id: &str) -> RequestBuilder {
        let path = format!("/{}/{}/{}", self.customer, self.kind, segment(id));
        self.client.request(method, &path).header("X-IIIF-CS-Show-Extras", "All")
    }

    /// Sends a document, and prints where it is read.
    async fn write(&self, request: RequestBuilder) -> anyhow::Result<()> {
        let written = self.client.json(request).await?;
        let address = written["publicId"].as_str();
        print_line(address.or(written["id"].as_str()).context("what was stored has no address")?);
        Ok(())
    }

    async fn list(&self, json: bool) -> anyhow::Result<()> {
        for member in self.client.list(&format!("/{}/{}", self.customer, self.kind)).await? {
            print_line(&if json { member.to_string() } else { line(&member) });
        }
        Ok(())
    }

    /// Takes what comes as it comes: a book is large. A file that broke off is not left behind.
    async fn export(&self, form: &str, export: &Export) -> anyhow::Result<ExitCode> {
        let path = format!("/{form}/{}/manifests/{}", self.customer, segment(&export.id));
        let mut answer = self.client.send(self.client.request(Method::GET, &path)).await?;
        if is_standard(&export.file) {
            let mut out = std::io::stdout();
            while let Some(chunk) = answer.chunk().await? {
                out.write_all(&chunk)?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let folder = export.file.parent().filter(|it| !it.as_os_str().is_empty());
        // As any file that is made: what the user's mask leaves.
        let mut out = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .with_context(|| format!("`{}` cannot be written", export.file.display()))?;
        while let Some(chunk) = answer.chunk().await.context("the server broke off")? {
            out.write_all(&chunk)?;
        }
        out.persist(&export.file)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn is_standard(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn read(file: &Path) -> anyhow::Result<Value> {
    let mut text = Vec::new();
    let read = if is_standard(file) {
        std::io::stdin().read_to_end(&mut text)
    } else {
        std::fs::File::open(file).and_then(|mut it| it.read_to_end(&mut text))
    };
    read.with_context(|| format!("`{}` cannot be read", file.display()))?;
    let document: Value = serde_json::from_slice(&text)
        .with_context(|| format!("`{}` is not JSON", file.display()))?;
    if !document.is_object() {
        bail!("`{}` is not an object of JSON", file.display());
    }
    Ok(document)
}

/// Id, public address and label of a member of a list.
fn line(member: &Value) -> String {
    let text = |name: &str| member[name].as_str().unwrap_or_default();
    let label = member["label"].as_object().and_then(|it| it.values().next());
    let label = label.and_then(|it| it[0].as_str()).unwrap_or_default();
    format!("{}\t{}\t{label}", text("flatId"), text("publicId"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_member_is_one_line() {
        let member = json!({"flatId": "kant", "publicId": "https://dlcs.example/iiif/1/kant",
            "label": {"de": ["Was ist Aufklärung?", "Berlin 1784"]}});
        let shown = "kant\thttps://dlcs.example/iiif/1/kant\tWas ist Aufklärung?";
        assert_eq!(line(&member), shown);
        assert_eq!(line(&json!({"flatId": "x", "publicId": "y"})), "x\ty\t");
    }

    #[test]
    fn a_file_that_is_no_object_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("m.json");
        let refused = |text: &str| {
            std::fs::write(&file, text).expect("writable");
            read(&file).expect_err("it is refused").to_string()
        };
        assert!(refused("[]").ends_with("m.json` is not an object of JSON"));
        assert!(refused("{").ends_with("m.json` is not JSON"));
        let missing = read(&folder.path().join("none")).expect_err("it is missing").to_string();
        assert!(missing.ends_with("none` cannot be read"), "{missing}");
    }
}
