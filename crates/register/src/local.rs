//! Tiles on a directory: each tile a file at its path, group-synced. The contract is `storage`'s.
//!
//! A group is written to `.writing/`, synced file by file on a few threads, renamed into place, and every
//! folder touched is synced once. So a tile in its place is whole, and what lies in `.writing/` after a crash
//! is rubbish that the next first write removes.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Mutex;

use crate::storage::{CHECKPOINT_PATH, StorageError, Tiles};
use crate::tile::TilePath;

/// Syncs at once: enough for the file system to put several into one journal commit.
const SYNC_LANES: usize = 4;
/// Folders remembered as durable; forgetting them costs a sync more, nothing else.
const REMEMBERED_FOLDERS: usize = 4096;
const WRITING: &str = ".writing";

/// Tiles on a directory. Have one per directory and clone it: clones take turns at writing, two separate
/// ones do not.
///
/// Cancel-safety: a call whose future is dropped ends in the background; the next write waits for it.
#[derive(Debug, Clone)]
pub struct LocalTiles {
    root: Arc<Path>,
    turn: Arc<Mutex<Turn>>,
}

/// What the writer whose turn it is knows.
#[derive(Debug, Default)]
struct Turn {
    is_prepared: bool,
    durable_folders: HashSet<PathBuf>,
}

impl LocalTiles {
    /// Tiles under `root`, which the first write makes when it is not there.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: Arc::from(root.into()), turn: Arc::default() }
    }

    async fn read_file(&self, path: String) -> Result<Option<Bytes>, StorageError> {
        let file = self.root.join(&path);
        blocking(path, move || match fs::read(file) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        })
        .await
    }

    /// Runs `work` when no other write runs; it goes on when the caller is gone.
    async fn in_turn<W>(&self, path: String, work: W) -> Result<(), StorageError>
    where
        W: FnOnce(&mut Group<'_>) -> Result<(), Failure> + Send + 'static,
    {
        let (root, mut turn) = (Arc::clone(&self.root), Arc::clone(&self.turn).lock_owned().await);
        blocking(path, move || {
            prepare(&root, &mut turn)?;
            work(&mut Group { root: &root, turn: &mut turn, touched: BTreeSet::new() })
        })
        .await
    }
}

impl Tiles for LocalTiles {
    async fn read(&self, path: TilePath) -> Result<Option<Bytes>, StorageError> {
        self.read_file(path.to_string()).await
    }

    async fn read_checkpoint(&self) -> Result<Option<Bytes>, StorageError> {
        self.read_file(CHECKPOINT_PATH.to_owned()).await
    }

    async fn write_durable(&self, tiles: Vec<(TilePath, Bytes)>) -> Result<(), StorageError> {
        let Some((first, _)) = tiles.first() else { return Ok(()) };
        self.in_turn(first.to_string(), move |group| {
            let files = group.missing(tiles)?;
            Ok(group.write(&files)?)
        })
        .await
    }

    async fn publish(&self, checkpoint: Bytes) -> Result<(), StorageError> {
        self.in_turn(CHECKPOINT_PATH.to_owned(), move |group| {
            let file = group.root.join(CHECKPOINT_PATH);
            Ok(group.write(&[(file, checkpoint)])?)
        })
        .await
    }

    async fn drop_partials(&self, full: Vec<TilePath>) -> Result<(), StorageError> {
        let Some(first) = full.first() else { return Ok(()) };
        self.in_turn(first.partials_folder(), move |group| Ok(group.drop_partials(&full)?)).await
    }
}

/// What went wrong on the file system's side of [`blocking`].
enum Failure {
    Io(io::Error),
    Conflict(TilePath),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

async fn blocking<T: Send + 'static>(
    path: String,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, StorageError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(Failure::Conflict(tile))) => Err(StorageError::Conflict(tile)),
        Ok(Err(Failure::Io(error))) => Err(StorageError::unavailable(path, error)),
        Err(stopped) => Err(StorageError::unavailable(path, stopped)),
    }
}

