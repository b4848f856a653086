//! The root over leaf hashes that come one after another: the complete subtrees so far, nothing that grows with the log.

use dengbei_register::{EMPTY_ROOT, NodeHash, node_hash};

/// The right edge of a tree.
#[derive(Debug, Clone, Default)]
pub(super) struct Frontier {
    /// Complete subtrees, largest first: height and hash.
    subtrees: Vec<(u32, NodeHash)>,
}

impl Frontier {
    /// Adds the next leaf.
    pub(super) fn push(&mut self, leaf: NodeHash) {
        let mut node = (0, leaf);
        while let Some((height, left)) = self.subtrees.pop() {
            if height != node.0 {
                self.subtrees.push((height, left));
                break;
            }
            node = (height + 1, node_hash(&left, &node.1));
        }
        self.subtrees.push(node);
    }

    /// The root over all leaves so far.
    pub(super) fn root(&self) -> NodeHash {
        let mut from_right = self.subtrees.iter().rev().map(|(_, hash)| *hash);
        let last = from_right.next().unwrap_or(EMPTY_ROOT);
        from_right.fold(last, |right, left| node_hash(&left, &right))
    }
}

#[cfg(test)]
mod tests {
    use dengbei_register::{leaf_hash, root};

    use super::*;

    #[test]
    fn the_root_is_that_of_the_whole_tree_at_every_size() {
        let mut frontier = Frontier::default();
        let mut leaves = Vec::new();
        assert_eq!(frontier.root(), root(&leaves));
        for n in 0_u32..70 {
            leaves.push(leaf_hash(&n.to_be_bytes()));
            frontier.push(leaves[n as usize]);
            assert_eq!(frontier.root(), root(&leaves), "{n}");
        }
    }
}
