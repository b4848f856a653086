//! The Merkle tree of RFC 6962, 2.1, as pure functions over leaf hashes: root, inclusion, consistency.
//!
//! Used for the log (through tiles, see `reader`) and for membership in a bundle or batch (成员证明), where
//! the leaves are event hashes, which already are leaf hashes.

use std::ops::Range;

use crate::hash::{EMPTY_ROOT, NodeHash, node_hash};

/// Why a proof cannot be made, or does not prove what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// There is no such leaf in a tree of that size.
    #[error("序号{index}不在{size}个叶子之内 / index {index} is not in a tree of {size} leaves")]
    OutOfRange {
        /// The leaf asked for.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The older tree is larger than the newer one.
    #[error("旧树{old}大于新树{new} / the old tree ({old}) is larger than the new one ({new})")]
    Reversed {
        /// The older size.
        old: u64,
        /// The newer size.
        new: u64,
    },
    /// Too many or too few hashes for these sizes.
    #[error("证明的散列数不对:{found} / wrong number of hashes in the proof: {found}")]
    WrongLength {
        /// How many there are.
        found: usize,
    },
    /// The hashes lead to another root than the one given.
    #[error("证明得出的树根不符 / the proof leads to another root")]
    RootDiffers,
    /// The hashes lead to another older root than the one given.
    #[error("证明得出的旧树根不符 / the proof leads to another old root")]
    OldRootDiffers,
}

/// The root over leaf hashes. No leaves: [`EMPTY_ROOT`].
pub fn root(leaves: &[NodeHash]) -> NodeHash {
    let mut row = leaves.to_vec();
    while row.len() > 1 {
        // An odd last node moves up unchanged, which is RFC 6962's split at the largest power of two.
        row = row.chunks(2).map(|pair| join(pair).unwrap_or(EMPTY_ROOT)).collect();
    }
    row.first().copied().unwrap_or(EMPTY_ROOT)
}

fn join(pair: &[NodeHash]) -> Option<NodeHash> {
    match pair {
        [left, right] => Some(node_hash(left, right)),
        [only] => Some(*only),
        _ => None,
    }
}

/// The inclusion path of the leaf at `index`, lowest sibling first.
///
/// # Errors
/// [`ProofError::OutOfRange`] when there is no such leaf.
pub fn membership_path(leaves: &[NodeHash], index: u64) -> Result<Vec<NodeHash>, ProofError> {
    Ok(roots_of(leaves, inclusion_ranges(index, leaves.len() as u64)?))
}

/// The proof that the first `old` leaves are a prefix of all `leaves`.
///
/// # Errors
/// [`ProofError::Reversed`] when `old` is more than there are.
pub fn consistency_proof(leaves: &[NodeHash], old: u64) -> Result<Vec<NodeHash>, ProofError> {
    Ok(roots_of(leaves, consistency_ranges(old, leaves.len() as u64)?))
}

fn roots_of(leaves: &[NodeHash], ranges: Vec<Range<u64>>) -> Vec<NodeHash> {
    // The ranges lie within the leaves, whose number is a usize.
    ranges.into_iter().map(|range| root(&leaves[range.start as usize..range.end as usize])).collect()
}

/// Checks that `leaf` is at `index` in the tree of `size` leaves with this `root` (RFC 9162, 2.1.3.2).
///
/// # Errors
/// [`ProofError`] saying what does not fit.
pub fn verify_inclusion(
    leaf: &NodeHash,
    index: u64,
    size: u64,
    path: &[NodeHash],
    root: &NodeHash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange { index, size });
    }
    let wrong_length = ProofError::WrongLength { found: path.len() };
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return Err(wrong_length);
        }
        if is_right(node, last) {
            hash = node_hash(sibling, &hash);
            (node, last) = above_left_edges(node, last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(wrong_length);
    }
    if hash == *root { Ok(()) } else { Err(ProofError::RootDiffers) }
}

