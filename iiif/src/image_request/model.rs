//! Property tests against an independent model.
//!
//! The model knows only fractions of 128-bit integers and a textual reading of the
//! specification; it shares no arithmetic with the code under test.

use proptest::prelude::*;

use super::*;

/// A fraction, reduced at every step so that it stays small.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Fraction {
    over: i128,
    under: i128,
}

impl Fraction {
    fn new(over: i128, under: i128) -> Self {
        let (mut a, mut b) = (over.abs().max(1), under.abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        if over == 0 {
            Self { over: 0, under: 1 }
        } else {
            Self { over: over / a, under: under / a }
        }
    }

    /// Reads a decimal digit by digit.
    fn read(text: &str) -> Self {
        let mut number = Self::new(0, 1);
        let mut place = None;
        for digit in text.chars() {
            match (digit, place) {
                ('.', _) => place = Some(1i128),
                (digit, None) => number.over = number.over * 10 + i128::from(digit as u8 - b'0'),
                (digit, Some(power)) => {
                    let digit = i128::from(digit as u8 - b'0');
                    number = Self::new(
                        number.over * power * 10 + digit * number.under,
                        number.under * power * 10,
                    );
                    place = Some(power * 10);
                }
            }
        }
        number
    }

    fn times(self, over: i128, under: i128) -> Self {
        let first = Self::new(over, under);
        Self::new(self.over * first.over, self.under * first.under)
    }

    /// The nearest integer, the greater one of two: the n with n - 1/2 <= self < n + 1/2.
    fn nearest(self) -> i128 {
        let mut n = self.over / self.under;
        if (self.over - n * self.under) * 2 >= self.under {
            n += 1;
        }
        n
    }
}

type Area = (i128, i128, i128, i128);

fn model_region(text: &str, (width, height): (i128, i128)) -> Option<Area> {
    let (x, y, w, h) = match text {
        "full" => (0, 0, width, height),
        "square" if width < height => (0, (height - width) / 2, width, width),
        "square" => ((width - height) / 2, 0, height, height),
        text => {
            let percent = text.strip_prefix("pct:");
            let numbers: Vec<_> = percent.unwrap_or(text).split(',').map(Fraction::read).collect();
            let sides = [width, height, width, height];
            let pixels: Vec<_> = numbers
                .iter()
                .zip(sides)
                .map(
                    |(number, side)| {
                        if percent.is_some() { number.times(side, 100) } else { *number }
                    },
                )
                .collect();
            if pixels[0].over >= width * pixels[0].under
                || pixels[1].over >= height * pixels[1].under
            {
                return None;
            }
            let corner = |at: Fraction, side: i128| at.nearest().min(side - 1);
            (
                corner(pixels[0], width),
                corner(pixels[1], height),
                pixels[2].nearest(),
                pixels[3].nearest(),
            )
        }
    };
    let (w, h) = (w.min(width - x), h.min(height - y));
    (x < width && y < height && w > 0 && h > 0).then_some((x, y, w, h))
}

/// Version 3.0 without limits.
fn model_size(text: &str, (width, height): (i128, i128)) -> Option<(i128, i128)> {
    let upscale = text.starts_with('^');
    let form = text.trim_start_matches('^');
    let follow = |side: i128, to: i128, from: i128| Fraction::new(side * to, from).nearest().max(1);
    let (w, h) = if form == "max" {
        (width, height)
    } else if let Some(percent) = form.strip_prefix("pct:") {
        let percent = Fraction::read(percent);
        if !upscale && percent.over > 100 * percent.under {
            return None;
        }
        (percent.times(width, 100).nearest(), percent.times(height, 100).nearest())
    } else {
        let mut sides =
            form.trim_start_matches('!').split(',').map(|side| side.parse::<i128>().ok());
        match (form.starts_with('!'), sides.next()?, sides.next()?) {
            (false, Some(w), None) => (w, follow(height, w, width)),
            (false, None, Some(h)) => (follow(width, h, height), h),
            (false, Some(w), Some(h)) => (w, h),
            // The larger of the two candidates that fits into the box.
            (true, Some(w), Some(h)) if w * height <= h * width => (w, follow(height, w, width)),
            (true, Some(_), Some(h)) => (follow(width, h, height), h),
            _ => return None,
        }
    };
    let fits = upscale || (w <= width && h <= height);
    (w > 0 && h > 0 && fits && w <= i128::from(u32::MAX) && h <= i128::from(u32::MAX))
        .then_some((w, h))
}

fn decimal(whole: std::ops::Range<u32>) -> impl Strategy<Value = String> {
    (whole, prop_oneof![Just(String::new()), "\\.[0-9]{1,8}"])
        .prop_map(|(whole, rest)| format!("{whole}{rest}"))
}

fn region() -> impl Strategy<Value = String> {
    let number = || prop_oneof![0u64..40, 0u64..12_000, any::<u64>()];
    prop_oneof![
        Just("full".to_owned()),
        Just("square".to_owned()),
        (number(), number(), number(), number())
            .prop_map(|(x, y, w, h)| format!("{x},{y},{w},{h}")),
        (decimal(0..110), decimal(0..110), decimal(0..110), decimal(0..110))
            .prop_map(|(x, y, w, h)| format!("pct:{x},{y},{w},{h}")),
    ]
}

fn size() -> impl Strategy<Value = String> {
    let side = || prop_oneof![1u32..40, 1u32..12_000, any::<u32>()];
    let form = prop_oneof![
        Just("max".to_owned()),
        side().prop_map(|w| format!("{w},")),
        side().prop_map(|h| format!(",{h}")),
        (side(), side()).prop_map(|(w, h)| format!("{w},{h}")),
        (side(), side()).prop_map(|(w, h)| format!("!{w},{h}")),
        decimal(0..130).prop_map(|n| format!("pct:{n}")),
    ];
    (prop_oneof![Just(""), Just("^")], form).prop_map(|(caret, form)| format!("{caret}{form}"))
}

fn source() -> impl Strategy<Value = Dimensions> {
    let side = || prop_oneof![1u32..20, 1u32..12_000, 1u32..=u32::MAX];
    (side(), side()).prop_map(|(width, height)| Dimensions { width, height })
}

fn limits() -> impl Strategy<Value = Limits> {
    let side = || prop::option::of(1u32..20_000);
    (side(), side(), prop::option::of(1u64..100_000_000)).prop_map(
        |(width_max, height_max, area_max)| Limits {
            width_max,
            height_max,
            area_max,
            arbitrary_rotation_area_max: None,
        },
    )
}

/// 2,000 cases, or as many more as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: config.cases.max(2000), ..config }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn resolution_agrees_with_the_model(region in region(), size in size(), source in source()) {
        let whole = (i128::from(source.width), i128::from(source.height));
        let expected = model_region(&region, whole)
            .and_then(|(x, y, w, h)| Some(((x, y, w, h), model_size(&size, (w, h))?)));
        let path = format!("{region}/{size}/0/default.jpg");
        let got = ImageRequest::parse_path(ImageVersion::V3, &path)
            .ok()
            .and_then(|it| resolve(&it, ImageVersion::V3, source, &Limits::default()).ok())
            .map(|it| {
                let Rect { x, y, width, height } = it.region;
                let region = (x.into(), y.into(), width.into(), height.into());
                (region, (it.size.width.into(), it.size.height.into()))
            });
        prop_assert_eq!(got, expected, "{} of {:?}", path, source);
    }

    #[test]
    fn answers_stay_within_image_and_limits(
        region in region(), size in size(), source in source(), limits in limits(),
    ) {
        let path = format!("{region}/{size}/0/default.jpg");
        for version in [ImageVersion::V2, ImageVersion::V3] {
            let Ok(request) = ImageRequest::parse_path(version, &path) else { continue };
            let Ok(it) = resolve(&request, version, source, &limits) else { continue };
            prop_assert!(limits.allow(it.size), "{:?}", it);
            prop_assert!(it.size.width > 0 && it.size.height > 0);
            prop_assert!(it.region.width > 0 && it.region.width <= source.width - it.region.x);
            prop_assert!(it.region.height > 0 && it.region.height <= source.height - it.region.y);
            if !request.size.upscale {
                prop_assert!(it.size.width <= it.region.width && it.size.height <= it.region.height);
            }
        }
    }

    #[test]
    fn parsing_what_was_printed_changes_nothing(
        region in region(), size in size(), rotation in decimal(0..400), mirror in any::<bool>(),
        quality in prop::sample::select(&Quality::ALL), format in prop::sample::select(&Format::ALL),
    ) {
        let mirror = if mirror { "!" } else { "" };
        let path = format!("{region}/{size}/{mirror}{rotation}/{quality}.{format}");
        for version in [ImageVersion::V2, ImageVersion::V3] {
            if let Ok(request) = ImageRequest::parse_path(version, &path) {
                let printed = request.to_path(version);
                prop_assert_eq!(ImageRequest::parse_path(version, &printed), Ok(request));
            }
        }
    }

    #[test]
    fn the_canonical_form_is_the_same_image_and_its_own_canonical_form(
        region in region(), size in size(), source in source(), limits in limits(), rotation in decimal(0..361),
    ) {
        let path = format!("{region}/{size}/{rotation}/default.jpg");
        for version in [ImageVersion::V2, ImageVersion::V3] {
            let Ok(request) = ImageRequest::parse_path(version, &path) else { continue };
            let Ok(resolved) = resolve(&request, version, source, &limits) else { continue };
            let canonical = resolved.canonical_path(version, source, &limits);
            let again = ImageRequest::parse_path(version, &canonical).unwrap();
            let again = resolve(&again, version, source, &limits);
            prop_assert_eq!(again.as_ref(), Ok(&resolved), "{}", canonical);
            prop_assert_eq!(again.unwrap().canonical_path(version, source, &limits), canonical);
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,80}", tail in "[a-z0-9,!^:./%]{0,60}") {
        for version in [ImageVersion::V2, ImageVersion::V3] {
            for path in [&text, &tail, &format!("{tail}/max/0/default.jpg"), &format!("full/{tail}/0/default.jpg")] {
                if let Ok(request) = ImageRequest::parse_path(version, path) {
                    let _ = resolve(&request, version, Dimensions { width: 7, height: 9 }, &Limits::default());
                }
            }
        }
    }
}
