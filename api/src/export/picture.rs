//! The picture of a page: a JPEG out of our own derivative, ready-made where there is one.

use super::Kind;
use crate::error::{Answer, Problem};
use crate::state::Shared;
use bytes::Bytes;
use dlcs_iiif::Limits;
use dlcs_iiif::image_request::{Dimensions, ImageRequest, ImageVersion, resolve};
use dlcs_imaging::DerivativeIndex;
use dlcs_imaging::plan::{RenderLimits, RenderPlan, plan};
use dlcs_imaging::tiles::TileError;
use dlcs_objects::ObjectKey;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How often a page waits for its turn among the viewers' requests before the file breaks off.
const TRIES: usize = 6;

/// Turns in which pages of PDFs and zips are rendered: half as many as the machine has processors, so
/// that viewers are never without.
#[derive(Debug, Clone)]
pub struct ExportTurns(Arc<Semaphore>);

impl Default for ExportTurns {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new((processors / 2).max(1))))
    }
}

/// Where the picture of a page comes from.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    pub key: ObjectKey,
    /// The image itself is not offered, only sizes of it.
    pub only_ready_made: bool,
    /// Longest side in which the image is given out, in pixels.
    pub side_max_px: u32,
}

impl Kind {
    /// Longer side of a picture, in pixels. That of a zip is the original system's.
    fn side_px(self) -> u32 {
        match self {
            Self::Pdf => 1_500,
            Self::Zip => 1_000,
        }
    }
}

pub(super) async fn jpeg(state: &Shared, kind: Kind, picture: &Picture) -> Answer<Bytes> {
    let key = &picture.key;
    let index = state.tiles.index(key).await?;
    let plan = planned(&index, kind.side_px().min(picture.side_max_px), picture)?;
    let is_rendered = matches!(plan, RenderPlan::Render(_));
    let mut tries = 0;
    loop {
        let turn = if is_rendered { Some(state.exports.0.acquire().await) } else { None };
        let answer = state.tiles.answer(key, &index, &plan).await;
        drop(turn);
        tries += 1;
        match answer {
            Err(TileError::Busy) if tries < TRIES => {}
            answer => return Ok(answer?),
        }
    }
}

/// Takes a ready-made size that is large enough and not much larger; else the image is scaled down to
/// `side`.
fn planned(index: &DerivativeIndex, side: u32, picture: &Picture) -> Answer<RenderPlan> {
    let sizes = index.thumbnails.iter().map(|it| (it.width.max(it.height), it.extent));
    let sizes = sizes.filter(|it| it.0 <= picture.side_max_px);
    let longer = |(longer, _): &(u32, _)| *longer;
    let ready = if picture.only_ready_made {
        sizes.max_by_key(longer)
    } else {
        let fits = side..=side + side / 3;
        sizes.filter(|it| fits.contains(&longer(it))).min_by_key(longer)
    };
    if let Some((_, extent)) = ready {
        return Ok(RenderPlan::StoredThumbnail(extent));
    }
    let source = Dimensions { width: index.width, height: index.height };
    let size = if source.width.max(source.height) > side {
        format!("!{side},{side}")
    } else {
        "max".to_owned()
    };
    let request = format!("full/{size}/0/default.jpg");
    let request =
        ImageRequest::parse_path(ImageVersion::V3, &request).map_err(Problem::internal)?;
    let resolved = resolve(&request, ImageVersion::V3, source, &Limits::default());
    let resolved = resolved.map_err(Problem::internal)?;
    plan(&request, &resolved, index, &RenderLimits::default()).map_err(Problem::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlcs_imaging::derivative::index::{Extent, StoredThumbnail};

    fn planned_of(width: u32, height: u32, side: u32, picture: (bool, u32)) -> RenderPlan {
        let (only_ready_made, side_max_px) = picture;
        let level = |width: u32, height: u32| {
            let (across, down) = (width.div_ceil(512), height.div_ceil(512));
            dlcs_imaging::derivative::index::Level {
                width,
                height,
                across,
                down,
                tiles: vec![Extent { offset: 0, length: 1 }; (across * down) as usize],
            }
        };
        let thumbnail = |longer: u32| StoredThumbnail {
            width: longer,
            height: longer / 2,
            extent: Extent { offset: longer.into(), length: 1 },
        };
        let index = DerivativeIndex {
            width,
            height,
            tile_side: 512,
            gray: true,
            levels: vec![level(width, height), level(width.div_ceil(2), height.div_ceil(2))],
            thumbnails: [1024, 400].map(thumbnail).to_vec(),
        };
        let key = ObjectKey::derivative("1/1/page", 1, 1);
        let picture = Picture { key, only_ready_made, side_max_px };
        planned(&index, side, &picture).expect("a plan")
    }

    #[test]
    fn a_ready_made_size_is_taken_where_it_fits() {
        let ready = RenderPlan::StoredThumbnail(Extent { offset: 1024, length: 1 });
        let any = u32::MAX;
        assert_eq!(planned_of(4000, 2000, 1000, (false, any)), ready);
        assert_eq!(planned_of(4000, 2000, 1500, (true, any)), ready, "no more than is offered");
        let smaller = RenderPlan::StoredThumbnail(Extent { offset: 400, length: 1 });
        assert_eq!(planned_of(4000, 2000, 1500, (true, 1023)), smaller, "nor than is given out");
        let cases = [(4000, 1500, any, 1500), (1400, 1500, any, 1400), (4000, 900, 900, 900)];
        for (width, side, side_max, expected) in cases {
            match planned_of(width, width / 2, side, (false, side_max)) {
                RenderPlan::Render(render) => assert_eq!(render.width, expected),
                other => panic!("{other:?}"),
            }
        }
    }
}
