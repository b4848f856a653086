//! Checks a pack whole, in one pass: framing, catalogue, root files, every version, every digest.
//!
//! Damage in one version does not hide the others: the rest of its range is skipped and the next one is read.

use std::io::{self, Read};

use dengbei_records::{Sha256, Sha512};
use sha2::Digest as _;

use super::ROOT_MTIME;
use super::catalogue::{Catalogue, CataloguedVersion, paths, read_body, seconds, sidecar};
use super::version::{VersionReader, drain};
use crate::error::PackError;
use crate::layout::Layout;
use crate::tar::{END_LEN, Entry};
use crate::validate;
use crate::verdict::{Outcome, Verdict};

/// Something wrong with a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable: `pack.catalogue`, `pack.root`, `pack.version`, `pack.end`.
    pub code: &'static str,
    /// The object concerned, if one is.
    pub object: Option<String>,
    /// What was found.
    pub detail: String,
}

/// What a whole reading gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackReport {
    /// Digest of every byte read, to compare with the one that sites signed.
    pub sha256: Sha256,
    /// Bytes read.
    pub len: u64,
    /// The catalogue, if it was readable.
    pub catalogue: Option<Catalogue>,
    /// Everything wrong; empty for a good pack.
    pub findings: Vec<Finding>,
}

impl PackReport {
    /// Whether nothing was found.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    /// The report as the command line prints it.
    pub fn verdict(&self) -> Verdict {
        let text = |f: &Finding| match &f.object {
            Some(object) => format!("{object}: {}", f.detail),
            None => f.detail.clone(),
        };
        let lines: Vec<(&str, String)> = self.findings.iter().map(|f| (f.code, text(f))).collect();
        Verdict::from_findings(lines.iter().map(|(code, line)| (Outcome::Invalid, *code, line.as_str())))
    }
}

/// Every byte that passes is hashed and counted.
struct Tee<'a, R> {
    inner: &'a mut R,
    hasher: sha2::Sha256,
    len: u64,
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buf)?;
        self.hasher.update(&buf[..got]);
        self.len += got as u64;
        Ok(got)
    }
}

pub(super) fn verify(input: &mut impl Read) -> Result<PackReport, PackError> {
    let mut input = Tee { inner: input, hasher: sha2::Sha256::new(), len: 0 };
    let mut findings = Vec::new();
    let catalogue = match Catalogue::read(&mut input) {
        Ok((catalogue, sha512, base)) => {
            check_rest(&mut input, (&catalogue, &sha512, base), &mut findings)?;
            Some(catalogue)
        }
        Err(e) => {
            findings.push(Finding { code: "pack.catalogue", object: None, detail: damage(e)? });
            None
        }
    };
    drain(&mut input)?;
    let sha256 = Sha256::from_bytes(input.hasher.finalize().into());
    Ok(PackReport { sha256, len: input.len, catalogue, findings })
}

/// Damage as text; a failure to read stays a failure.
fn damage(e: PackError) -> Result<String, PackError> {
    match e {
        PackError::Io(e) => Err(PackError::Io(e)),
        other => Ok(other.to_string()),
    }
}

fn check_rest<R: Read>(
    input: &mut Tee<'_, R>,
    (catalogue, sha512, base): (&Catalogue, &Sha512, u64),
    findings: &mut Vec<Finding>,
) -> Result<(), PackError> {
    let mut note = |code, object: Option<&CataloguedVersion>, detail| {
        findings.push(Finding { code, object: object.map(|v| v.object.to_string()), detail });
    };
    if let Err(e) = check_root(input, catalogue, sha512) {
        note("pack.root", None, damage(e)?);
    }
    for version in &catalogue.versions {
        let start = base + version.offset;
        if input.len > start {
            note("pack.version", Some(version), "its range overlaps what stands before".into());
            return Ok(());
        }
        let gap = start - input.len;
        if drain(&mut input.by_ref().take(gap))? > 0 {
            note("pack.version", Some(version), "bytes before its range that nothing declares".into());
        }
        let mut range = input.by_ref().take(version.length);
        if let Err(e) = check_version(&mut range, version) {
            note("pack.version", Some(version), damage(e)?);
        }
        drain(&mut range)?;
    }
    if let Err(e) = check_end(input, base + catalogue.length) {
        note("pack.end", None, damage(e)?);
    }
    Ok(())
}

/// The catalogue's digest and the files of the storage root.
fn check_root(input: &mut impl Read, catalogue: &Catalogue, sha512: &Sha512) -> Result<(), PackError> {
    let digest = sidecar(catalogue.number, sha512);
    expect(input, &paths(catalogue.number).1, (&digest, seconds(catalogue.created)?))?;
    for file in Layout::ROOT_FILES {
        expect(input, file.path, (file.bytes, ROOT_MTIME))?;
    }
    Ok(())
}

fn expect(input: &mut impl Read, path: &str, (bytes, mtime): (&[u8], u64)) -> Result<(), PackError> {
    let expected = Entry { path: path.to_owned(), len: bytes.len() as u64, mtime };
    let wrong = || PackError::damaged(format!("{path} is missing or not as in every pack"));
    if Entry::read(input)? != Some(expected) || read_body(input, bytes.len() as u64)? != bytes {
        return Err(wrong());
    }
    Ok(())
}

fn check_version(range: &mut impl Read, version: &CataloguedVersion) -> Result<(), PackError> {
    let reader = VersionReader::open(range, version.length)?;
    let inventory = reader.inventory();
    if inventory.id != version.object || inventory.head != version.version {
        return Err(PackError::damaged("the range holds another object or version"));
    }
    if *reader.inventory_sha512() != version.inventory || reader.seconds() != seconds(version.created)? {
        return Err(PackError::damaged("the inventory is not the catalogue's"));
    }
    let mut log = validate::Log::default();
    validate::check_inventory(reader.inventory_bytes(), "inventory", validate::Spec::V1_1, &mut log);
    if let Some(error) = log.first_error() {
        return Err(PackError::damaged(error));
    }
    reader.for_each(|_, _| Ok(())).map(|_| ())
}

fn check_end<R: Read>(input: &mut Tee<'_, R>, end: u64) -> Result<(), PackError> {
    if input.len != end {
        return Err(PackError::damaged("length differs from the catalogue's"));
    }
    if Entry::read(input)?.is_some() {
        return Err(PackError::damaged("an entry that nothing declares"));
    }
    let after = drain(input)?;
    if after > 0 || input.len != end + END_LEN {
        return Err(PackError::damaged(format!("{after} bytes after the end")));
    }
    Ok(())
}
