//! A pack's name on a site: built and parsed here only.

use std::fmt;
use std::str::FromStr;

use dengbei_records::{AreaCode, Invalid, PackNumber};

/// `packs/<area>/<number, eight digits>.g<generation>.tar`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackName {
    /// The area whose counter gave the number.
    pub area: AreaCode,
    /// The number.
    pub number: PackNumber,
    /// 1, or more after a rewrite.
    pub generation: u32,
}

impl PackName {
    /// The first generation of pack `number`.
    pub const fn first(area: AreaCode, number: PackNumber) -> Self {
        Self { area, number, generation: 1 }
    }

    /// The path under the site's folder.
    pub fn path(&self) -> String {
        format!("packs/{self}")
    }

    /// The file's name in its area's folder.
    pub(crate) fn file_name(&self) -> String {
        format!("{}.g{}.tar", self.number, self.generation)
    }
}

impl fmt::Display for PackName {
    /// `<area>/<number>.g<generation>.tar`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.area, self.file_name())
    }
}

impl FromStr for PackName {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("存储包名 pack name", s);
        let (area, file) = s.split_once('/').ok_or_else(invalid)?;
        let (number, generation) =
            file.strip_suffix(".tar").and_then(|n| n.split_once(".g")).ok_or_else(invalid)?;
        let name = Self {
            area: area.parse()?,
            number: PackNumber::new(number.parse().map_err(|_| invalid())?),
            generation: generation.parse().map_err(|_| invalid())?,
        };
        if name.to_string() == s { Ok(name) } else { Err(invalid()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_spelling() {
        let name: PackName = "330382/00000007.g2.tar".parse().unwrap();
        assert_eq!((name.number.get(), name.generation), (7, 2));
        assert_eq!(name.path(), "packs/330382/00000007.g2.tar");
        for bad in [
            "330382/7.g2.tar",
            "330382/00000007.tar",
            "00000007.g2.tar",
            "330382/00000007.g+2.tar",
            "../00000007.g2.tar",
        ] {
            assert!(bad.parse::<PackName>().is_err(), "{bad}");
        }
    }
}
