//! A stored manifest of many canvases: read, asked for again, and changed in one canvas; beside nginx
//! with the same bytes in a file.

mod manifests;

use super::{Bench, is_peer_first, lacks, mebibytes};
use crate::client::Connection;
use crate::figures::{Better, Figure, Outcome, Rounds};
use crate::load::{Load, Series};
use crate::nginx::Nginx;
use crate::pictures::leaf;
use crate::program::Server;
use crate::report::significant;
use anyhow::{Result, ensure};
use manifests::{Book, OWN, PAINTED, Times};
use std::path::Path;

const RATE: &str = "requests/s";
const NGINX: &str = "nginx, the same bytes in a file";
const FILE: &str = "the same bytes into a file, synced and renamed";
const CONNECTIONS: [u32; 1] = [4];
/// Changes of one canvas in a round.
const EDITS: usize = 10;

/// One manifest under load, and its file.
struct Read {
    case: &'static str,
    bytes: usize,
    whole: [(Series, Series); CONNECTIONS.len()],
    /// By clients that have it.
    again: (Series, Series),
    path: &'static str,
    load: Load,
}

pub(crate) async fn run(bench: &Bench) -> Result<Outcome> {
    if let Some(skipped) = lacks(&["nginx", "wrk", "vips"]) {
        return Ok(skipped);
    }
    let (work, data) = (bench.folder("presentation")?, bench.folder("presentation/data")?);
    let files = bench.folder("presentation/files")?;
    let server = bench.serve(&data, &[]).await?;
    let book = Book { canvases: if bench.quick { 200 } else { 5_000 } };
    book.store_own(&server).await?;
    eprintln!("presentation: registering {} pages", book.canvases);
    let page = std::fs::read(leaf(&work).await?)?;
    book.store_painted(&server, page).await?;

    let nginx = Nginx::serve(&files, &work).await?;
    let own = prepare(&server, &nginx, OWN, "canvases of the client", &work, &files).await?;
    let painted =
        prepare(&server, &nginx, PAINTED, "canvases of registered images", &work, &files).await?;
    let mut reads = [own, painted];
    let mut edits = Edits::default();
    for round in 0..bench.rounds() {
        bench.say("presentation", round);
        for read in &mut reads {
            read.measure(bench, &server, &nginx, round).await?;
        }
        edits.measure(&server, book, &work, round).await?;
    }
    nginx.stop().await?;
    let peak = Rounds(vec![mebibytes(server.peak_bytes()?)]);
    server.stop().await?;
    let setup = setup(book, reads.each_ref().map(|it| it.bytes));
    let mut figures: Vec<Figure> = reads.into_iter().flat_map(Read::figures).collect();
    figures.extend(edits.figures());
    figures.push(Figure::new("the server: peak memory", "MiB", Better::Less, peak));
    Ok(Outcome::Measured { setup, figures })
}

/// Puts what the server answers into a file under the same path.
async fn prepare(
    server: &Server,
    nginx: &Nginx,
    path: &'static str,
    case: &'static str,
    work: &Path,
    files: &Path,
) -> Result<Read> {
    let ours = server.connect().await?.get(path).await?;
    ensure!(ours.status.is_success(), "{path}: {}", ours.text());
    let file = files.join(path.trim_start_matches('/'));
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, &ours.body)?;
    let mut connection = Connection::open(&nginx.address).await?;
    let theirs = connection.get(path).await?;
    ensure!(theirs.body == ours.body, "nginx has other bytes at {path}");
    Ok(Read {
        case,
        bytes: ours.body.len(),
        whole: Default::default(),
        again: Default::default(),
        path,
        load: Load::prepare(work, case, &[path.to_owned()])?,
    })
}

/// Returns the tag that a server gives a document now; it has to keep it from being sent again.
async fn tag(address: &str, path: &str) -> Result<String> {
    let mut connection = Connection::open(address).await?;
    let etag = connection.get(path).await?.etag()?;
    let again = connection.send("GET", path, &[("if-none-match", &etag)], Vec::new()).await?;
    ensure!(again.status.as_u16() == 304, "{path} is sent again: {}", again.status);
    Ok(etag)
}

