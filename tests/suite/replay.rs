//! Read models are what history says, and a row changed by hand is found.

use crate::support::fixtures::png;
use crate::support::server::{Persona, Server, image_path};
use crate::support::stores;
use reqwest::Method;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A long mixed run: registrations, changes, failures, reingests, deletions, batches, manifests.
async fn mixed_run(server: &Server) {
    server.space(1).await;
    for n in 0..12 {
        server.upload(&format!("i{n}"), png(40 + n, 30)).await;
    }
    server.upload("broken", b"no image at all".to_vec()).await;
    for n in 0..6 {
        let change = json!({ "string1": format!("s{n}"), "number1": n, "tags": ["a", "b"] });
        let (status, answer) =
            server.send(Method::PATCH, &image_path(&format!("i{n}")), &change).await;
        assert!(status.is_success(), "{answer}");
    }
    for n in 0..3 {
        let path = format!("{}/reingest", image_path(&format!("i{n}")));
        let (status, answer) = server.send(Method::POST, &path, &json!({})).await;
        assert!(status.is_success(), "{answer}");
        server.settled(&format!("i{n}")).await;
    }
    let request = server.request(Persona::Admin, Method::DELETE, &image_path("i11"));
    assert_eq!(request.send().await.expect("an answer").status(), 204);
    let members: Vec<_> = (0..5)
        .map(|n| json!({ "id": format!("b{n}"), "space": 1, "origin": "https://nowhere.invalid/x.png" }))
        .collect();
    let body = json!({ "@type": "Collection", "member": members });
    let (status, answer) = server.send(Method::POST, "/customers/1/queue", &body).await;
    assert_eq!(status, 201, "{answer}");
    let manifest = json!({ "type": "Manifest", "id": "m", "slug": "m", "label": { "none": ["m"] },
        "paintedResources": [{ "asset": { "id": "i1", "space": 1 } }] });
    let request = server.request(Persona::Admin, Method::POST, "/1/manifests");
    let answer = request.header("X-IIIF-CS-Show-Extras", "All").json(&manifest).send().await;
    assert_eq!(answer.expect("an answer").status(), 201);
}

fn replay(server: &Server) -> (Option<i32>, String) {
    let output = server.command(&["replay"]);
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(!text.is_empty(), "no answer: {}", String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

#[tokio::test]
async fn a_replay_is_equal_until_a_row_is_changed_by_hand() {
    let mut server = Server::start();
    mixed_run(&server).await;
    assert_eq!(replay(&server), (Some(0), "equal".to_owned()));
    server.kill();
    assert_eq!(replay(&server), (Some(0), "equal".to_owned()));
    tamper(&server);
    assert_eq!(replay(&server), (Some(1), "not equal: assets".to_owned()));
}

#[tokio::test]
async fn a_projection_is_rebuilt_while_it_serves() {
    let server = Server::start();
    mixed_run(&server).await;
    let output = server.command(&["projections", "rebuild", "assets", "batches"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(replay(&server), (Some(0), "equal".to_owned()));
    let image = server.json(Persona::Admin, &image_path("i1")).await;
    assert_eq!(image["string1"], "s1");
    // What is tried again meanwhile moves the log on.
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let status = server.command(&["projections", "status"]);
        let text = String::from_utf8_lossy(&status.stdout).into_owned();
        if text.lines().filter(|line| line.contains("lag 0")).count() == 13 {
            return;
        }
        assert!(Instant::now() < deadline, "{text}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn file_of(folder: &Path, projection: &str) -> PathBuf {
    let mut files = crate::support::fixtures::files(folder).into_iter();
    let wanted = |path: &PathBuf| {
        let name = crate::support::fixtures::name(path);
        name.starts_with(projection) && name.ends_with(".sqlite")
    };
    files.rfind(wanted).expect("the projection has a file")
}

/// Changes one stored word of `i1`, as somebody with access to the disk might.
pub(crate) fn tamper(server: &Server) {
    if let Some(url) = server.store("DLCS_READ_STORE") {
        let sql = "DO $$ DECLARE name text; BEGIN
                SELECT schema_name INTO STRICT name FROM dlcs_read.serving
                    WHERE projection = 'assets';
                EXECUTE format('UPDATE %I.assets SET string1 = ''changed by hand''
                                WHERE name = ''i1''', name);
            END $$";
        return stores::execute(url, sql);
    }
    let file = file_of(&server.data().join("read"), "assets");
    let program = "import sqlite3,sys\n\
        c=sqlite3.connect(sys.argv[1])\n\
        n=c.execute(\"update assets set string1='changed by hand' where name='i1'\").rowcount\n\
        c.commit(); sys.exit(n!=1)";
    let status = std::process::Command::new("python3").args(["-c", program]).arg(file).status();
    assert!(status.expect("python3 runs").success(), "no row was changed");
}
