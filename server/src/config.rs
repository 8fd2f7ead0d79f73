//! Settings: flag, then environment, then `dlcs.toml`, then default. The one place that reads them.

mod objects;
mod secrets;
mod store;

pub(crate) use objects::BlobStore;
pub(crate) use secrets::{AdminKey, SealKey};
pub(crate) use store::{SearchIndex, Store};

use anyhow::Context;
use clap::Args;
use dlcs_audit::SigningKey;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A setting that cannot be used; the program ends with status 2.
#[derive(Debug)]
pub(crate) struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(message: String) -> Self {
        Self(message)
    }
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// Declares every setting once: flag, variable, key of the file.
macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $field:ident: $type:ty, $env:literal, $value:literal;)+) => {
        /// Settings as flags and variables.
        #[derive(Args, Default)]
        pub(crate) struct SettingsArgs {
            /// Settings file; `dlcs.toml` in the working directory if it is there.
            #[arg(long, env = "DLCS_CONFIG", global = true, value_name = "FILE")]
            config: Option<PathBuf>,
            $($(#[doc = $doc])+
            #[arg(long, env = $env, global = true, value_name = $value, hide_env_values = true)]
            pub(crate) $field: Option<$type>,)+
            /// Private address, host or folder from which origins may be fetched. Repeatable.
            #[arg(long, env = "DLCS_ORIGIN_ALLOW", global = true, value_name = "CIDR|HOST|FOLDER",
                  value_delimiter = ',')]
            pub(crate) origin_allow: Vec<String>,
        }

        /// Settings as keys of the file.
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        struct FileSettings {
            $(#[serde(default)] $field: Option<$type>,)+
            #[serde(default)]
            origin_allow: Vec<String>,
        }

        /// Keys that the file may have.
        const KEYS: &[&str] = &[$(stringify!($field),)+ "origin_allow"];
        /// Variables that are read.
        const VARIABLES: &[&str] =
            &[$($env,)+ "DLCS_ORIGIN_ALLOW", "DLCS_CONFIG", "DLCS_SERVER", "DLCS_KEY"];

        impl SettingsArgs {
            fn over(&self, file: FileSettings) -> Self {
                let origin_allow = if self.origin_allow.is_empty() {
                    file.origin_allow
                } else {
                    self.origin_allow.clone()
                };
                Self {
                    config: None,
                    origin_allow,
                    $($field: self.$field.clone().or(file.$field),)+
                }
            }
        }
    };
}

