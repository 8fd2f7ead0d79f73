//! How inks look on coated paper where no profile says it.
//!
//! A file of inks without a profile was meant for a press. Full inks are far from the corners of
//! the sRGB cube, and three of them over each other are brown rather than black; so the colours of
//! no, half and full ink of each kind are known here, and what lies between is interpolated. The
//! numbers were fitted to what a public-domain profile of offset printing gives for 6,561
//! combinations, relative to the paper: 1.6 levels of 255 off in the mean.

/// Levels of sRGB, by black, then yellow, magenta and cyan: the last counts slowest. Beyond 0 and
/// 255 lie colours that sRGB does not have.
#[rustfmt::skip]
const COLORS: [[i16; 3]; 81] = [
    [255, 255, 255], [140, 137, 138], [40, 37, 42], [257, 235, 142], [148, 137, 99], [43, 41, 39], [265, 232, 5], [150, 131, 38], [43, 39, 36],
    [238, 140, 177], [140, 97, 116], [45, 35, 43], [245, 138, 119], [140, 93, 83], [41, 31, 38], [248, 132, 43], [143, 90, 39], [43, 31, 37],
    [230, 39, 132], [136, 39, 89], [42, 23, 39], [231, 40, 92], [138, 39, 68], [38, 22, 35], [230, 38, 41], [139, 37, 41], [44, 28, 39],
    [86, 189, 233], [78, 120, 138], [33, 39, 46], [126, 184, 145], [86, 114, 96], [32, 36, 39], [136, 177, 58], [97, 113, 46], [33, 36, 38],
    [134, 124, 175], [90, 87, 112], [32, 31, 40], [138, 118, 118], [98, 85, 83], [34, 32, 40], [147, 115, 54], [99, 81, 44], [32, 31, 38],
    [136, 47, 125], [95, 36, 88], [30, 24, 38], [141, 47, 94], [93, 36, 66], [31, 26, 38], [140, 45, 51], [93, 36, 44], [29, 24, 37],
    [-182, 157, 225], [-74, 98, 131], [21, 33, 44], [-93, 147, 143], [-25, 96, 96], [21, 32, 40], [-33, 142, 65], [-8, 93, 52], [23, 29, 37],
    [-27, 102, 167], [-5, 71, 109], [21, 28, 40], [3, 100, 118], [5, 68, 81], [26, 29, 38], [15, 95, 60], [18, 65, 49], [27, 28, 38],
    [33, 40, 124], [27, 33, 85], [24, 24, 37], [43, 40, 90], [33, 32, 65], [28, 30, 40], [54, 41, 55], [40, 33, 46], [29, 32, 42],
];

/// How far apart two combinations are in the table when one ink is one step heavier.
const STEPS: [usize; 4] = [27, 9, 3, 1];
const HALF: u32 = 128;

/// Returns the colour of four inks, cyan, magenta, yellow and black, 255 being full.
pub(super) fn rgb_of(inks: [u8; 4]) -> [u8; 3] {
    // The cell of the table, and how far into it, in 65,536ths.
    let mut first = 0;
    let mut parts = [0u64; 4];
    for (ink, (step, part)) in inks.into_iter().zip(STEPS.into_iter().zip(&mut parts)) {
        let ink = u32::from(ink);
        let is_upper = ink >= HALF;
        let (from, length) = if is_upper { (HALF, 255 - HALF) } else { (0, HALF) };
        first += if is_upper { step } else { 0 };
        *part = u64::from((ink - from) * 256 / length);
    }
    let mut sums = [0i64; 3];
    for corner in 0..16usize {
        let mut at = first;
        let mut weight = 1u64;
        for (ink, (step, part)) in STEPS.into_iter().zip(parts).enumerate() {
            let is_heavier = corner >> ink & 1 == 1;
            at += if is_heavier { step } else { 0 };
            weight *= if is_heavier { part } else { 256 - part };
        }
        if weight > 0 {
            let color = COLORS[at];
            sums.iter_mut().zip(color).for_each(|(sum, it)| *sum += weight as i64 * i64::from(it));
        }
    }
    sums.map(|sum| ((sum + (1 << 31)) >> 32).clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(inks: [u8; 4], expected: [u8; 3]) {
        let found = rgb_of(inks);
        let is_near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 12);
        assert!(is_near, "{inks:?}: {found:?} is not near {expected:?}");
    }

    #[test]
    fn paper_is_white() {
        assert_eq!(rgb_of([0; 4]), [255; 3]);
    }

    #[test]
    fn full_inks_are_those_of_a_press() {
        check([255, 0, 0, 0], [0, 157, 228]);
        check([0, 255, 0, 0], [235, 30, 132]);
        check([0, 0, 255, 0], [255, 238, 0]);
        check([0, 0, 0, 255], [40, 35, 43]);
        check([0, 255, 255, 0], [236, 33, 40]);
    }

    #[test]
    fn more_ink_is_darker() {
        let light = |inks| rgb_of(inks).map(u32::from).iter().sum::<u32>();
        for ink in 0..4 {
            for level in 0..255u8 {
                let (mut less, mut more) = ([0; 4], [0; 4]);
                (less[ink], more[ink]) = (level, level + 1);
                assert!(light(more) <= light(less) + 1, "ink {ink} at {level}");
            }
        }
    }
}
