//! U-05 长期格式适用: formats that the register of risks names should be migrated in time.

use super::{Judged, PackageView};
use crate::{Finding, Parameters};

pub(super) fn run(view: &PackageView<'_>, with: &Parameters) -> Judged {
    let mut judged = Judged::new();
    let known = view.context.environment.as_ref();
    for (_, file) in view.listed() {
        judged.count();
        let format = &file.inspection.format;
        let (name, full) = (format.kind.name(), format.to_string());
        let told = known.and_then(|e| e.risks.get(full.as_str()).or_else(|| e.risks.get(name)));
        let is_listed = with.u05.at_risk.iter().any(|f| f == name || *f == full);
        let (zh, en) = match told {
            Some((zh, en)) => (zh.clone(), en.clone()),
            None if is_listed => ("列入格式风险登记".to_owned(), "it is in the register of risks".to_owned()),
            None => continue,
        };
        let found = Finding::new(
            &file.path,
            format!("格式 {full} 不宜长期保存：{zh}"),
            format!("the format {full} will not last: {en}"),
        );
        judged.fault(
            found.remedy("列入格式转换计划，转换后保留原件", "plan its migration, and keep the original"),
        );
    }
    judged
}
