//! The peer of annotations: one table of PostgreSQL with the document as `jsonb`, as one would make
//! it by hand, written and asked without anything in between.
//!
//! The address of the canvas is a generated column with an index, the box a column of its own, and
//! everything else in the document is found by a GIN index.

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use dlcs_bench_sample::annotations::{Shelf, random};
use dlcs_bench_sample::{Done, Writer, closed_loop, in_turns};
use std::ops::Range;
use std::time::Duration;
use tokio_postgres::{Client, NoTls, Statement};

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS annotations (
        id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        container  text        NOT NULL,
        name       text        NOT NULL,
        document   jsonb       NOT NULL,
        source     text        GENERATED ALWAYS AS (document #>> '{target,source}') STORED,
        region     box         NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (container, name)
    );
    CREATE INDEX IF NOT EXISTS annotations_by_source ON annotations (source, id);
    CREATE INDEX IF NOT EXISTS annotations_by_content
        ON annotations USING gin (document jsonb_path_ops)";
const INSERT: &str = "
    INSERT INTO annotations (container, name, document, region)
    VALUES ($1, $2, $3::text::jsonb, box(point($4, $5), point($6, $7)))
    RETURNING id, created_at::text";
const OF_CANVAS: &str = "
    SELECT id, container, name, document::text, created_at::text FROM annotations
    WHERE source = $1 ORDER BY id LIMIT 101";
const OF_BOX: &str = "
    SELECT id, container, name, document::text, created_at::text FROM annotations
    WHERE source = $1 AND region && box(point($2, $3), point($4, $5)) ORDER BY id LIMIT 101";

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Question {
    /// All annotations of one canvas.
    Canvas,
    /// Those that overlap with a box.
    Box,
}

pub(crate) async fn fill(
    url: &str,
    shelf: Shelf,
    numbers: Range<u64>,
    writers: u32,
) -> Result<Done> {
    let client = connect(url).await?;
    client.batch_execute(TABLE).await?;
    let mut annotators = Vec::new();
    for _ in 0..writers {
        let client = connect(url).await?;
        let insert = client.prepare(INSERT).await?;
        annotators.push(Annotator { client, insert, shelf });
    }
    let end = numbers.end;
    let done = in_turns(annotators, numbers).await?;
    let stored: i64 = client.query_one("SELECT count(*) FROM annotations", &[]).await?.get(0);
    ensure!(stored.cast_unsigned() == end, "{stored} of {end} annotations are there");
    // So that it is asked by plans for what is in it.
    client.batch_execute("ANALYZE annotations").await?;
    Ok(done)
}

pub(crate) async fn ask(
    url: &str,
    shelf: Shelf,
    question: Question,
    connections: u32,
    seconds: f64,
) -> Result<Done> {
    let mut readers = Vec::new();
    for reader in 0..connections {
        let client = connect(url).await?;
        let sql = match question {
            Question::Canvas => OF_CANVAS,
            Question::Box => OF_BOX,
        };
        let select = client.prepare(sql).await?;
        readers.push(Reader { client, select, shelf, question, reader });
    }
    closed_loop(readers, Duration::from_secs_f64(seconds)).await
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("no server")?;
    tokio::spawn(connection);
    Ok(client)
}

struct Annotator {
    client: Client,
    insert: Statement,
    shelf: Shelf,
}

impl Writer for Annotator {
    async fn write(&mut self, number: u64) -> Result<()> {
        let (container, name) = (self.shelf.container(number), format!("note-{number}"));
        let document = self.shelf.annotation(number).to_string();
        let [left, top, right, bottom] = Shelf::edges(number).map(|it| it as f64);
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
            [&container, &name, &document, &left, &top, &right, &bottom];
        self.client.query_one(&self.insert, &values).await?;
        Ok(())
    }
}

struct Reader {
    client: Client,
    select: Statement,
    shelf: Shelf,
    question: Question,
    reader: u32,
}

impl Writer for Reader {
    async fn write(&mut self, number: u64) -> Result<()> {
        let number = random(number, u64::from(self.reader) + 100);
        let source = self.shelf.canvas(number);
        let [left, top, right, bottom] = Shelf::asked(number).map(|it| it as f64);
        let rows = match self.question {
            Question::Canvas => self.client.query(&self.select, &[&source]).await?,
            Question::Box => {
                let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
                    [&source, &left, &top, &right, &bottom];
                self.client.query(&self.select, &values).await?
            }
        };
        let bytes: usize = rows.iter().map(|row| row.get::<_, &str>(3).len()).sum();
        ensure!(self.question == Question::Box || bytes > 0, "{source} has no annotation");
        Ok(())
    }
}
