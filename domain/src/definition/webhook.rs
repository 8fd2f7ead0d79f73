//! A webhook: an address at which a customer is told what happens to what is theirs.

use super::{Definition, DefinitionError};
use crate::names::{check_display_name, check_flat_id};
use crate::wire::EVENT_TYPES;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const URL_BYTES_MAX: usize = 2048;
/// Patterns of one webhook, at most.
const EVENTS_MAX: usize = 100;
/// What guards the way in stays inside, sealed or not: keys, accounts, credentials of origins, webhooks.
/// Reservations of names are bookkeeping.
const NOT_TOLD: [&str; 6] = ["account", "directory", "key", "name", "origin_strategy", "webhook"];

/// What is said of a webhook. Its secrets are not in it: those are kept elsewhere, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Where events are sent.
    pub url: String,
    /// For people.
    pub description: String,
    /// Types of events, or beginnings of types with a `*` behind; none: whatever is told at all.
    pub events: Vec<String>,
    /// Otherwise it waits, and goes on where it was.
    pub active: bool,
    /// Names the secret that signs: another one has another id. Nothing of it follows from this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_id: Option<Uuid>,
    /// The one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_secret: Option<FormerSecret>,
    #[serde(skip)]
    pub secret_change: SecretChange,
}

/// A secret that still signs beside the new one for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerSecret {
    pub id: Uuid,
    /// Microseconds since 1970.
    pub until_us: i64,
}

/// What a command says of the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecretChange {
    /// Which it is.
    #[default]
    Given,
    /// Nothing: the one that is there stays.
    Kept,
    /// Which it is from now on, and nothing of the rest.
    Rotated { former_until_us: i64 },
}

impl Webhook {
    /// Codes of what is refused.
    pub const URL_INVALID: &'static str = "webhook-url-invalid";
    pub const EVENTS_INVALID: &'static str = "event-type-unknown";

    /// Says whether it is told of events of a type.
    pub fn wants(&self, type_name: &str) -> bool {
        is_told(type_name)
            && (self.events.is_empty() || self.events.iter().any(|it| covers(it, type_name)))
    }

    /// Returns the ids of the secrets that sign at a time, the present one first.
    pub fn secrets_at(&self, now_us: i64) -> impl Iterator<Item = Uuid> {
        let former = self.former_secret.filter(|it| now_us < it.until_us);
        self.secret_id.into_iter().chain(former.map(|it| it.id))
    }

    fn check_url(&self) -> Result<(), DefinitionError> {
        let is_web = ["http://", "https://"].iter().any(|scheme| {
            self.url.get(..scheme.len()).is_some_and(|it| it.eq_ignore_ascii_case(scheme))
        });
        let is_clean = !self.url.chars().any(|it| it.is_control() || it == ' ');
        if is_web && is_clean && self.url.len() <= URL_BYTES_MAX {
            return Ok(());
        }
        let detail = format!(
            "`url` begins with `https://` or `http://` and has at most {URL_BYTES_MAX} bytes, \
             without spaces"
        );
        Err(DefinitionError::Refused { code: Self::URL_INVALID, detail })
    }

    fn check_events(&self) -> Result<(), DefinitionError> {
        let refused = |detail| DefinitionError::Refused { code: Self::EVENTS_INVALID, detail };
        if self.events.len() > EVENTS_MAX {
            return Err(refused(format!("`events` has at most {EVENTS_MAX} patterns")));
        }
        let told = || EVENT_TYPES.iter().map(|(name, _)| *name).filter(|name| is_told(name));
        for pattern in &self.events {
            if !told().any(|name| covers(pattern, name)) {
                let pattern: String = pattern.chars().take(64).collect();
                return Err(refused(format!(
                    "no event that is told is called `{pattern}`: say a type such as \
                     `asset.registered`, or a beginning with a star such as `asset.*`"
                )));
            }
        }
        Ok(())
    }
}

fn is_told(type_name: &str) -> bool {
    let category = type_name.split_once('.').map_or(type_name, |(category, _)| category);
    !NOT_TOLD.contains(&category)
}

fn covers(pattern: &str, type_name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => type_name.starts_with(beginning),
        None => type_name == pattern,
    }
}

impl Definition for Webhook {
    const CATEGORY: &'static str = "webhook";
    const NAME: &'static str = "webhook";

    fn check(&self, name: &str) -> Result<(), DefinitionError> {
        check_flat_id(name)?;
        check_display_name(&self.description)?;
        self.check_url()?;
        self.check_events()?;
        match self.secret_id {
            Some(_) => Ok(()),
            None => Err(DefinitionError::Invalid("a webhook has a secret".to_owned())),
        }
    }

