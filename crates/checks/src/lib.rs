//! The four-property checks (四性检测): 48 of them, declared as data, judged by pure functions.
//!
//! The same checks run at the door (stage P, ingest), before filing (G, fixity), at transfer (Y) and while kept (C). Which of
//! them block, warn, are signed by a person or do not run is data: the [`Scheme`]. Nothing here reads a clock, a disk or a
//! database; what a check needs to know beside its subject stands in the [`Context`] or a view. Previous stop:
//! `formats::examine`.
//!
//! * [`check_package`]: a package as read + facts of its files + context → [`Report`]; [`read_and_check`]: the same from a
//!   source, in one pass, with a sink; [`refusal`]: the report of a package that could not even be opened
//! * [`check_batch`], [`check_carrier`], [`check_system`]: what is not per item, with the tasks of persons
//! * [`with_recheck`]: what holds when a person has looked again
//! * [`Scheme`]: versioned documents, read with every problem at once
//!
//! Adding a check: CONTRIBUTING.md.

mod codes;
mod declared;
mod engine;
pub mod facts;
mod fields;
mod id;
mod parameters;
mod pattern;
mod recheck;
mod refusal;
mod report;
mod rules;
mod sample;
mod scheme;
mod signing;
mod silence;
mod stage;
mod times;
mod view;
mod views;

pub use declared::{Declared, Freedom, Office, Scope};
pub use engine::{
    Checked, check_batch, check_carrier, check_package, check_system, read_and_check, with_restored,
};
pub use facts::Duplicate;
pub use fields::{FIELDS, Field};
pub use id::{CheckId, Property};
pub use parameters::{Kind, Parameters, SPECS, Spec, Strictness};
pub use recheck::{Effective, Opinion, Recheck, RecheckError, judge_recheck, with_recheck};
pub use refusal::{check_of, refusal};
pub use report::{CheckOutcome, CheckResult, Evidence, Finding, Report, SchemeName, Subject, Verdict};
pub use sample::Sample;
pub use scheme::{Base, FORMAT, Holds, Line, Scheme, SchemeDocument, SchemeFault, Schemes, SchemesError};
pub use signing::{Signed, Task};
pub use silence::is_always_judged;
pub use stage::{Rule, Severity, Stage};
pub use view::{Context, PackageView};
pub use views::{Arrived, BatchView, CarrierView, Paper, ReadBack, ScannerState, SystemView};

/// Name and version of this engine in reports.
pub const ENGINE: &str = concat!("dengbei-checks/", env!("CARGO_PKG_VERSION"));
