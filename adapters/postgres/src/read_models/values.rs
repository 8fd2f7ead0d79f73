//! Our values in PostgreSQL's columns.
//!
//! - Numbers without sign are kept as the signed numbers of the same bits.
//! - PostgreSQL's text holds no U+0000; see [`escape`].

use super::errors::SqlError;
use bytes::BytesMut;
use dlcs_domain::{AssetId, CustomerId, SpaceId, SpaceNumber};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::error::Error;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};
use uuid::Uuid;

/// One value of a row or of a condition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Value {
    Null,
    Flag(bool),
    Code(i16),
    Number(i64),
    /// Escaped.
    Text(String),
    Uuid(Uuid),
    Bytes(Vec<u8>),
    /// An array.
    List(Vec<Value>),
}

impl Value {
    /// Turns rows of `width` values into an array for each column.
    pub(super) fn columns(width: usize, rows: impl Iterator<Item = Vec<Self>>) -> Vec<Self> {
        let mut columns = vec![Vec::new(); width];
        for row in rows {
            debug_assert_eq!(row.len(), width, "every row has every column");
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
        columns.into_iter().map(Self::List).collect()
    }

    pub(super) fn json(value: &impl Serialize) -> Self {
        // JSON writes control characters as `\u…`: nothing is left to escape.
        Self::Text(serde_json::to_string(value).expect("a row is plain JSON"))
    }

    /// Returns the type of a column that holds such values.
    ///
    /// Arrays have no such type here: their statements name it.
    pub(super) fn kind(&self) -> Type {
        match self {
            Self::List(_) => Type::UNKNOWN,
            Self::Null | Self::Text(_) => Type::TEXT,
            Self::Flag(_) => Type::BOOL,
            Self::Code(_) => Type::INT2,
            Self::Number(_) => Type::INT8,
            Self::Uuid(_) => Type::UUID,
            Self::Bytes(_) => Type::BYTEA,
        }
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Flag(it) => it.to_sql(kind, out),
            Self::Code(it) => it.to_sql(kind, out),
            Self::Number(it) => it.to_sql(kind, out),
            Self::Text(it) => it.to_sql(kind, out),
            Self::Uuid(it) => it.to_sql(kind, out),
            Self::Bytes(it) => it.to_sql(kind, out),
            Self::List(it) => it.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        let scalar = match kind.kind() {
            Kind::Array(member) => member,
            _ => kind,
        };
        [Type::BOOL, Type::BYTEA, Type::INT2, Type::INT8, Type::TEXT, Type::UUID].contains(scalar)
    }

    to_sql_checked!();
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<i16> for Value {
    fn from(code: i16) -> Self {
        Self::Code(code)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number.cast_signed())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(escape(text).into_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Uuid> for Value {
    fn from(uuid: Uuid) -> Self {
        Self::Uuid(uuid)
    }
}

impl From<CustomerId> for Value {
    fn from(customer: CustomerId) -> Self {
        customer.0.into()
    }
}

/// Writes U+0000 as U+0001 U+0001 and U+0001 as U+0001 U+0002: one spelling for each text, and the
/// order of the bytes stays.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', '\u{1}']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\u{1}', "\u{1}\u{2}").replace('\0', "\u{1}\u{1}"))
}

/// Returns the text that was escaped.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1}') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\u{1}' if characters.next() == Some('\u{1}') => '\0',
            character => character,
        });
    }
    Cow::Owned(plain)
}

/// The columns of a row, read one after the other.
pub(super) struct Columns<'r> {
    row: &'r Row,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn new(row: &'r Row) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn take<T: FromSql<'r>>(&mut self) -> Result<T, SqlError> {
        let value = self.row.try_get(self.next)?;
        self.next += 1;
        Ok(value)
    }

    pub(super) fn skip(&mut self) {
        self.next += 1;
    }

    pub(super) fn number(&mut self) -> Result<u64, SqlError> {
        self.take().map(i64::cast_unsigned)
    }

    pub(super) fn number_or_null(&mut self) -> Result<Option<u64>, SqlError> {
        Ok(self.take::<Option<i64>>()?.map(i64::cast_unsigned))
    }

    /// Reads a number of 32 bits.
    pub(super) fn small(&mut self) -> Result<u32, SqlError> {
        small(self.take()?)
    }

    pub(super) fn small_or_null(&mut self) -> Result<Option<u32>, SqlError> {
        self.take::<Option<i64>>()?.map(small).transpose()
    }

    pub(super) fn text(&mut self) -> Result<String, SqlError> {
        Ok(unescape(self.take()?).into_owned())
    }

    pub(super) fn text_or_null(&mut self) -> Result<Option<String>, SqlError> {
        Ok(self.take::<Option<&str>>()?.map(|it| unescape(it).into_owned()))
    }

    pub(super) fn json<T: DeserializeOwned>(&mut self) -> Result<T, SqlError> {
        serde_json::from_str(self.take()?).map_err(SqlError::unreadable)
    }

    pub(super) fn json_or_null<T: DeserializeOwned>(&mut self) -> Result<Option<T>, SqlError> {
        let text: Option<&str> = self.take()?;
        text.map(serde_json::from_str).transpose().map_err(SqlError::unreadable)
    }

    pub(super) fn customer(&mut self) -> Result<CustomerId, SqlError> {
        self.small().map(CustomerId)
    }

    pub(super) fn space(&mut self) -> Result<SpaceId, SqlError> {
        Ok(SpaceId { customer: self.customer()?, space: SpaceNumber(self.small()?) })
    }

    pub(super) fn asset(&mut self) -> Result<AssetId, SqlError> {
        AssetId::new(self.space()?, self.text()?).map_err(SqlError::unreadable)
    }
}

fn small(number: i64) -> Result<u32, SqlError> {
    u32::try_from(number).map_err(SqlError::unreadable)
}

/// Returns the values of the columns `customer`, `space`, `name`.
pub(super) fn asset_key(id: &AssetId) -> Vec<Value> {
    let SpaceId { customer, space } = id.space();
    vec![customer.into(), space.0.into(), id.name().into()]
}

/// Returns the values of the columns `customer`, `space`.
pub(super) fn space_key(id: SpaceId) -> Vec<Value> {
    vec![id.customer.into(), id.space.0.into()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn escaping_keeps_every_text_and_the_order_of_its_bytes(
            left in "[\0-\u{3}aé]{0,6}",
            right in "[\0-\u{3}aé]{0,6}",
        ) {
            let (one, other) = (escape(&left), escape(&right));
            prop_assert!(!one.contains('\0'));
            prop_assert_eq!(unescape(&one), left.as_str());
            prop_assert_eq!(one.cmp(&other), left.cmp(&right));
        }
    }
}
