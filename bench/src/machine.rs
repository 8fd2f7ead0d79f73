//! Where the figures were taken: enough to judge them, nothing that names the machine.

use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::Command;

/// A machine and the versions of what ran on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) cpu: String,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    /// File system of the stores.
    pub(crate) file_system: String,
    /// Peers and tools, as they name themselves.
    pub(crate) tools: Vec<String>,
}

impl Machine {
    /// Looks at this machine; `work` is the folder that the stores are put into.
    pub(crate) fn look(work: &Path) -> Self {
        let mut tools = vec![format!("SQLite {}", rusqlite::version())];
        tools.extend(version_of("nginx", "-v"));
        tools.extend(version_of("wrk", "-v"));
        tools.extend(version_of("vips", "--version"));
        tools.extend(postgres());
        tools.extend(package("iipimage-server"));
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: proc_field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".into()),
            memory_gib: memory_gib().unwrap_or_default(),
            kernel: kernel(),
            file_system: file_system(work),
            tools,
        }
    }

    /// Returns one line for people.
    pub(crate) fn describe(&self) -> String {
        format!(
            "{} cores of {}, {} GiB of memory, {}, stores on {}; {}",
            self.cores,
            self.cpu,
            self.memory_gib,
            self.kernel,
            self.file_system,
            self.tools.join(", "),
        )
    }
}

/// Names the file system of a folder.
pub(crate) fn file_system(folder: &Path) -> String {
    says_of(Command::new("stat").args(["-f", "-c", "%T"]).arg(folder))
}

/// Returns today's date, as the system says it.
pub(crate) fn date() -> String {
    says("date", &["-u", "+%Y-%m-%d"])
}

/// Returns the commit of the sources, and whether they were changed since.
pub(crate) fn commit() -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let commit = says("git", &["-C", root, "rev-parse", "--short=12", "--verify", "HEAD"]);
    let changes = ["-C", root, "status", "--porcelain", "--", ".", ":!docs/benchmarks"];
    match commit.as_str() {
        "unknown" => "not committed".into(),
        _ if says("git", &changes) != "unknown" => format!("{commit} with changes"),
        _ => commit,
    }
}

/// Whether a program can be found.
pub(crate) fn has(program: &str) -> bool {
    let found = Command::new("which").arg(program).output();
    found.is_ok_and(|output| output.status.success())
}

/// Returns name and version of the kernel, without what a distribution or a host adds.
fn kernel() -> String {
    let release = says("uname", &["-r"]);
    let version = release.split('-').next().unwrap_or_default();
    format!("{} {version}", says("uname", &["-s"]))
}

fn memory_gib() -> Option<u64> {
    let text = proc_field("/proc/meminfo", "MemTotal")?;
    let kib: u64 = text.split_whitespace().next()?.parse().ok()?;
    Some((kib + 512 * 1024) / (1024 * 1024))
}

/// Returns the first value of a field in a file of `name: value` lines.
fn proc_field(path: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Returns the first line of a program that speaks of its version; some use standard error.
fn version_of(program: &str, flag: &str) -> Option<String> {
    let output = Command::new(program).arg(flag).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find(|line| !line.trim().is_empty())?;
    let line = line.trim_start_matches("nginx version: ");
    Some(line.split(" [").next()?.split(" Copyright").next()?.trim().to_owned())
}

/// Debian keeps the server off the path, a folder for each version; the newest is used.
fn postgres() -> Option<String> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let newest = versions.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok()).max()?;
    let text = says(&format!("/usr/lib/postgresql/{newest}/bin/postgres"), &["--version"]);
    let version = text.split_whitespace().nth(2)?;
    Some(format!("PostgreSQL {version}"))
}

/// Returns name and version of a Debian package whose program does not say its own.
fn package(name: &str) -> Option<String> {
    let version = says("dpkg-query", &["-W", "-f", "${Version}", name]);
    (version != "unknown").then(|| format!("{name} {version}"))
}

fn says(program: &str, args: &[&str]) -> String {
    says_of(Command::new(program).args(args))
}

fn says_of(command: &mut Command) -> String {
    let output = command.output().ok().filter(|output| output.status.success());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".into())
}
