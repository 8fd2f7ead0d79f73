//! Events per second read back and decoded, and folded into every read model, beside the replay of
//! `postgres-es`.

use super::{Bench, is_peer_first};
use crate::children::{self, POSTGRES_ES, Postgres, STORES, done};
use crate::figures::{Better, Figure, Outcome, Rounds};
use crate::report::significant;
use anyhow::Result;

const RATE: &str = "events/s";

/// One value per round.
#[derive(Default)]
struct Rates {
    read_sqlite: Rounds,
    read_postgres: Rounds,
    fold_sqlite: Rounds,
    fold_postgres: Rounds,
    peer: Rounds,
}

/// Where the three histories are.
struct Histories {
    sqlite: String,
    postgres: String,
    peer: String,
}

pub(crate) async fn run(bench: &Bench) -> Result<Outcome> {
    if let Some(skipped) = children::lacks() {
        return Ok(skipped);
    }
    let mut postgres = Postgres::start().await?;
    let events = if bench.quick { 50_000_u32 } else { 300_000 };
    let histories = fill(bench, &mut postgres, &events.to_string()).await?;
    let mut rates = Rates::default();
    for round in 0..bench.rounds() {
        bench.say("histories", round);
        for is_peer in [is_peer_first(round), !is_peer_first(round)] {
            if is_peer {
                let args = ["replay", "--url", &histories.peer];
                rates.peer.push(done(POSTGRES_ES, &args).await?.per_second());
            } else {
                ours(bench, &mut postgres, &histories, &mut rates).await?;
            }
        }
    }
    postgres.stop().await?;
    Ok(Outcome::Measured { setup: setup(events), figures: figures(rates) })
}

async fn fill(bench: &Bench, postgres: &mut Postgres, events: &str) -> Result<Histories> {
    eprintln!("histories: writing {events} events three times");
    let sqlite = bench.folder("history")?.join("events.sqlite").display().to_string();
    let histories = Histories {
        sqlite,
        postgres: postgres.create("history").await?,
        peer: postgres.create("peer").await?,
    };
    for store in [&histories.sqlite, &histories.postgres] {
        done(STORES, &["fill", "--store", store, "--events", events]).await?;
    }
    done(POSTGRES_ES, &["fill", "--url", &histories.peer, "--events", events]).await?;
    Ok(histories)
}

async fn ours(
    bench: &Bench,
    postgres: &mut Postgres,
    histories: &Histories,
    rates: &mut Rates,
) -> Result<()> {
    for (store, read) in [
        (&histories.sqlite, &mut rates.read_sqlite),
        (&histories.postgres, &mut rates.read_postgres),
    ] {
        read.push(done(STORES, &["read", "--store", store]).await?.per_second());
    }
    let folder = tempfile::tempdir_in(&bench.work)?;
    let into = folder.path().display().to_string();
    let args = ["fold", "--store", &histories.sqlite, "--into", &into];
    rates.fold_sqlite.push(done(STORES, &args).await?.per_second());
    let into = postgres.create("folded").await?;
    let args = ["fold", "--store", &histories.postgres, "--into", &into];
    rates.fold_postgres.push(done(STORES, &args).await?.per_second());
    postgres.drop("folded").await
}

fn figures(rates: Rates) -> Vec<Figure> {
    let Rates { read_sqlite, read_postgres, fold_sqlite, fold_postgres, peer } = rates;
    let cases = [
        ("SQLite, read and decoded", read_sqlite),
        ("PostgreSQL, read and decoded", read_postgres),
        ("SQLite, folded into all read models", fold_sqlite),
        ("PostgreSQL, folded into all read models", fold_postgres),
    ];
    let name = "`postgres-es`, read and decoded";
    let figure =
        |(case, rates)| Figure::new(case, RATE, Better::More, rates).beside(name, peer.clone());
    cases.into_iter().map(figure).collect()
}

fn setup(events: u32) -> String {
    format!(
        "A history of {} registrations of 528 bytes, the worst case for folding: each makes new \
         rows. *Read and decoded* gives typed payloads and metadata, in pages, in the order of \
         positions. *Folded* goes on to write customers, spaces, assets, batches, tile metadata, \
         manifests and the audit trail, with every index, in transactions of 8,192 events. \
         `postgres-es` streams its table with the same payloads and decodes them, and writes \
         nothing.",
        significant(f64::from(events)),
    )
}
