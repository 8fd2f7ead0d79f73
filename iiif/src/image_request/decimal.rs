//! Exact decimal numbers of an address: Image API 3.0, section 4.7 (Floating Point Values).

use std::fmt;
use std::str::FromStr;

/// More digits than any client needs, few enough that products fit in 128 bits.
const DIGITS_MAX: usize = 18;

/// A number like `33.3`, held as `333 / 10^1`, never as a binary fraction.
///
/// Always in lowest terms (no trailing zeros), so equal numbers are equal values.
///
/// ```
/// use dlcs_iiif::image_request::Decimal;
///
/// assert_eq!("22.50".parse::<Decimal>(), "22.5".parse());
/// assert_eq!(".5".parse::<Decimal>().unwrap().to_string(), "0.5");
/// assert!("1e3".parse::<Decimal>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    mantissa: u64,
    /// Number of digits after the point.
    scale: u8,
}

/// Why a text is not a [`Decimal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    #[error("not a number of digits and at most one point")]
    Malformed,
    #[error("more than {DIGITS_MAX} digits")]
    TooLong,
}

impl Decimal {
    pub const ZERO: Self = Self { mantissa: 0, scale: 0 };

    /// Returns the decimal of a whole number.
    pub fn from_integer(value: u32) -> Self {
        Self { mantissa: u64::from(value), scale: 0 }
    }

    /// Returns whether this is zero.
    pub fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Returns the whole number that this is, if it is one.
    pub fn as_integer(self) -> Option<u64> {
        (self.scale == 0).then_some(self.mantissa)
    }

    /// Returns whether this is greater than a whole number, exactly.
    pub fn exceeds(self, limit: u32) -> bool {
        u128::from(self.mantissa) > u128::from(limit) * self.denominator()
    }

    /// Returns this many percent of `whole`, rounded half up.
    pub fn percent_of(self, whole: u32) -> u128 {
        let (numerator, denominator) = self.percent_fraction(whole);
        (2 * numerator + denominator) / (2 * denominator)
    }

    /// Returns whether this many percent of `whole` lies before `whole`.
    pub(super) fn is_percent_within(self, whole: u32) -> bool {
        let (numerator, denominator) = self.percent_fraction(whole);
        numerator < u128::from(whole) * denominator
    }

    /// Returns the nearest binary fraction, for code that turns pixels by any angle.
    pub fn to_f64(self) -> f64 {
        self.to_string().parse().expect("digits and a point are a number")
    }

    /// Below 2^60 times 2^32 over 10^20: the products of the callers stay below 2^100.
    fn percent_fraction(self, whole: u32) -> (u128, u128) {
        (u128::from(self.mantissa) * u128::from(whole), 100 * self.denominator())
    }

    fn denominator(self) -> u128 {
        10u128.pow(u32::from(self.scale))
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return Err(DecimalError::Malformed),
            Some((whole, fraction)) => (whole, fraction),
            None if text.is_empty() => return Err(DecimalError::Malformed),
            None => (text, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) {
            return Err(DecimalError::Malformed);
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        if whole.len() + fraction.len() > DIGITS_MAX {
            return Err(DecimalError::TooLong);
        }
        let digits = format!("0{whole}{fraction}");
        let mantissa = digits.parse().map_err(|_| DecimalError::TooLong)?;
        let scale = u8::try_from(fraction.len()).map_err(|_| DecimalError::TooLong)?;
        Ok(Self { mantissa, scale })
    }
}

/// Prints without trailing zeros and with a leading zero below 1.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = usize::from(self.scale);
        if scale == 0 {
            return write!(f, "{}", self.mantissa);
        }
        let digits = format!("{:0>width$}", self.mantissa, width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        write!(f, "{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Image API 3.0, section 4.7.
    #[test]
    fn numbers_are_digits_and_at_most_one_point() {
        for (text, printed) in [
            ("0", "0"),
            ("360", "360"),
            ("007", "7"),
            ("22.50", "22.5"),
            ("90.000", "90"),
            (".5", "0.5"),
            ("0.000001", "0.000001"),
            ("123456789.123456789", "123456789.123456789"),
        ] {
            assert_eq!(text.parse::<Decimal>().map(|it| it.to_string()), Ok(printed.into()));
        }
        for text in
            ["", ".", "5.", "+1", "-1", "1e3", "NaN", "inf", "1.2.3", "1,5", " 1", "١", "0x1"]
        {
            assert_eq!(text.parse::<Decimal>(), Err(DecimalError::Malformed), "{text}");
        }
        for text in ["1234567890123456789", "0.1234567890123456789"] {
            assert_eq!(text.parse::<Decimal>(), Err(DecimalError::TooLong), "{text}");
        }
    }

    #[test]
    fn percentages_are_exact_and_round_half_up() {
        for (percent, whole, expected) in [
            ("50", 75, 38),
            ("0.5", 100, 1),
            ("0.499999999999999999", 100, 0),
            ("100", u32::MAX, 4_294_967_295),
            ("33.3", 1000, 333),
            ("999999999999999999", 1, 10_000_000_000_000_000),
        ] {
            assert_eq!(
                percent.parse::<Decimal>().unwrap().percent_of(whole),
                expected,
                "{percent}"
            );
        }
        assert!("100.0000001".parse::<Decimal>().unwrap().exceeds(100));
        assert!(!"100.0".parse::<Decimal>().unwrap().exceeds(100));
    }
}
