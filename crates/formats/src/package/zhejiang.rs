//! Profile `zj-db33/1`: the 存档信息包 that Zhejiang's platforms really write (domain.md 2.3, 2.4).
//!
//! Reads whatever can be read: a package without its basic description, with a broken document or in a wrong
//! encoding still gives its rows, its faults and, if it can be found, its item number. Judging is the checks' part.

use std::io::Read as _;

use dengbei_records::{DataVersion, Derivation, Metadata, Step};

use super::derive::derive;
use super::source::{Entry, PackageSource};
use super::table::{FilingRow, FilingTable, read_rows};
use crate::error::ReadError;
use crate::xml::{self, Node, XmlFault};

/// The layout's name in receptions.
pub const PROFILE: &str = "zj-db33/1";
/// 基本信息描述, without its ending.
pub const BASIC: &str = "基本信息描述";
/// 办理流程, without its ending.
pub const PROCESS: &str = "办理流程";
/// 归档配置表, without its ending.
pub const CONFIG: &str = "归档配置表";

/// One of the three documents that describe a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its name without ending: [`BASIC`], [`PROCESS`] or [`CONFIG`].
    pub name: &'static str,
    /// Its path; `None` if it is missing.
    pub path: Option<String>,
}

/// A package as it was read.
#[derive(Debug, Clone)]
pub struct ReceivedPackage {
    /// Folder or archive name.
    pub name: String,
    /// [`PROFILE`].
    pub profile: &'static str,
    /// What it says, and what the profile derived.
    pub metadata: Metadata,
    /// Elements that the documents hold (canonical lower-case names), empty ones included.
    pub elements: Vec<String>,
    /// DATAVERSION as written; `None` if it is not carried.
    pub version_text: Option<String>,
    /// The filing table's rows.
    pub rows: Vec<FilingRow>,
    /// What the filing table says about the item.
    pub table: FilingTable,
    /// The three describing documents, present or missing.
    pub documents: [Document; 3],
    /// Indices (of `source.entries()`) of every XML document at the package's top: stored redacted.
    pub described_by: Vec<usize>,
    /// Indices of files that no row lists and that describe nothing (多余文件).
    pub loose: Vec<usize>,
    /// What is wrong with the describing documents.
    pub faults: Vec<XmlFault>,
    /// What the profile gave because the package does not carry it.
    pub derivations: Vec<Derivation>,
}

impl ReceivedPackage {
    /// 办件编号 (projid), if it could be read: without it the package has no item.
    pub fn item_number(&self) -> Option<&str> {
        Some(self.metadata.proj_id.as_str()).filter(|n| !n.is_empty())
    }

    /// The data version: as carried, else 1; `None` when what is carried is no version.
    pub fn data_version(&self) -> Option<DataVersion> {
        match &self.version_text {
            None => Some(DataVersion::FIRST),
            Some(text) => text.parse::<u32>().ok().and_then(|n| n.try_into().ok()),
        }
    }

    /// Whether `path` is one of the package's describing documents, by its place and ending.
    pub fn is_description(path: &str) -> bool {
        !path.contains('/') && ending_of(path).eq_ignore_ascii_case("xml")
    }
}

/// Reads the describing documents of a package and ties the filing table to the files.
///
/// # Errors
/// Only when bytes cannot be read: [`ReadError::Refused`] for a corrupt archive, [`ReadError::Io`] for the medium.
/// Faults of the documents are in [`ReceivedPackage::faults`].
pub fn read_package(source: &dyn PackageSource) -> Result<ReceivedPackage, ReadError> {
    let entries = source.entries();
    let mut faults = Vec::new();
    let (config_doc, config) = read_document(source, CONFIG, &mut faults)?;
    let (basic_doc, basic) = read_document(source, BASIC, &mut faults)?;
    let (process_doc, process) = read_document(source, PROCESS, &mut faults)?;
    let rows = read_rows(&config, entries);
    let documents = [config_doc, basic_doc, process_doc];
    let is_description = |&i: &usize| ReceivedPackage::is_description(&entries[i].path);
    let mut package = ReceivedPackage {
        name: source.name().to_owned(),
        profile: PROFILE,
        metadata: Metadata::default(),
        elements: Vec::new(),
        version_text: None,
        table: table_of(&config),
        described_by: (0..entries.len()).filter(is_description).collect(),
        loose: loose_files(entries, &rows, &documents),
        rows,
        documents,
        faults,
        derivations: Vec::new(),
    };
    describe(&mut package, &config, &basic, &process);
    Ok(package)
}

/// One describing document; missing or over the cap, it reads as empty.
fn read_document(
    source: &dyn PackageSource,
    name: &'static str,
    faults: &mut Vec<XmlFault>,
) -> Result<(Document, Node), ReadError> {
    let entries = source.entries();
    let Some(index) = entries.iter().position(|e| is_named(&e.path, name)) else {
        return Ok((Document { name, path: None }, Node::default()));
    };
    let entry = &entries[index];
    let document = Document { name, path: Some(entry.path.clone()) };
    if entry.bytes > xml::MAX_BYTES {
        faults.push(xml::too_large(&entry.path));
        return Ok((document, Node::default()));
    }
    let read = xml::read(&entry.path, &read_whole(source, index, entry)?);
    faults.extend(read.fault);
    Ok((document, read.root))
}

