//! The filing table (归档配置表) of a package: which material is which file, and where the file really lies.

use std::collections::HashMap;

use dengbei_records::{FileEntry, FilingForm, StoredFile};

use super::source::Entry;
use crate::xml::Node;

/// One row of the filing table, tied to the package's file if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilingRow {
    /// 文档序号, from 1
    pub order: u32,
    /// 产生阶段 01…05, from the range; empty if the range is unknown
    pub phase: String,
    /// 归档范围名 (filingrange@title)
    pub range: String,
    /// filename as written
    pub file_name: String,
    /// 归档材料名称: the file's name without its ending
    pub material: String,
    /// auxiliaryone as written: 必要, 非必要
    pub necessity: String,
    /// auxiliarytwo as written: 电子归档, 纸质归档, 双套归档
    pub form_text: String,
    /// The form; `None` if the words are none of the list.
    pub form: Option<FilingForm>,
    /// First of its range (主文档)
    pub main: bool,
    /// Where the file is said to lie: `range/filename`.
    pub path: String,
    /// The entry of the package that it is; `None` for paper, and for a file that is absent.
    pub entry: Option<usize>,
}

impl FilingRow {
    /// 必要
    pub fn is_necessary(&self) -> bool {
        self.necessity == "必要" || self.necessity == "1"
    }

    /// Whether a file must lie in the package. Unknown words count as electronic, so that nothing slips through.
    pub fn wants_file(&self) -> bool {
        self.form != Some(FilingForm::Paper)
    }

    /// The row in the record's shape; `stored` is its file once stored, `None` for paper.
    pub fn to_entry(&self, stored: Option<StoredFile>) -> FileEntry {
        let form = match self.form {
            Some(FilingForm::Paper) => "2",
            Some(FilingForm::Both) => "3",
            _ => "1",
        };
        FileEntry {
            order: self.order,
            phase: self.phase.clone(),
            range: self.range.clone(),
            material: self.material.clone(),
            necessary: self.is_necessary(),
            filing_form: form.to_owned(),
            origin: "1".to_owned(),
            main: self.main,
            file: stored,
        }
    }
}

/// What the filing table itself says about the item, beside its rows: compared with the basic description.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilingTable {
    /// servicecode
    pub service_code: String,
    /// retentionperiod
    pub retention: String,
    /// eventtype
    pub event_type: String,
    /// deptid
    pub dept_code: String,
}

fn phase_of(range: &str) -> &'static str {
    match range {
        "申请材料" | "申报材料" | "证明材料" => "01",
        "受理材料" => "02",
        "审批材料" | "审查材料" | "审核材料" => "03",
        "结果材料" | "办结材料" => "04",
        "送达材料" => "05",
        _ => "",
    }
}

fn form_of(words: &str) -> Option<FilingForm> {
    match words {
        "电子归档" | "电子" | "1" | "" => Some(FilingForm::Electronic),
        "纸质归档" | "纸质" | "2" => Some(FilingForm::Paper),
        "双套归档" | "双套" | "3" => Some(FilingForm::Both),
        _ => None,
    }
}

/// A file name without its ending; a name that begins with its only dot is all name.
pub(super) fn stem_of(file_name: &str) -> &str {
    match file_name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file_name,
    }
}

/// Reads the rows below `filingranges` and finds their files among `entries`.
pub(super) fn read_rows(config: &Node, entries: &[Entry]) -> Vec<FilingRow> {
    let lookup = Lookup::new(entries);
    let mut rows: Vec<FilingRow> = Vec::new();
    let ranges = config.child("filingranges").map_or(&[][..], |r| &r.children[..]);
    for range in ranges.iter().filter(|n| n.name == "filingrange") {
        let title = range.attribute("title").unwrap_or_default();
        let mut is_first = !rows.iter().any(|r| r.range == title && r.wants_file());
        for file in range.children.iter().filter(|n| n.name == "file") {
            let mut row = row_of(title, file, rows.len());
            row.entry = row.wants_file().then(|| lookup.find(&row)).flatten();
            row.main = is_first && row.wants_file();
            is_first &= !row.main;
            rows.push(row);
        }
    }
    rows
}

fn row_of(range: &str, file: &Node, before: usize) -> FilingRow {
    let file_name = file.text_of("filename").to_owned();
    let form_text = file.text_of("auxiliarytwo").to_owned();
    FilingRow {
        order: u32::try_from(before + 1).unwrap_or(u32::MAX),
        phase: phase_of(range).to_owned(),
        range: range.to_owned(),
        material: stem_of(&file_name).to_owned(),
        necessity: file.text_of("auxiliaryone").to_owned(),
        form: form_of(&form_text),
        form_text,
        main: false,
        path: crate::package::derive::nfc(&format!("{range}/{}", file_name.replace('\\', "/"))),
        file_name,
        entry: None,
    }
}

/// Files by path, and by path without ending: some senders write the material's name only.
struct Lookup<'a> {
    by_path: HashMap<&'a str, usize>,
    by_stem: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Lookup<'a> {
    fn new(entries: &'a [Entry]) -> Self {
        let mut lookup = Self { by_path: HashMap::new(), by_stem: HashMap::new() };
        for (index, entry) in entries.iter().enumerate() {
            lookup.by_path.insert(&entry.path, index);
            lookup.by_stem.entry(stem_of(&entry.path)).or_default().push(index);
        }
        lookup
    }

    fn find(&self, row: &FilingRow) -> Option<usize> {
        if let Some(index) = self.by_path.get(row.path.as_str()) {
            return Some(*index);
        }
        let has_ending = row.file_name.contains('.');
        match self.by_stem.get(row.path.as_str()).map(Vec::as_slice) {
            Some([only]) if !has_ending && !row.file_name.is_empty() => Some(*only),
            _ => None,
        }
    }
}
