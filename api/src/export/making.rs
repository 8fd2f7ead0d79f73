//! Makes a file page by page, as it is taken.

use super::Kind;
use super::book::{Book, BookContent, BookPage};
use super::picture;
use crate::error::{Answer, Problem};
use crate::state::Shared;
use crate::text::found;
use bytes::Bytes;
use dlcs_export::pdf::{Page, PageContent, PdfWriter};
use dlcs_export::zip::ZipWriter;
use dlcs_projections::page_text::PageTextRow;
use dlcs_text::{PageLayout, PageSize};
use std::sync::Arc;

/// A file that is being made. Whoever drops it stops the work.
pub(super) struct Making {
    state: Shared,
    book: Arc<Book>,
    /// The page that comes next.
    next: usize,
    /// `None`: everything was written.
    writer: Option<Writer>,
}

enum Writer {
    Pdf(Box<PdfWriter>),
    Zip(Box<ZipWriter>),
}

/// What a page is made of, fetched.
enum Material {
    Shown { jpeg: Bytes, layout: Option<PageLayout> },
    Closed,
}

impl Making {
    pub(super) fn new(kind: Kind, state: Shared, book: Book) -> Self {
        let writer = match kind {
            Kind::Pdf => Writer::Pdf(Box::default()),
            Kind::Zip => Writer::Zip(Box::default()),
        };
        Self { state, book: Arc::new(book), next: 0, writer: Some(writer) }
    }

    /// Returns the bytes of the next page that has any, or those behind the last; `None`: that was all.
    pub(super) async fn step(&mut self) -> Answer<Option<Bytes>> {
        while let Some(writer) = self.writer.take() {
            let (book, number) = (Arc::clone(&self.book), self.next);
            let Some(page) = self.book.pages.get(number) else {
                let rest = tokio::task::spawn_blocking(move || writer.finish(&book)).await;
                return Ok(Some(rest.map_err(Problem::internal)??.into()));
            };
            let kind = writer.kind();
            let material = material(&self.state, kind, page).await?;
            // A dense page takes milliseconds to write.
            let written = tokio::task::spawn_blocking(move || {
                let mut writer = writer;
                writer.page(&book, &book.pages[number], &material).map(|bytes| (writer, bytes))
            });
            let (writer, bytes) = written.await.map_err(Problem::internal)??;
            self.writer = Some(writer);
            self.next += 1;
            if !bytes.is_empty() {
                metrics::counter!("dlcs_export_pages_total", "kind" => kind.word()).increment(1);
                return Ok(Some(bytes.into()));
            }
        }
        Ok(None)
    }
}

async fn material(state: &Shared, kind: Kind, page: &BookPage) -> Answer<Material> {
    let BookContent::Shown { picture, text } = &page.content else { return Ok(Material::Closed) };
    let jpeg = picture::jpeg(state, kind, picture).await?;
    let layout = match text {
        Some(row) => layout(state, row).await?,
        None => None,
    };
    Ok(Material::Shown { jpeg, layout })
}

async fn layout(state: &Shared, row: &PageTextRow) -> Answer<Option<PageLayout>> {
    match &row.text {
        Some(text) => Ok(Some(found::layout(state, row, &text.blobs).await?)),
        None => Ok(None),
    }
}

impl Writer {
    fn kind(&self) -> Kind {
        match self {
            Self::Pdf(_) => Kind::Pdf,
            Self::Zip(_) => Kind::Zip,
        }
    }

    /// Returns no bytes for what a zip leaves out.
    fn page(&mut self, book: &Book, page: &BookPage, material: &Material) -> Answer<Vec<u8>> {
        match (self, material) {
            (Self::Zip(_), Material::Closed) => Ok(Vec::new()),
            (Self::Zip(zip), Material::Shown { jpeg, .. }) => {
                zip.entry(page.asset.name(), jpeg).map_err(Problem::internal)
            }
            (Self::Pdf(pdf), material) => {
                let content = match material {
                    Material::Closed => PageContent::Notice(&book.notice),
                    Material::Shown { jpeg, layout } => {
                        PageContent::Picture { jpeg, text: layout.as_ref() }
                    }
                };
                let size = PageSize { width_px: page.size.width, height_px: page.size.height };
                pdf.page(&Page { label: &page.label, size, content }).map_err(Problem::internal)
            }
        }
    }

    fn finish(self, book: &Book) -> Answer<Vec<u8>> {
        match self {
            Self::Pdf(pdf) => Ok(pdf.finish(&book.title, &book.outline)),
            Self::Zip(zip) => zip.finish().map_err(Problem::internal),
        }
    }
}