impl Read {
    async fn measure(
        &mut self,
        bench: &Bench,
        server: &Server,
        nginx: &Nginx,
        round: usize,
    ) -> Result<()> {
        let time = bench.load_time();
        for (pair, connections) in self.whole.iter_mut().zip(CONNECTIONS) {
            let mut sides = [(&server.address, &mut pair.0), (&nginx.address, &mut pair.1)];
            if is_peer_first(round) {
                sides.reverse();
            }
            for (address, series) in sides {
                series.push(self.load.run(address, connections, time, round).await?);
            }
        }
        let mut sides = [(&server.address, &mut self.again.0), (&nginx.address, &mut self.again.1)];
        if is_peer_first(round) {
            sides.reverse();
        }
        for (address, series) in sides {
            let load = self.load.knowing(tag(address, self.path).await?);
            series.push(load.run(address, CONNECTIONS[0], time, round).await?);
        }
        Ok(())
    }

    fn figures(self) -> Vec<Figure> {
        let cases = CONNECTIONS.map(|it| format!("{}, {it} connections", self.case));
        let again =
            format!("{}, known to the client (304), {} connections", self.case, CONNECTIONS[0]);
        let pairs = self.whole.into_iter().chain([self.again]);
        let figures =
            cases.into_iter().chain([again]).zip(pairs).flat_map(|(case, (ours, theirs))| {
                let less = |what: &str, ours, theirs| {
                    Figure::new(format!("{case}: {what}"), "ms", Better::Less, ours)
                        .beside(NGINX, theirs)
                };
                [
                    Figure::new(case.clone(), RATE, Better::More, ours.rates)
                        .beside(NGINX, theirs.rates),
                    less("median", ours.p50_ms, theirs.p50_ms),
                    less("99th percentile", ours.p99_ms, theirs.p99_ms),
                ]
            });
        figures.collect()
    }
}

/// Medians of the changes of one canvas, one value per round.
#[derive(Default)]
struct Edits {
    own: EditSeries,
    canvas: EditSeries,
    painted: EditSeries,
    file_ms: Rounds,
}

#[derive(Default)]
struct EditSeries {
    answered_ms: Rounds,
    shown_ms: Rounds,
}

impl EditSeries {
    fn push(&mut self, times: &[Times]) {
        let median = |of: fn(&Times) -> f64| Rounds(times.iter().map(of).collect()).median();
        self.answered_ms.push(median(|it| it.answered_ms));
        self.shown_ms.push(median(|it| it.shown_ms));
    }
}

impl Edits {
    async fn measure(
        &mut self,
        server: &Server,
        book: Book,
        work: &Path,
        round: usize,
    ) -> Result<()> {
        let (mut own, mut canvas) = (Vec::new(), Vec::new());
        let (mut painted, mut file) = (Vec::new(), Vec::new());
        for number in round * EDITS..(round + 1) * EDITS {
            let (times, bytes) = book.change_own(server, number).await?;
            own.push(times);
            canvas.push(book.change_canvas(server, number).await?);
            painted.push(book.change_painted(server, number).await?);
            file.push(manifests::replace_file(&work.join("replaced"), &bytes)?);
        }
        self.own.push(&own);
        self.canvas.push(&canvas);
        self.painted.push(&painted);
        self.file_ms.push(Rounds(file).median());
        Ok(())
    }

    fn figures(self) -> Vec<Figure> {
        let less = |case: &str, rounds| Figure::new(case, "ms", Better::Less, rounds);
        vec![
            less("`PUT` with one canvas changed: until it is answered", self.own.answered_ms)
                .beside(FILE, self.file_ms.clone()),
            less("the same: until a reader has the new document", self.own.shown_ms)
                .beside(FILE, self.file_ms),
            less("`PATCH` of one canvas: until it is answered", self.canvas.answered_ms),
            less("the same: until a reader has the new document", self.canvas.shown_ms),
            less(
                "`PATCH` of one painted image's label: until it is answered",
                self.painted.answered_ms,
            ),
            less("the same: until a reader has the new document", self.painted.shown_ms),
        ]
    }
}

fn setup(book: Book, bytes: [usize; 2]) -> String {
    let [own, painted] = bytes.map(|it| significant(mebibytes(it as u64)));
    format!(
        "Two manifests of {} canvases, stored through the API: one with the client's own canvases \
         ({own} MiB), one that paints as many registered and ingested images ({painted} MiB). Read by \
         `wrk` as tiles are; nginx serves the same bytes under the same paths. A change is the median of \
         {EDITS} in a round, each on an idle server: the whole document is put with another label on \
         one canvas, one canvas is patched under its own address, or the list of painted images is patched \
         with one. *Until a reader has it* is the \
         time from the first byte sent to the last byte of the public document with that label, asked \
         for once the change is answered.",
        significant(f64::from(book.canvases)),
    )
}
