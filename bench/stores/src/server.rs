//! A PostgreSQL server for the benchmark: a private folder, loopback, an ordinary user, fsync on.
//!
//! Orders come as lines: `create NAME` is answered with the url of an empty database, `drop NAME`
//! and `rest` with an empty line. `rest` writes out what waits, so that the next side begins alike.

use anyhow::{Context, Result, bail};
use dlcs_adapter_postgres::testing::{Fsync, TestServer};
use tokio::io::{AsyncBufReadExt, BufReader};

pub(crate) async fn run() -> Result<()> {
    let server = TestServer::start_own(Fsync::On);
    println!("ready");
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Some(order) = orders.next_line().await? {
        let (verb, name) = order.split_once(' ').unwrap_or((&order, ""));
        let sql = match verb {
            "create" => format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"),
            "drop" => format!("DROP DATABASE {name} WITH (FORCE)"),
            "rest" => "CHECKPOINT".to_owned(),
            other => bail!("`{other}` is no order"),
        };
        server.try_execute("postgres", &sql).await.with_context(|| order.clone())?;
        println!("{}", if verb == "create" { server.url(name) } else { String::new() });
    }
    Ok(())
}
