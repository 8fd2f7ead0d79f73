//! GIF answers: 256 colours, or all levels of gray; what is empty is transparent.

use super::{Picture, RenderError};
use crate::raster::{Channels, Raster};
use gif::{Encoder, Frame};

/// Of 1 (careful) to 30 (quick): how the palette is looked for.
const PALETTE_SPEED: i32 = 10;

pub(super) fn gif(picture: &Picture) -> Result<Vec<u8>, RenderError> {
    let Raster { width, height, channels, pixels } = &picture.raster;
    let side = |side: u32| u16::try_from(side).map_err(|_| RenderError::of("too large for GIF"));
    let (width, height) = (side(*width)?, side(*height)?);
    let frame = match (channels, &picture.alpha) {
        (Channels::Gray, None) => {
            let levels = (0..=u8::MAX).flat_map(|level| [level; 3]).collect::<Vec<u8>>();
            Frame::from_palette_pixels(width, height, pixels.as_slice(), levels, None)
        }
        (Channels::Rgb, None) => Frame::from_rgb_speed(width, height, pixels, PALETTE_SPEED),
        (_, Some(alpha)) => {
            let mut rgba = with_alpha(&picture.raster, alpha);
            Frame::from_rgba_speed(width, height, &mut rgba, PALETTE_SPEED)
        }
    };
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height, &[]).map_err(RenderError::of)?;
    encoder.write_frame(&frame).map_err(RenderError::of)?;
    drop(encoder);
    Ok(bytes)
}

/// A pixel is there or not: half of it counts as there.
fn with_alpha(raster: &Raster, alpha: &[u8]) -> Vec<u8> {
    let count = raster.channels.count();
    let pixels = raster.pixels.chunks_exact(count).zip(alpha);
    let colors = pixels.flat_map(|(pixel, alpha)| {
        let [r, g, b] = if count == 1 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] };
        [r, g, b, if *alpha < 128 { 0 } else { 255 }]
    });
    colors.collect()
}
