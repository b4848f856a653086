//! One package at the door: read once, its secrets emptied on the way, checked (P), and its reception written.
//!
//! Pure but for reading the package: what the database knows comes in as [`Knowledge`]. Before: `receive.rs` opens the
//! upload. After: what is kept is staged (`stage.rs`) and committed (`commit.rs`).

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use dengbei_chain::Actor;
use dengbei_checks::facts::{PackageDigests, Scan, Sender, Suspect};
use dengbei_checks::{
    Context, Duplicate, PackageView, Report, Scheme, Schemes, Stage as CheckStage, check_package,
};
use dengbei_formats::content::Readers;
use dengbei_formats::{
    FileFacts, PackageSource, ReadError, ReceivedPackage, examine_with, package_digest, read_package,
};
use dengbei_records::{
    AreaCode, DataVersion, Derivation, ErrorClass, FileEntry, IdKey, ItemId, Matter, MatterCode, Problem,
    Reception, Sha256, Sha512, SourceSystem, StoredFile, SubmissionId, Timestamp, canonical,
};
use dengbei_scanner::{Guard, past};
use dengbei_vault::Part;

use crate::closing;
use crate::events::Submission;
use crate::noted::{self, Noted};
use crate::origin::Origin;
use crate::stage::Holding;
use crate::stated;

/// The longest 办件编号 that is a number of an item.
const LONGEST_NUMBER: usize = 64;

/// What came with the upload and holds for every package of it.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) source_system: SourceSystem,
    pub(crate) received_at: Timestamp,
    pub(crate) actor: Option<Actor>,
    /// The version that the sender named beside the package.
    pub(crate) data_version: Option<DataVersion>,
    /// Who sends, as the door knows it; `None`: no sources are configured.
    pub(crate) sender: Option<Sender>,
    /// What the sender states of the upload's bytes, and what they are.
    pub(crate) digests: Option<PackageDigests>,
}

/// A package as it was read, with its bytes.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) name: String,
    pub(crate) submission: SubmissionId,
    pub(crate) item: Option<ItemId>,
    pub(crate) data_version: Option<DataVersion>,
    pub(crate) digest: Sha512,
    pub(crate) closed_on: String,
    package: ReceivedPackage,
    files: Vec<FileFacts>,
    scan: Option<Scan>,
    digests: Option<PackageDigests>,
    holding: Holding,
}

impl Read {
    /// 权力事项编码, if it can be one.
    pub(crate) fn matter_code(&self) -> Option<MatterCode> {
        self.package.metadata.service_code.parse().ok()
    }

    /// 电子文件号, as far as an index can hold it; a longer one is check A-12's business.
    pub(crate) fn record_no(&self) -> String {
        noted::plain(&self.package.metadata.record_no).chars().take(128).collect()
    }

    /// As its upload names it: its folder or archive.
    pub(crate) fn named(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// With what a catalogue states of it. What is stated of the whole upload stands where it is wrong: then
    /// nothing inside it counts.
    pub(crate) fn listed_as(self, listed: Option<PackageDigests>) -> Self {
        let is_whole = self.digests.as_ref().is_none_or(stated::agree);
        Self { digests: listed.filter(|_| is_whole).or(self.digests), ..self }
    }

    /// Bytes that it holds in memory.
    pub(crate) fn in_memory(&self) -> usize {
        self.holding.in_memory()
    }
}

/// What the database knows about a package.
#[derive(Debug, Clone, Default)]
pub(crate) struct Knowledge {
    /// The filing table in force at closing.
    pub(crate) matter: Option<Matter>,
    /// Other items that hold the same 电子文件号.
    pub(crate) same_record_no: Vec<ItemId>,
}

/// A package about which everything is known but whether its key is new.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) name: String,
    pub(crate) submission: SubmissionId,
    pub(crate) item: Option<ItemId>,
    pub(crate) data_version: Option<DataVersion>,
    pub(crate) digest: Sha512,
    pub(crate) noted: Vec<Noted>,
    /// Why it is refused, where no check says so.
    pub(crate) problem: Option<Problem>,
    pub(crate) actor: Option<Actor>,
    /// Where it comes from, as far as it reads.
    pub(crate) origin: Origin,
    pub(crate) fate: Fate,
}

