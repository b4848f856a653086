//! 摘要清单根: the Merkle root over packs' digests that a certificate prints, with SM3 as Chinese forms want it.

use dengbei_records::Sha256;
use dengbei_records::papers::Root;
use sm3::{Digest as _, Sm3};

/// Its name on paper.
pub(crate) const ALGORITHM: &str = "RFC6962-SM3";

/// The root over packs' digests in their order: leaf SM3(0x00 ‖ digest), node SM3(0x01 ‖ left ‖ right).
pub(crate) fn of(digests: &[Sha256]) -> Root {
    let leaves: Vec<[u8; 32]> = digests.iter().map(|d| hash(0, &[d.as_bytes()])).collect();
    Root { algorithm: ALGORITHM.into(), value: hex::encode(root(&leaves)) }
}

fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => Sm3::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            // The largest power of two that is less than the number of leaves (RFC 6962, 2.1).
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            hash(1, &[&root(left), &root(right)])
        }
    }
}

fn hash(prefix: u8, parts: &[&[u8; 32]]) -> [u8; 32] {
    let mut hasher = Sm3::new();
    hasher.update([prefix]);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sm3(bytes: &[&[u8]]) -> Vec<u8> {
        Sm3::digest(bytes.concat()).to_vec()
    }

    #[test]
    fn the_empty_root_is_the_standards_digest_of_nothing() {
        // GB/T 32905 implementations agree on it.
        assert_eq!(of(&[]).value, "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b");
    }

    #[test]
    fn three_packs_split_at_two() {
        let digests: Vec<Sha256> = (0..3_u8).map(|n| Sha256::of(&[n])).collect();
        let leaf = |n: usize| sm3(&[&[0], digests[n].as_bytes()]);
        let left = sm3(&[&[1], &leaf(0), &leaf(1)]);
        assert_eq!(of(&digests).value, hex::encode(sm3(&[&[1], &left, &leaf(2)])));
        assert_eq!(of(&digests[..1]).value, hex::encode(leaf(0)));
    }
}
