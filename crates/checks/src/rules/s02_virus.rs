//! S-02 病毒检测: the scanner's word on every file; without a scanner 无法验证, never clean. What was recognised while the
//! bytes passed counts with or without one.

use super::{Judged, PackageView, shown};
use crate::Finding;
use crate::facts::ScanOutcome;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let mut judged = Judged::new();
    for suspect in &view.context.suspects {
        judged.count();
        judged.fault(infected(&suspect.path, &suspect.what));
    }
    let Some(scan) = &view.context.scan else {
        if judged.faults.is_empty() {
            return Judged::unverifiable(
                "没有病毒扫描程序，文件未经杀毒",
                "there is no scanner: the files were not scanned",
            );
        }
        return judged;
    };
    judged.evidence("engine", &scan.engine);
    judged.evidence("signatures", &scan.signatures);
    for file in view.files {
        judged.count();
        match scan.files.get(&file.path) {
            Some(ScanOutcome::Clean) => {}
            Some(ScanOutcome::Infected(what)) => judged.fault(infected(&file.path, what)),
            Some(ScanOutcome::NotScanned(why)) => {
                let why = shown(why);
                judged.open(Finding::new(
                    &file.path,
                    format!("未能杀毒：{why}"),
                    format!("not scanned: {why}"),
                ));
            }
            None => judged.open(Finding::new(
                &file.path,
                "扫描结果中没有该文件",
                "the scan says nothing of this file",
            )),
        }
    }
    judged
}

fn infected(path: &str, what: &str) -> Finding {
    let what = shown(what);
    Finding::new(path, format!("检出病毒特征：{what}"), format!("a virus signature was found: {what}"))
        .remedy(
            "把该文件换成无毒的文件，并检查报送系统的杀毒软件",
            "replace the file by a clean one, and look after the sending system's scanner",
        )
}
