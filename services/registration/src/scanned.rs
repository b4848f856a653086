//! 病毒检测 as a form says it: what the filing runs kept of S-02 beside each item that passed. Read from their documents,
//! so that the same form is made of them every time; what they do not say is not claimed.

use std::collections::BTreeSet;

use dengbei_chain::MemberList;
use serde::Deserialize;
use serde_json::Value;

/// The check of the scanner's word on every file.
const CHECK: &str = "S-02";

/// What is kept of a check, as far as the form needs it.
#[derive(Debug, Deserialize)]
struct Kept {
    id: String,
    result: String,
    #[serde(default)]
    evidence: Vec<Evidence>,
}

#[derive(Debug, Deserialize)]
struct Evidence {
    what: String,
    value: String,
}

/// What several runs say together.
#[derive(Debug, Default)]
pub(crate) struct Scanned {
    /// Engine and signatures of those that found nothing.
    engines: BTreeSet<String>,
    /// An item has no word of a scanner beside it.
    has_open: bool,
}

impl Scanned {
    /// Takes in the members of one run.
    pub(crate) fn run(&mut self, list: &MemberList) {
        for member in &list.members {
            match kept(&member.detail) {
                Some(found) if found.result == "passed" => {
                    self.engines.insert(engine(&found));
                }
                _ => self.has_open = true,
            }
        }
    }

    /// The line of the form.
    pub(crate) fn line(&self) -> String {
        let engines = self.engines.iter().map(String::as_str).collect::<Vec<_>>().join("；");
        match (self.engines.is_empty(), self.has_open) {
            (false, false) => format!("未检出病毒（{engines}）"),
            (false, true) => format!("部分文件未经杀毒，其余未检出病毒（{engines}）"),
            (true, _) => "未经杀毒".to_owned(),
        }
    }
}

fn kept(detail: &Value) -> Option<Kept> {
    let rows = detail.as_array()?;
    let found = rows.iter().find(|row| row.get("id").and_then(Value::as_str) == Some(CHECK))?;
    Kept::deserialize(found).ok().filter(|kept| kept.id == CHECK)
}

fn engine(kept: &Kept) -> String {
    let said = |what: &str| kept.evidence.iter().find(|e| e.what == what).map_or("", |e| e.value.as_str());
    match (said("engine"), said("signatures")) {
        ("", _) => "引擎未记载".to_owned(),
        (engine, "") => engine.to_owned(),
        (engine, signatures) => format!("{engine}，特征库{signatures}"),
    }
}

#[cfg(test)]
mod tests {
    use dengbei_chain::Member;
    use dengbei_records::{DataVersion, EventHash, IdKey, ItemId};
    use serde_json::json;

    use super::*;

    fn list(details: Vec<Value>) -> MemberList {
        let key = IdKey::from_bytes([7; 32]);
        let source = "zwfw".parse().unwrap();
        let member = |(n, detail): (usize, Value)| Member {
            event: EventHash::from_slice(&[u8::try_from(n).unwrap(); 32]).unwrap(),
            item: ItemId::derive(&key, &source, &n.to_string()),
            data_version: DataVersion::FIRST,
            detail,
        };
        let members = details.into_iter().enumerate().map(member).collect();
        MemberList { of: "item.checked".to_owned(), salt: "00".to_owned(), members }
    }

    fn clean() -> Value {
        let evidence = json!([{ "what": "engine", "value": "ClamAV 1.4.3" }, { "what": "signatures", "value": "27000" }]);
        json!([{ "id": "A-05", "result": "warning" }, { "id": "S-02", "result": "passed", "evidence": evidence }])
    }

    fn line(runs: Vec<Vec<Value>>) -> String {
        let mut scanned = Scanned::default();
        runs.into_iter().for_each(|details| scanned.run(&list(details)));
        scanned.line()
    }

    #[test]
    fn the_form_says_by_what_the_files_were_scanned() {
        let said = line(vec![vec![clean(), clean()], vec![clean()]]);
        assert_eq!(said, "未检出病毒（ClamAV 1.4.3，特征库27000）");
    }

    #[test]
    fn what_was_not_scanned_is_never_called_clean() {
        let open = json!([{ "id": "S-02", "result": "unverifiable" }]);
        assert_eq!(line(vec![vec![open.clone()]]), "未经杀毒");
        assert_eq!(line(vec![vec![Value::Null]]), "未经杀毒");
        assert_eq!(line(vec![]), "未经杀毒");
        let said = line(vec![vec![clean(), open]]);
        assert_eq!(said, "部分文件未经杀毒，其余未检出病毒（ClamAV 1.4.3，特征库27000）");
    }
}
