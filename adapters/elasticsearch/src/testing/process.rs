//! The node's programs and its folder.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What `scripts/setup.sh` installs.
pub const VERSION: &str = "8.19.0";
const MISSING: &str = "Elasticsearch is missing: scripts/setup.sh installs it";

/// Who runs the node in place of root, which Elasticsearch refuses: `nobody` and its group.
const NOBODY: &str = "65534";
/// A loaded machine takes its time.
const PATIENCE: Duration = Duration::from_secs(240);
const HEAP: &str = "512m";

/// How thoroughly Java compiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compiler {
    /// Starts in half the time; for tests.
    Quick,
    /// As an operator runs it; for measuring.
    Full,
}

pub(super) struct Process {
    address: String,
    /// Ends the node when its standard input closes: on drop, or with this process.
    guard: Child,
    /// Removed by the guard; here for when that did not get so far.
    _folder: TempDir,
}

impl Process {
    pub(super) fn start(compiler: Compiler) -> Self {
        let folder = tempfile::Builder::new().prefix("dlcs-elasticsearch-").tempdir();
        let folder = folder.expect("a folder can be made");
        lay_out(folder.path(), compiler);
        let mut guard = guard(folder.path());
        let lines = lines_of(guard.stdout.take().expect("piped"));
        await_start(&lines);
        let ports = std::fs::read_to_string(folder.path().join("logs/http.ports"));
        let ports = ports.expect("the node has told its port");
        let address = ports.lines().next().expect("one address").to_owned();
        Self { address, guard, _folder: folder }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Returns the processor time of all processes of the node, in steps of 10 ms.
    pub(super) fn processor_time(&self) -> Duration {
        let guard = self.guard.id();
        let children = std::fs::read_to_string(format!("/proc/{guard}/task/{guard}/children"));
        let children = children.unwrap_or_default();
        let session = children.split_whitespace().next().unwrap_or_default();
        let processes = std::fs::read_dir("/proc").expect("this is Linux");
        let ticks = processes.filter_map(|it| ticks_of(&it.ok()?.path(), session));
        Duration::from_millis(10 * ticks.sum::<u64>())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        // It has nothing to say, and a panic may be on its way already.
        let _ = self.guard.wait();
    }
}

/// Returns the processor time of a process in 1/100 s, if it belongs to a session.
fn ticks_of(process: &Path, session: &str) -> Option<u64> {
    let stat = std::fs::read_to_string(process.join("stat")).ok()?;
    // What stands before may hold blanks. From the third field on: see `man proc`.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let is_of_session = fields.get(3).is_some_and(|it| *it == session);
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    is_of_session.then(|| number(11)?.checked_add(number(12)?))?
}

/// Returns where `scripts/setup.sh` has put the distribution.
fn distribution() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|it| !it.is_empty()).map(PathBuf::from);
    let cache = cache.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache")));
    let home = cache.expect(MISSING).join(format!("dlcs/elasticsearch-{VERSION}"));
    assert!(home.join("bin/elasticsearch").is_file(), "{MISSING}");
    home
}

/// Returns the home of the `java` on the path: the distribution brings none.
fn java_home() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut programs = std::env::split_paths(&path).map(|folder| folder.join("java"));
    let java = programs.find(|it| it.is_file()).expect("Java is missing: scripts/setup.sh");
    let java = java.canonicalize().expect("it is there");
    java.parent().and_then(Path::parent).expect("HOME/bin/java").to_owned()
}

/// Copies the distribution, since an ordinary user cannot read this user's cache.
fn lay_out(folder: &Path, compiler: Compiler) {
    let home = folder.join("home");
    let copy = |flags: &str| {
        let mut command = Command::new("cp");
        command.arg(flags).arg(distribution()).arg(&home).stderr(Stdio::null());
        command.status().expect("`cp` is everywhere").success()
    };
    // Links where the file system can: nothing in it is written to.
    if !copy("-rl") {
        let _ = std::fs::remove_dir_all(&home);
        assert!(copy("-r"), "{} cannot be filled", home.display());
    }
    for name in ["config", "data", "logs", "tmp"] {
        std::fs::create_dir(folder.join(name)).expect("the folder is ours");
    }
    let write = |name: &str, text: &str| {
        std::fs::write(folder.join("config").join(name), text).expect("the folder is ours");
    };
    write("elasticsearch.yml", &settings(folder));
    write("jvm.options", &java_options(folder, compiler));
    let log4j = "config/log4j2.properties";
    std::fs::copy(home.join(log4j), folder.join(log4j)).expect("the distribution has it");
    if is_root() {
        run(Command::new("chown")
            .arg("-R")
            .arg(format!("{NOBODY}:{NOBODY}"))
            .args(["config", "data", "logs", "tmp"].map(|name| folder.join(name))));
        run(Command::new("chmod").arg("755").arg(folder));
    }
}

fn settings(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "cluster.name: dlcs-tests\nnode.name: one\n\
         path.data: {folder}/data\npath.logs: {folder}/logs\n\
         network.host: 127.0.0.1\nhttp.port: 0\ntransport.port: 0\nnode.portsfile: true\n\
         discovery.type: single-node\nxpack.security.enabled: false\n\
         cluster.routing.allocation.disk.threshold_enabled: false\n\
         action.auto_create_index: false\n"
    )
}

fn java_options(folder: &Path, compiler: Compiler) -> String {
    let quick = if compiler == Compiler::Quick { "-XX:TieredStopAtLevel=1\n" } else { "" };
    let folder = folder.display();
    format!("-Xms{HEAP}\n-Xmx{HEAP}\n-XX:+UseSerialGC\n{quick}-Djava.io.tmpdir={folder}/tmp\n")
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("`id` is everywhere");
    output.stdout.trim_ascii() == b"0"
}

fn run(command: &mut Command) {
    let text = format!("{command:?}");
    let status = command.status().unwrap_or_else(|error| panic!("{text}: {error}"));
    assert!(status.success(), "{text}: {status}");
}

/// A shell that outlives this process by a moment, to end the node and clear its folder.
fn guard(folder: &Path) -> Child {
    // A session of its own for the node: launcher and node end together.
    let script = r#"setsid "$@" </dev/null 2>&1 & node=$!
        read -r _; kill -s KILL -- "-$node" 2>/dev/null; wait; rm -rf -- "$0""#;
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(folder);
    if is_root() {
        command.args(["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"]);
    }
    command.arg("bash").arg(folder.join("home/bin/elasticsearch"));
    command.env("ES_JAVA_HOME", java_home()).env("ES_PATH_CONF", folder.join("config"));
    command.env("ES_TMPDIR", folder.join("tmp")).env("HOME", folder).env_remove("ES_JAVA_OPTS");
    command.process_group(0).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::null()).spawn().expect("there is a shell")
}

/// Reads to the end, also what nobody asks for any more: a full pipe would stop the node.
fn lines_of(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}

fn await_start(lines: &Receiver<String>) {
    let deadline = Instant::now() + PATIENCE;
    let mut seen = Vec::new();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match lines.recv_timeout(left) {
            Ok(line) if line.contains("[o.e.n.Node") && line.contains("] started ") => return,
            Ok(line) => seen.push(line),
            Err(error) => panic!("Elasticsearch did not start ({error}):\n{}", seen.join("\n")),
        }
    }
}
