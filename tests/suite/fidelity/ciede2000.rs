//! How different two colours look: CIEDE2000, as CIE 142-2001 and Sharma, Wu and Dalal (2005) give it.

/// A colour of sRGB in CIE L*a*b*, white being that of sRGB itself (D65).
#[derive(Debug, Clone, Copy)]
pub(super) struct Lab {
    l: f64,
    a: f64,
    b: f64,
}

/// Makes L*a*b* of levels of sRGB; knows what each level stands for.
pub(super) struct Srgb {
    linear: [f64; 256],
}

impl Srgb {
    /// IEC 61966-2-1.
    pub(super) fn new() -> Self {
        let linear = |level: usize| {
            let value = level as f64 / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        Self { linear: std::array::from_fn(linear) }
    }

    pub(super) fn lab(&self, [r, g, b]: [u8; 3]) -> Lab {
        let [r, g, b] = [r, g, b].map(|level| self.linear[usize::from(level)]);
        let x = 0.412_390_8 * r + 0.357_584_3 * g + 0.180_480_8 * b;
        let y = 0.212_639_0 * r + 0.715_168_7 * g + 0.072_192_3 * b;
        let z = 0.019_330_8 * r + 0.119_194_8 * g + 0.950_532_2 * b;
        // White is the colour of full levels: the sums of the rows.
        let [x, y, z] = [x / 0.950_455_9, y, z / 1.089_057_8].map(|ratio| {
            let kink = 6.0_f64 / 29.0;
            let is_dark = ratio <= kink.powi(3);
            if is_dark { ratio / (3.0 * kink * kink) + 4.0 / 29.0 } else { ratio.cbrt() }
        });
        Lab { l: 116.0 * y - 16.0, a: 500.0 * (x - y), b: 200.0 * (y - z) }
    }
}

/// Returns ΔE00 with all weights 1.
pub(super) fn difference(one: Lab, two: Lab) -> f64 {
    let chroma_mean = f64::midpoint(one.a.hypot(one.b), two.a.hypot(two.b));
    let g = 0.5 * (1.0 - share_of_25(chroma_mean));
    let (a1, a2) = (one.a * (1.0 + g), two.a * (1.0 + g));
    let (c1, c2) = (a1.hypot(one.b), a2.hypot(two.b));
    let (h1, h2) = (hue(a1, one.b), hue(a2, two.b));
    let is_gray = c1 * c2 == 0.0;

    let turn = match h2 - h1 {
        _ if is_gray => 0.0,
        turn if turn > 180.0 => turn - 360.0,
        turn if turn < -180.0 => turn + 360.0,
        turn => turn,
    };
    let (dl, dc) = (two.l - one.l, c2 - c1);
    let dh = 2.0 * (c1 * c2).sqrt() * (turn / 2.0).to_radians().sin();

    let hue_mean = match h1 + h2 {
        sum if is_gray => sum,
        sum if (h1 - h2).abs() <= 180.0 => sum / 2.0,
        sum if sum < 360.0 => (sum + 360.0) / 2.0,
        sum => (sum - 360.0) / 2.0,
    };
    let (l_mean, c_mean) = (f64::midpoint(one.l, two.l), f64::midpoint(c1, c2));
    let cos = |degrees: f64| degrees.to_radians().cos();
    let t = 1.0 - 0.17 * cos(hue_mean - 30.0)
        + 0.24 * cos(2.0 * hue_mean)
        + 0.32 * cos(3.0 * hue_mean + 6.0)
        - 0.20 * cos(4.0 * hue_mean - 63.0);
    let from_50 = (l_mean - 50.0).powi(2);
    let sl = 1.0 + 0.015 * from_50 / (20.0 + from_50).sqrt();
    let sc = 1.0 + 0.045 * c_mean;
    let sh = 1.0 + 0.015 * c_mean * t;
    let blue = 30.0 * (-((hue_mean - 275.0) / 25.0).powi(2)).exp();
    let rt = -(2.0 * blue).to_radians().sin() * 2.0 * share_of_25(c_mean);
    let (l, c, h) = (dl / sl, dc / sc, dh / sh);
    (l * l + c * c + h * h + rt * c * h).max(0.0).sqrt()
}

/// Returns √(c⁷ / (c⁷ + 25⁷)).
fn share_of_25(chroma: f64) -> f64 {
    let seventh = chroma.powi(7);
    (seventh / (seventh + 25.0_f64.powi(7))).sqrt()
}

/// Returns an angle from 0 to 360 degrees; gray has 0.
fn hue(a: f64, b: f64) -> f64 {
    if a == 0.0 && b == 0.0 { 0.0 } else { b.atan2(a).to_degrees().rem_euclid(360.0) }
}

/// Sharma, Wu and Dalal, "The CIEDE2000 color-difference formula: implementation notes,
/// supplementary test data, and mathematical observations", table 1: two colours and their distance.
#[rustfmt::skip]
const PUBLISHED: [([f64; 3], [f64; 3], f64); 34] = [
    ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
    ([50.0, 3.1571, -77.2803], [50.0, 0.0, -82.7485], 2.8615),
    ([50.0, 2.8361, -74.0200], [50.0, 0.0, -82.7485], 3.4412),
    ([50.0, -1.3802, -84.2814], [50.0, 0.0, -82.7485], 1.0),
    ([50.0, -1.1848, -84.8006], [50.0, 0.0, -82.7485], 1.0),
    ([50.0, -0.9009, -85.5211], [50.0, 0.0, -82.7485], 1.0),
    ([50.0, 0.0, 0.0], [50.0, -1.0, 2.0], 2.3669),
    ([50.0, -1.0, 2.0], [50.0, 0.0, 0.0], 2.3669),
    ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0009], 7.1792),
    ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0010], 7.1792),
    ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0011], 7.2195),
    ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0012], 7.2195),
    ([50.0, -0.001, 2.49], [50.0, 0.0009, -2.49], 4.8045),
    ([50.0, -0.001, 2.49], [50.0, 0.0010, -2.49], 4.8045),
    ([50.0, -0.001, 2.49], [50.0, 0.0011, -2.49], 4.7461),
    ([50.0, 2.5, 0.0], [50.0, 0.0, -2.5], 4.3065),
    ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
    ([50.0, 2.5, 0.0], [61.0, -5.0, 29.0], 22.8977),
    ([50.0, 2.5, 0.0], [56.0, -27.0, -3.0], 31.9030),
    ([50.0, 2.5, 0.0], [58.0, 24.0, 15.0], 19.4535),
    ([50.0, 2.5, 0.0], [50.0, 3.1736, 0.5854], 1.0),
    ([50.0, 2.5, 0.0], [50.0, 3.2972, 0.0], 1.0),
    ([50.0, 2.5, 0.0], [50.0, 1.8634, 0.5757], 1.0),
    ([50.0, 2.5, 0.0], [50.0, 3.2592, 0.3350], 1.0),
    ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
    ([63.0109, -31.0961, -5.8663], [62.8187, -29.7946, -4.0864], 1.2630),
    ([61.2901, 3.7196, -5.3901], [61.4292, 2.2480, -4.9620], 1.8731),
    ([35.0831, -44.1164, 3.7933], [35.0232, -40.0716, 1.5901], 1.8645),
    ([22.7233, 20.0904, -46.6940], [23.0331, 14.9730, -42.5619], 2.0373),
    ([36.4612, 47.8580, 18.3852], [36.2715, 50.5065, 21.2231], 1.4146),
    ([90.8027, -2.0831, 1.4410], [91.1528, -1.6435, 0.0447], 1.4441),
    ([90.9257, -0.5406, -0.9208], [88.6381, -0.8985, -0.7239], 1.5381),
    ([6.7747, -0.2908, -2.4247], [5.8714, -0.0985, -2.2286], 0.6377),
    ([2.0776, 0.0795, -1.1350], [0.9033, -0.0636, -0.5514], 0.9082),
];

