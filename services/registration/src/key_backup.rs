//! Whether the sealed backup beside the keys covers them: its absence is an alarm. Sealing is `dengbei keys backup`'s.

use std::path::Path;

use anyhow::Context as _;
use dengbei_kit::keyring::{self, Coverage};
use dengbei_kit::measure::{self, Metric, age};
use dengbei_kit::{Drain, RoleConfig};
use dengbei_records::{Clock as _, SystemClock, Timestamp};
use metrics::gauge;

const COVERS: &str = "dengbei_key_backup_covers";
const UNCOVERED: &str = "dengbei_key_backup_uncovered_files";
const AGE: &str = "dengbei_key_backup_age_seconds";
const CODE: &str = "dengbei_key_recovery_code_present";

const METRICS: &[Metric] = &[
    Metric::gauge(
        COVERS,
        "密钥备份是否覆盖全部密钥",
        "Whether the sealed backup holds every key as it is (1) or not (0)",
    ),
    Metric::gauge(UNCOVERED, "密钥备份未覆盖的文件数", "Private files that the sealed backup lacks"),
    Metric::gauge(AGE, "密钥备份的时间", "How long ago the sealed backup was made; absent without one"),
    Metric::gauge(
        CODE,
        "恢复码是否仍在密钥目录中",
        "Whether the recovery code still lies beside the keys (1) or not (0)",
    ),
];

/// Measures until the drain.
///
/// # Errors
/// When the key folder cannot be read: run it again.
pub(crate) async fn watch(config: &RoleConfig, drain: &Drain) -> anyhow::Result<()> {
    measure::describe(METRICS, &[]);
    measure::every(drain, async || {
        let keys = config.keys.clone();
        let coverage = tokio::task::spawn_blocking(move || look(&keys)).await??;
        show(&coverage, SystemClock.now());
        Ok(())
    })
    .await
}

fn look(keys: &Path) -> anyhow::Result<Coverage> {
    keyring::coverage(keys).with_context(|| format!("密钥目录 / the key folder: {}", keys.display()))
}

#[allow(clippy::cast_precision_loss, reason = "a gauge")]
fn show(coverage: &Coverage, now: Timestamp) {
    let yes = |it: bool| if it { 1.0 } else { 0.0 };
    gauge!(COVERS).set(yes(coverage.is_whole()));
    gauge!(UNCOVERED).set(coverage.uncovered.len() as f64);
    gauge!(CODE).set(yes(coverage.has_code));
    if let Some(made_at) = coverage.made_at {
        gauge!(AGE).set(age(made_at.millis(), now.millis()));
    }
}
