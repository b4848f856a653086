//! The right edge of a growing tree: the hashes of the partial tile at every level. O(log n) memory, and all
//! that is needed to append and to know the root. Used by `log` to write and by `audit` to recompute.

use crate::hash::NodeHash;
use crate::tile::{TILE_WIDTH, TileKind, TilePath};
use crate::tree;

/// The right edge of a tree of `size` leaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edge {
    size: u64,
    /// From level 0: the hashes of the partial tile there, 0 to 255 of them.
    levels: Vec<Vec<NodeHash>>,
}

impl Edge {
    /// The edge with these hashes in the partial tile at each level, which the caller read for this size.
    pub(crate) fn restored(size: u64, levels: Vec<Vec<NodeHash>>) -> Self {
        Self { size, levels }
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf hash and hands every tile that it fills to `filled`, lowest level first.
    pub(crate) fn push(&mut self, leaf: NodeHash, mut filled: impl FnMut(TilePath, &[NodeHash])) {
        self.size += 1;
        let (mut hash, mut span) = (leaf, self.size);
        for level in 0u8.. {
            if self.levels.len() <= usize::from(level) {
                self.levels.push(Vec::new());
            }
            let tile = &mut self.levels[usize::from(level)];
            tile.push(hash);
            if tile.len() < usize::from(TILE_WIDTH) {
                return;
            }
            span /= u64::from(TILE_WIDTH);
            if let Some(path) = TilePath::in_tree(TileKind::Hashes(level), span - 1, self.size) {
                filled(path, tile);
            }
            hash = tree::root(tile);
            tile.clear();
        }
    }

    /// The partial tiles, lowest level first.
    pub(crate) fn partials(&self) -> impl Iterator<Item = (TilePath, &[NodeHash])> {
        self.levels.iter().zip(0u8..).filter_map(|(tile, level)| {
            let hashes = self.size.checked_shr(8 * u32::from(level)).unwrap_or(0);
            let index = hashes / u64::from(TILE_WIDTH);
            TilePath::in_tree(TileKind::Hashes(level), index, self.size).map(|path| (path, &**tile))
        })
    }

    /// The root over all leaves.
    pub(crate) fn root(&self) -> NodeHash {
        let mut subtrees = Vec::new();
        for tile in self.levels.iter().rev() {
            let ranges = tree::complete_subtrees(0..tile.len() as u64);
            subtrees.extend(ranges.into_iter().map(|(height, index)| {
                let start = (index << height) as usize;
                tree::root(&tile[start..start + (1 << height)])
            }));
        }
        tree::fold_subtrees(&subtrees)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{EMPTY_ROOT, leaf_hash};

    #[test]
    fn root_of_the_edge_is_the_root_over_all_leaves() {
        let (mut edge, mut leaves, mut tiles) = (Edge::default(), Vec::new(), Vec::new());
        assert_eq!(edge.root(), EMPTY_ROOT);
        for number in 0u32..1100 {
            leaves.push(leaf_hash(&number.to_be_bytes()));
            edge.push(leaves[leaves.len() - 1], |path, _| tiles.push(path.to_string()));
            assert_eq!(edge.root(), tree::root(&leaves), "{number}");
        }
        assert_eq!(tiles, ["tile/0/000", "tile/0/001", "tile/0/002", "tile/0/003"]);
        let partials: Vec<_> =
            edge.partials().map(|(path, hashes)| (path.to_string(), hashes.len())).collect();
        assert_eq!(partials, [("tile/0/004.p/76".to_owned(), 76), ("tile/1/000.p/4".to_owned(), 4)]);
    }

    #[test]
    fn tiles_are_carried_up_two_levels() {
        let (mut edge, mut upper) = (Edge::default(), Vec::new());
        for number in 0u32..65_537 {
            edge.push(leaf_hash(&number.to_be_bytes()), |path, hashes| {
                if path.level() > 0 {
                    upper.push((path.to_string(), hashes.len()));
                }
            });
        }
        assert_eq!(upper, [("tile/1/000".to_owned(), 256)]);
        let partials: Vec<_> = edge.partials().map(|(path, _)| path.to_string()).collect();
        assert_eq!(partials, ["tile/0/256.p/1", "tile/2/000.p/1"]);
    }
}
