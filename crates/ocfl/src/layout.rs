//! Where objects lie under a storage root: layout extension 0003 (hash and id n-tuple), SHA-256, three tuples of three.
//!
//! Neighbours: [`crate::PackWriter`] puts these paths and root files into every pack, the validator checks them.

use dengbei_records::Sha256;
use std::fmt::Write as _;

/// The registered name of the layout.
pub(crate) const EXTENSION: &str = "0003-hash-and-id-n-tuple-storage-layout";
/// Characters of an encoded id that are kept as they are before the digest takes over.
const ENCODED_MAX: usize = 100;

/// The layout of every storage root we write.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layout;

/// A file of the storage root itself, the same in every pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootFile {
    /// Path under the storage root.
    pub path: &'static str,
    /// Content.
    pub bytes: &'static [u8],
}

impl Layout {
    /// The root files, identical in all packs so that unpacking order does not matter.
    pub const ROOT_FILES: [RootFile; 3] = [
        RootFile { path: "0=ocfl_1.1", bytes: b"ocfl_1.1\n" },
        RootFile { path: "ocfl_layout.json", bytes: LAYOUT_JSON },
        RootFile {
            path: "extensions/0003-hash-and-id-n-tuple-storage-layout/config.json",
            bytes: CONFIG_JSON,
        },
    ];

    /// The object root of `id`, relative to the storage root: `ab0/12c/…/urn%3auuid%3a…`.
    pub fn object_root(id: &str) -> String {
        let digest = Sha256::of(id.as_bytes()).to_string();
        let mut encoded = encode(id);
        if encoded.len() > ENCODED_MAX {
            encoded.truncate(ENCODED_MAX);
            let _ = write!(encoded, "-{digest}");
        }
        format!("{}/{}/{}/{encoded}", &digest[..3], &digest[3..6], &digest[6..9])
    }
}

const LAYOUT_JSON: &[u8] = br#"{
  "description": "Hashed truncated n-tuple trees with object ID encapsulating directory: SHA-256, three tuples of three",
  "extension": "0003-hash-and-id-n-tuple-storage-layout"
}
"#;

const CONFIG_JSON: &[u8] = br#"{
  "digestAlgorithm": "sha256",
  "extensionName": "0003-hash-and-id-n-tuple-storage-layout",
  "numberOfTuples": 3,
  "tupleSize": 3
}
"#;

/// Percent-encodes every byte but `A-Z a-z 0-9 - _`, lower-case hex, as the extension says.
fn encode(id: &str) -> String {
    let mut out = String::with_capacity(id.len() + 16);
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_extensions_own_examples() {
        assert_eq!(Layout::object_root("object-01"), "3c0/ff4/240/object-01");
        assert_eq!(Layout::object_root("..hor/rib:le-$id"), "487/326/d8c/%2e%2ehor%2frib%3ale-%24id");
        assert_eq!(Layout::object_root("..Hor/rib:lè-$id"), "373/529/21a/%2e%2eHor%2frib%3al%c3%a8-%24id");
        let long = "abcdefghij".repeat(10) + "a";
        let expected = format!(
            "5cc/73e/648/{}-5cc73e648fbcff136510e330871180922ddacf193b68fdeff855683a01464220",
            "abcdefghij".repeat(10)
        );
        assert_eq!(Layout::object_root(&long), expected);
    }

    #[test]
    fn root_files_name_the_layout() {
        for file in &Layout::ROOT_FILES[1..] {
            assert!(std::str::from_utf8(file.bytes).unwrap().contains(EXTENSION));
        }
        assert!(Layout::ROOT_FILES[2].path.contains(EXTENSION));
    }
}