settings! {
    /// Address to listen on; port 0 picks one [default: 127.0.0.1:8080].
    listen: String, "DLCS_LISTEN", "ADDRESS";
    /// Folder of the embedded stores [default: ./dlcs-data].
    data: PathBuf, "DLCS_DATA", "FOLDER";
    /// Address under which the outside sees this server [default: http:// + listen address].
    public_url: String, "DLCS_PUBLIC_URL", "URL";
    /// Where events are kept, and beside them the control store: `sqlite`, `postgres://…` or
    /// `kurrentdb://…`, whose control store is where read models are [default: sqlite].
    event_store: String, "DLCS_EVENT_STORE", "STORE";
    /// Where read models are kept: `sqlite` or `postgres://…` [default: sqlite].
    read_store: String, "DLCS_READ_STORE", "STORE";
    /// Where the search index is: `tantivy` (in the data folder) or
    /// `elasticsearch+http://host:port[/prefix]` [default: tantivy].
    search_index: String, "DLCS_SEARCH_INDEX", "INDEX";
    /// Where blobs are kept: `file`, `file:///path` or `s3://bucket/prefix` [default: file].
    objects: String, "DLCS_OBJECTS", "STORE";
    /// Address of the S3 server [default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, else Amazon's].
    objects_endpoint: String, "DLCS_OBJECTS_ENDPOINT", "URL";
    /// Region of the bucket [default: AWS_REGION, AWS_DEFAULT_REGION, else us-east-1].
    objects_region: String, "DLCS_OBJECTS_REGION", "REGION";
    /// Access key of the bucket [default: AWS_ACCESS_KEY_ID].
    objects_access_key: String, "DLCS_OBJECTS_ACCESS_KEY", "KEY";
    /// Secret key of the bucket [default: AWS_SECRET_ACCESS_KEY].
    objects_secret_key: String, "DLCS_OBJECTS_SECRET_KEY", "SECRET";
    /// The bucket is in the path of an address, not in the host's name [default: true where there
    /// is an endpoint].
    objects_path_style: bool, "DLCS_OBJECTS_PATH_STYLE", "BOOL";
    /// The endpoint may be reached over plain http also where it is not this machine [default: false].
    objects_allow_http: bool, "DLCS_OBJECTS_ALLOW_HTTP", "BOOL";
    /// Local disk for parts of images that are in a bucket, in MiB [default: 1024].
    objects_cache_mib: u64, "DLCS_OBJECTS_CACHE_MIB", "MIB";
    /// Key of the administrator as KEY:SECRET [default: made at the first start].
    admin_key: String, "DLCS_ADMIN_KEY", "KEY:SECRET";
    /// Key that signs the audit log, as in the file `audit-key` [default: made when it is needed].
    audit_key: String, "DLCS_AUDIT_KEY", "KEY";
    /// Key that seals credentials of origins and secrets of webhooks, as in the file `seal-key`
    /// [default: made when it is needed].
    seal_key: String, "DLCS_SEAL_KEY", "KEY";
    /// Parts that this process runs: api, project, ingest, ocr [default: all].
    roles: String, "DLCS_ROLES", "ROLES";
    /// Images that are ingested at once [default: number of cores].
    ingest_workers: usize, "DLCS_INGEST_WORKERS", "COUNT";
    /// Tries of a message to a webhook before it is paused [default: 10, over a day and a third].
    webhook_tries: u32, "DLCS_WEBHOOK_TRIES", "COUNT";
    /// Memory that one worker process may use, in MiB [default: 1536].
    worker_memory_mib: u64, "DLCS_WORKER_MEMORY_MIB", "MIB";
    /// Pages that are recognised at once [default: number of cores].
    ocr_workers: usize, "DLCS_OCR_WORKERS", "COUNT";
    /// How long the recognition of one page may take, in seconds [default: 300].
    ocr_deadline_seconds: u64, "DLCS_OCR_DEADLINE_SECONDS", "SECONDS";
    /// Memory that one recognition process may use, in MiB [default: 1536].
    ocr_memory_mib: u64, "DLCS_OCR_MEMORY_MIB", "MIB";
    /// Folder of Tesseract's models [default: TESSDATA_PREFIX, else where packages put them].
    tessdata: PathBuf, "DLCS_TESSDATA", "FOLDER";
    /// Largest source image, in megapixels [default: 100].
    source_megapixels_max: u32, "DLCS_SOURCE_MEGAPIXELS_MAX", "MEGAPIXELS";
    /// What is logged, for example `info` or `dlcs_api=debug` [default: info].
    log: String, "DLCS_LOG", "FILTER";
    /// How it is logged: `text` or `json` [default: text].
    log_format: String, "DLCS_LOG_FORMAT", "FORMAT";
}

