//! Tests of `connection`: every refusal names what is wrong and the next step, and no password.

use super::*;
use crate::testing::{TestServer, database_name};
use dlcs_migrations::Migration;

async fn refusal(url: &str) -> OpenError {
    let refusal = Database::connect(url).await.map(drop).unwrap_err();
    assert!(!refusal.to_string().contains("secret-word"), "{refusal}");
    refusal
}

#[tokio::test]
async fn an_address_that_cannot_be_read_is_refused_without_showing_it() {
    for url in [
        "",
        "mysql://u:secret-word@h/d",
        "host=localhost password=secret-word",
        "postgres://u:secret-word@h:port/d",
        "postgres://u:secret-word@h/d?sslmode=sometimes",
        "postgres://u:secret-word@h/d?connect_timeout=secret-word",
        "postgres://u:secret-word@h/d?sslmode=verify-full&sslrootcert=/nowhere.pem",
        "postgres:///d",
    ] {
        let refusal = refusal(url).await;
        assert!(matches!(refusal, OpenError::Address(_)), "{url}: {refusal}");
        assert!(refusal.to_string().contains("postgres://user:password@host"), "{refusal}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let refusal = refusal(&format!("postgres://u:secret-word@127.0.0.1:{port}/d")).await;
    assert!(matches!(refusal, OpenError::Unreachable { .. }), "{refusal}");
    assert!(refusal.to_string().contains(&format!("127.0.0.1:{port}/d")), "{refusal}");
    assert!(refusal.to_string().contains("refused"), "{refusal}");
}

#[tokio::test]
async fn a_wrong_password_and_a_missing_database_are_told_apart() {
    let url = TestServer::shared().new_database().await;
    let (before, after) = url.split_once('@').unwrap();
    let user = before.rsplit_once(':').unwrap().0;
    let wrong = refusal(&format!("{user}:secret-word@{after}")).await;
    assert!(matches!(wrong, OpenError::AccessRefused { .. }), "{wrong}");
    let none = refusal(&format!("{user}@{after}")).await;
    assert!(matches!(none, OpenError::AccessRefused { .. }), "{none}");
    let missing = refusal(&TestServer::shared().url("not_there")).await;
    assert!(matches!(missing, OpenError::NoDatabase { .. }), "{missing}");
    assert!(missing.to_string().contains("createdb --encoding=UTF8 not_there"), "{missing}");
}

#[tokio::test]
async fn a_database_in_another_encoding_is_refused() {
    let server = TestServer::shared();
    let name = format!("latin_{}", std::process::id());
    let sql = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1'");
    server.execute("postgres", &sql).await;
    let refusal = refusal(&server.url(&name)).await;
    assert!(matches!(refusal, OpenError::OtherEncoding { .. }), "{refusal}");
}

#[tokio::test]
async fn tls_is_used_when_it_is_there_and_demanded_when_it_must_be() {
    let url = TestServer::shared().new_database().await;
    Database::connect(&format!("{url}?sslmode=disable")).await.unwrap();
    Database::connect(&format!("{url}?sslmode=prefer")).await.unwrap();
    let refusal = refusal(&format!("{url}?sslmode=require")).await;
    assert!(refusal.to_string().contains("TLS"), "{refusal}");
}

/// Certificates of the server, and what each mode of `sslmode` makes of them.
#[tokio::test]
async fn a_certificate_is_believed_as_far_as_the_address_says() {
    let server = TestServer::start_own_with_tls();
    let url = server.new_database().await;
    let is_encrypted = |address: String| async move {
        let database = Database::connect(&address).await.unwrap();
        let client = database.client().await.unwrap();
        let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        client.query_one(sql, &[]).await.unwrap().get::<_, bool>(0)
    };
    assert!(!is_encrypted(format!("{url}?sslmode=disable")).await);
    assert!(is_encrypted(url.clone()).await, "it is preferred");
    assert!(is_encrypted(format!("{url}?sslmode=require")).await, "whoever has signed it");
    let root = server.root_certificate();
    let verified = format!("{url}?sslmode=verify-full&sslrootcert={}", root.display());
    assert!(is_encrypted(verified.clone()).await);
    let unknown = refusal(&format!("{url}?sslmode=verify-full")).await;
    assert!(unknown.to_string().contains("certificate"), "{unknown}");
    let other_name = verified.replace("127.0.0.1", "localhost");
    let other_name = refusal(&other_name).await;
    assert!(other_name.to_string().contains("certificate"), "{other_name}");
}

#[tokio::test]
async fn steps_are_taken_once_and_by_whoever_may() {
    const ONE: Migration =
        Migration { version: 1, name: "one", sql: "CREATE TABLE {schema}.a (n int)" };
    const TWO: Migration =
        Migration { version: 2, name: "two", sql: "ALTER TABLE {schema}.a ADD m int" };
    let url = TestServer::shared().new_database().await;
    let database = Database::connect(&url).await.unwrap();
    database.migrate("dlcs_x", &[ONE]).await.unwrap();
    let older = database.check_schema("dlcs_x", &[ONE, TWO]).await.unwrap_err();
    assert!(matches!(older, OpenError::OlderSchema { found: 1, known: 2, .. }), "{older}");
    let all_at_once = (0..4).map(|_| database.migrate("dlcs_x", &[ONE, TWO]));
    for migrated in futures::future::join_all(all_at_once).await {
        migrated.unwrap();
    }
    database.check_schema("dlcs_x", &[ONE, TWO]).await.unwrap();
    let newer = database.migrate("dlcs_x", &[ONE]).await.unwrap_err();
    assert!(matches!(newer, OpenError::NewerSchema { found: 2, known: 1, .. }), "{newer}");
    let client = database.client().await.unwrap();
    client.execute("SELECT n, m FROM dlcs_x.a", &[]).await.unwrap();
}

#[tokio::test]
async fn a_user_without_rights_is_told_so_and_one_with_enough_gets_on() {
    let server = TestServer::shared();
    let url = server.new_database().await;
    let owner = Database::connect(&url).await.unwrap();
    let user = format!("user_{}", database_name(&url));
    let sql = format!("CREATE USER {user} PASSWORD 'secret-word'");
    server.execute(database_name(&url), &sql).await;
    let url = format!("postgres://{user}:secret-word@{}", url.split_once('@').unwrap().1);
    let database = Database::connect(&url).await.unwrap();
    let steps = &[Migration { version: 1, name: "one", sql: "CREATE TABLE {schema}.a (n int)" }];
    let refused = database.migrate("dlcs_x", steps).await.unwrap_err();
    assert!(matches!(refused, OpenError::NotAllowed { .. }), "{refused}");
    owner.migrate("dlcs_x", steps).await.unwrap();
    let grant = format!(
        "GRANT USAGE ON SCHEMA dlcs_x TO {user}; GRANT SELECT ON dlcs_x.schema_version TO {user}"
    );
    server.execute(database_name(&url), &grant).await;
    database.migrate("dlcs_x", steps).await.unwrap();
}
