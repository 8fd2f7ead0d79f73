//! Settings that nobody may see.

use super::refuse;

/// Key and secret of the administrator. Its `Debug` shows nothing.
#[derive(Clone)]
pub(crate) struct AdminKey {
    pub(crate) key: String,
    pub(crate) secret: String,
}

impl AdminKey {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (key, secret) = text.trim().split_once(':')?;
        if key.is_empty() || secret.is_empty() {
            return None;
        }
        Some(Self { key: key.to_owned(), secret: secret.to_owned() })
    }
}

impl std::fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminKey(…)")
    }
}

/// What seals. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SealKey(pub(crate) [u8; 32]);

impl SealKey {
    /// Reads 64 hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut key = [0; 32];
        hex::decode_to_slice(text.trim(), &mut key).ok()?;
        Some(Self(key))
    }

    pub(crate) fn to_text(&self) -> String {
        hex::encode(self.0)
    }
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(…)")
    }
}

pub(super) fn seal_key(text: &str) -> anyhow::Result<SealKey> {
    match SealKey::parse(text) {
        Some(key) => Ok(key),
        None => refuse("`seal-key` is no key: copy the line of a file `seal-key`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::SealKey;

    #[test]
    fn a_key_is_read_as_it_is_written_and_not_shown() {
        let key = SealKey([0xab; 32]);
        let text = format!("{}\n", key.to_text());
        assert!(SealKey::parse(&text) == Some(key.clone()));
        assert!(!format!("{key:?}").contains("ab"));
        for wrong in ["", "abcd", &"g".repeat(64), &"a".repeat(66)] {
            assert!(SealKey::parse(wrong).is_none());
        }
    }
}
