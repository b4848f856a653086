//! Audits a whole log (核验): recomputes the tree from the entries and compares every tile and the root.
//!
//! Reads each tile once, holds O(log n). Every problem becomes a [`Finding`] with a stable code and the path
//! of the file; only storage that does not answer ends the audit early. Where an entry bundle and its tile of
//! leaf hashes disagree, the level above (or the checkpoint) says which of them is damaged.

use crate::checkpoint::Checkpoint;
use crate::edge::Edge;
use crate::fetch::{self, ReadError};
use crate::hash::{NodeHash, leaf_hash};
use crate::reader::LogReader;
use crate::storage::{CHECKPOINT_PATH, StorageError, Tiles};
use crate::tile::{TILE_WIDTH, TileKind, TilePath};
use crate::tree;

/// One thing that is wrong with the log.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// Stable: `log.bundle_missing`, `log.bundle_malformed`, `log.bundle_differs`, `log.tile_missing`,
    /// `log.tile_malformed`, `log.tile_differs`, `log.root_differs`.
    pub code: &'static str,
    /// The file concerned, relative to the log.
    pub path: String,
    /// What is wrong, Chinese and English.
    pub detail: String,
}

/// What an audit found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Audit {
    /// How many entries the tree has.
    pub size: u64,
    /// How many entries were read and hashed.
    pub entries: u64,
    /// What is wrong, in the order found.
    pub findings: Vec<Finding>,
}

impl Audit {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    fn note(&mut self, code: &'static str, path: &impl ToString, detail: impl Into<String>) {
        self.findings.push(Finding { code, path: path.to_string(), detail: detail.into() });
    }

    /// Turns what makes a tile unusable into a finding; storage that does not answer stays an error.
    fn note_unless_read<T>(
        &mut self,
        wanted: TilePath,
        read: Result<T, ReadError>,
    ) -> Result<Option<T>, StorageError> {
        let is_bundle = wanted.kind() == TileKind::Entries;
        let error = match read {
            Ok(read) => return Ok(Some(read)),
            Err(ReadError::Storage(error)) => return Err(error),
            Err(error) => error,
        };
        let detail = match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        let code = match (&error, is_bundle) {
            (ReadError::Missing(_), true) => "log.bundle_missing",
            (ReadError::Missing(_), false) => "log.tile_missing",
            (_, true) => "log.bundle_malformed",
            (_, false) => "log.tile_malformed",
        };
        let path = match error {
            ReadError::DamagedTile { path, .. } | ReadError::DamagedBundle { path, .. } => path,
            _ => wanted,
        };
        self.note(code, &path, detail);
        Ok(None)
    }
}

impl<S: Tiles> LogReader<S> {
    /// Audits the log up to `checkpoint`, which the caller has opened.
    ///
    /// # Errors
    /// [`StorageError`] when storage does not answer; nothing is then known about the rest.
    pub async fn audit(&self, checkpoint: &Checkpoint) -> Result<Audit, StorageError> {
        let mut run = Run {
            storage: self.storage(),
            checkpoint,
            edge: Edge::default(),
            parents: None,
            audit: Audit { size: checkpoint.size(), ..Audit::default() },
        };
        for index in 0..checkpoint.size().div_ceil(u64::from(TILE_WIDTH)) {
            if !run.bundle(index).await? {
                return Ok(run.audit);
            }
        }
        run.partials().await?;
        if run.edge.root() != checkpoint.root() {
            let detail =
                "各条目得出的树根与检查点不符 / the entries lead to another root than the checkpoint's";
            run.audit.note("log.root_differs", &CHECKPOINT_PATH, detail);
        }
        Ok(run.audit)
    }
}

struct Run<'a, S> {
    storage: &'a S,
    checkpoint: &'a Checkpoint,
    /// What the entries lead to so far.
    edge: Edge,
    /// The level-1 tile read last and its index: it arbitrates.
    parents: Option<(u64, Vec<NodeHash>)>,
    audit: Audit,
}

