//! Gets out of a subscription that has ended.
//!
//! Where a server ends a subscription without an error, the client asks it again without a pause, and
//! never hands the thread back. The only thing that it does on the way is a warning: whoever
//! listens to that ends the call, by unwinding, which is neither reported nor printed.

use eventstore::{Error, Subscription, SubscriptionEvent};
use futures::FutureExt;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, resume_unwind};
use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// What the client says each time that it asks in vain.
const IN_VAIN: &str = "unknown subscription message";
const CLIENT: &str = "kurrentdb";

/// Returns what listens while a subscription is waited for.
pub(crate) fn listener() -> Dispatch {
    Dispatch::new(Listener)
}

/// Waits for the next thing that a subscription brings.
pub(crate) async fn next(
    subscription: &mut Subscription,
    listener: &Dispatch,
) -> Result<SubscriptionEvent, Error> {
    let next = subscription.next_subscription_event().with_subscriber(listener.clone());
    // Nothing of it is used afterwards.
    let next = AssertUnwindSafe(next).catch_unwind().await;
    next.unwrap_or_else(|_| Err(Error::IllegalStateError("the subscription has ended".to_owned())))
}

/// Hears warnings of the client, and nothing else.
struct Listener;

/// Looks whether a message is the one.
struct Found(bool);

impl Visit for Found {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 |= field.name() == "message" && format!("{value:?}").contains(IN_VAIN);
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN && metadata.target().starts_with(CLIENT)
    }

    fn event(&self, event: &Event<'_>) {
        let mut found = Found(false);
        event.record(&mut found);
        if found.0 {
            resume_unwind(Box::new(IN_VAIN));
        }
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(tracing::level_filters::LevelFilter::WARN)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