/// What is to become of a package, if its key is new.
#[derive(Debug)]
pub(crate) enum Fate {
    /// 拒收: nothing of it is kept.
    Refused {
        /// Check ids and problem codes.
        failed: Vec<String>,
    },
    /// 预归档 or 待配置.
    Kept(Box<Kept>),
}

/// A package that is to be kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) submission: Submission,
    /// The filing table in force at closing; `None`: it is parked.
    pub(crate) matter: Option<Matter>,
    pub(crate) matter_code: String,
    pub(crate) record_no: String,
    pub(crate) received_at: Timestamp,
    /// What is to be staged; taken when it is.
    pub(crate) parcel: Option<Parcel>,
}

/// Bytes to be staged, and how they lie.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) part: Part,
    pub(crate) contents: Vec<String>,
    pub(crate) reception_len: u64,
}

/// What the door judges by.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) key: IdKey,
    pub(crate) area: AreaCode,
    pub(crate) schemes: Schemes,
    /// `None`: nothing is scanned.
    pub(crate) guard: Option<Guard>,
    /// Who reads what the files hold.
    pub(crate) readers: Arc<dyn Readers>,
}

impl Bench {
    /// The scheme for what names this area; for what names none, the deployment's.
    pub(crate) fn scheme(&self, area: &str, arrival: &Arrival) -> &Scheme {
        self.schemes.of((area, &self.area), arrival.received_at)
    }

    /// Reads a package in one pass: digests, inspections, the scanner's word, and its bytes without secrets.
    ///
    /// # Errors
    /// [`ReadError::Refused`] when the package itself cannot be read; [`ReadError::Io`] when the disk cannot, or when the
    /// scanner gave no verdict.
    pub(crate) fn read(
        &self,
        source: &dyn PackageSource,
        arrival: &Arrival,
        submission: SubmissionId,
        spool: &Path,
    ) -> Result<Read, ReadError> {
        let package = read_package(source)?;
        let expected = source.entries().iter().map(|e| e.bytes).sum();
        let mut holding = Holding::new(spool, expected).map_err(ReadError::Io)?;
        let (files, scan) = past(self.guard.as_ref(), &mut holding, arrival.received_at, |sink| {
            examine_with(source, sink, &*self.readers)
        })?;
        let digest = package_digest(files.iter().map(|f| (f.path.as_str(), &f.received_sha512)))
            .map_err(|e| ReadError::Io(io::Error::other(e)))?;
        let number = package.item_number().filter(|n| n.chars().count() <= LONGEST_NUMBER);
        let item = number.map(|n| ItemId::derive(&self.key, &arrival.source_system, n));
        let data_version = match (&package.version_text, arrival.data_version) {
            (None, Some(named)) => Some(named),
            _ => package.data_version(),
        };
        let closed_on =
            closing::day(&package.metadata.accept_time, &package.metadata.close_time, arrival.received_at);
        Ok(Read {
            name: source.name().to_owned(),
            submission,
            item,
            data_version,
            digest,
            closed_on,
            package,
            files,
            scan,
            digests: arrival.digests.clone(),
            holding,
        })
    }

    /// Runs the P checks and writes the reception.
    ///
    /// # Errors
    /// When the package's bytes cannot be put together: the disk, or a fault of ours.
    pub(crate) fn judge(&self, read: Read, arrival: &Arrival, known: Knowledge) -> io::Result<Judged> {
        let context = Context {
            matter: known.matter.clone(),
            // Which areas a deployment's units stand in changes with reforms: the matter decides, not the area.
            area: None,
            duplicates: Some(known.same_record_no.iter().map(duplicate).collect()),
            suspects: suspects(&read),
            scan: read.scan.clone(),
            sender: arrival.sender.clone(),
            digests: read.digests.clone(),
            ..Context::at(arrival.received_at)
        };
        let view = PackageView { package: &read.package, files: &read.files, context: &context };
        let scheme = self.scheme(&read.package.metadata.area_code, arrival);
        let report = check_package(&view, CheckStage::P, scheme);
        let noted = noted::of(&report);
        let problem = problem(&read, arrival);
        let mut failed = failing(&noted);
        failed.extend(problem.iter().map(|p| p.code.clone()));
        let base = Judged {
            name: read.name.clone(),
            submission: read.submission,
            item: read.item,
            data_version: read.data_version,
            digest: read.digest,
            noted,
            problem,
            actor: arrival.actor,
            origin: Origin::of(&arrival.source_system, &read.package.metadata, &read.closed_on),
            fate: Fate::Refused { failed },
        };
        match (&base.fate, read.item, read.data_version) {
            (Fate::Refused { failed }, Some(item), Some(version)) if failed.is_empty() => {
                let warned = warned(&report);
                let kept = self.keep(read, arrival, known.matter, (item, version, warned))?;
                Ok(Judged { fate: Fate::Kept(Box::new(kept)), ..base })
            }
            _ => Ok(base),
        }
    }

