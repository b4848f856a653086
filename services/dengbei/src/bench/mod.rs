//! `dengbei bench …`: measures the product as it is used, beside a floor in the same run. Never part of a test.

mod file;
mod floor;
mod usage;

use clap::Subcommand;

/// What to measure.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Bench {
    /// Packages through the door to formal filing / 从报送到正式归档
    File(file::FileArgs),
}

/// Measures and prints.
///
/// # Errors
/// When the deployment does not start or an item does not get filed.
pub(crate) async fn run(bench: &Bench) -> anyhow::Result<()> {
    match bench {
        Bench::File(args) => file::run(args).await,
    }
}
