//! The programs beside this one that drive event stores, and the PostgreSQL server they share.

use crate::figures::Outcome;
use crate::machine;
use crate::process::run;
use anyhow::{Context, Result, ensure};
use dlcs_bench_sample::Done;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Drives the stores of DLCS.
pub(crate) const STORES: &str = "dlcs-bench-stores";
/// Drives the peer of the log on PostgreSQL.
pub(crate) const POSTGRES_ES: &str = "dlcs-bench-postgres-es";

/// Where Debian keeps PostgreSQL's versions.
const POSTGRES: &str = "/usr/lib/postgresql";

/// Returns the outcome of a scenario whose programs are not all there.
pub(crate) fn lacks() -> Option<Outcome> {
    lacks_some(&[STORES, POSTGRES_ES])
}

/// The same for a scenario that needs nothing but PostgreSQL itself.
pub(crate) fn lacks_postgres() -> Option<Outcome> {
    lacks_some(&[STORES])
}

fn lacks_some(programs: &[&str]) -> Option<Outcome> {
    let missing = programs.iter().find(|it| !beside(it).is_file());
    if let Some(missing) = missing {
        return Some(Outcome::Skipped(format!("`{missing}` is not built: use `make bench`")));
    }
    if !std::path::Path::new(POSTGRES).is_dir() {
        return Some(Outcome::Skipped("PostgreSQL is not installed".into()));
    }
    if machine::file_system(&std::env::temp_dir()) == "tmpfs" {
        let reason = "PostgreSQL would be in memory: let TMPDIR name a folder on a disk";
        return Some(Outcome::Skipped(reason.into()));
    }
    None
}

/// Runs one side of one round.
pub(crate) async fn done(program: &str, args: &[&str]) -> Result<Done> {
    let text = run(&beside(program).display().to_string(), args).await?;
    serde_json::from_str(text.trim()).with_context(|| format!("{program} says `{text}`"))
}

/// Returns the path of a program in the folder of this one.
fn beside(program: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    own.with_file_name(program)
}

/// A server in a folder of its own. Dropping it ends it.
pub(crate) struct Postgres {
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Postgres {
    pub(crate) async fn start() -> Result<Self> {
        let mut child = Command::new(beside(STORES))
            .arg("postgres")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("PostgreSQL does not start")?;
        let orders = child.stdin.take().context("a pipe")?;
        let answers = BufReader::new(child.stdout.take().context("a pipe")?).lines();
        let mut server = Self { child, orders, answers };
        ensure!(server.answer().await? == "ready", "PostgreSQL does not start");
        Ok(server)
    }

    /// Makes an empty database and returns its url; all before it has been written out.
    pub(crate) async fn create(&mut self, name: &str) -> Result<String> {
        self.order("rest").await?;
        self.order(&format!("create {name}")).await
    }

    pub(crate) async fn drop(&mut self, name: &str) -> Result<()> {
        self.order(&format!("drop {name}")).await.map(drop)
    }

    /// Lets the server log every statement from now on.
    pub(crate) async fn log_statements(&mut self) -> Result<()> {
        self.order("log").await.map(drop)
    }

    /// Returns how many statements it has logged.
    pub(crate) async fn statements(&mut self) -> Result<u64> {
        Ok(self.order("statements").await?.parse()?)
    }

    /// Ends the server and waits until its folder is gone.
    pub(crate) async fn stop(mut self) -> Result<()> {
        drop(self.orders);
        let status = self.child.wait().await?;
        ensure!(status.success(), "the server of the benchmark ended with {status}");
        Ok(())
    }

    async fn order(&mut self, order: &str) -> Result<String> {
        self.orders.write_all(format!("{order}\n").as_bytes()).await?;
        self.answer().await.with_context(|| order.to_owned())
    }

    async fn answer(&mut self) -> Result<String> {
        self.answers.next_line().await?.context("the server of the benchmark has ended")
    }
}
