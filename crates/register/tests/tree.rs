//! The tree against known vectors, and proofs of every leaf in every small tree.

use dengbei_register::{
    EMPTY_ROOT, NodeHash, ProofError, consistency_proof, leaf_hash, membership_path, root,
    verify_consistency, verify_inclusion,
};
use proptest::prelude::*;

/// The eight leaves of Certificate Transparency's own tests, and the roots over the first 0 to 8 of them.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn leaves(count: usize) -> Vec<NodeHash> {
    (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

#[test]
fn roots_match_the_certificate_transparency_vectors() {
    let leaves: Vec<_> = LEAVES.iter().map(|leaf| leaf_hash(&hex::decode(leaf).unwrap())).collect();
    for (count, expected) in ROOTS.iter().enumerate() {
        assert_eq!(root(&leaves[..count]).to_string(), *expected, "{count} leaves");
    }
}

#[test]
fn every_leaf_of_every_small_tree_is_proven_and_nothing_else() {
    for size in 1..=70usize {
        let leaves = leaves(size);
        let top = root(&leaves);
        for index in 0..size as u64 {
            let path = membership_path(&leaves, index).unwrap();
            let check = |leaf: &NodeHash, index, size| verify_inclusion(leaf, index, size, &path, &top);
            let leaf = leaves[index as usize];
            assert_eq!(check(&leaf, index, size as u64), Ok(()), "{index} of {size}");
            assert_eq!(check(&EMPTY_ROOT, index, size as u64), Err(ProofError::RootDiffers));
            for other in (0..size as u64).filter(|other| *other != index) {
                assert!(check(&leaf, other, size as u64).is_err(), "{index} as {other} of {size}");
            }
        }
        let beyond = size as u64;
        assert_eq!(
            membership_path(&leaves, beyond),
            Err(ProofError::OutOfRange { index: beyond, size: beyond })
        );
    }
}

#[test]
fn every_prefix_of_every_small_tree_is_proven() {
    let all = leaves(70);
    for new in 0..=70usize {
        for old in 0..=new {
            let proof = consistency_proof(&all[..new], old as u64).unwrap();
            let (from, to) = (root(&all[..old]), root(&all[..new]));
            assert_eq!(verify_consistency(old as u64, new as u64, &proof, &from, &to), Ok(()), "{old} {new}");
            let other = leaf_hash(b"another history");
            assert!(verify_consistency(old as u64, new as u64, &proof, &other, &to).is_err());
            if old > 0 {
                assert!(verify_consistency(old as u64, new as u64, &proof, &from, &other).is_err());
            }
        }
        let reversed = ProofError::Reversed { old: 71, new: new as u64 };
        assert_eq!(consistency_proof(&all[..new], 71), Err(reversed));
    }
}

fn flip(hash: NodeHash, bit: usize) -> NodeHash {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes.into()
}

proptest! {
    #[test]
    fn any_flipped_bit_of_an_inclusion_proof_fails(
        size in 1usize..300, at: prop::sample::Index, place: prop::sample::Index, bit in 0usize..256,
    ) {
        let leaves = leaves(size);
        let (index, top) = (at.index(size), root(&leaves));
        let (leaf, mut path) = (leaves[index], membership_path(&leaves, index as u64).unwrap());
        let (index, size) = (index as u64, size as u64);
        prop_assert_eq!(verify_inclusion(&leaf, index, size, &path, &top), Ok(()));
        prop_assert!(verify_inclusion(&flip(leaf, bit), index, size, &path, &top).is_err());
        prop_assert!(verify_inclusion(&leaf, index, size, &path, &flip(top, bit)).is_err());
        path.push(top);
        prop_assert!(verify_inclusion(&leaf, index, size, &path, &top).is_err());
        path.pop();
        if !path.is_empty() {
            let place = place.index(path.len());
            path[place] = flip(path[place], bit);
            prop_assert!(verify_inclusion(&leaf, index, size, &path, &top).is_err());
            path.pop();
            prop_assert!(verify_inclusion(&leaf, index, size, &path, &top).is_err());
        }
    }

    #[test]
    fn any_flipped_bit_of_a_consistency_proof_fails(
        new in 1usize..300, old: prop::sample::Index, place: prop::sample::Index, bit in 0usize..256,
    ) {
        let leaves = leaves(new);
        let old = old.index(new) + 1;
        let mut proof = consistency_proof(&leaves, old as u64).unwrap();
        let (from, to) = (root(&leaves[..old]), root(&leaves));
        let (old, new) = (old as u64, new as u64);
        prop_assert_eq!(verify_consistency(old, new, &proof, &from, &to), Ok(()));
        prop_assert!(verify_consistency(old, new, &proof, &flip(from, bit), &to).is_err());
        prop_assert!(verify_consistency(old, new, &proof, &from, &flip(to, bit)).is_err());
        proof.push(to);
        prop_assert!(verify_consistency(old, new, &proof, &from, &to).is_err());
        proof.pop();
        if !proof.is_empty() {
            let place = place.index(proof.len());
            proof[place] = flip(proof[place], bit);
            prop_assert!(verify_consistency(old, new, &proof, &from, &to).is_err());
            proof.pop();
            prop_assert!(verify_consistency(old, new, &proof, &from, &to).is_err());
        }
    }

    #[test]
    fn checking_any_proof_never_panics(index: u64, size: u64, count in 0usize..70) {
        let hashes = leaves(count);
        let _ = verify_inclusion(&EMPTY_ROOT, index, size, &hashes, &EMPTY_ROOT);
        let _ = verify_consistency(index, size, &hashes, &EMPTY_ROOT, &EMPTY_ROOT);
    }
}
