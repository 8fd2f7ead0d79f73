//! Tables of what is accepted and what is refused, by section of the specification.

use super::ImageVersion::{V2, V3};
use super::*;

fn check_accepted(version: ImageVersion, paths: &[&str]) {
    for path in paths {
        let request = ImageRequest::parse_path(version, path)
            .unwrap_or_else(|error| panic!("{version:?} {path}: {error}"));
        assert_eq!(ImageRequest::parse_path(version, &request.to_path(version)), Ok(request));
    }
}

fn check_refused(version: ImageVersion, rows: &[(&str, Part, Reason)]) {
    for (path, part, reason) in rows {
        let error = ImageRequest::parse_path(version, path).expect_err(path);
        assert_eq!((error.part, error.reason), (*part, *reason), "{version:?} {path}");
    }
}

/// Image API 3.0 and 2.1, section 4: the forms that both versions have.
#[test]
fn both_versions_share_most_forms() {
    for version in [V2, V3] {
        check_accepted(
            version,
            &[
                "full/max/0/default.jpg",
                "square/100,/0/color.png",
                "125,15,120,140/,100/90/gray.webp",
                "0,0,4294967296,18446744073709551615/max/0/default.jpg",
                "pct:41.6,7.5,40,70/pct:50/180/bitonal.jpg",
                "pct:0,0,100.0000001,100/pct:.5/22.5/default.png",
                "full/225,100/!0/default.tif",
                "full/225,100/!0/default.gif",
                "full/!225,100/!359.9/default.jpg",
                "full/!225,100/360/default.jpg",
                "pct%3A0,0,50%2c50/%2150,50/%210/default%2Ejpg",
            ],
        );
    }
}

/// Image API 3.0, section 4.2; Image API 2.1, section 4.2.
#[test]
fn each_version_has_its_own_sizes() {
    check_accepted(
        V3,
        &[
            "full/^max/0/default.jpg",
            "full/^360,/0/default.jpg",
            "full/^,240/0/default.jpg",
            "full/%5Epct:120/0/default.jpg",
            "full/^360,360/0/default.jpg",
            "full/^!360,360/0/default.jpg",
        ],
    );
    check_accepted(V2, &["full/full/0/default.jpg"]);
    check_refused(V3, &[("full/full/0/default.jpg", Part::Size, Reason::FullSize)]);
    check_refused(V2, &[("full/^max/0/default.jpg", Part::Size, Reason::UpscalingPrefix)]);
}

#[test]
fn full_and_max_are_one_wish_in_2_1() {
    let full = ImageRequest::parse_path(V2, "full/full/0/default.jpg");
    assert_eq!(full, ImageRequest::parse_path(V2, "full/max/0/default.jpg"));
}

/// Image API 3.0 and 2.1, section 4.1.
#[test]
fn malformed_regions_are_refused() {
    use Reason::*;
    let malformed = NotDecimal(DecimalError::Malformed);
    for version in [V2, V3] {
        for (region, reason) in [
            ("", UnknownForm),
            ("FULL", UnknownForm),
            ("full ", UnknownForm),
            ("-1,0,10,10", NotInteger),
            ("+1,0,10,10", NotInteger),
            ("0,0,0,0", Zero),
            ("0,0,10,0", Zero),
            ("0,0,10", UnknownForm),
            ("0,0,10,10,10", UnknownForm),
            ("0,0,1e9,1", NotInteger),
            ("0,0,1.5,1", NotInteger),
            ("0,0,99999999999999999999,1", NumberTooLarge),
            ("0x1,0,10,10", NotInteger),
            ("pct:", UnknownForm),
            ("pct:NaN,0,1,1", malformed),
            ("pct:1e-320,0,1,1", malformed),
            ("pct:-1,0,1,1", malformed),
            ("pct:0,0,0,1", Zero),
            ("pct:0,0,1,0.000", Zero),
            ("pct:0,0,inf,1", malformed),
            ("PCT:0,0,1,1", NotInteger),
        ] {
            let path = format!("{region}/max/0/default.jpg");
            check_refused(version, &[(&path, Part::Region, reason)]);
        }
    }
}

