//! The server's programs and its folder.

use super::{Fsync, Tls};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const USER: &str = "postgres";
const PASSWORD: &str = "of-the-tests";
/// Where Debian keeps the versions.
const VERSIONS: &str = "/usr/lib/postgresql";
const MISSING: &str = "PostgreSQL is missing: apt-get install postgresql";

pub(super) struct Process {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    /// Stops the server when its standard input closes: on drop, or with this process.
    guard: Child,
}

impl Process {
    pub(super) fn make(fsync: Fsync, tls: Tls) -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("dlcs-postgres-").tempdir();
        let folder = folder.expect("a folder can be made");
        std::fs::write(folder.path().join("password"), PASSWORD).expect("the folder is ours");
        if tls == Tls::On {
            make_certificates(folder.path());
        }
        hand_over(folder.path());
        let data = folder.path().join("data");
        let mut initdb = as_user(&programs.join("initdb"));
        initdb.arg("--pgdata").arg(&data).arg(format!("--username={USER}"));
        initdb.arg("--pwfile").arg(folder.path().join("password"));
        initdb.args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        run(initdb);
        let port = free_port();
        write_configuration(folder.path(), port, fsync, tls);
        let guard = guard(&programs, folder.path());
        let process = Self { programs, folder, port, guard };
        process.start();
        process
    }

    pub(super) fn base_url(&self) -> String {
        format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Returns where the certificate is that has signed the server's.
    pub(super) fn root_certificate(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    pub(super) fn start(&self) {
        let mut command = self.pg_ctl();
        command.arg("--log").arg(self.folder.path().join("log")).args(["--wait", "start"]);
        run(command);
    }

    /// `mode`: as `pg_ctl` names them.
    pub(super) fn stop(&self, mode: &str) {
        let mut command = self.pg_ctl();
        command.args(["--wait", "--mode", mode, "stop"]);
        run(command);
    }

    fn pg_ctl(&self) -> Command {
        let mut command = as_user(&self.programs.join("pg_ctl"));
        command.arg("--pgdata").arg(self.folder.path().join("data"));
        command
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        // It has nothing to say, and a panic may be on its way already.
        let _ = self.guard.wait();
    }
}

fn programs() -> PathBuf {
    let versions = std::fs::read_dir(VERSIONS).expect(MISSING);
    let mut programs: Vec<_> = versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            programs.join("initdb").is_file().then_some((version, programs))
        })
        .collect();
    programs.sort();
    programs.pop().expect(MISSING).1
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("`id` is everywhere");
    output.stdout.trim_ascii() == b"0"
}

/// PostgreSQL refuses to run as root.
fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--init-groups", "--"]).arg(program);
    command
}

fn hand_over(folder: &Path) {
    if is_root() {
        let mut command = Command::new("chown");
        command.arg("-R").arg(format!("{USER}:")).arg(folder);
        run(command);
    }
}

fn run(mut command: Command) {
    // The server inherits what its starter has: an open pipe here would be waited for.
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
    let text = format!("{command:?}");
    let status = command.status().unwrap_or_else(|error| panic!("{text}: {error}"));
    assert!(status.success(), "{text}: {status}");
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Makes an authority of our own, and a certificate of it for the loopback address.
fn make_certificates(folder: &Path) {
    std::fs::write(folder.join("openssl.cnf"), "[req]\ndistinguished_name = dn\n[dn]\n")
        .expect("the folder is ours");
    let certificate = |name: &str, subject: &str, more: &[&str]| {
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
        command.args(["-nodes", "-days", "2", "-subj", subject]);
        command.arg("-config").arg(folder.join("openssl.cnf"));
        command.arg("-keyout").arg(folder.join(format!("{name}.key")));
        command.arg("-out").arg(folder.join(format!("{name}.pem"))).args(more);
        command.stderr(Stdio::null());
        run(command);
    };
    certificate("root", "/CN=tests", &["-addext", "basicConstraints=critical,CA:TRUE"]);
    let (root, key) = (folder.join("root.pem"), folder.join("root.key"));
    let (root, key) = (root.to_str().expect("UTF-8"), key.to_str().expect("UTF-8"));
    let names = ["-addext", "subjectAltName=IP:127.0.0.1", "-CA", root, "-CAkey", key];
    certificate("server", "/CN=server", &names);
}

fn write_configuration(folder: &Path, port: u16, fsync: Fsync, tls: Tls) {
    let file = folder.join("data/postgresql.conf");
    let before = std::fs::read_to_string(&file).expect("initdb made it");
    let fsync = if fsync == Fsync::On { "on" } else { "off" };
    let ours = format!(
        "\nport = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\n\
         fsync = {fsync}\nmax_connections = 300\nshared_buffers = 256MB\nmax_wal_size = 4GB\n",
        folder.display()
    );
    let certificate = match tls {
        Tls::On => format!(
            "ssl = on\nssl_cert_file = '{0}/server.pem'\nssl_key_file = '{0}/server.key'\n",
            folder.display()
        ),
        Tls::Off => String::new(),
    };
    std::fs::write(&file, before + &ours + &certificate).expect("the folder can be written to");
}

/// A shell that outlives this process by a moment, to stop the server and clear its folder.
fn guard(programs: &Path, folder: &Path) -> Child {
    let script = r#"read -r _; "$@" stop >/dev/null 2>&1; rm -rf -- "$0""#;
    let pg_ctl = as_user(&programs.join("pg_ctl"));
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(folder).arg(pg_ctl.get_program()).args(pg_ctl.get_args());
    command.arg("--pgdata").arg(folder.join("data")).args(["--wait", "--mode", "immediate"]);
    // A group of its own: what interrupts the tests does not reach it.
    command.process_group(0).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null());
    command.spawn().expect("there is a shell")
}