/// Settings as the program uses them.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) data: PathBuf,
    /// `--data` was given as a flag, not only by variable or file.
    pub(crate) data_by_flag: bool,
    /// `None`: made from the address that was bound.
    pub(crate) public_url: Option<String>,
    /// Of the log, and of the control store unless this is KurrentDB.
    pub(crate) event_store: Store,
    pub(crate) read_store: Store,
    pub(crate) search_index: SearchIndex,
    pub(crate) objects: BlobStore,
    pub(crate) origin_allow: Vec<String>,
    pub(crate) admin_key: Option<AdminKey>,
    pub(crate) audit_key: Option<SigningKey>,
    pub(crate) seal_key: Option<SealKey>,
    pub(crate) roles: Roles,
    pub(crate) ingest_workers: usize,
    pub(crate) webhook_tries: u32,
    pub(crate) worker_memory_bytes: u64,
    pub(crate) ocr_workers: usize,
    pub(crate) ocr_deadline: Duration,
    pub(crate) ocr_memory_bytes: u64,
    /// `None`: the first of the usual folders.
    pub(crate) tessdata: Option<PathBuf>,
    pub(crate) source_pixels_max: u64,
    pub(crate) log: String,
    pub(crate) log_json: bool,
}

/// Parts of the program that one process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Roles {
    pub(crate) api: bool,
    pub(crate) project: bool,
    pub(crate) ingest: bool,
    pub(crate) ocr: bool,
}

impl Roles {
    pub(crate) const ALL: Self = Self { api: true, project: true, ingest: true, ocr: true };

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut roles = Self { api: false, project: false, ingest: false, ocr: false };
        for role in text.split(',').map(str::trim) {
            match role {
                "api" => roles.api = true,
                "project" => roles.project = true,
                "ingest" => roles.ingest = true,
                "ocr" => roles.ocr = true,
                other => {
                    let known = "api, project, ingest, ocr";
                    return refuse(format!("`roles`: `{other}` is none of {known}"));
                }
            }
        }
        Ok(roles)
    }
}

impl Settings {
    /// Merges flags, variables and the file, and checks every value.
    pub(crate) fn load(args: &SettingsArgs) -> anyhow::Result<Self> {
        warn_of_unknown_variables();
        let file = read_file(args.config.as_deref())?;
        Self::from_args(&args.over(file))
    }

    fn from_args(args: &SettingsArgs) -> anyhow::Result<Self> {
        let event_store = Store::parse("event-store", args.event_store.as_deref())?;
        let read_store = Store::parse_for_tables("read-store", args.read_store.as_deref())?;
        let roles = Roles::parse(args.roles.as_deref().unwrap_or("api,project,ingest,ocr"))?;
        if roles.api && !roles.project && !read_store.is_shared() {
            return refuse(
                "`roles`: `api` without `project` would never see anything new, for no other \
                 process can keep the read models of this data folder up to date: add `project`, \
                 or keep them in `--read-store postgres://…`"
                    .to_owned(),
            );
        }
        let data = args.data.clone().unwrap_or_else(|| PathBuf::from("dlcs-data"));
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let objects = BlobStore::parse(args, &data, variable)?;
        Ok(Self {
            listen: listen_address(args.listen.as_deref().unwrap_or("127.0.0.1:8080"))?,
            data_by_flag: data_flag_was_given(),
            data,
            public_url: args.public_url.as_deref().map(public_url).transpose()?,
            event_store,
            read_store,
            search_index: SearchIndex::parse(args.search_index.as_deref())?,
            objects,
            origin_allow: args.origin_allow.clone(),
            admin_key: args.admin_key.as_deref().map(admin_key).transpose()?,
            audit_key: args.audit_key.as_deref().map(audit_key).transpose()?,
            seal_key: args.seal_key.as_deref().map(secrets::seal_key).transpose()?,
            roles,
            ingest_workers: args.ingest_workers.unwrap_or(cores).max(1),
            webhook_tries: args
                .webhook_tries
                .unwrap_or(dlcs_ingest::webhooks::TRIES_DEFAULT)
                .max(1),
            worker_memory_bytes: args.worker_memory_mib.unwrap_or(1536) * 1024 * 1024,
            ocr_workers: args.ocr_workers.unwrap_or(cores).max(1),
            ocr_deadline: Duration::from_secs(args.ocr_deadline_seconds.unwrap_or(300).max(1)),
            ocr_memory_bytes: args.ocr_memory_mib.unwrap_or(1536) * 1024 * 1024,
            tessdata: args.tessdata.clone().or_else(tessdata_of_tesseract),
            source_pixels_max: u64::from(args.source_megapixels_max.unwrap_or(100)) * 1_000_000,
            log: args.log.clone().unwrap_or_else(|| "info".to_owned()),
            log_json: log_json(args.log_format.as_deref())?,
        })
    }
}

