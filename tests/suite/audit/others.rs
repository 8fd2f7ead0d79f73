//! An auditor who knows nothing of us: key, checkpoints and tiles by HTTP, verified by the crates of
//! others.

use super::filled;
use crate::support::server::{PATIENCE, Persona, Server};
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use reqwest::StatusCode;
use sha2::Sha256;
use signed_note::{Note, StandardVerifier, VerifierList};
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tlog_tiles::tlog::{self, Hash, check_record, check_tree, prove_record, prove_tree};
use tlog_tiles::{Checkpoint, Tile, TileHashReader, TileReader};

async fn get(server: &Server, path: &str) -> Vec<u8> {
    let response = server.get(Persona::Anonymous, &format!("/audit/{path}")).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.bytes().await.expect("a body").to_vec()
}

async fn checkpoint(server: &Server, key: &str) -> Checkpoint {
    let verifier = StandardVerifier::new(key).expect("a verifier key");
    let known = VerifierList::new(vec![Box::new(verifier)]);
    let note = Note::from_bytes(&get(server, "checkpoint").await).expect("a note");
    let (signed, _) = note.verify(&known).expect("signed by the key");
    assert_eq!(signed.len(), 1);
    let checkpoint = Checkpoint::from_bytes(note.text()).expect("a checkpoint");
    assert_eq!(Some(checkpoint.origin()), key.split('+').next());
    checkpoint
}

/// Tiles by name. What is asked for and not there is noted, so that it can be fetched.
#[derive(Default)]
struct Fetched {
    tiles: HashMap<String, Vec<u8>>,
    missing: RefCell<Vec<String>>,
}

impl TileReader for Fetched {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog::Error> {
        let name = |tile: &Tile| tile.path().replacen("tile/8/", "tile/", 1);
        let lacking = tiles.iter().map(name).filter(|it| !self.tiles.contains_key(it));
        self.missing.borrow_mut().extend(lacking);
        if !self.missing.borrow().is_empty() {
            return Err(tlog::Error::InvalidTile);
        }
        Ok(tiles.iter().map(|tile| self.tiles[&name(tile)].clone()).collect())
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

/// Makes a proof out of tiles, which are fetched as they are asked for.
async fn proof(
    server: &Server,
    checkpoint: &Checkpoint,
    prove: impl Fn(&TileHashReader<'_>) -> Result<Vec<Hash>, tlog::Error>,
) -> Vec<Hash> {
    let mut fetched = Fetched::default();
    loop {
        let reader = TileHashReader::new(checkpoint.size(), *checkpoint.hash(), &fetched);
        let proof = prove(&reader);
        let missing = fetched.missing.take();
        if missing.is_empty() {
            return proof.expect("tiles that lead to the root");
        }
        for path in missing {
            let tile = get(server, &path).await;
            fetched.tiles.insert(path, tile);
        }
    }
}

fn concat(proof: &[Hash]) -> Vec<u8> {
    proof.iter().flat_map(|it| it.0).collect()
}

fn root(checkpoint: &Checkpoint) -> RootHash<Sha256> {
    RootHash::new(checkpoint.hash().0.into(), checkpoint.size())
}

/// Returns the entries below a tile of level 0: each behind its length in two bytes.
async fn entries(server: &Server, checkpoint: &Checkpoint, tile: u64) -> Vec<Vec<u8>> {
    let width = (checkpoint.size() - tile * 256).min(256);
    let rest = if width < 256 { format!(".p/{width}") } else { String::new() };
    let bundle = get(server, &format!("tile/entries/{tile:03}{rest}")).await;
    let (mut entries, mut bundle) = (Vec::new(), &bundle[..]);
    while let Some((length, rest)) = bundle.split_first_chunk::<2>() {
        let (entry, rest) = rest.split_at(u16::from_be_bytes(*length).into());
        entries.push(entry.to_vec());
        bundle = rest;
    }
    assert_eq!(entries.len() as u64, width);
    entries
}

/// Returns a checkpoint of so many events: for a second, one that was signed before is new enough.
async fn checkpoint_of(server: &Server, key: &str, events: u64) -> Checkpoint {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let signed = checkpoint(server, key).await;
        if signed.size() >= events {
            return signed;
        }
        assert!(Instant::now() < deadline, "{} of {events} events are signed", signed.size());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn others_verify_the_log_by_http() {
    let server = Server::start();
    filled(&server, 100).await;
    server.projected().await;
    let key = String::from_utf8(get(&server, "key").await).expect("UTF-8").trim().to_owned();
    let old = checkpoint_of(&server, &key, 100).await;
    filled(&server, 300).await;
    server.projected().await;
    let new = checkpoint_of(&server, &key, 300).await;

    let consistency = proof(&server, &new, |it| prove_tree(new.size(), old.size(), it)).await;
    check_tree(&consistency, new.size(), *new.hash(), old.size(), *old.hash())
        .expect("it has grown");
    let known = ConsistencyProof::try_from_bytes(concat(&consistency)).expect("hashes");
    root(&new).verify_consistency(&root(&old), &known).expect("it has grown");

    let mut all = Vec::new();
    for tile in 0..new.size().div_ceil(256) {
        all.extend(entries(&server, &new, tile).await);
    }
    assert_eq!(all.len() as u64, new.size());
    for index in [0, 7, 255, 256, new.size() - 1] {
        let entry = &all[usize::try_from(index).expect("small")];
        let text = std::str::from_utf8(entry).expect("UTF-8");
        assert!(text.starts_with(&format!("dlcs.io/event/v1\n{index}\n")), "{text}");
        let inclusion = proof(&server, &new, |it| prove_record(new.size(), index, it)).await;
        let leaf = tlog::record_hash(entry);
        check_record(&inclusion, new.size(), *new.hash(), index, leaf).expect("it is in the log");
        let known = InclusionProof::try_from_bytes(concat(&inclusion)).expect("hashes");
        root(&new).verify_inclusion(entry, index, &known).expect("it is in the log");
        let other = all[usize::try_from((index + 1) % new.size()).expect("small")].clone();
        assert!(root(&new).verify_inclusion(&other, index, &known).is_err());
    }
    // The whole tree, by entries alone.
    let mut theirs = ct_merkle::mem_backed_tree::MemoryBackedTree::<Sha256, Vec<u8>>::new();
    all.into_iter().for_each(|it| theirs.push(it));
    assert!(theirs.root() == root(&new), "the entries are those of the checkpoint");
}