    fn keep(
        &self,
        read: Read,
        arrival: &Arrival,
        matter: Option<Matter>,
        (item, data_version, warned): (ItemId, DataVersion, Vec<String>),
    ) -> io::Result<Kept> {
        let names = content_names(&read.package, &read.files);
        let reception = reception(&read, arrival, (item, data_version), &names)?;
        let reception = canonical::to_vec(&reception).map_err(io::Error::other)?;
        let submission = Submission {
            id: read.submission,
            item,
            data_version,
            source_system: arrival.source_system.clone(),
            closed_on: read.closed_on.clone(),
            reception: Sha256::of(&reception),
            files: u32::try_from(read.files.len()).unwrap_or(u32::MAX),
            bytes: read.files.iter().map(|f| f.bytes).sum(),
            warned,
            actor: arrival.actor,
        };
        let (matter_code, record_no) = (read.package.metadata.service_code.clone(), read.record_no());
        let part = read.holding.seal(&reception)?;
        let parcel = Parcel { part, contents: names, reception_len: reception.len() as u64 };
        Ok(Kept {
            submission,
            matter,
            matter_code,
            record_no,
            received_at: arrival.received_at,
            parcel: Some(parcel),
        })
    }
}

/// A package, or a whole upload, that could not be opened: refused under the check that its problem stands for.
pub(crate) fn unreadable(
    name: String,
    submission: SubmissionId,
    digest: Sha512,
    problem: &Problem,
    (scheme, actor): (&Scheme, Option<Actor>),
) -> Judged {
    let noted = noted::of(&dengbei_checks::refusal(problem, CheckStage::P, scheme));
    let mut failed = failing(&noted);
    failed.push(problem.code.clone());
    Judged {
        name,
        submission,
        item: None,
        data_version: None,
        digest,
        noted,
        problem: Some(problem.clone()),
        actor,
        origin: Origin::default(),
        fate: Fate::Refused { failed },
    }
}

/// Files that hold the antivirus test file's signature: seen while they were staged, scanner or not.
fn suspects(read: &Read) -> Vec<Suspect> {
    let infected = read.holding.infected().iter().filter_map(|&i| read.files.get(i));
    infected.map(|f| Suspect { path: f.path.clone(), what: "EICAR".to_owned() }).collect()
}

fn duplicate(other: &ItemId) -> Duplicate {
    Duplicate { what: "电子文件号".to_owned(), with: other.to_string() }
}

/// Ids of the checks that block, each once.
fn failing(noted: &[Noted]) -> Vec<String> {
    let mut ids: Vec<String> = noted.iter().filter(|n| n.result == "failed").map(|n| n.id.clone()).collect();
    ids.dedup();
    ids
}

fn warned(report: &Report) -> Vec<String> {
    report.notable_ids().iter().map(ToString::to_string).collect()
}

