//! Our tree, tiles, proofs and notes beside those of others: `ct-merkle`, and `tlog_tiles` and
//! `signed_note`, which follow Go's packages; and published vectors.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use dlcs_audit::plan::{Plan, TileId, Tiles};
use dlcs_audit::tiles::{Tile, TilePath, Tiler};
use dlcs_audit::tree::{consistency_proof, inclusion_proof, leaf_hash, root};
use dlcs_audit::{Hash, SigningKey};
use proptest::prelude::*;
use sha2::Sha256;
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::tlog::{self, check_record, check_tree, prove_record, prove_tree};
use tlog_tiles::{TileHashReader, TileReader};

fn entries(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|number| format!("entry {number}").into_bytes()).collect()
}

fn hashes(entries: &[Vec<u8>]) -> Vec<Hash> {
    entries.iter().map(|it| leaf_hash(it)).collect()
}

fn root_of(leaves: &[Hash]) -> RootHash<Sha256> {
    RootHash::new(root(leaves).into(), leaves.len() as u64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn roots_and_proofs_are_those_of_ct_merkle(
        size in 1_usize..600,
        at in 0_usize..600,
        then in 0_usize..600,
    ) {
        let entries = entries(size);
        let leaves = hashes(&entries);
        let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        entries.iter().for_each(|it| theirs.push(it.clone()));
        let ours = root_of(&leaves);
        prop_assert!(ours == theirs.root());
        let index = at % size;
        let proof = inclusion_proof(&leaves, index).expect("it is there").concat();
        let known = theirs.prove_inclusion(index);
        prop_assert_eq!(&proof[..], known.as_bytes());
        let proof = InclusionProof::try_from_bytes(proof).expect("hashes");
        prop_assert!(ours.verify_inclusion(&entries[index], index as u64, &proof).is_ok());
        let other = &entries[(index + 1) % size];
        prop_assert_eq!(ours.verify_inclusion(other, index as u64, &proof).is_ok(), size == 1);
        let old = then % size + 1;
        let proof = consistency_proof(&leaves, old).expect("not larger").concat();
        if old < size {
            let known = theirs.prove_consistency(size - old);
            prop_assert_eq!(&proof[..], known.as_bytes());
        }
        let proof = ConsistencyProof::try_from_bytes(proof).expect("hashes");
        prop_assert!(ours.verify_consistency(&root_of(&leaves[..old]), &proof).is_ok());
    }
}

/// Hands our tiles to `tlog_tiles`, by the names that it asks for.
struct Served(Tiles);

impl TileReader for Served {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog::Error> {
        let read = |tile: &tlog_tiles::Tile| {
            let path = tile.path();
            let path = path.strip_prefix("tile/8/").expect("tiles of our height");
            let Some(TilePath::Hashes(id, width)) = TilePath::parse(path) else {
                panic!("`{path}` is no tile of hashes");
            };
            self.0[&id][..width].concat()
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

fn tiles(leaves: &[Hash]) -> Tiles {
    let mut tiler = Tiler::default();
    let mut all: Vec<Tile> = leaves.iter().flat_map(|it| tiler.push(*it)).collect();
    all.extend(tiler.finish());
    let entry = |it: Tile| (TileId { level: it.level, index: it.index }, it.hashes);
    all.into_iter().map(entry).collect()
}

fn plain(proof: &[tlog::Hash]) -> Vec<Hash> {
    proof.iter().map(|it| it.0).collect()
}

/// `tlog_tiles` believes no tile that does not lead to the root.
#[test]
fn tiles_are_read_by_tlog_tiles() {
    let all = hashes(&entries(70_000));
    let served = Served(tiles(&all));
    for size in [1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 70_000_u64] {
        let leaves = &all[..usize::try_from(size).expect("small")];
        let root = tlog::Hash(root(leaves));
        let reader = TileHashReader::new(size, root, &served);
        for index in [0, size / 3, size / 2, size - 1] {
            let proof = prove_record(size, index, &reader).expect("tiles that lead to the root");
            let plan = Plan::inclusion(index, size).expect("it is there");
            assert_eq!(plan.hashes(&served.0), Some(plain(&proof)), "{index} of {size}");
            let leaf = tlog::Hash(leaves[usize::try_from(index).expect("small")]);
            check_record(&proof, size, root, index, leaf).expect("it holds");
        }
        for old in [1, size / 3 + 1, size / 2 + 1, size] {
            let proof = prove_tree(size, old, &reader).expect("tiles that lead to the root");
            let plan = Plan::consistency(old, size).expect("not larger");
            assert_eq!(plan.hashes(&served.0), Some(plain(&proof)), "{old} of {size}");
            let then =
                tlog::Hash(dlcs_audit::tree::root(&all[..usize::try_from(old).expect("small")]));
            check_tree(&proof, size, root, old, then).expect("it holds");
        }
    }
    let wrong = tlog::Hash([7; 32]);
    assert!(prove_record(300, 7, &TileHashReader::new(300, wrong, &served)).is_err());
}

#[test]
fn tiles_are_called_as_tlog_tiles_calls_them() {
    for (level, index, width) in [(0, 0, 256), (1, 999, 1), (2, 1_234_067, 255), (7, 1_000, 8)] {
        let theirs = tlog_tiles::Tile::new(8, level, index, width, false).path();
        let hashes = vec![[0; 32]; width as usize];
        let ours = Tile { level, index, hashes }.path();
        assert_eq!(theirs.replacen("tile/8/", "tile/", 1), ours);
    }
}

#[test]
fn notes_are_verified_by_signed_note_and_tlog_tiles() {
    let key = SigningKey::new("dlcs.example/audit", [7; 32]).expect("a name");
    let note = key.sign(3, [1; 32]);
    let verifier = StandardVerifier::new(&key.verifier().to_string()).expect("a verifier key");
    let known = VerifierList::new(vec![Box::new(verifier)]);
    let read = Note::from_bytes(note.as_bytes()).expect("a note");
    let (signed, unknown) = read.verify(&known).expect("signed");
    assert_eq!((signed.len(), unknown.len()), (1, 0));
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(read.text()).expect("a checkpoint");
    assert_eq!((checkpoint.origin(), checkpoint.size()), ("dlcs.example/audit", 3));
    assert_eq!(checkpoint.hash().0, [1; 32]);
    let changed = Note::from_bytes(note.replacen("\n3\n", "\n4\n", 1).as_bytes()).expect("a note");
    assert!(changed.verify(&known).is_err());
    let other = SigningKey::new("dlcs.example/audit", [8; 32]).expect("a name").sign(3, [1; 32]);
    assert!(Note::from_bytes(other.as_bytes()).expect("a note").verify(&known).is_err());
}

/// Proofs of the tests of Certificate Transparency's reference implementation, over its 8 entries;
/// its entries count from 1.
#[test]
fn proofs_are_those_of_the_reference() {
    const A: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
    const B: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
    const C: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
    const D: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
    const E: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
    const F: &str = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";
    const G: &str = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125";
    const H: &str = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    const I: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
    let entries = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let entries = entries.map(|it| hex::decode(it).expect("hexadecimal"));
    let tiles = tiles(&hashes(&entries));
    let expected = |proof: &[&str]| {
        let decoded = proof.iter().map(|it| hex::decode(it).expect("hexadecimal"));
        Some(decoded.map(|it| Hash::try_from(it).expect("32 bytes")).collect::<Vec<_>>())
    };
    for (entry, size, proof) in
        [(1, 1, &[][..]), (1, 8, &[A, B, C]), (6, 8, &[D, E, F]), (3, 3, &[G]), (2, 5, &[H, B, D])]
    {
        let plan = Plan::inclusion(entry - 1, size).expect("it is there");
        assert_eq!(plan.hashes(&tiles), expected(proof), "entry {entry} of {size}");
    }
    for (old, size, proof) in
        [(1, 1, &[][..]), (1, 8, &[A, B, C]), (6, 8, &[I, E, F]), (2, 5, &[B, D])]
    {
        let plan = Plan::consistency(old, size).expect("not larger");
        assert_eq!(plan.hashes(&tiles), expected(proof), "{old} of {size}");
    }
}
