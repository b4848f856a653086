//! S-01 杀毒引擎在岗: a scanner is configured, answers, and its signatures are fresh.

use dengbei_records::Timestamp;

use super::Judged;
use crate::views::SystemView;
use crate::{Finding, Parameters};

pub(super) fn run(view: &SystemView, with: &Parameters) -> Judged {
    let Some(scanner) = &view.scanner else {
        let mut judged = Judged::new();
        judged.remark(
            Finding::new(
                "scanner",
                "没有配置病毒扫描，收到的文件未经杀毒",
                "no virus scanner is configured: nothing that arrives is scanned",
            )
            .remedy("在配置中指定杀毒服务（clamd）", "name a scanner (clamd) in the configuration"),
        );
        return judged;
    };
    let mut judged = Judged::of(2);
    judged.evidence("engine", &scanner.engine);
    let age = |at: Option<Timestamp>| at.map(|at| view.now.millis().saturating_sub(at.millis()) / 1_000);
    let bound = i64::try_from(with.s01.heartbeat_seconds).unwrap_or(i64::MAX);
    if age(scanner.answered_at).is_none_or(|seconds| seconds > bound) {
        let found = Finding::new(
            "scanner.heartbeat",
            format!("病毒扫描程序超过 {bound} 秒没有应答"),
            format!("the scanner has not answered for {bound} seconds"),
        );
        judged.fault(found.remedy("恢复病毒扫描程序", "bring the scanner back"));
    }
    let days = i64::try_from(with.s01.signature_days).unwrap_or(i64::MAX);
    if let Some(at) = scanner.signatures_at {
        judged.evidence("signatures_at", at.to_string());
    }
    if age(scanner.signatures_at).is_none_or(|seconds| seconds > days.saturating_mul(86_400)) {
        let found = Finding::new(
            "scanner.signatures",
            format!("病毒库超过 {days} 天没有更新"),
            format!("the signatures are older than {days} days"),
        );
        judged.fault(found.remedy("更新病毒库", "update the signatures"));
    }
    judged
}
