//! `dengbei bench …`: measures the product as it is used, beside a floor in the same run. Never part of a test.

mod batches;
mod checks;
mod deployment;
mod floor;
mod life;
mod usage;

use clap::Subcommand;

use life::Goal;

/// What to measure.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Bench {
    /// Packages through the door to formal filing / 从报送到正式归档
    File(life::LifeArgs),
    /// Packages through the door to the certificate and into the archive / 从报送到发证、进馆
    E2e(life::LifeArgs),
    /// One package: read and check (G), beside its digests / 单件检测
    Checks(checks::ChecksArgs),
}

/// Measures and prints.
///
/// # Errors
/// When the deployment does not start or an item does not get filed.
pub(crate) async fn run(bench: &Bench) -> anyhow::Result<()> {
    match bench {
        Bench::File(args) => life::run(args, Goal::Filed).await,
        Bench::E2e(args) => life::run(args, Goal::Accessioned).await,
        Bench::Checks(args) => checks::run(args),
    }
}
