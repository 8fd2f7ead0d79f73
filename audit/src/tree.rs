//! The Merkle tree of RFC 6962, section 2.1: hashes, roots, and both kinds of proof.

use sha2::{Digest, Sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// Returns the hash of an entry: SHA-256 of a zero byte and the entry.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

/// Returns the hash above two others: SHA-256 of a one byte and both.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Returns the root of the tree without entries.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// A tree that grows entry by entry and remembers only what its roots need: one hash for each one in
/// the binary form of its size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// Roots of its perfect subtrees, the largest first.
    peaks: Vec<Hash>,
}

impl Tree {
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends the hash of an entry.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        let mut size = self.size;
        while size % 2 == 1 {
            let left = self.peaks.pop().expect("a peak for each one of the size");
            hash = node_hash(&left, &hash);
            size /= 2;
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }
}

/// Returns the root over the hashes of entries.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// Returns the hashes that prove entry `index`, from below upwards: RFC 6962, section 2.1.1. `None`:
/// there is no such entry.
pub fn inclusion_proof(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    if leaves.len() == 1 {
        return Some(Vec::new());
    }
    let at = split(leaves.len());
    let (left, right) = leaves.split_at(at);
    let (mut proof, beside) = match index < at {
        true => (inclusion_proof(left, index)?, root(right)),
        false => (inclusion_proof(right, index - at)?, root(left)),
    };
    proof.push(beside);
    Some(proof)
}

/// Returns the hashes that prove that the tree of `old` entries is the beginning of this one: RFC
/// 6962, section 2.1.2. `None`: it has not so many.
pub fn consistency_proof(leaves: &[Hash], old: usize) -> Option<Vec<Hash>> {
    match old {
        0 => Some(Vec::new()),
        _ if old > leaves.len() => None,
        _ => Some(subproof(leaves, old, true)),
    }
}

fn subproof(leaves: &[Hash], old: usize, is_whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if is_whole { Vec::new() } else { vec![root(leaves)] };
    }
    let at = split(leaves.len());
    let (left, right) = leaves.split_at(at);
    let (mut proof, beside) = match old <= at {
        true => (subproof(left, old, is_whole), root(right)),
        false => (subproof(right, old - at, false), root(left)),
    };
    proof.push(beside);
    proof
}

/// Says whether a proof leads from an entry to a root: RFC 9162, section 2.1.3.2.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for beside in proof {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            hash = node_hash(beside, &hash);
            while node % 2 == 0 && node != 0 {
                node /= 2;
                last /= 2;
            }
        } else {
            hash = node_hash(&hash, beside);
        }
        node /= 2;
        last /= 2;
    }
    last == 0 && hash == *root
}

/// Says whether a proof leads from an older root to a newer one: RFC 9162, section 2.1.4.2.
pub fn verify_consistency(old: (u64, &Hash), new: (u64, &Hash), proof: &[Hash]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    if old_size == 0 {
        return proof.is_empty();
    }
    if old_size > new_size {
        return false;
    }
    let whole = [*old_root];
    let is_power = old_size.is_power_of_two();
    let mut proof = if is_power { whole.iter() } else { [].iter() }.chain(proof);
    let Some(first) = proof.next() else { return false };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    while node % 2 == 1 {
        node /= 2;
        last /= 2;
    }
    let (mut older, mut newer) = (*first, *first);
    for beside in proof {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            older = node_hash(beside, &older);
            newer = node_hash(beside, &newer);
            while node % 2 == 0 && node != 0 {
                node /= 2;
                last /= 2;
            }
        } else {
            newer = node_hash(&newer, beside);
        }
        node /= 2;
        last /= 2;
    }
    last == 0 && older == *old_root && newer == *new_root
}

/// Returns the largest power of two below a length.
fn split(length: usize) -> usize {
    length.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Entries and roots of the reference implementation of Certificate Transparency.
    const ENTRIES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    #[test]
    fn roots_are_those_of_the_reference() {
        let mut tree = Tree::default();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex::encode(tree.root()), empty);
        let mut all = Vec::new();
        for (entry, expected) in ENTRIES.into_iter().zip(ROOTS) {
            let leaf = leaf_hash(&hex::decode(entry).expect("hexadecimal"));
            all.push(leaf);
            tree.push(leaf);
            assert_eq!(hex::encode(tree.root()), expected);
            assert_eq!(root(&all), tree.root());
        }
    }

    proptest! {
        #[test]
        fn what_is_in_it_is_proved_and_nothing_else(
            size in 1_usize..200,
            at in 0_usize..200,
            other in 0_usize..200,
        ) {
            let leaves = leaves(size);
            let (index, root) = (at % size, root(&leaves));
            let proof = inclusion_proof(&leaves, index).expect("it is there");
            let holds = |leaf: &Hash, index: usize, proof: &[Hash]| {
                verify_inclusion(leaf, index as u64, size as u64, proof, &root)
            };
            prop_assert!(holds(&leaves[index], index, &proof));
            let other = other % size;
            prop_assert_eq!(holds(&leaves[other], index, &proof), other == index);
            prop_assert_eq!(holds(&leaves[index], other, &proof), other == index);
            let mut longer = proof.clone();
            longer.push(root);
            prop_assert!(!holds(&leaves[index], index, &longer));
            prop_assert!(proof.is_empty() || !holds(&leaves[index], index, &proof[1..]));
            prop_assert!(inclusion_proof(&leaves, size).is_none());
        }

        #[test]
        fn a_tree_is_the_beginning_of_what_grew_from_it(
            size in 1_usize..200,
            at in 0_usize..200,
            changed in 0_usize..200,
        ) {
            let leaves = leaves(size);
            let old = at % (size + 1);
            let proof = consistency_proof(&leaves, old).expect("not larger");
            let (old_root, new_root) = (root(&leaves[..old]), root(&leaves));
            let holds = |older: &Hash, newer: &Hash| {
                verify_consistency((old as u64, older), (size as u64, newer), &proof)
            };
            prop_assert!(holds(&old_root, &new_root));
            let mut forked = leaves.clone();
            let changed = changed % size;
            forked[changed] = leaf_hash(b"another history");
            let fork = root(&forked[..old]);
            // Nothing was promised of what came later.
            prop_assert_eq!(holds(&fork, &new_root), changed >= old);
            prop_assert!(old == 0 || !holds(&old_root, &root(&forked)));
        }
    }
}