/// What keeps a package out without being a check's business: it cannot be told apart, or filed by anything.
fn problem(read: &Read, arrival: &Arrival) -> Option<Problem> {
    let refuse = |code: &str, zh: String, en: &str, remedy: &str| {
        Some(Problem::new(code, ErrorClass::Invalid, zh, en).with_remedy(remedy))
    };
    if read.item.is_none() {
        return refuse(
            "package.item_unreadable",
            "无法读出办件编号，不知是哪一件".to_owned(),
            "the item number (projid) cannot be read",
            "在基本信息描述.XML 中写明业务流水号（projid，不超过 64 字）",
        );
    }
    match read.data_version {
        None => refuse(
            "package.data_version",
            format!("数据版本无效：{}", shown(read.package.version_text.as_deref().unwrap_or_default())),
            "the data version is not a number from 1 to 999999",
            "把数据版本写成 1 到 999999 的整数",
        ),
        Some(carried) if arrival.data_version.is_some_and(|named| named != carried) => refuse(
            "package.data_version",
            format!("信息包的数据版本 {carried} 与报送时指定的不同"),
            "the package's data version differs from the one named beside it",
            "只在一处写数据版本，或使两处相同",
        ),
        Some(_) if read.matter_code().is_none() => refuse(
            "package.matter_unreadable",
            format!("权力事项编码无法识别：{}", shown(&read.package.metadata.service_code)),
            "the matter code (servicecode) cannot be read",
            "在基本信息描述.XML 中写明权力事项编码（servicecode，不超过 64 字，无空白）",
        ),
        Some(_) => None,
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

/// ASCII content paths of the entries, in their order: `metadata/1.xml`, `files/0001.ofd`.
fn content_names(package: &ReceivedPackage, files: &[FileFacts]) -> Vec<String> {
    let mut names: Vec<Option<String>> = vec![None; files.len()];
    for (n, &index) in package.described_by.iter().enumerate() {
        names[index] = Some(format!("metadata/{}.xml", n + 1));
    }
    let mut next = 1;
    for index in package.rows.iter().filter_map(|row| row.entry).chain(0..files.len()) {
        if names[index].is_none() {
            names[index] = Some(format!("files/{next:04}.{}", ending(&files[index])));
            next += 1;
        }
    }
    names.into_iter().flatten().collect()
}

/// The received ending where it is a plain one, else the format's name.
fn ending(file: &FileFacts) -> String {
    let received = file.path.rsplit_once('.').map_or("", |(_, e)| e).to_ascii_lowercase();
    let is_plain = (1..=5).contains(&received.len()) && received.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_plain { received } else { file.inspection.format.kind.name().to_owned() }
}

fn stored(file: &FileFacts, content: &str) -> StoredFile {
    StoredFile {
        path: file.path.clone(),
        content: content.to_owned(),
        bytes: file.bytes,
        format: file.inspection.format.to_string(),
        sha512: file.sha512,
        sm3: file.sm3,
    }
}

fn reception(
    read: &Read,
    arrival: &Arrival,
    (item, data_version): (ItemId, DataVersion),
    names: &[String],
) -> io::Result<Reception> {
    let lost = || io::Error::other("a file of the package has no place in the reception");
    let place = |index: usize| Some(stored(read.files.get(index)?, names.get(index)?));
    let package = &read.package;
    let described_by =
        package.described_by.iter().map(|&i| place(i).ok_or_else(lost)).collect::<io::Result<_>>()?;
    let files: Vec<FileEntry> =
        package.rows.iter().map(|row| row.to_entry(row.entry.and_then(place))).collect();
    Ok(Reception {
        salt: hex::encode(rand::random::<[u8; 32]>()),
        item,
        submission: read.submission,
        source_system: arrival.source_system.clone(),
        source_number: package.metadata.proj_id.clone(),
        data_version,
        profile: package.profile.to_owned(),
        received_at: arrival.received_at,
        package_digest: read.digest,
        derived: derived(package, arrival),
        redactions: read.files.iter().flat_map(|f| f.redactions.clone()).collect(),
        metadata: package.metadata.clone(),
        described_by,
        files,
    })
}

/// What the profile derived; the version that the sender named stands in place of the derived one.
fn derived(package: &ReceivedPackage, arrival: &Arrival) -> Vec<Derivation> {
    let mut by_key: BTreeMap<usize, Derivation> = package.derivations.iter().cloned().enumerate().collect();
    if package.version_text.is_none() && arrival.data_version.is_some() {
        by_key.retain(|_, d| d.key != "data_version");
        let rule = "信息包未写，取报送时指定的数据版本".to_owned();
        by_key.insert(usize::MAX, Derivation { key: "data_version".to_owned(), rule });
    }
    by_key.into_values().collect()
}
