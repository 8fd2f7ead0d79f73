//! A secret that signs what a webhook sends, as Standard Webhooks 1.0 has it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// In front of a secret in text.
const PREFIX: &str = "whsec_";
/// The standard wants 24 to 64.
const BYTES: usize = 32;

/// Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    pub(super) fn new() -> Self {
        Self(rand::random::<[u8; BYTES]>().to_vec())
    }

    /// Reads `whsec_` and base64.
    pub fn parse(text: &str) -> Option<Self> {
        STANDARD.decode(text.strip_prefix(PREFIX)?).ok().map(Self)
    }

    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// Returns the signature of one message, as it stands in `webhook-signature`.
    pub fn sign(&self, message_id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(format!("{message_id}.{timestamp_s}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    /// As the Python library `standardwebhooks` 1.1.0 signs.
    #[test]
    fn it_signs_as_others_do() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLmSW").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signed = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,sQ37bcjx9J1qdI6J56ht+sKj1T7Duhelgjs/t2+2iFQ=");
        for (id, time, body) in [
            ("msg_p5jXN8AQM9LWM0D4loKWxJe", 1_614_265_330, &body[..]),
            ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_331, &body[..]),
            ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{}"),
        ] {
            assert_ne!(secret.sign(id, time, body), signed, "{id} {time}");
        }
    }

    #[test]
    fn it_is_written_and_read_and_not_shown() {
        let secret = Secret::new();
        let text = secret.to_text();
        assert_eq!(Secret::parse(&text), Some(secret.clone()));
        assert_ne!(Secret::new(), secret);
        assert!(!format!("{secret:?}").contains(&text[6..]));
        for text in ["", "whsec_%", &text[6..]] {
            assert_eq!(Secret::parse(text), None, "{text}");
        }
    }
}
