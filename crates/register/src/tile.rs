//! Names and contents of tiles as C2SP tlog-tiles has them: `tile/<L>/<N>[.p/<W>]`, `tile/entries/…`.
//!
//! A [`TilePath`] that exists is valid. Entry bundles are encoded in `bundle`; who stores tiles is `storage`.

use std::fmt;
use std::str::FromStr;

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::hash::NodeHash;

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;
/// The highest level that the layout has a name for.
pub const MAX_LEVEL: u8 = 63;

/// A name or content that is no tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// Not a path of the tlog-tiles layout, or not in its one spelling.
    #[error("不是瓦片路径 / not a tile path: {0}")]
    Path(String),
    /// A level above 63, or a width that is not 1 to 256.
    #[error("层{level}宽{width}超出范围 / level {level}, width {width} are out of range")]
    Range {
        /// The level asked for.
        level: u8,
        /// The width asked for.
        width: u16,
    },
    /// Content whose length is not what the width says.
    #[error("瓦片长度{found}字节,应为{wanted} / the tile has {found} bytes instead of {wanted}")]
    Length {
        /// Bytes there should be.
        wanted: usize,
        /// Bytes there are.
        found: usize,
    },
}

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Log entries, length-prefixed.
    Entries,
    /// Hashes of the given level; level 0 are leaf hashes.
    Hashes(u8),
}

/// The path of a tile, full or partial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    kind: TileKind,
    index: u64,
    width: u16,
}

impl TilePath {
    /// The path of a tile of hashes; `width` 256 is the full tile.
    ///
    /// # Errors
    /// [`TileError::Range`] for a level above 63 or a width outside 1 to 256.
    pub fn hashes(level: u8, index: u64, width: u16) -> Result<Self, TileError> {
        Self::new(TileKind::Hashes(level), index, width)
    }

    /// The path of an entry bundle; `width` 256 is the full bundle.
    ///
    /// # Errors
    /// [`TileError::Range`] for a width outside 1 to 256.
    pub fn entries(index: u64, width: u16) -> Result<Self, TileError> {
        Self::new(TileKind::Entries, index, width)
    }

    fn new(kind: TileKind, index: u64, width: u16) -> Result<Self, TileError> {
        let path = Self { kind, index, width };
        if (1..=TILE_WIDTH).contains(&width) && path.level() <= MAX_LEVEL {
            return Ok(path);
        }
        Err(TileError::Range { level: path.level(), width })
    }

    /// The tile that a tree of `size` leaves has at this place; `None` where it has none.
    pub fn in_tree(kind: TileKind, index: u64, size: u64) -> Option<Self> {
        let level = if let TileKind::Hashes(level) = kind { level } else { 0 };
        let hashes = size.checked_shr(8 * u32::from(level)).unwrap_or(0);
        let rest = hashes.checked_sub(index.checked_mul(u64::from(TILE_WIDTH))?)?;
        Self::new(kind, index, rest.min(u64::from(TILE_WIDTH)) as u16).ok()
    }

    /// What the tile holds.
    pub const fn kind(&self) -> TileKind {
        self.kind
    }

    /// The level; a bundle lies at level 0.
    pub const fn level(&self) -> u8 {
        match self.kind {
            TileKind::Entries => 0,
            TileKind::Hashes(level) => level,
        }
    }

    /// The place of the tile within its level.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries it holds, 1 to 256.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether it is full and so will never get a wider successor.
    pub const fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The full tile at the same place.
    #[must_use]
    pub const fn full(self) -> Self {
        Self { width: TILE_WIDTH, ..self }
    }

