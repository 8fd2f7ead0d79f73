//! Measures DLCS from outside, beside a peer that does the same work in the same rounds.
//!
//! Figures go to a folder as a page, a plot and JSON. A bad figure is a figure, not a failure;
//! the status is 1 only if a scenario could not be carried out although its tools are there.

mod children;
mod client;
mod figures;
mod iipimage;
mod load;
mod machine;
mod nginx;
mod pictures;
mod plain_sqlite;
mod plot;
mod process;
mod program;
mod report;
mod scenarios;

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use figures::{Outcome, Record, Records};
use machine::Machine;
use program::Program;
use scenarios::{
    Bench, annotations, appends, audit, highlighter, histories, images, ingest, presentation,
    rebuilds, recognition, registrations, replay, search, statements, tiles,
};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Measures DLCS beside its peers.
#[derive(Parser)]
struct Args {
    /// Folder for README.md, figures.svg and figures.json.
    #[arg(long, value_name = "FOLDER", default_value = "../docs/benchmarks")]
    out: PathBuf,
    /// The program under test.
    #[arg(long, value_name = "FILE", default_value = "../target/release/dlcs")]
    program: PathBuf,
    /// Folder for stores and pictures while it runs; it decides which disk is measured.
    #[arg(long, value_name = "FOLDER", default_value = "target")]
    work: PathBuf,
    /// One short round: to see that it works, not to quote.
    #[arg(long)]
    quick: bool,
    /// Only this scenario; figures of the others stay. Repeatable.
    #[arg(long, value_name = "NAME")]
    only: Vec<Scenario>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    Registrations,
    Appends,
    Histories,
    Replay,
    Rebuilds,
    Tiles,
    Images,
    Presentation,
    Annotations,
    Statements,
    Ingest,
    Recognition,
    Search,
    Highlighter,
    Audit,
}

impl Scenario {
    const ALL: [Self; 15] = [
        Self::Registrations,
        Self::Appends,
        Self::Histories,
        Self::Replay,
        Self::Rebuilds,
        Self::Tiles,
        Self::Images,
        Self::Presentation,
        Self::Annotations,
        Self::Statements,
        Self::Ingest,
        Self::Recognition,
        Self::Search,
        Self::Highlighter,
        Self::Audit,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Registrations => "registrations",
            Self::Appends => "appends",
            Self::Histories => "histories",
            Self::Replay => "replay",
            Self::Rebuilds => "rebuilds",
            Self::Tiles => "tiles",
            Self::Images => "images",
            Self::Presentation => "presentation",
            Self::Annotations => "annotations",
            Self::Statements => "statements",
            Self::Ingest => "ingest",
            Self::Recognition => "recognition",
            Self::Search => "search",
            Self::Highlighter => "highlighter",
            Self::Audit => "audit",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Registrations => "Registering images",
            Self::Appends => "Appending events",
            Self::Histories => "Reading events back",
            Self::Replay => "Replaying history",
            Self::Rebuilds => "Rebuilding and starting",
            Self::Tiles => "Serving tiles",
            Self::Images => "Serving images beside an image server",
            Self::Presentation => "Serving and editing manifests",
            Self::Annotations => "Writing and asking for annotations",
            Self::Statements => "SQL statements of one question",
            Self::Ingest => "Ingesting images",
            Self::Recognition => "Recognising pages",
            Self::Search => "Searching text",
            Self::Highlighter => "Searching text on Elasticsearch",
            Self::Audit => "Auditing",
        }
    }

    async fn run(self, bench: &Bench) -> Result<Outcome> {
        match self {
            Self::Registrations => registrations::run(bench).await,
            Self::Appends => appends::run(bench).await,
            Self::Histories => histories::run(bench).await,
            Self::Replay => replay::run(bench).await,
            Self::Rebuilds => rebuilds::run(bench).await,
            Self::Tiles => tiles::run(bench).await,
            Self::Images => images::run(bench).await,
            Self::Presentation => presentation::run(bench).await,
            Self::Annotations => annotations::run(bench).await,
            Self::Statements => statements::run(bench).await,
            Self::Ingest => ingest::run(bench).await,
            Self::Recognition => recognition::run(bench).await,
            Self::Search => search::run(bench).await,
            Self::Highlighter => highlighter::run(bench).await,
            Self::Audit => audit::run(bench).await,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    std::fs::create_dir_all(&args.out).context("making the folder for figures")?;
    std::fs::create_dir_all(&args.work).context("making the folder to work in")?;
    let program = args.program.canonicalize();
    let program = program.context("the program is not there: run `make build` first")?;
    ensure!(program.is_file(), "the program is not a file");
    let mut records = Records::load(&args.out)?;
    let chosen: &[Scenario] = if args.only.is_empty() { &Scenario::ALL } else { &args.only };
    let mut is_complete = true;
    for scenario in chosen {
        // A folder for each, so that what one leaves behind is no burden to the next.
        let work = tempfile::tempdir_in(&args.work).context("making a folder to work in")?;
        let path = work.path().canonicalize()?;
        let machine = Machine::look(&path);
        let bench = Bench { program: Program(program.clone()), work: path, quick: args.quick };
        match scenario.run(&bench).await {
            Ok(outcome) => {
                let record = record(*scenario, &args, machine, outcome);
                println!("{}", report::section(&record));
                records.replace(record);
                publish(&mut records, &args.out)?;
            }
            Err(error) => {
                eprintln!("{} FAILED: {error:#}", scenario.name());
                is_complete = false;
            }
        }
    }
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes page, plot and figures; after each scenario, so that an interruption loses one.
fn publish(records: &mut Records, out: &Path) -> Result<()> {
    records.arrange(&Scenario::ALL.map(Scenario::name));
    records.save(out)?;
    std::fs::write(out.join("README.md"), report::page(records))?;
    std::fs::write(out.join("figures.svg"), plot::draw(records))?;
    Ok(())
}

fn record(scenario: Scenario, args: &Args, machine: Machine, outcome: Outcome) -> Record {
    Record {
        scenario: scenario.name().to_owned(),
        title: scenario.title().to_owned(),
        commit: machine::commit(),
        date: machine::date(),
        quick: args.quick,
        machine,
        outcome,
    }
}
