//! Builders with readable defaults for the tests of this crate.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use dengbei_ocfl::{ContentFile, Inventory, ObjectBuilder, ObjectVersion, PackPlan, PackWriter, Stamp, User};
use dengbei_records::{PackNumber, Timestamp};

pub fn stamp(seconds: i64) -> Stamp {
    let user = User { name: "登记机关".into(), address: "https://dengbei.example/".into() };
    Stamp { created: Timestamp::from_millis(seconds * 1000), message: "归档 filed".into(), user }
}

pub fn version(builder: ObjectBuilder, files: &[(&str, &str, &str)]) -> ObjectVersion {
    let file = |(logical, content, bytes): &(&str, &str, &str)| {
        ContentFile::bytes(logical, content, bytes.to_string()).unwrap()
    };
    builder.files(files.iter().map(file)).build().unwrap()
}

pub fn item(n: u32) -> ObjectVersion {
    let record = format!("{{\"item\":{n}}}");
    let files = [
        ("record.json", "record.json", record.as_str()),
        ("归档文件/办件结果.pdf", "files/0001.pdf", "%PDF-1.7 结果"),
        ("归档文件/副本.pdf", "files/0002.pdf", "%PDF-1.7 结果"),
        ("空.txt", "files/0003.txt", ""),
    ];
    let id = format!("urn:uuid:00000000-0000-8000-8000-{n:012}");
    version(ObjectBuilder::first(&id, stamp(1_600_000_000 + i64::from(n))).unwrap(), &files)
}

pub fn corrected(before: &Inventory, at: i64) -> ObjectVersion {
    let files = [
        ("record.json", "record.json", "{\"corrected\":true}"),
        ("归档文件/办件结果.pdf", "files/0001.pdf", "%PDF-1.7 结果"),
        ("更正说明.pdf", "files/0002.pdf", "%PDF-1.7 更正"),
    ];
    version(ObjectBuilder::next(before, stamp(at)).unwrap(), &files)
}

pub fn plan(number: u64, versions: Vec<ObjectVersion>) -> PackPlan {
    PackPlan {
        area: "330382".parse().unwrap(),
        number: PackNumber::new(number),
        generation: 1,
        created: Timestamp::from_millis(1_700_000_000_000),
        labels: BTreeMap::from([("fonds".into(), "Z008".into())]),
        versions,
    }
}

pub fn pack(number: u64, versions: Vec<ObjectVersion>) -> Vec<u8> {
    let mut bytes = Vec::new();
    PackWriter::new(plan(number, versions)).unwrap().write_in_memory(&mut bytes).unwrap();
    bytes
}

/// Unpacks with the system's tar, as the design promises anybody may.
pub fn untar(pack: &[u8], into: &Path) {
    let file = into.with_extension("tar");
    std::fs::write(&file, pack).unwrap();
    let status = Command::new("tar")
        .arg("--keep-newer-files")
        .arg("-xf")
        .arg(&file)
        .arg("-C")
        .arg(into)
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
}
