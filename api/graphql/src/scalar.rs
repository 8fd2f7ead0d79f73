//! Values that GraphQL has no type for.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use dlcs_projections::{Position, as_of};

/// A time as RFC 3339 in UTC, to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) i64);

#[Scalar(name = "Time")]
impl ScalarType for Time {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => text
                .parse::<jiff::Timestamp>()
                .map(|time| Self(time.as_microsecond()))
                .map_err(InputValueError::custom),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        let text = jiff::Timestamp::from_microsecond(self.0)
            .map_or_else(|_| self.0.to_string(), |time| format!("{time:.6}"));
        Value::String(text)
    }
}

/// A moment of the history: a position as a number, or a time as RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) as_of::Moment);

#[Scalar(name = "Moment")]
impl ScalarType for Moment {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => {
                let position = number.as_u64().ok_or("a position is not negative, and whole")?;
                Ok(Self(as_of::Moment::Position(Position(position))))
            }
            _ => Time::parse(value)
                .map(|Time(at_us)| Self(as_of::Moment::Time(at_us)))
                .map_err(InputValueError::propagate),
        }
    }

    fn to_value(&self) -> Value {
        match self.0 {
            as_of::Moment::Position(position) => position.0.into(),
            as_of::Moment::Time(at_us) => Time(at_us).to_value(),
        }
    }
}

/// Any JSON, as it was recorded.
#[derive(Debug, Clone)]
pub(crate) struct Json(pub(crate) serde_json::Value);

#[Scalar(name = "JSON")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value.into_json()?))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or(Value::Null)
    }
}
