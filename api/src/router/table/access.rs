//! Keys, roles, access services, custom headers, origin strategies, accounts, webhooks; IIIF Auth.

use super::{DESCRIPTION_OPEN, KEYS, READ, WRITE, delete, get, post, put};
use crate::auth;
use crate::management::definitions::{accounts, webhooks};
use crate::management::{definitions, keys};
use crate::router::Kind::{Media, PageOf, Schema};
use crate::router::{AddressVersion, Route};
use dlcs_domain::definition::{Account, AuthService, CustomHeader, OriginStrategy, Role, Webhook};

pub(super) fn keys() -> Vec<Route> {
    const ALL: &str = "/customers/{customer}/keys";
    const ONE: &str = "/customers/{customer}/keys/{key}";
    let key = Schema("Key");
    vec![
        get(ALL, KEYS, "List keys", keys::list).answers(PageOf("Key")),
        post(ALL, KEYS, "Issue a key: its secret is told once", keys::issue)
            .takes(key)
            .answers(key),
        get(ONE, KEYS, "Read a key, without its secret", keys::read).answers(key),
        delete(ONE, KEYS, "Revoke a key", keys::revoke),
    ]
}

pub(super) fn roles() -> Vec<Route> {
    const ALL: &str = "/customers/{customer}/roles";
    const ONE: &str = "/customers/{customer}/roles/{name}";
    let role = Schema("Role");
    vec![
        get(ALL, READ, "List roles", definitions::list::<Role>).answers(PageOf("Role")),
        post(ALL, WRITE, "Define a role", definitions::create::<Role>).takes(role).answers(role),
        get(ONE, READ, "Read a role", definitions::read::<Role>).answers(role),
        put(ONE, WRITE, "Define a role, or say it anew", definitions::put::<Role>)
            .takes(role)
            .answers(role),
        delete(ONE, WRITE, "Remove a role", definitions::delete::<Role>),
    ]
}

pub(super) fn services() -> Vec<Route> {
    const ALL: &str = "/customers/{customer}/authServices";
    const ONE: &str = "/customers/{customer}/authServices/{name}";
    let service = Schema("AuthService");
    vec![
        get(ALL, READ, "List access services", definitions::list::<AuthService>)
            .answers(PageOf("AuthService")),
        post(ALL, WRITE, "Define an access service", definitions::create::<AuthService>)
            .takes(service)
            .answers(service),
        get(ONE, READ, "Read an access service", definitions::read::<AuthService>).answers(service),
        put(
            ONE,
            WRITE,
            "Define an access service, or say it anew",
            definitions::put::<AuthService>,
        )
        .takes(service)
        .answers(service),
        delete(ONE, WRITE, "Remove an access service", definitions::delete::<AuthService>),
    ]
}

pub(super) fn headers() -> Vec<Route> {
    const ALL: &str = "/customers/{customer}/customHeaders";
    const ONE: &str = "/customers/{customer}/customHeaders/{name}";
    let header = Schema("CustomHeader");
    vec![
        get(ALL, READ, "List custom headers", definitions::list::<CustomHeader>)
            .answers(PageOf("CustomHeader")),
        post(
            ALL,
            WRITE,
            "Send a header beside pixels and originals",
            definitions::create::<CustomHeader>,
        )
        .takes(header)
        .answers(header),
        get(ONE, READ, "Read a custom header", definitions::read::<CustomHeader>).answers(header),
        put(ONE, WRITE, "Say a custom header anew", definitions::put::<CustomHeader>)
            .takes(header)
            .answers(header),
        delete(ONE, WRITE, "Remove a custom header", definitions::delete::<CustomHeader>),
    ]
}

