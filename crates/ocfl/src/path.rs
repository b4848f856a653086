//! Names inside an object, kept apart by type: object ids, logical paths, content paths, version numbers.

use std::fmt;
use std::str::FromStr;

use dengbei_records::Invalid;
use serde::{Deserialize, Serialize};

/// The longest content path we write: with the layout and `v999999/content/` it stays under 4096 bytes on any disk.
const CONTENT_PATH_MAX: usize = 255;
/// The longest logical path we accept, in bytes.
const LOGICAL_PATH_MAX: usize = 4096;
/// The longest object id we accept, in bytes.
const OBJECT_ID_MAX: usize = 1024;

/// An object's id (对象标识), a URI: `urn:uuid:…` for an item, `urn:dengbei:document:…` for a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectId(String);

/// Where a file stands in the object for its reader: the received name (逻辑路径), any script.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LogicalPath(String);

/// Where a file's bytes lie, relative to the version's `content/` (存储路径): portable ASCII only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentPath(String);

/// A version of an object: `v1`, `v2`, … without padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VersionNumber(u32);

/// Whether `path` is one or more elements joined by `/`, none empty, `.` or `..`.
fn is_relative(path: &str) -> bool {
    path.split('/').all(|element| !matches!(element, "" | "." | ".."))
}

impl FromStr for ObjectId {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let is_uri = s.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(is_scheme)
                && !rest.is_empty()
        });
        if is_uri && s.len() <= OBJECT_ID_MAX && !s.chars().any(char::is_control) {
            Ok(Self(s.to_owned()))
        } else {
            Err(Invalid::new("对象标识 object id", s))
        }
    }
}

impl FromStr for LogicalPath {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        if is_relative(s) && s.len() <= LOGICAL_PATH_MAX && !s.contains('\0') {
            Ok(Self(s.to_owned()))
        } else {
            Err(Invalid::new("逻辑路径 logical path", s))
        }
    }
}

impl FromStr for ContentPath {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        let is_portable = |b: u8| b.is_ascii_alphanumeric() || b"._-/".contains(&b);
        if is_relative(s) && s.len() <= CONTENT_PATH_MAX && s.bytes().all(is_portable) {
            Ok(Self(s.to_owned()))
        } else {
            Err(Invalid::new("存储路径 content path", s))
        }
    }
}

impl VersionNumber {
    /// `v1`.
    pub const FIRST: Self = Self(1);

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The version after this one.
    ///
    /// # Errors
    /// [`Invalid`] beyond 999,999.
    pub fn next(self) -> Result<Self, Invalid> {
        Self::try_from(self.0.saturating_add(1))
    }
}

impl TryFrom<u32> for VersionNumber {
    type Error = Invalid;
    fn try_from(n: u32) -> Result<Self, Invalid> {
        if (1..=999_999).contains(&n) {
            Ok(Self(n))
        } else {
            Err(Invalid::new("版本号 version number", n))
        }
    }
}

impl FromStr for VersionNumber {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("版本号 version number", s);
        let number: Self =
            s.strip_prefix('v').and_then(|n| n.parse::<u32>().ok()).ok_or_else(invalid)?.try_into()?;
        if number.to_string() == s { Ok(number) } else { Err(invalid()) }
    }
}

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl TryFrom<String> for VersionNumber {
    type Error = Invalid;
    fn try_from(s: String) -> Result<Self, Invalid> {
        s.parse()
    }
}

impl From<VersionNumber> for String {
    fn from(v: VersionNumber) -> Self {
        v.to_string()
    }
}

impl ObjectId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LogicalPath {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ContentPath {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for LogicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ContentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ObjectId {
    type Error = Invalid;
    fn try_from(s: String) -> Result<Self, Invalid> {
        s.parse()
    }
}

impl TryFrom<String> for LogicalPath {
    type Error = Invalid;
    fn try_from(s: String) -> Result<Self, Invalid> {
        s.parse()
    }
}

impl TryFrom<String> for ContentPath {
    type Error = Invalid;
    fn try_from(s: String) -> Result<Self, Invalid> {
        s.parse()
    }
}

impl From<ObjectId> for String {
    fn from(id: ObjectId) -> Self {
        id.0
    }
}

impl From<LogicalPath> for String {
    fn from(path: LogicalPath) -> Self {
        path.0
    }
}

impl From<ContentPath> for String {
    fn from(path: ContentPath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_never_leave_their_object() {
        for bad in ["", "/a", "a/", "a//b", "./a", "a/..", ".."] {
            assert!(bad.parse::<LogicalPath>().is_err(), "{bad}");
            assert!(bad.parse::<ContentPath>().is_err(), "{bad}");
        }
        assert!("归档文件/结果.pdf".parse::<LogicalPath>().is_ok());
        assert!("归档文件/结果.pdf".parse::<ContentPath>().is_err());
        assert!("files/0001.pdf".parse::<ContentPath>().is_ok());
    }

    #[test]
    fn version_numbers_have_one_spelling() {
        assert_eq!("v12".parse::<VersionNumber>().unwrap().get(), 12);
        for bad in ["v0", "v01", "12", "v", "v+1", "v1000000"] {
            assert!(bad.parse::<VersionNumber>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_object_id_is_a_uri() {
        assert!("urn:uuid:1".parse::<ObjectId>().is_ok());
        assert!("no-scheme".parse::<ObjectId>().is_err());
        assert!("urn:".parse::<ObjectId>().is_err());
    }
}
