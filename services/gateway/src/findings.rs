//! What a check report says that someone should do or know: the checks that failed or warn, finding by finding.

use dengbei_proto::v1;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Check)]
pub(crate) struct Finding {
    /// 检测项: `A-08`
    pub(crate) id: String,
    /// block, warn
    pub(crate) severity: String,
    /// failed, warning, unverifiable
    pub(crate) result: String,
    pub(crate) message: String,
    pub(crate) message_en: String,
    /// Path or field
    pub(crate) place: String,
    pub(crate) remedy: String,
}

impl Finding {
    /// Whether it kept the item from being filed.
    pub(crate) fn is_blocking(&self) -> bool {
        self.result == "failed"
    }
}

impl From<&v1::CheckResult> for Finding {
    fn from(check: &v1::CheckResult) -> Self {
        Self {
            id: check.id.clone(),
            severity: check.severity.clone(),
            result: check.result.clone(),
            message: check.message.clone(),
            message_en: check.message_en.clone(),
            place: check.place.clone(),
            remedy: check.remedy.clone(),
        }
    }
}

#[derive(Deserialize)]
struct Check {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    name_en: String,
    severity: String,
    result: String,
    #[serde(default)]
    findings: Vec<Detail>,
}

#[derive(Clone, Deserialize)]
struct Detail {
    #[serde(default)]
    place: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    message_en: String,
    #[serde(default)]
    remedy: String,
    #[serde(default)]
    remedy_en: String,
}

/// The findings of a report (canonical JSON); none of what is no report.
pub(crate) fn of(report: &[u8]) -> Vec<Finding> {
    let report: Value = serde_json::from_slice(report).unwrap_or(Value::Null);
    let checks = report.get("checks").and_then(Value::as_array).cloned().unwrap_or_default();
    let checks = checks.into_iter().filter_map(|check| serde_json::from_value::<Check>(check).ok());
    checks.filter(|c| matches!(c.result.as_str(), "failed" | "warning")).flat_map(flat).collect()
}

/// A check without a detail still says its name.
fn flat(mut check: Check) -> Vec<Finding> {
    if check.findings.is_empty() {
        let (message, message_en) = (check.name.clone(), check.name_en.clone());
        check.findings.push(Detail {
            place: String::new(),
            message,
            message_en,
            remedy: String::new(),
            remedy_en: String::new(),
        });
    }
    let finding = |d: Detail| Finding {
        id: check.id.clone(),
        severity: if check.severity == "B" { "block".into() } else { "warn".into() },
        result: check.result.clone(),
        message: d.message,
        message_en: d.message_en,
        place: d.place,
        remedy: if d.remedy_en.is_empty() { d.remedy } else { format!("{} / {}", d.remedy, d.remedy_en) },
    };
    check.findings.clone().into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failing_and_warning_checks_are_shown_and_passing_ones_are_not() {
        let report = r#"{"checks":[
            {"id":"A-08","name":"元数据项类型格式","severity":"B","result":"failed","findings":[{"place":"close_time","message":"月份 47","message_en":"month 47","remedy":"改","remedy_en":"mend"}]},
            {"id":"A-02","severity":"B","result":"passed","findings":[]},
            {"id":"S-03","name":"多余文件","severity":"W","result":"warning","findings":[]}]}"#;
        let found = of(report.as_bytes());
        assert_eq!(found.iter().map(|f| f.id.as_str()).collect::<Vec<_>>(), ["A-08", "S-03"]);
        assert_eq!((found[0].place.as_str(), found[1].message.as_str()), ("close_time", "多余文件"));
        assert_eq!((found[0].severity.as_str(), found[1].severity.as_str()), ("block", "warn"));
        assert_eq!(found[0].remedy, "改 / mend");
        assert!(of(b"").is_empty() && of(b"[]").is_empty());
    }
}
