//! The four-property checks (四性检测): pure functions over a package.
//!
//! The same checks run at the door (stage P, ingest), before filing (G, fixity) and at transfer (Y). Which of them
//! block, warn or do not run is data: the [`Scheme`]. Nothing here reads a clock, a disk or a database; what a check
//! needs to know beside the package stands in the [`Context`]. Previous stop: `formats::examine`.
//!
//! * [`check_package`]: a package as read + facts of its files + context → [`Report`]
//! * [`read_and_check`]: the same from a source, in one pass, with a sink
//! * [`refusal`]: the report of a package that could not even be opened
//!
//! Adding a check: a file in `rules/`, a row in `CheckId::ALL`, a row in the scheme, an arm in `rules::run`, a mutant.

mod codes;
mod engine;
mod fields;
mod id;
mod refusal;
mod report;
mod rules;
mod scheme;
mod times;
mod view;

pub use engine::{Checked, check_package, read_and_check};
pub use fields::{FIELDS, Field};
pub use id::{CheckId, Property};
pub use refusal::{check_of, refusal};
pub use report::{CheckOutcome, CheckResult, Finding, Report, SchemeName, Verdict};
pub use scheme::{Parameters, Scheme, Severity, Stage};
pub use view::{BatchCounts, Context, Duplicate, PackageView};

/// Name and version of this engine in reports.
pub const ENGINE: &str = concat!("dengbei-checks/", env!("CARGO_PKG_VERSION"));
