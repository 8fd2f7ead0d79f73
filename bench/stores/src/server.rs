//! A PostgreSQL server for the benchmark: a private folder, loopback, an ordinary user, fsync on.
//!
//! Orders come as lines: `create NAME` is answered with the url of an empty database, `drop NAME`
//! and `rest` with an empty line. `rest` writes out what waits, so that the next side begins alike.
//! `log` lets the server log every statement from now on, and `statements` is answered with how
//! many it has logged.

use anyhow::{Context, Result, bail};
use dlcs_adapter_postgres::testing::{Fsync, TestServer};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// On one line, so that it can be told from what it counts.
const STATEMENTS: &str = "SELECT count(*) FROM regexp_split_to_table(pg_read_file(\
    current_setting('data_directory') || '/../log'), E'\\n') AS line \
    WHERE line ~ 'LOG:  (execute|statement)' AND line !~ 'pg_read_file'";

pub(crate) async fn run() -> Result<()> {
    let server = TestServer::start_own(Fsync::On);
    println!("ready");
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Some(order) = orders.next_line().await? {
        println!("{}", obey(&server, &order).await.with_context(|| order.clone())?);
    }
    Ok(())
}

async fn obey(server: &TestServer, order: &str) -> Result<String> {
    let (verb, name) = order.split_once(' ').unwrap_or((order, ""));
    let execute = async |sql: &str| server.try_execute("postgres", sql).await;
    match verb {
        "create" => {
            let sql = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
            execute(&sql).await?;
            return Ok(server.url(name));
        }
        "drop" => execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?,
        "rest" => execute("CHECKPOINT").await?,
        "log" => {
            execute("ALTER SYSTEM SET log_statement = 'all'").await?;
            execute("SELECT pg_reload_conf()").await?;
        }
        "statements" => return statements(server).await,
        other => bail!("`{other}` is no order"),
    }
    Ok(String::new())
}

async fn statements(server: &TestServer) -> Result<String> {
    let (client, connection) = tokio_postgres::connect(&server.url("postgres"), NoTls).await?;
    let connection = tokio::spawn(connection);
    let rows = client.simple_query(STATEMENTS).await?;
    drop(client);
    connection.await??;
    let count = rows.iter().find_map(|row| match row {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    count.context("the server does not count")
}