#[test]
fn the_published_pairs_differ_as_published() {
    let lab = |[l, a, b]: [f64; 3]| Lab { l, a, b };
    for (one, two, expected) in PUBLISHED {
        let there = difference(lab(one), lab(two));
        let back = difference(lab(two), lab(one));
        let is_near = |found: f64| (found - expected).abs() < 0.000_051;
        assert!(is_near(there) && is_near(back), "{one:?}, {two:?}: {there}, not {expected}");
    }
}

/// L*a*b* of the corners of sRGB, as colour science prints them.
#[test]
fn levels_of_srgb_are_the_colours_that_they_stand_for() {
    let srgb = Srgb::new();
    for (rgb, expected) in [
        ([255, 255, 255], [100.0, 0.0, 0.0]),
        ([0, 0, 0], [0.0, 0.0, 0.0]),
        ([255, 0, 0], [53.24, 80.09, 67.20]),
        ([0, 0, 255], [32.30, 79.19, -107.86]),
        ([119, 119, 119], [50.03, 0.0, 0.0]),
    ] {
        let Lab { l, a, b } = srgb.lab(rgb);
        let is_near = [l, a, b].iter().zip(expected).all(|(found, it)| (found - it).abs() < 0.05);
        assert!(is_near, "{rgb:?}: {l} {a} {b}");
    }
}