    /// Where the partial tiles of this place lie: the full tile's path and `.p`.
    pub fn partials_folder(&self) -> String {
        format!("{}.p", self.full())
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Entries => f.write_str("tile/entries/")?,
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
        }
        let mut divisor = 1;
        while self.index / divisor >= 1000 {
            divisor *= 1000;
        }
        while divisor > 1 {
            write!(f, "x{:03}/", self.index / divisor % 1000)?;
            divisor /= 1000;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

impl FromStr for TilePath {
    type Err = TileError;
    fn from_str(text: &str) -> Result<Self, TileError> {
        let refused = || TileError::Path(text.chars().take(80).collect());
        let path = parse(text).ok_or_else(refused)?;
        // One spelling each: leading zeroes, an empty group or `.p/256` do not print back the same.
        if path.to_string() == text { Ok(path) } else { Err(refused()) }
    }
}

fn parse(text: &str) -> Option<TilePath> {
    let (kind, rest) = text.strip_prefix("tile/")?.split_once('/')?;
    let kind = if kind == "entries" { TileKind::Entries } else { TileKind::Hashes(number(kind)?) };
    let (groups, width) = match rest.split_once(".p/") {
        Some((groups, width)) => (groups, number(width)?),
        None => (rest, TILE_WIDTH),
    };
    let index = groups.split('/').try_fold(0u64, |index, group| {
        let group: u64 = number(group.strip_prefix('x').unwrap_or(group))?;
        index.checked_mul(1000)?.checked_add(group)
    })?;
    TilePath::new(kind, index, width).ok()
}

/// A decimal number without a sign, which `FromStr` would allow.
fn number<N: FromStr>(text: &str) -> Option<N> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The content of a tile of hashes.
pub fn encode_hashes(hashes: &[NodeHash]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(hashes.len() * NodeHash::LEN);
    hashes.iter().for_each(|hash| bytes.put_slice(hash.as_bytes()));
    bytes.freeze()
}

/// Reads the content of a tile that holds `width` hashes.
///
/// # Errors
/// [`TileError::Length`] when the content is longer or shorter.
pub fn decode_hashes(bytes: &[u8], width: u16) -> Result<Vec<NodeHash>, TileError> {
    let wanted = usize::from(width) * NodeHash::LEN;
    if bytes.len() != wanted {
        return Err(TileError::Length { wanted, found: bytes.len() });
    }
    Ok(bytes.as_chunks::<{ NodeHash::LEN }>().0.iter().copied().map(NodeHash::from_bytes).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_spelled_as_the_layout_says() {
        let spelled = |level, index, width| TilePath::hashes(level, index, width).unwrap().to_string();
        assert_eq!(spelled(0, 0, 256), "tile/0/000");
        assert_eq!(spelled(0, 273, 112), "tile/0/273.p/112");
        assert_eq!(spelled(63, 1_234_067, 256), "tile/63/x001/x234/067");
        assert_eq!(TilePath::entries(1000, 1).unwrap().to_string(), "tile/entries/x001/000.p/1");
    }

    #[test]
    fn only_the_one_spelling_is_read() {
        for text in [
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000/001",
            "tile/00/001",
            "tile/64/001",
            "tile/0/001.p/0",
            "tile/0/001.p/256",
            "tile/0/001.p/01",
            "tile/0/001.p/",
            "tile/0/001/",
            "tile/0/x001",
            "tile/0/001/002",
            "tile/-1/001",
            "tile/0/+01",
            "tile/entries/../0",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
            "/tile/0/000",
            "tile/data/000",
            "tile/0/００１",
            "",
        ] {
            assert!(text.parse::<TilePath>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_tree_of_70_000_has_the_tiles_that_the_specification_names() {
        let width =
            |level, index| TilePath::in_tree(TileKind::Hashes(level), index, 70_000).map(|path| path.width());
        assert_eq!([width(0, 272), width(0, 273), width(0, 274)], [Some(256), Some(112), None]);
        assert_eq!([width(1, 0), width(1, 1), width(2, 0)], [Some(256), Some(17), Some(1)]);
        assert_eq!(width(3, 0), None);
    }

    #[test]
    fn tile_of_another_length_is_refused() {
        assert!(decode_hashes(&[0; 64], 2).is_ok());
        assert_eq!(decode_hashes(&[0; 63], 2), Err(TileError::Length { wanted: 64, found: 63 }));
        assert!(decode_hashes(&[0; 96], 2).is_err());
    }

    proptest! {
        #[test]
        fn every_path_reads_back(level in 0u8..=63, index: u64, width in 1u16..=256) {
            let hashes = TilePath::hashes(level, index, width).unwrap();
            let entries = TilePath::entries(index, width).unwrap();
            prop_assert_eq!(hashes.to_string().parse(), Ok(hashes));
            prop_assert_eq!(entries.to_string().parse(), Ok(entries));
        }

        #[test]
        fn reading_a_path_never_panics(text in "(tile/)?(entries|[0-9]{0,3})/?[x0-9./p+-]{0,60}|.*") {
            let _ = text.parse::<TilePath>();
        }
    }
}
