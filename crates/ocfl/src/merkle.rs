//! The RFC 6962 tree hash over leaf hashes. Only the root: proofs are `register`'s part.

use dengbei_records::Sha256;
use sha2::Digest as _;

/// SHA-256(0x00 ‖ leaf).
pub(crate) fn leaf_hash(leaf: &[u8]) -> Sha256 {
    let mut hasher = sha2::Sha256::new();
    hasher.update([0]);
    hasher.update(leaf);
    Sha256::from_bytes(hasher.finalize().into())
}

/// The tree hash of `leaves` (RFC 6962, 2.1); the hash of nothing for none.
pub(crate) fn root(leaves: &[Sha256]) -> Sha256 {
    match leaves {
        [] => Sha256::of(b""),
        [leaf] => *leaf,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(split);
            let mut hasher = sha2::Sha256::new();
            hasher.update([1]);
            hasher.update(root(left).as_bytes());
            hasher.update(root(right).as_bytes());
            Sha256::from_bytes(hasher.finalize().into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The eight leaves and the root of the Certificate Transparency reference tests.
    #[test]
    fn the_root_is_that_of_the_reference_tree() {
        let leaves: Vec<&[u8]> = vec![
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let hashes: Vec<Sha256> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        let expected = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328";
        assert_eq!(root(&hashes).to_string(), expected);
        let three = "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77";
        assert_eq!(root(&hashes[..3]).to_string(), three);
    }
}