/// Makes the root durable and removes what an earlier process left half written.
fn prepare(root: &Path, turn: &mut Turn) -> io::Result<()> {
    if turn.is_prepared {
        return Ok(());
    }
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let made: Vec<_> = root.ancestors().take_while(is_missing).collect();
    let writing = root.join(WRITING);
    match fs::remove_dir_all(&writing) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir_all(&writing)?,
    }
    let holders = made.iter().filter_map(|folder| folder.parent());
    holders.filter(|folder| !folder.as_os_str().is_empty()).try_for_each(sync_folder)?;
    turn.is_prepared = true;
    Ok(())
}

/// Files that become durable together.
struct Group<'a> {
    root: &'a Path,
    turn: &'a mut Turn,
    touched: BTreeSet<PathBuf>,
}

impl Group<'_> {
    /// The tiles not there yet. One that is there may come from a run that died before it synced the folder,
    /// so its folder counts as touched.
    fn missing(&mut self, tiles: Vec<(TilePath, Bytes)>) -> Result<Vec<(PathBuf, Bytes)>, Failure> {
        let mut missing = Vec::new();
        for (path, bytes) in tiles {
            let file = self.root.join(path.to_string());
            match fs::read(&file) {
                Ok(old) if old == bytes => self.touch_parent(&file)?,
                Ok(_) => return Err(Failure::Conflict(path)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push((file, bytes)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(missing)
    }

    /// Writes `files` and syncs them, then renames them into place and syncs the folders.
    fn write(&mut self, files: &[(PathBuf, Bytes)]) -> io::Result<()> {
        let writing = self.root.join(WRITING);
        let temporary = |number: usize| writing.join(number.to_string());
        let numbered: Vec<_> = files.iter().enumerate().collect();
        in_parallel(&numbered, |(number, (_, bytes))| write_synced(&temporary(*number), bytes))?;
        for (number, (file, _)) in numbered {
            self.touch_parent(file)?;
            fs::rename(temporary(number), file)?;
        }
        in_parallel(&self.touched.iter().collect::<Vec<_>>(), |folder| sync_folder(folder))?;
        self.remember();
        Ok(())
    }

    fn touch_parent(&mut self, file: &Path) -> io::Result<()> {
        let Some(folder) = file.parent() else { return Ok(()) };
        fs::create_dir_all(folder)?;
        self.touched.insert(folder.to_owned());
        // A folder is durable when its own name is: sync each folder above it, up to the root.
        let is_known = |folder: &&Path| *folder == self.root || self.turn.durable_folders.contains(*folder);
        let unknown = folder.ancestors().take_while(|folder| !is_known(folder));
        let above: Vec<_> = unknown.filter_map(Path::parent).map(Path::to_owned).collect();
        self.touched.extend(above);
        Ok(())
    }

    fn remember(&mut self) {
        let known = &mut self.turn.durable_folders;
        if known.len() > REMEMBERED_FOLDERS {
            known.clear();
        }
        known.extend(std::mem::take(&mut self.touched));
    }

    fn drop_partials(&mut self, full: &[TilePath]) -> io::Result<()> {
        for path in full {
            let folder = self.root.join(path.partials_folder());
            self.turn.durable_folders.remove(&folder);
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_data()
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn in_parallel<T: Sync>(items: &[T], work: impl Fn(&T) -> io::Result<()> + Sync) -> io::Result<()> {
    if items.len() < 2 {
        return items.iter().try_for_each(work);
    }
    let work = &work;
    std::thread::scope(|scope| {
        let lanes = items.chunks(items.len().div_ceil(SYNC_LANES));
        let lanes: Vec<_> = lanes.map(|lane| scope.spawn(|| lane.iter().try_for_each(work))).collect();
        let mut ended = lanes.into_iter().map(std::thread::ScopedJoinHandle::join);
        ended.try_for_each(|lane| lane.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}
