//! Drives the event stores of DLCS below the API, as a child of the benchmark.
//!
//! Each command does one side of one round and prints one line of JSON.

mod bare;
mod history;
mod jsonb;
mod server;
mod store;
mod write_side;

use anyhow::Result;
use clap::{Parser, Subcommand};
use dlcs_bench_sample::annotations::Shelf;
use std::path::PathBuf;
use store::Store;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    work: Work,
}

#[derive(Subcommand)]
enum Work {
    /// Runs a PostgreSQL server until standard input ends; takes orders there.
    Postgres,
    /// Registers images one by one, through the whole write side.
    Append {
        /// The event store: a url, or the path of a file.
        #[arg(long)]
        store: Store,
        #[arg(long)]
        writers: u32,
        #[arg(long)]
        seconds: f64,
    },
    /// Registers many images with one call, through the whole write side.
    Bulk {
        #[arg(long)]
        store: Store,
        #[arg(long)]
        events: u64,
    },
    /// Copies the same events into a bare table of PostgreSQL.
    Copy {
        #[arg(long)]
        url: String,
        #[arg(long)]
        events: u64,
        /// Events of one transaction.
        #[arg(long)]
        together: u64,
        /// Makes all rows before the clock starts.
        #[arg(long)]
        finished: bool,
    },
    /// Fills the event store with registrations, as fast as can be.
    Fill {
        #[arg(long)]
        store: Store,
        #[arg(long)]
        events: u64,
    },
    /// Writes annotations one by one into a table of PostgreSQL with a `jsonb` column.
    JsonbFill {
        #[arg(long)]
        url: String,
        #[arg(long)]
        canvases: u64,
        /// Number of the first one.
        #[arg(long)]
        from: u64,
        #[arg(long)]
        annotations: u64,
        #[arg(long)]
        writers: u32,
    },
    /// Asks that table for some time.
    JsonbAsk {
        #[arg(long)]
        url: String,
        #[arg(long)]
        canvases: u64,
        #[arg(long)]
        question: jsonb::Question,
        #[arg(long)]
        connections: u32,
        #[arg(long)]
        seconds: f64,
    },
    /// Reads all events, and decodes payload and metadata of each.
    Read {
        #[arg(long)]
        store: Store,
    },
    /// Folds all events into fresh read models.
    Fold {
        #[arg(long)]
        store: Store,
        /// Where the read models go: a url, or the path of an empty folder.
        #[arg(long)]
        into: Store,
        /// Only this one.
        #[arg(long)]
        projection: Option<String>,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    let done = match Cli::parse().work {
        Work::Postgres => return server::run().await,
        Work::Append { store, writers, seconds } => {
            write_side::append(&store, writers, seconds).await?
        }
        Work::Bulk { store, events } => write_side::bulk(&store, events).await?,
        Work::Copy { url, events, together, finished } => {
            let rows = if finished { bare::Rows::Finished } else { bare::Rows::Made };
            bare::copy(&url, events, together, rows).await?
        }
        Work::Fill { store, events } => history::fill(&store, events).await?,
        Work::JsonbFill { url, canvases, from, annotations, writers } => {
            jsonb::fill(&url, Shelf { canvases }, from..from + annotations, writers).await?
        }
        Work::JsonbAsk { url, canvases, question, connections, seconds } => {
            jsonb::ask(&url, Shelf { canvases }, question, connections, seconds).await?
        }
        Work::Read { store } => history::read(&store).await?,
        Work::Fold { store, into, projection } => {
            history::fold(&store, &into, projection.as_deref()).await?
        }
    };
    done.print();
    Ok(())
}

/// Returns the path of a file or folder, if it is one.
fn path_of(text: &str) -> Option<PathBuf> {
    (!text.starts_with("postgres://")).then(|| PathBuf::from(text))
}
