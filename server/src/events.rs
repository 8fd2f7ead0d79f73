//! `dlcs events`: the history in order, read from the store directly, also beside a running server; and
//! its way into another store.

mod moving;

use crate::config::Settings;
use crate::stores;
use dlcs_eventlog::{EventLog, Position, RecordedEvent, StreamId, StreamRevision};
use dlcs_projections::cloud_events::{CloudEvent, time};
use serde::Serialize;
use serde_json::value::RawValue;
use std::io::{BufWriter, ErrorKind, Write};
use std::process::ExitCode;
use std::time::Duration;

/// Events that are read at once.
const PAGE: usize = 1_000;
/// Pause between two looks at the log when following.
const POLL: Duration = Duration::from_millis(200);

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct EventsArgs {
    #[command(subcommand)]
    moving: Option<moving::MovingCommand>,
    /// Begin with this position.
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    from: u64,
    /// Only events of this stream, for example `asset-1/2/page-7`.
    #[arg(long)]
    stream: Option<String>,
    /// Only events of this type, for example `asset.registered`.
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,
    /// Go on with new events until interrupted.
    #[arg(long)]
    follow: bool,
    /// One JSON line per event.
    #[arg(long)]
    json: bool,
    /// One line per event as CloudEvents 1.0 writes it in JSON.
    #[arg(long, conflicts_with = "json")]
    cloudevents: bool,
    /// Address of the service, for CloudEvents.
    #[arg(skip)]
    source: String,
}

#[derive(Serialize)]
struct Line<'a> {
    position: u64,
    stream: &'a str,
    revision: u64,
    #[serde(rename = "type")]
    type_name: &'a str,
    schema_version: u32,
    event_id: String,
    recorded_at: String,
    payload: &'a RawValue,
    metadata: &'a RawValue,
}

pub(crate) async fn run(mut args: EventsArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    if let Some(command) = args.moving {
        return moving::run(command, settings).await;
    }
    args.source = settings.public_url.clone().unwrap_or_else(|| "urn:dlcs".to_owned());
    let log = stores::log_read_only(settings).await?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let result = match &args.stream {
        Some(stream) if !args.follow => print_stream(log.as_ref(), &args, stream, &mut out).await,
        _ => print_all(log.as_ref(), &args, &mut out).await,
    };
    match result.and_then(|()| Ok(out.flush()?)) {
        // A reader such as `head` has seen enough.
        Err(error) if is_closed_pipe(&error) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|it| it.kind() == ErrorKind::BrokenPipe)
}

async fn print_stream(
    log: &dyn EventLog,
    args: &EventsArgs,
    stream: &str,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let stream = StreamId::from_stored(stream);
    let mut from = StreamRevision(0);
    loop {
        let events = log.read_stream(&stream, from, PAGE).await?;
        let Some(last) = events.last() else { return Ok(()) };
        from = StreamRevision(last.revision.0 + 1);
        print(args, &events, out)?;
    }
}

async fn print_all(
    log: &dyn EventLog,
    args: &EventsArgs,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut after = Position(args.from.saturating_sub(1));
    loop {
        let events = log.read_all(after, PAGE).await?;
        print(args, &events, out)?;
        match events.last() {
            Some(last) => after = last.position,
            None if !args.follow => return Ok(()),
            None => {
                out.flush()?;
                tokio::select! {
                    () = tokio::time::sleep(POLL) => {}
                    _ = tokio::signal::ctrl_c() => return Ok(()),
                }
            }
        }
    }
}

fn print(args: &EventsArgs, events: &[RecordedEvent], out: &mut impl Write) -> anyhow::Result<()> {
    let wanted = |event: &&RecordedEvent| {
        event.position.0 >= args.from
            && args.stream.as_deref().is_none_or(|stream| event.stream.as_str() == stream)
            && args.type_name.as_deref().is_none_or(|name| event.type_name == name)
    };
    for event in events.iter().filter(wanted) {
        if args.json {
            serde_json::to_writer(&mut *out, &line(event)?)?;
            writeln!(out)?;
        } else if args.cloudevents {
            serde_json::to_writer(&mut *out, &CloudEvent::of(event, &args.source)?)?;
            writeln!(out)?;
        } else {
            writeln!(out, "{}", text(event))?;
        }
    }
    Ok(())
}

fn line(event: &RecordedEvent) -> anyhow::Result<Line<'_>> {
    Ok(Line {
        position: event.position.0,
        stream: event.stream.as_str(),
        revision: event.revision.0,
        type_name: &event.type_name,
        schema_version: event.schema_version,
        event_id: event.event_id.0.to_string(),
        recorded_at: time(event),
        payload: serde_json::from_slice(&event.payload)?,
        metadata: serde_json::from_slice(&event.metadata)?,
    })
}

/// A line for people; control characters of clients' ids are escaped.
fn text(event: &RecordedEvent) -> String {
    let payload = String::from_utf8_lossy(&event.payload);
    let metadata: serde_json::Value = serde_json::from_slice(&event.metadata).unwrap_or_default();
    format!(
        "{:>8}  {}  {}@{}  {}  {}  {}",
        event.position.0,
        time(event),
        event.stream.as_str().escape_debug(),
        event.revision.0,
        event.type_name,
        metadata["actor"].as_str().unwrap_or("-"),
        payload
    )
}