impl Settings {
    /// Where the control store is: with the log, or where read models are if the log cannot keep it.
    pub(crate) fn control_store(&self) -> &Store {
        match &self.event_store {
            Store::Kurrent(_) => &self.read_store,
            store => store,
        }
    }
}

fn refuse<T>(message: String) -> anyhow::Result<T> {
    Err(ConfigError(message).into())
}

fn listen_address(text: &str) -> anyhow::Result<SocketAddr> {
    let with_host = text.replacen("localhost", "127.0.0.1", 1);
    match with_host.parse() {
        Ok(address) => Ok(address),
        Err(_) => refuse(format!("`listen`: `{text}` is not an address such as 127.0.0.1:8080")),
    }
}

fn public_url(text: &str) -> anyhow::Result<String> {
    let parsed = url::Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    match parsed {
        Some(url) => Ok(url.as_str().trim_end_matches('/').to_owned()),
        None => refuse(format!(
            "`public-url`: `{text}` is not an address such as https://iiif.example.org"
        )),
    }
}

fn admin_key(text: &str) -> anyhow::Result<AdminKey> {
    match AdminKey::parse(text) {
        Some(key) => Ok(key),
        None => refuse("`admin-key` must be KEY:SECRET, neither part empty".to_owned()),
    }
}

fn audit_key(text: &str) -> anyhow::Result<SigningKey> {
    match SigningKey::from_secret(text) {
        Ok(key) => Ok(key),
        Err(_) => refuse("`audit-key` is no key: copy the line of a file `audit-key`".to_owned()),
    }
}

fn log_json(text: Option<&str>) -> anyhow::Result<bool> {
    match text {
        None | Some("text") => Ok(false),
        Some("json") => Ok(true),
        Some(other) => refuse(format!("`log-format`: `{other}` is neither `text` nor `json`")),
    }
}

/// Variables that other programs heed, too. One that is not text is none.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok()
}

/// Tells a flag from a variable: only the flag makes `register` open the store itself.
fn data_flag_was_given() -> bool {
    std::env::args().any(|arg| arg == "--data" || arg.starts_with("--data="))
}

/// Where the `tesseract` program is told to look; older versions look in a folder below.
fn tessdata_of_tesseract() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("TESSDATA_PREFIX")?);
    let below = folder.join("tessdata");
    Some(if below.is_dir() { below } else { folder })
}

fn read_file(path: Option<&Path>) -> anyhow::Result<FileSettings> {
    let default = Path::new("dlcs.toml");
    let path = match path {
        Some(path) => path,
        None if default.exists() => default,
        None => return Ok(FileSettings::default()),
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the settings file `{}` cannot be read", path.display()))?;
    parse_file(&text)
        .map_err(|message| ConfigError(format!("{}: {message}", path.display())).into())
}

fn parse_file(text: &str) -> Result<FileSettings, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let keys: Vec<String> = KEYS.iter().map(|key| key.replace('_', "-")).collect();
    for key in table.keys() {
        if !keys.contains(key) {
            return Err(format!("unknown key `{key}`{}", suggestion(key, &keys)));
        }
    }
    table.try_into().map_err(|error: toml::de::Error| error.to_string())
}

/// Returns `; did you mean …?` when something known is near.
fn suggestion(unknown: &str, known: &[String]) -> String {
    known
        .iter()
        .map(|key| (strsim::damerau_levenshtein(unknown, key), key))
        .min()
        .filter(|(distance, key)| *distance <= key.len().div_ceil(3))
        .map_or_else(
            || format!("; known are {}", known.join(", ")),
            |(_, key)| format!("; did you mean `{key}`?"),
        )
}