/// Metadata from the three documents, then what they do not carry.
fn describe(package: &mut ReceivedPackage, config: &Node, basic: &Node, process: &Node) {
    for node in &basic.children {
        take_element(package, node);
    }
    let from_table = fill_from_table(package, config);
    package.metadata.steps = steps_of(process);
    let (has_version, has_rows) = (package.version_text.is_some(), !package.rows.is_empty());
    package.derivations = derive(&mut package.metadata, has_version, has_rows);
    package.derivations.extend(from_table);
}

fn read_whole(source: &dyn PackageSource, index: usize, entry: &Entry) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::with_capacity(usize::try_from(entry.bytes).unwrap_or(0));
    source.open(index)?.take(xml::MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn ending_of(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// `name.XML` at the package's top; the ending's case varies among senders.
fn is_named(path: &str, name: &str) -> bool {
    ReceivedPackage::is_description(path) && path.rsplit_once('.').is_some_and(|(stem, _)| stem == name)
}

fn loose_files(entries: &[Entry], rows: &[FilingRow], documents: &[Document]) -> Vec<usize> {
    let is_document = |path: &str| documents.iter().any(|d| d.path.as_deref() == Some(path));
    let mut is_listed = vec![false; entries.len()];
    for index in rows.iter().filter_map(|r| r.entry) {
        is_listed[index] = true;
    }
    (0..entries.len()).filter(|&i| !is_listed[i] && !is_document(&entries[i].path)).collect()
}

/// Old and wrong spellings that are really sent (domain.md 0, fact 8).
fn canonical_name(name: &str) -> &str {
    match name {
        "retentionperio" => "retentionperiod",
        "daptname" => "deptname",
        "daptid" => "deptid",
        "data_version" => "dataversion",
        "area_code" => "areacode",
        "result_code" => "resultcode",
        other => other,
    }
}

/// One element of the basic description into the metadata. Secrets go nowhere.
fn take_element(package: &mut ReceivedPackage, node: &Node) {
    let name = canonical_name(&node.name);
    if name == "projectpassword" {
        return;
    }
    package.elements.push(name.to_owned());
    if name == "dataversion" {
        package.version_text = Some(node.text.clone());
        return;
    }
    match slot(&mut package.metadata, name) {
        // The first of two wins; the second is kept beside it.
        Some(value) if value.is_empty() => node.text.clone_into(value),
        _ => package.metadata.other.push((name.to_owned(), node.text.clone())),
    }
}

/// Where an element's text goes (domain.md 8b); `None` for elements without a key.
fn slot<'m>(m: &'m mut Metadata, element: &str) -> Option<&'m mut String> {
    Some(match element {
        "projid" => &mut m.proj_id,
        "documentnumber" => &mut m.record_no,
        "deptname" => &mut m.unit_name,
        "organizationcode" => &mut m.unit_uscc,
        "deptid" => &mut m.dept_code,
        "areacode" => &mut m.area_code,
        "retentionperiod" => &mut m.retention,
        "projectname" => &mut m.title,
        "servicecode" => &mut m.service_code,
        "servicename" => &mut m.service_name,
        "eventtype" => &mut m.event_type,
        "servicetype" => &mut m.handle_kind,
        "userprop" => &mut m.applicant_type,
        "applyname" => &mut m.applicant_name,
        "contactidcardtype" => &mut m.applicant_id_type,
        "contactidcard" => &mut m.applicant_id_no,
        "mobile" => &mut m.applicant_mobile,
        "address" => &mut m.applicant_addr,
        "applytime" | "gmtapply" => &mut m.apply_time,
        "receivetime" => &mut m.accept_time,
        "transacttime" => &mut m.close_time,
        "archivetime" => &mut m.archive_time,
        "result" => &mut m.result,
        "resultcode" => &mut m.result_no,
        "receivedepartmentname" => &mut m.responsible,
        "security" | "securityclass" | "secretlevel" => &mut m.security,
        "lang" | "language" => &mut m.lang,
        _ => return None,
    })
}

fn table_of(config: &Node) -> FilingTable {
    let text = |name: &str| {
        config
            .children
            .iter()
            .find(|n| canonical_name(&n.name) == name)
            .map(|n| n.text.clone())
            .unwrap_or_default()
    };
    FilingTable {
        service_code: text("servicecode"),
        retention: text("retentionperiod"),
        event_type: text("eventtype"),
        dept_code: text("deptid"),
    }
}

/// What only the filing table says: older writers leave it out of the basic description.
fn fill_from_table(package: &mut ReceivedPackage, config: &Node) -> Vec<Derivation> {
    let mut derivations = Vec::new();
    for node in config.children.iter().filter(|n| n.name != "filingranges") {
        let name = canonical_name(&node.name);
        let is_new = !package.elements.iter().any(|e| e == name);
        if is_new {
            package.elements.push(name.to_owned());
        }
        if let Some(value) =
            slot(&mut package.metadata, name).filter(|v| v.is_empty() && is_new && !node.text.is_empty())
        {
            node.text.clone_into(value);
            derivations.push(Derivation {
                key: name.to_owned(),
                rule: "基本信息描述未写，取自归档配置表".to_owned(),
            });
        }
    }
    derivations
}

fn steps_of(process: &Node) -> Vec<Step> {
    let step = |n: &Node| Step {
        node: n.attribute("nodename").unwrap_or_default().to_owned(),
        actor: n.text_of("author").to_owned(),
        opinion: n.text_of("body").to_owned(),
        time: n.text_of("modified").to_owned(),
    };
    process.children.iter().filter(|n| n.name == "opinion").map(step).collect()
}
