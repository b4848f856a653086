//! 存档信息包目录清单: what a sender says is in a batch.

use serde::{Deserialize, Serialize};

use crate::xml::{self, XmlFault};

/// How the file's name begins.
pub(crate) const NAME: &str = "存档信息包目录清单";

/// A batch's catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue {
    /// systemcode: the sending system
    pub system_code: String,
    /// batchname
    pub batch_name: String,
    /// sendtime, as written
    pub send_time: String,
    /// sendnumber, as written
    pub send_number: String,
    /// The packages it lists.
    pub directories: Vec<CatalogueEntry>,
}

/// One package of a catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueEntry {
    /// 电子文件号
    pub record_no: String,
    /// 办件名称
    pub title: String,
    /// 归档时间
    pub archive_time: String,
    /// 立档单位名称
    pub unit_name: String,
    /// digitalSummary: the package's digest, where the sender gives one (Fuzhou does, DB33 does not).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub digest: String,
}

impl Catalogue {
    /// Whether a file of a batch is its catalogue, by name.
    pub fn is_catalogue(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.starts_with(NAME)
            && name.len() > 4
            && name.get(name.len() - 4..).is_some_and(|e| e.eq_ignore_ascii_case(".xml"))
    }

    /// Reads a catalogue: as much as can be read, and what is wrong with it.
    pub fn parse(path: &str, bytes: &[u8]) -> (Self, Option<XmlFault>) {
        let document = xml::read(path, bytes);
        let root = &document.root;
        let entry = |n: &xml::Node| CatalogueEntry {
            record_no: n.text_of("documentnumber").to_owned(),
            title: n.text_of("projectname").to_owned(),
            archive_time: n.text_of("archivetime").to_owned(),
            unit_name: n.text_of("deptname").to_owned(),
            digest: n.text_of("digitalsummary").to_owned(),
        };
        let listed = root.child("directories").map_or(&[][..], |d| &d.children[..]);
        let catalogue = Self {
            system_code: root.text_of("systemcode").to_owned(),
            batch_name: root.text_of("batchname").to_owned(),
            send_time: root.text_of("sendtime").to_owned(),
            send_number: root.text_of("sendnumber").to_owned(),
            directories: listed
                .iter()
                .filter(|n| matches!(n.name.as_str(), "directorie" | "directory"))
                .map(entry)
                .collect(),
        };
        (catalogue, document.fault)
    }

    /// sendnumber as a number; `None` if it is none.
    pub fn count(&self) -> Option<usize> {
        self.send_number.parse().ok()
    }

    /// The entry of a package, by its 电子文件号.
    pub fn entry(&self, record_no: &str) -> Option<&CatalogueEntry> {
        self.directories.iter().find(|e| e.record_no == record_no)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalogue_is_read_and_counted() {
        let xml = r#"<description title="存档信息包目录清单"><systemcode>ZWFW</systemcode><batchname>0002</batchname><sendtime>2026-11-02 08:00:00</sendtime>
            <sendnumber>1</sendnumber><directories><directorie><documentnumber>N-1</documentnumber><projectname>供水报装</projectname>
            <archivetime>2026-03-31 10:06:00</archivetime><deptname>区住建局</deptname></directorie></directories></description>"#;
        let (catalogue, fault) = Catalogue::parse("c.XML", xml.as_bytes());
        assert_eq!(fault, None);
        assert_eq!(catalogue.system_code, "ZWFW");
        assert_eq!(catalogue.count(), Some(1));
        assert_eq!(catalogue.entry("N-1").map(|e| e.unit_name.as_str()), Some("区住建局"));
    }

    #[test]
    fn the_name_tells_a_catalogue() {
        assert!(Catalogue::is_catalogue("batch/存档信息包目录清单-（51160204）-（20261102）.XML"));
        assert!(!Catalogue::is_catalogue("基本信息描述.XML"));
        assert!(!Catalogue::is_catalogue("存档信息包目录清单.pdf"));
    }
}
