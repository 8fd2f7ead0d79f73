//! Objects come down, in pieces: each is tried again by itself.

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, Result};
use std::ops::Range;

/// More than a tile, an index, a page's layout. What is read first of anything.
pub(crate) const SMALL_BYTES: u64 = 1024 * 1024;
const PIECE_BYTES: u64 = 8 * 1024 * 1024;
/// Pieces on their way at the same time; each is in memory.
const PIECES_AT_ONCE: usize = 3;

/// What is known of an object once a part of it was read.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) length: u64,
    /// Names the version, so that no two are mixed.
    version: Option<String>,
}

/// Reads some bytes. Those behind the end are not there; none at all is the error of the store.
pub(crate) async fn range(
    store: &AmazonS3,
    path: &Path,
    range: Range<u64>,
    version: Option<&String>,
) -> Result<(Bytes, Known)> {
    // Some servers count with a sign.
    let wanted = match i64::try_from(range.end) {
        Ok(_) => GetRange::Bounded(range),
        Err(_) => GetRange::Offset(range.start),
    };
    let options =
        GetOptions { range: Some(wanted), if_match: version.cloned(), ..GetOptions::default() };
    let answer = store.get_opts(path, options).await?;
    let known = Known { length: answer.meta.size, version: answer.meta.e_tag.clone() };
    let expected = answer.range.end - answer.range.start;
    let bytes = answer.bytes().await?;
    // Not every server heeds `if_match`.
    if version.is_some() && known.version.as_ref() != version {
        return Err(broken("it was replaced while it was read"));
    }
    if bytes.len() as u64 != expected {
        return Err(broken("the answer broke off"));
    }
    Ok((bytes, known))
}

/// Reads the beginning, which is all of most objects.
pub(crate) async fn beginning(store: &AmazonS3, path: &Path) -> Result<(Bytes, Known)> {
    match range(store, path, 0..SMALL_BYTES, None).await {
        // An empty object has no first byte.
        Err(error) if crate::errors::is_behind_the_end(&error) => {
            let meta = store.head(path).await?;
            match meta.size {
                0 => Ok((Bytes::new(), Known { length: 0, version: meta.e_tag })),
                _ => Err(error),
            }
        }
        read => read,
    }
}

/// Reads what follows the beginning, in order.
pub(crate) fn rest<'a>(
    store: &'a AmazonS3,
    path: &'a Path,
    known: &'a Known,
) -> impl Stream<Item = Result<Bytes>> + Send + use<'a> {
    let step = usize::try_from(PIECE_BYTES).unwrap_or(usize::MAX);
    let pieces = (SMALL_BYTES..known.length).step_by(step).map(move |start| {
        let end = known.length.min(start + PIECE_BYTES);
        async move { Ok(range(store, path, start..end, known.version.as_ref()).await?.0) }
    });
    stream::iter(pieces).buffered(PIECES_AT_ONCE)
}

fn broken(what: &'static str) -> Error {
    Error::Generic { store: "S3", source: what.into() }
}
