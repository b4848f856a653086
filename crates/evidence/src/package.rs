//! Checks an exported package against a proven receipt: every byte of content and every name must agree.
//!
//! A package is a folder of logical files: `record.json`, `reception.json`, the received paths. An OCFL object
//! is read through its inventory by the caller (`dengbei verify`), which validates the object first.

use std::collections::BTreeMap;
use std::io::{self, Read};

use dengbei_records::{Reception, Record, Sha256, StoredFile, canonical};
use sha2::Digest as _;

use crate::finding::Finding;
use crate::verify::Proven;

/// Where a package's files come from.
pub trait Files {
    /// Logical paths, `/` between parts.
    fn paths(&self) -> Vec<String>;
    /// Opens one of them.
    ///
    /// # Errors
    /// As the file system says.
    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>>;
}

/// Checks a package. Empty: every byte and every name agrees with what was filed.
pub fn verify_package(proven: &Proven, files: &dyn Files) -> Vec<Finding> {
    let mut findings = Vec::new();
    let record: Option<Record> = document(files, "record.json", &proven.filed.record, &mut findings);
    let reception: Option<Reception> =
        document(files, "reception.json", &proven.prefiled.reception, &mut findings);
    let (Some(record), Some(reception)) = (record, reception) else { return findings };
    agree(proven, &record, &reception, &mut findings);
    let mut expected: BTreeMap<&str, &StoredFile> = BTreeMap::new();
    let listed = record.files.iter().filter_map(|row| row.file.as_ref()).chain(&record.described_by);
    expected.extend(listed.map(|file| (file.path.as_str(), file)));
    for path in files.paths() {
        if path != "record.json" && path != "reception.json" && !expected.contains_key(path.as_str()) {
            findings.push(Finding::new(
                "package.extra",
                path,
                "包内有未归档的文件",
                "a file that was not filed",
            ));
        }
    }
    for (path, file) in expected {
        content(files, path, file, &mut findings);
    }
    findings
}

fn document<T: serde::de::DeserializeOwned + serde::Serialize>(
    files: &dyn Files,
    path: &str,
    digest: &Sha256,
    findings: &mut Vec<Finding>,
) -> Option<T> {
    let mut body = Vec::new();
    let read = files.open(path).and_then(|file| file.take(64 << 20).read_to_end(&mut body));
    if read.is_err() {
        findings.push(Finding::new("package.missing", path, "文件缺失", "the file is missing"));
        return None;
    }
    if Sha256::of(&body) != *digest {
        findings.push(Finding::new(
            "package.digest",
            path,
            "文件与事件所记的摘要不符",
            "the file is not the one that was filed",
        ));
        return None;
    }
    let parsed = canonical::from_slice(&body);
    if parsed.is_err() {
        findings.push(Finding::new("package.document", path, "文件无法读取", "the document cannot be read"));
    }
    parsed.ok()
}

fn agree(proven: &Proven, record: &Record, reception: &Reception, findings: &mut Vec<Finding>) {
    let same = record.item == proven.filed.item
        && reception.item == record.item
        && record.data_version == proven.filed.data_version
        && record.archival_code == proven.filed.archival_code
        && record.reception == proven.prefiled.reception
        && record.files == reception.files
        && record.described_by == reception.described_by;
    if !same {
        findings.push(Finding::new(
            "package.record",
            "record.json",
            "记录与事件不一致",
            "the record contradicts the events",
        ));
    }
}

fn content(files: &dyn Files, path: &str, expected: &StoredFile, findings: &mut Vec<Finding>) {
    let Ok(mut file) = files.open(path) else {
        findings.push(Finding::new("package.missing", path, "文件缺失", "the file is missing"));
        return;
    };
    let (mut sha512, mut sm3, mut bytes) = (sha2::Sha512::new(), sm3::Sm3::new(), 0_u64);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                sha512.update(&buffer[..n]);
                sm3.update(&buffer[..n]);
                bytes += n as u64;
            }
            Err(_) => {
                findings.push(Finding::new(
                    "package.unreadable",
                    path,
                    "文件无法读取",
                    "the file cannot be read",
                ));
                return;
            }
        }
    }
    let agrees = bytes == expected.bytes
        && sha512.finalize().as_slice() == expected.sha512.as_bytes()
        && sm3.finalize().as_slice() == expected.sm3.as_bytes();
    if !agrees {
        findings.push(Finding::new(
            "package.digest",
            path,
            "文件与归档时不同",
            "the file differs from what was filed",
        ));
    }
}