/// Image API 3.0 and 2.1, section 4.2.
#[test]
fn malformed_sizes_are_refused() {
    use Reason::*;
    for version in [V2, V3] {
        for (size, reason) in [
            ("", UnknownForm),
            (",", UnknownForm),
            ("100", UnknownForm),
            ("0,", Zero),
            (",0", Zero),
            ("!0,0", Zero),
            ("!10,", NotInteger),
            ("!,10", NotInteger),
            ("!10", UnknownForm),
            ("!^10,10", NotInteger),
            ("10,10,10", NotInteger),
            ("pct:0", Zero),
            ("pct:0.0", Zero),
            ("pct:100.0000001", PercentAbove100),
            ("pct:1e308", NotDecimal(DecimalError::Malformed)),
            ("pct:-5", NotDecimal(DecimalError::Malformed)),
            ("pct:1234567890123456789", NotDecimal(DecimalError::TooLong)),
            ("99999999999999999999,", NumberTooLarge),
            ("4294967296,", NumberTooLarge),
            ("10.5,", NotInteger),
            ("-10,", NotInteger),
            ("10 ,", NotInteger),
        ] {
            let path = format!("full/{size}/0/default.jpg");
            check_refused(version, &[(&path, Part::Size, reason)]);
        }
    }
    check_refused(V3, &[("full/^^max/0/default.jpg", Part::Size, UnknownForm)]);
}

/// Image API 3.0 and 2.1, sections 4.3 to 4.5.
#[test]
fn malformed_rotations_qualities_and_formats_are_refused() {
    use Reason::*;
    let malformed = NotDecimal(DecimalError::Malformed);
    for version in [V2, V3] {
        check_refused(
            version,
            &[
                ("full/max/!360.0001/default.jpg", Part::Rotation, RotationRange),
                ("full/max/-1/default.jpg", Part::Rotation, malformed),
                ("full/max/NaN/default.jpg", Part::Rotation, malformed),
                ("full/max/1e3/default.jpg", Part::Rotation, malformed),
                ("full/max/!!0/default.jpg", Part::Rotation, malformed),
                ("full/max//default.jpg", Part::Rotation, malformed),
                ("full/max/0/default.php", Part::Format, UnsupportedFormat),
                ("full/max/0/default.jp2", Part::Format, UnsupportedFormat),
                ("full/max/0/default.jpg%00.png", Part::Format, UnsupportedFormat),
                ("full/max/0/default.jpg%2Fx", Part::Format, UnsupportedFormat),
                ("full/max/0/default.jpg;jsessionid=1", Part::Format, UnsupportedFormat),
                ("full/max/0/default.", Part::Format, UnsupportedFormat),
                ("full/max/0/default", Part::Format, UnknownForm),
                ("full/max/0/DEFAULT.JPG", Part::Quality, UnknownQuality),
                ("full/max/0/native.jpg", Part::Quality, UnknownQuality),
                ("full/max/0/grey.jpg", Part::Quality, UnknownQuality),
                ("full/max/0/.jpg", Part::Quality, UnknownQuality),
            ],
        );
    }
}

/// Image API 3.0, section 9; 2.1, section 9 (URI encoding and decoding).
#[test]
fn the_path_has_four_segments_decoded_once() {
    for version in [V2, V3] {
        check_refused(
            version,
            &[
                ("", Part::Path, Reason::SegmentCount),
                ("full/max/0", Part::Path, Reason::SegmentCount),
                ("full/max/0/default.jpg/x", Part::Path, Reason::SegmentCount),
                ("full//max/0/default.jpg", Part::Path, Reason::SegmentCount),
                ("full/max/0/default.jpg/", Part::Path, Reason::SegmentCount),
                ("%ff/max/0/default.jpg", Part::Path, Reason::Encoding),
                ("full/%c0%ae/0/default.jpg", Part::Path, Reason::Encoding),
                ("pct%253A0,0,1,1/max/0/default.jpg", Part::Region, Reason::NotInteger),
                ("..%2f..%2fetc/max/0/default.jpg", Part::Region, Reason::UnknownForm),
            ],
        );
    }
}

#[test]
fn errors_are_short_and_hold_no_control_characters() {
    let long = format!("{}/max/0/default.jpg", "%0d%0aSet-Cookie:x".repeat(500));
    let error = ImageRequest::parse_path(V3, &long).unwrap_err().to_string();
    assert!(error.len() < 1000 && !error.chars().any(char::is_control), "{error}");
}