    fn merged(mut self, known: &Self) -> Self {
        match self.secret_change {
            SecretChange::Given => self,
            SecretChange::Kept => {
                self.secret_id = known.secret_id;
                self.former_secret = known.former_secret;
                self.secret_change = SecretChange::Given;
                self
            }
            SecretChange::Rotated { former_until_us: until_us } => Self {
                secret_id: self.secret_id,
                former_secret: known.secret_id.map(|id| FormerSecret { id, until_us }),
                ..known.clone()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::{
        Defined, DefinitionCommand as Do, DefinitionEvent as Then, DefinitionRemoved,
    };
    use crate::given::given;

    const FIRST: Uuid = Uuid::from_u128(1);
    const SECOND: Uuid = Uuid::from_u128(2);

    fn webhook(secret: Option<Uuid>) -> Webhook {
        Webhook {
            url: "https://example.org/hook".to_owned(),
            description: "Tells the catalogue".to_owned(),
            events: vec!["asset.*".to_owned()],
            active: true,
            secret_id: secret,
            former_secret: None,
            secret_change: SecretChange::Given,
        }
    }

    fn with_events(events: &[&str]) -> Webhook {
        let events = events.iter().map(|&it| it.to_owned()).collect();
        Webhook { events, ..webhook(Some(FIRST)) }
    }

    fn change(value: Webhook) -> Do<Webhook> {
        Do::Change { name: "a".to_owned(), value }
    }

    fn code(webhook: &Webhook) -> &'static str {
        match webhook.check("a") {
            Ok(()) => "ok",
            Err(DefinitionError::Refused { code, .. }) => code,
            Err(_) => "other",
        }
    }

    #[test]
    fn types_and_beginnings_decide_what_is_told() {
        for (events, type_name, expected) in [
            (&[][..], "asset.registered", true),
            (&["asset.registered"], "asset.registered", true),
            (&["asset.registered"], "asset.registered_twice", false),
            (&["asset.ingest_*", "space.created"], "asset.ingest_failed", true),
            (&["asset.ingest_*", "space.created"], "asset.deleted", false),
            (&["asset.ingest_*", "space.created"], "space.created", true),
            (&["asset"], "asset.registered", false),
            (&["*"], "manifest.created", true),
        ] {
            assert_eq!(with_events(events).wants(type_name), expected, "{events:?} {type_name}");
        }
    }

    #[test]
    fn what_guards_the_way_in_is_told_nobody() {
        for type_name in [
            "key.issued",
            "account.defined",
            "origin_strategy.changed",
            "webhook.defined",
            "name.reserved",
            "directory.customer_number_allocated",
        ] {
            for events in [&[][..], &["*"], &[type_name]] {
                assert!(!with_events(events).wants(type_name), "{events:?} {type_name}");
            }
            assert_eq!(code(&with_events(&[type_name])), Webhook::EVENTS_INVALID);
        }
        let told = |name: &str| with_events(&[]).wants(name);
        let unheard: Vec<_> =
            EVENT_TYPES.iter().map(|(name, _)| *name).filter(|name| !told(name)).collect();
        assert_eq!(unheard.len(), 14, "{unheard:?}");
    }

    #[test]
    fn what_cannot_be_a_webhook_is_refused() {
        assert_eq!(code(&webhook(Some(FIRST))), "ok");
        assert_eq!(code(&webhook(None)), "other");
        let with = |url: &str| Webhook { url: url.to_owned(), ..webhook(Some(FIRST)) };
        assert_eq!(code(&with("HTTP://example.org")), "ok");
        let long = format!("https://example.org/{}", "a".repeat(2029));
        for url in ["", "ftp://a", "file:///a", "https:/a", "https://a b", "https://a\n", &long] {
            assert_eq!(code(&with(url)), Webhook::URL_INVALID, "{url}");
        }
        assert_eq!(code(&with(&long[..2048])), "ok");
        for events in [&["asset"][..], &[""], &["asset.vanished"], &["io.dlcs.asset.deleted"]] {
            assert_eq!(code(&with_events(events)), Webhook::EVENTS_INVALID, "{events:?}");
        }
        assert_eq!(code(&with_events(&["*"; 100])), "ok");
        assert_eq!(code(&with_events(&["*"; 101])), Webhook::EVENTS_INVALID);
        assert!(webhook(Some(FIRST)).check("a/b").is_err());
    }

    #[test]
    fn a_secret_stays_until_it_is_rotated_and_the_former_one_signs_for_a_while() {
        let defined = || vec![Then::Defined(webhook(Some(FIRST)))];
        let kept = Webhook { secret_change: SecretChange::Kept, ..webhook(None) };
        given::<Defined<Webhook>>(defined()).when(change(kept.clone())).then([]);
        let rotate = Webhook {
            url: String::new(),
            secret_change: SecretChange::Rotated { former_until_us: 7 },
            ..webhook(Some(SECOND))
        };
        let former_secret = Some(FormerSecret { id: FIRST, until_us: 7 });
        let rotated = Webhook { former_secret, ..webhook(Some(SECOND)) };
        given::<Defined<Webhook>>(defined())
            .when(change(rotate))
            .then([Then::Changed(rotated.clone())]);
        let history = || [defined(), vec![Then::Changed(rotated.clone())]].concat();
        given::<Defined<Webhook>>(history()).when(change(kept)).then([]);
        assert_eq!(rotated.secrets_at(6).collect::<Vec<_>>(), [SECOND, FIRST]);
        assert_eq!(rotated.secrets_at(7).collect::<Vec<_>>(), [SECOND]);
        let removed = [history(), vec![Then::Removed(DefinitionRemoved {})]].concat();
        let again = Do::Define { name: "a".to_owned(), value: webhook(Some(FIRST)) };
        given::<Defined<Webhook>>(removed).when(again).then([Then::Defined(webhook(Some(FIRST)))]);
    }
}
