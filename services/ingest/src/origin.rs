//! 来源 of a package: source, matter, unit, office, closing day, as far as it reads; kept beside the submission, refused or
//! not, because the events carry none of it. Before: `judge.rs`. After: `commit.rs` keeps it, `intake.rs` tells it.

use dengbei_records::{MatterCode, Metadata, SourceSystem, UnitCode};

use crate::noted;

/// Longest text of a matter or an office that is kept, in characters.
const LONGEST: usize = 64;

/// Where a package comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) source_system: String,
    pub(crate) matter_code: String,
    /// 统一社会信用代码, only where it is one.
    pub(crate) unit_uscc: String,
    /// 承办单位（科室）
    pub(crate) department: String,
    /// `YYYY-MM-DD`; empty where the package did not read.
    pub(crate) closed_on: String,
}

impl Origin {
    /// What a package that reads says.
    pub(crate) fn of(source: &SourceSystem, metadata: &Metadata, closed_on: &str) -> Self {
        let unit: Result<UnitCode, _> = metadata.unit_uscc.parse();
        let matter: Result<MatterCode, _> = metadata.service_code.parse();
        Self {
            source_system: source.to_string(),
            matter_code: matter.map_or_else(|_| plain(&metadata.service_code), |matter| matter.to_string()),
            unit_uscc: unit.map(|unit| unit.to_string()).unwrap_or_default(),
            department: plain(&metadata.responsible),
            closed_on: closed_on.to_owned(),
        }
    }

    /// Of one that does not read: who sent it.
    pub(crate) fn sent_by(source: &str) -> Self {
        Self { source_system: plain(source), ..Self::default() }
    }
}

fn plain(text: &str) -> String {
    let text = noted::plain(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_unit_is_left_out_and_long_texts_are_cut() {
        let metadata = Metadata {
            unit_uscc: "张三".into(),
            responsible: format!(" 行政审批科\n{}", "长".repeat(90)),
            service_code: "许可-00000-000".into(),
            ..Metadata::default()
        };
        let origin = Origin::of(&"ZWFW".parse().unwrap(), &metadata, "2026-11-02");
        assert_eq!((origin.unit_uscc.as_str(), origin.department.chars().count()), ("", LONGEST));
        assert!(origin.department.starts_with("行政审批科 长"));
    }
}