impl<S: Tiles> Run<'_, S> {
    /// Takes in one bundle; `false` when neither it nor its hashes are there, so that the tree is lost.
    async fn bundle(&mut self, index: u64) -> Result<bool, StorageError> {
        let size = self.checkpoint.size();
        let path = |kind| TilePath::in_tree(kind, index, size);
        let (Some(bundle), Some(tile)) = (path(TileKind::Entries), path(TileKind::Hashes(0))) else {
            return Ok(false);
        };
        let read = fetch::entries(self.storage, index, size).await;
        let entries = self.audit.note_unless_read(bundle, read)?;
        self.audit.entries += entries.as_ref().map_or(0, |entries| entries.len() as u64);
        let leaves = entries.map(|entries| entries.iter().map(|entry| leaf_hash(entry)).collect::<Vec<_>>());
        let read = fetch::hashes(self.storage, 0, index, size).await;
        let stored = self.audit.note_unless_read(tile, read)?;
        let believed = match (leaves, stored) {
            (Some(leaves), Some(stored)) if leaves != stored => {
                self.arbitrate([bundle, tile], leaves, stored).await?
            }
            (Some(leaves), _) | (None, Some(leaves)) => leaves,
            (None, None) => {
                let detail = "条目与散列均缺失,其后无法核验 / entries and hashes are lost: nothing after can be audited";
                self.audit.note("log.root_differs", &bundle, detail);
                return Ok(false);
            }
        };
        self.push(&believed).await?;
        Ok(true)
    }

    /// Which of the two is damaged, and the leaf hashes to go on with.
    async fn arbitrate(
        &mut self,
        [bundle, tile]: [TilePath; 2],
        leaves: Vec<NodeHash>,
        stored: Vec<NodeHash>,
    ) -> Result<Vec<NodeHash>, StorageError> {
        let position = leaves.iter().zip(&stored).position(|(leaf, hash)| leaf != hash).unwrap_or_default();
        let index = bundle.index() * u64::from(TILE_WIDTH) + position as u64;
        if !self.is_right(bundle, &leaves).await? && self.is_right(bundle, &stored).await? {
            let detail = format!("条目{index}被改动 / entry {index} is not the one in the tree");
            self.audit.note("log.bundle_differs", &bundle, detail);
            return Ok(stored);
        }
        let detail = format!("散列{index}与条目不符 / hash {index} is not that of its entry");
        self.audit.note("log.tile_differs", &tile, detail);
        Ok(leaves)
    }

    /// Whether these leaf hashes lead to what is recorded above them.
    async fn is_right(&mut self, bundle: TilePath, leaves: &[NodeHash]) -> Result<bool, StorageError> {
        if !bundle.is_full() {
            let mut edge = self.edge.clone();
            leaves.iter().for_each(|leaf| edge.push(*leaf, |_, _| {}));
            return Ok(edge.root() == self.checkpoint.root());
        }
        let (tile, position) =
            (bundle.index() / u64::from(TILE_WIDTH), bundle.index() % u64::from(TILE_WIDTH));
        if self.parents.as_ref().is_none_or(|(index, _)| *index != tile) {
            match fetch::hashes(self.storage, 1, tile, self.checkpoint.size()).await {
                Ok(hashes) => self.parents = Some((tile, hashes)),
                Err(ReadError::Storage(error)) => return Err(error),
                // Noted when that tile's own turn comes.
                Err(_) => return Ok(false),
            }
        }
        let parent = self.parents.as_ref().and_then(|(_, hashes)| hashes.get(position as usize));
        Ok(parent == Some(&tree::root(leaves)))
    }

    async fn push(&mut self, leaves: &[NodeHash]) -> Result<(), StorageError> {
        let mut filled = Vec::new();
        for leaf in leaves {
            self.edge.push(*leaf, |path, hashes| filled.push((path, hashes.to_vec())));
        }
        for (path, hashes) in filled {
            self.compare(path, &hashes).await?;
        }
        Ok(())
    }

    async fn partials(&mut self) -> Result<(), StorageError> {
        let partials: Vec<_> = self.edge.partials().map(|(path, hashes)| (path, hashes.to_vec())).collect();
        for (path, hashes) in partials {
            self.compare(path, &hashes).await?;
        }
        Ok(())
    }

    /// Compares an upper tile with what the entries lead to; level 0 was compared with its bundle.
    async fn compare(&mut self, path: TilePath, computed: &[NodeHash]) -> Result<(), StorageError> {
        if path.level() == 0 {
            return Ok(());
        }
        let read = fetch::hashes(self.storage, path.level(), path.index(), self.checkpoint.size()).await;
        let Some(stored) = self.audit.note_unless_read(path, read)? else { return Ok(()) };
        if let Some(position) = stored.iter().zip(computed).position(|(stored, computed)| stored != computed)
        {
            let detail =
                format!("散列{position}与条目不符 / hash {position} is not what the entries lead to");
            self.audit.note("log.tile_differs", &path, detail);
        }
        Ok(())
    }
}