fn warn_of_unknown_variables() {
    let known: Vec<String> = VARIABLES.iter().map(|name| (*name).to_owned()).collect();
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("DLCS_") && !known.iter().any(|known| *known == name) {
            eprintln!("dlcs: the variable {name} means nothing here{}", suggestion(&name, &known));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(result: anyhow::Result<Settings>) -> String {
        result.expect_err("this must be refused").to_string()
    }

    #[test]
    fn an_unknown_key_is_refused_with_a_suggestion() {
        let message = parse_file("lisen = \"127.0.0.1:1\"").err().expect("refused");
        assert_eq!(message, "unknown key `lisen`; did you mean `listen`?");
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let file = parse_file("listen = \"127.0.0.1:1\"\ningest-workers = 3").ok().unwrap();
        let args = SettingsArgs { listen: Some("127.0.0.1:2".into()), ..Default::default() };
        let settings = Settings::from_args(&args.over(file)).unwrap();
        assert_eq!(settings.listen.port(), 2);
        assert_eq!(settings.ingest_workers, 3);
    }

    #[test]
    fn wrong_values_name_the_key() {
        for (args, key) in [
            (SettingsArgs { listen: Some("nowhere".into()), ..Default::default() }, "listen"),
            (
                SettingsArgs { public_url: Some("ftp://x".into()), ..Default::default() },
                "public-url",
            ),
            (
                SettingsArgs { event_store: Some("mysql://x".into()), ..Default::default() },
                "event-store",
            ),
            (
                SettingsArgs { read_store: Some("esdb://x".into()), ..Default::default() },
                "read-store",
            ),
            (
                SettingsArgs { admin_key: Some("only-key".into()), ..Default::default() },
                "admin-key",
            ),
            (SettingsArgs { objects: Some("ftp://x".into()), ..Default::default() }, "objects"),
            (
                SettingsArgs { search_index: Some("solr://x".into()), ..Default::default() },
                "search-index",
            ),
            (SettingsArgs { log_format: Some("xml".into()), ..Default::default() }, "log-format"),
        ] {
            let message = refusal(Settings::from_args(&args));
            assert!(message.contains(&format!("`{key}`")), "{message}");
        }
    }

    #[test]
    fn a_secret_is_not_in_the_message() {
        let args = SettingsArgs {
            event_store: Some("mysql://user:hunter2@host/db".into()),
            ..Default::default()
        };
        assert!(!refusal(Settings::from_args(&args)).contains("hunter2"));
        for scheme in ["postgres", "kurrentdb", "esdb+discover"] {
            let event_store = Some(format!("{scheme}://user:hunter2@host/db"));
            let args = SettingsArgs { event_store, ..Default::default() };
            let settings = Settings::from_args(&args).unwrap();
            assert!(!format!("{settings:?}").contains("hunter2"));
        }
    }

    #[test]
    fn the_control_store_is_with_the_log_unless_that_keeps_events_only() {
        let postgres = || Some("postgres://host/db".to_owned());
        let kurrent = || Some("kurrentdb://host:2113".to_owned());
        for (event_store, read_store, expected) in [
            (None, postgres(), Store::Sqlite),
            (postgres(), None, Store::Postgres("postgres://host/db".to_owned())),
            (kurrent(), None, Store::Sqlite),
            (kurrent(), postgres(), Store::Postgres("postgres://host/db".to_owned())),
        ] {
            let args = SettingsArgs { event_store, read_store, ..Default::default() };
            assert_eq!(*Settings::from_args(&args).unwrap().control_store(), expected);
        }
    }

    #[test]
    fn the_public_url_has_no_slash_at_the_end() {
        assert_eq!(public_url("https://example.org/iiif/").unwrap(), "https://example.org/iiif");
    }
}