pub(super) fn strategies() -> Vec<Route> {
    const ALL: &str = "/customers/{customer}/originStrategies";
    const ONE: &str = "/customers/{customer}/originStrategies/{name}";
    let strategy = Schema("OriginStrategy");
    vec![
        get(ALL, READ, "List origin strategies", definitions::list::<OriginStrategy>)
            .answers(PageOf("OriginStrategy")),
        post(
            ALL,
            WRITE,
            "Say how originals are fetched from some addresses",
            definitions::create::<OriginStrategy>,
        )
        .takes(strategy)
        .answers(strategy),
        get(ONE, READ, "Read an origin strategy", definitions::read::<OriginStrategy>)
            .answers(strategy),
        put(ONE, WRITE, "Say an origin strategy anew", definitions::put::<OriginStrategy>)
            .takes(strategy)
            .answers(strategy),
        delete(ONE, WRITE, "Remove an origin strategy", definitions::delete::<OriginStrategy>),
    ]
}

pub(super) fn accounts() -> Vec<Route> {
    const ALL: &str = "/customers/{customer}/accounts";
    const ONE: &str = "/customers/{customer}/accounts/{name}";
    let account = Schema("Account");
    vec![
        get(ALL, READ, "List accounts of readers", definitions::list::<Account>)
            .answers(PageOf("Account")),
        post(ALL, WRITE, "Make an account", accounts::create).takes(account).answers(account),
        get(ONE, READ, "Read an account, without its password", definitions::read::<Account>)
            .answers(account),
        put(ONE, WRITE, "Make an account, or say it anew", accounts::put)
            .takes(account)
            .answers(account),
        delete(ONE, WRITE, "Remove an account: whoever is in with it is out", accounts::delete),
    ]
}

pub(super) fn webhooks() -> Vec<Route> {
    const ALL: &str = "/customers/{customer}/webhooks";
    const ONE: &str = "/customers/{customer}/webhooks/{name}";
    let webhook = Schema("Webhook");
    vec![
        get(ALL, READ, "List webhooks", definitions::list::<Webhook>).answers(PageOf("Webhook")),
        post(ALL, WRITE, "Define a webhook: its secret is told once", webhooks::create)
            .takes(webhook)
            .answers(webhook),
        get(ONE, READ, "Read a webhook, and how it stands", definitions::read::<Webhook>)
            .answers(webhook),
        put(ONE, WRITE, "Define a webhook, or say it anew", webhooks::put)
            .takes(webhook)
            .answers(webhook),
        delete(ONE, WRITE, "Remove a webhook: nothing is sent any more", webhooks::delete),
        post(
            "/customers/{customer}/webhooks/{name}/rotate",
            WRITE,
            "Make another secret: the former one signs beside it for a day",
            webhooks::rotate,
        )
        .answers(webhook),
        post(
            "/customers/{customer}/webhooks/{name}/resume",
            WRITE,
            "Have a webhook go on, or tell it again what is after a position",
            webhooks::resume,
        )
        .takes(Schema("WebhookResumption"))
        .answers(webhook),
    ]
}

/// The way in and out, in each version.
pub(super) fn readers() -> Vec<Route> {
    let page = Media("text/html");
    let v2 = Some(AddressVersion::V2);
    let mut routes = Vec::new();
    for (version, access, token, logout) in [
        (
            None,
            "/auth/v1/access/{customer}/{service}",
            "/auth/v1/token/{customer}/{service}",
            "/auth/v1/logout/{customer}/{service}",
        ),
        (
            v2,
            "/auth/v2/access/{customer}/{service}",
            "/auth/v2/token/{customer}/{service}",
            "/auth/v2/logout/{customer}/{service}",
        ),
    ] {
        routes.extend([
            get(access, DESCRIPTION_OPEN, "Page on which a reader gets in", auth::access)
                .answers(page)
                .of(version),
            post(access, DESCRIPTION_OPEN, "A reader agrees, or logs in", auth::enter)
                .takes(Media("application/x-www-form-urlencoded"))
                .answers(page)
                .of(version),
            get(token, DESCRIPTION_OPEN, "Tells a viewer that a reader is in", auth::token)
                .answers(page)
                .of(version),
            get(logout, DESCRIPTION_OPEN, "Lets a reader out", auth::logout)
                .answers(page)
                .of(version),
        ]);
    }
    let probe = "/auth/v2/probe/{customer}/{space}/{asset}";
    routes.push(
        get(probe, DESCRIPTION_OPEN, "Whether a token opens an image", auth::probe)
            .answers(Schema("ProbeResult"))
            .of(v2),
    );
    routes
}