/// Checks that the tree of `old` leaves with `old_root` is a prefix of the tree of `new` leaves with
/// `new_root` (RFC 9162, 2.1.4.2). From the empty tree and between equal sizes the proof is empty.
///
/// # Errors
/// [`ProofError`] saying what does not fit.
pub fn verify_consistency(
    old: u64,
    new: u64,
    proof: &[NodeHash],
    old_root: &NodeHash,
    new_root: &NodeHash,
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Reversed { old, new });
    }
    if old == new || old == 0 {
        return verify_trivial(old == new, proof, old_root, new_root);
    }
    let wrong_length = ProofError::WrongLength { found: proof.len() };
    // A complete old tree is itself the first node; a proof does not repeat it.
    let (first, rest) =
        if old.is_power_of_two() { (old_root, proof) } else { proof.split_first().ok_or(wrong_length)? };
    let (mut node, mut last) = above_right_children(old - 1, new - 1);
    let (mut from_old, mut from_new) = (*first, *first);
    for hash in rest {
        if last == 0 {
            return Err(wrong_length);
        }
        if is_right(node, last) {
            from_old = node_hash(hash, &from_old);
            from_new = node_hash(hash, &from_new);
            (node, last) = above_left_edges(node, last);
        } else {
            from_new = node_hash(&from_new, hash);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(wrong_length);
    }
    if from_old != *old_root {
        return Err(ProofError::OldRootDiffers);
    }
    if from_new == *new_root { Ok(()) } else { Err(ProofError::RootDiffers) }
}

fn verify_trivial(
    is_same_size: bool,
    proof: &[NodeHash],
    old_root: &NodeHash,
    new_root: &NodeHash,
) -> Result<(), ProofError> {
    if !proof.is_empty() {
        return Err(ProofError::WrongLength { found: proof.len() });
    }
    if is_same_size {
        return if old_root == new_root { Ok(()) } else { Err(ProofError::RootDiffers) };
    }
    if *old_root == EMPTY_ROOT { Ok(()) } else { Err(ProofError::OldRootDiffers) }
}

/// Whether the next sibling stands to the left: a right child, or the ragged right edge.
fn is_right(node: u64, last: u64) -> bool {
    node & 1 == 1 || node == last
}

/// Skips the levels where the ragged edge has no sibling.
fn above_left_edges(node: u64, last: u64) -> (u64, u64) {
    let levels = if node == 0 { 0 } else { node.trailing_zeros() };
    (node >> levels, last >> levels)
}

/// Skips the levels where the old tree's last node is a right child: they are inside the first node.
fn above_right_children(node: u64, last: u64) -> (u64, u64) {
    let levels = node.trailing_ones();
    (node >> levels, last >> levels)
}

/// The leaf ranges whose roots make the inclusion path, lowest first (RFC 6962, 2.1.1).
pub(crate) fn inclusion_ranges(index: u64, size: u64) -> Result<Vec<Range<u64>>, ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange { index, size });
    }
    let (mut low, mut high, mut ranges) = (0, size, Vec::new());
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            ranges.push(middle..high);
            high = middle;
        } else {
            ranges.push(low..middle);
            low = middle;
        }
    }
    ranges.reverse();
    Ok(ranges)
}

/// The leaf ranges whose roots make the consistency proof, lowest first (RFC 6962, 2.1.2).
pub(crate) fn consistency_ranges(old: u64, new: u64) -> Result<Vec<Range<u64>>, ProofError> {
    if old > new {
        return Err(ProofError::Reversed { old, new });
    }
    let mut ranges = Vec::new();
    if old == 0 || old == new {
        return Ok(ranges);
    }
    let (mut low, mut high) = (0, new);
    while old != high {
        let middle = low + split(high - low);
        if old <= middle {
            ranges.push(middle..high);
            high = middle;
        } else {
            ranges.push(low..middle);
            low = middle;
        }
    }
    if low != 0 {
        ranges.push(low..high);
    }
    ranges.reverse();
    Ok(ranges)
}

/// The largest power of two smaller than `size`, which is at least 2.
fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}

/// A range of leaves as complete subtrees (height, index at that height), left to right. The range is one
/// that RFC 6962 makes: its start is a multiple of every height it needs.
pub(crate) fn complete_subtrees(range: Range<u64>) -> Vec<(u32, u64)> {
    let (mut start, mut subtrees) = (range.start, Vec::new());
    while start < range.end {
        let height = u64::BITS - 1 - (range.end - start).leading_zeros();
        subtrees.push((height, start >> height));
        start += 1 << height;
    }
    subtrees
}

/// Joins complete subtrees, left to right, into the root over all of them.
pub(crate) fn fold_subtrees(hashes: &[NodeHash]) -> NodeHash {
    let mut from_right = hashes.iter().rev();
    let Some(last) = from_right.next() else { return EMPTY_ROOT };
    from_right.fold(*last, |right, left| node_hash(left, &right))
}
