//! Mirroring and clockwise rotation: Image API 3.0 and 2.1, section 4.3.

use super::{Picture, RenderError};
use crate::orientation;
use crate::raster::{Channels, Raster, zeroed};

/// Reflects on the vertical axis.
pub(super) fn mirror(raster: &mut Raster) {
    orientation::mirror_columns(raster);
}

/// Turns clockwise by quarters, without loss.
pub(super) fn quarters(raster: Raster, turns: u8) -> Result<Raster, RenderError> {
    // A turn by n quarters is what makes a picture of that orientation upright.
    let orientation = match turns {
        1 => 6,
        2 => 3,
        3 => 8,
        _ => 1,
    };
    orientation::upright(raster, orientation).map_err(RenderError::of)
}

/// Turns clockwise by any angle; the picture grows to hold all of itself, and has corners that
/// are empty.
pub(super) fn degrees(raster: &Raster, degrees: f64) -> Result<Picture, RenderError> {
    match raster.channels {
        Channels::Gray => turned::<1>(raster, degrees),
        Channels::Rgb => turned::<3>(raster, degrees),
    }
}

fn turned<const N: usize>(raster: &Raster, degrees: f64) -> Result<Picture, RenderError> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (from_width, from_height) = (f64::from(raster.width), f64::from(raster.height));
    // Rounded up, but not for the last bits of a sine.
    let side = |length: f64| (length - 1e-6).ceil() as u32;
    let width = side(from_width * cos.abs() + from_height * sin.abs());
    let height = side(from_width * sin.abs() + from_height * cos.abs());
    let mut pixels = zeroed(width, height, N).map_err(RenderError::of)?;
    let mut alpha = zeroed(width, height, 1).map_err(RenderError::of)?;
    let rows =
        pixels.chunks_exact_mut(width as usize * N).zip(alpha.chunks_exact_mut(width as usize));
    for (y, (row, row_alpha)) in rows.enumerate() {
        let dy = y as f64 + 0.5 - f64::from(height) / 2.0;
        for (x, (pixel, opacity)) in row.chunks_exact_mut(N).zip(row_alpha).enumerate() {
            let dx = x as f64 + 0.5 - f64::from(width) / 2.0;
            // Back to where the pixel comes from; y points down, so clockwise is positive.
            let from_x = cos * dx + sin * dy + from_width / 2.0 - 0.5;
            let from_y = cos * dy - sin * dx + from_height / 2.0 - 0.5;
            let (color, covered) = sample::<N>(raster, from_x, from_y);
            pixel.copy_from_slice(&color);
            *opacity = covered;
        }
    }
    let raster = Raster { width, height, channels: raster.channels, pixels };
    Ok(Picture { raster, alpha: Some(alpha) })
}

/// Returns the colour between four pixels, and how much of them there is.
fn sample<const N: usize>(raster: &Raster, x: f64, y: f64) -> ([u8; N], u8) {
    let (left, top) = (x.floor(), y.floor());
    let (right_part, lower_part) = (x - left, y - top);
    let mut sums = [0.0; N];
    let mut covered = 0.0;
    for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        let (column, row) = (left as i64 + dx, top as i64 + dy);
        let is_inside = (0..i64::from(raster.width)).contains(&column)
            && (0..i64::from(raster.height)).contains(&row);
        if !is_inside {
            continue;
        }
        let across = if dx == 1 { right_part } else { 1.0 - right_part };
        let down = if dy == 1 { lower_part } else { 1.0 - lower_part };
        let weight = across * down;
        let at = (row as usize * raster.width as usize + column as usize) * N;
        sums.iter_mut().zip(&raster.pixels[at..at + N]).for_each(|(sum, it)| {
            *sum += weight * f64::from(*it);
        });
        covered += weight;
    }
    if covered < 1.0 / 512.0 {
        return ([255; N], 0);
    }
    (sums.map(|sum| (sum / covered).round() as u8), (covered * 255.0).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Raster {
        Raster { width: 3, height: 2, channels: Channels::Gray, pixels: b"abcdef".to_vec() }
    }

    #[test]
    fn quarter_turns_are_clockwise() {
        for (turns, size, expected) in [
            (0, (3, 2), b"abcdef"),
            (1, (2, 3), b"daebfc"),
            (2, (3, 2), b"fedcba"),
            (3, (2, 3), b"cfbead"),
        ] {
            let turned = quarters(picture(), turns).unwrap();
            assert_eq!((turned.width, turned.height), size, "{turns}");
            assert_eq!(turned.pixels, expected, "{turns}");
        }
    }

    #[test]
    fn any_angle_agrees_with_quarter_turns() {
        for turns in 0..4 {
            let exact = quarters(picture(), turns).unwrap();
            let turned = degrees(&picture(), f64::from(turns) * 90.0).unwrap();
            assert_eq!(turned.raster, exact, "{turns}");
            assert!(turned.alpha.unwrap().iter().all(|alpha| *alpha == 255), "{turns}");
        }
    }

    #[test]
    fn a_tilted_square_grows_and_has_empty_corners() {
        let raster =
            Raster { width: 100, height: 100, channels: Channels::Rgb, pixels: vec![9; 30_000] };
        let turned = degrees(&raster, 45.0).unwrap();
        assert_eq!((turned.raster.width, turned.raster.height), (142, 142));
        let alpha = turned.alpha.unwrap();
        assert_eq!((alpha[0], alpha[141], alpha[71 * 142 + 71]), (0, 0, 255));
        assert_eq!(&turned.raster.pixels[(71 * 142 + 71) * 3..][..3], [9, 9, 9]);
    }
}
