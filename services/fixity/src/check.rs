//! 归档检测 of one package (stage G): what ingest received is read again from its staged bytes and checked against its
//! reception and the filing table that its event names. Pure but for reading the package. And single checks of a transfer
//! (stage Y), run again on what is filed.
//!
//! Before: `staged.rs` brings the package; `transfer/anew.rs`. After: `verdict.rs` states what came out; `transfer/judge`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dengbei_checks::facts::{ManagementEvent, Recorded};
use dengbei_checks::{
    CheckId, CheckOutcome, Context, Duplicate, PackageView, Report, Scheme, Schemes, Stage, check_package,
    refusal,
};
use dengbei_formats::content::Readers;
use dengbei_formats::{Discard, FileFacts, ReadError, ReceivedPackage, examine_with, read_package};
use dengbei_records::{AreaCode, EventHash, ItemId, Matter, Sha256, Sha512, Timestamp};
use dengbei_scanner::{Guard, past};

use crate::staged::Package;
use crate::transfer::Stored;

/// What the checks compare with, beside the package.
#[derive(Debug, Clone)]
pub(crate) struct Against {
    /// The filing table that the event names.
    pub(crate) matter: Matter,
    /// Another item that holds the same 电子文件号.
    pub(crate) same_record_no: Option<ItemId>,
    /// The event that brought it here.
    pub(crate) prefiled: EventHash,
    /// The reception that the event cites.
    pub(crate) reception: Sha256,
    /// Now.
    pub(crate) now: Timestamp,
}

/// What packages are checked by and with.
#[derive(Debug, Clone)]
pub(crate) struct Bench {
    /// 行政区划 of the deployment.
    pub(crate) area: AreaCode,
    pub(crate) schemes: Schemes,
    /// The virus scanner. `None`: nothing is scanned.
    pub(crate) guard: Option<Guard>,
    /// Who reads what the files hold.
    pub(crate) readers: Arc<dyn Readers>,
}

/// Runs the G checks. The files pass the scanner again, although they did at the door: its signatures may have learned
/// since, and what ingest said is not believed.
///
/// # Errors
/// When the spooled bytes cannot be read, or the scanner gives no verdict: to be tried again. Faults of the content are
/// in the report.
pub(crate) fn check(package: &Package, against: Against, bench: &Bench) -> std::io::Result<Report> {
    let now = against.now;
    let scheme = bench.schemes.of((&package.reception.metadata.area_code, &bench.area), now);
    let mut context = Context {
        events: Some(vec![arrival(package, &against)]),
        matter: Some(against.matter),
        // Which areas a deployment's units stand in changes with reforms: the matter decides, not the area.
        area: None,
        duplicates: Some(against.same_record_no.iter().map(duplicate).collect()),
        manifest: Some(manifest(package)),
        recorded: Some(Recorded { metadata: package.reception.metadata.clone(), archival_code: None }),
        ..Context::at(now)
    };
    match examined(package, &mut context, bench.guard.as_ref(), bench) {
        Ok((read, files)) => {
            let view = PackageView { package: &read, files: &files, context: &context };
            Ok(check_package(&view, Stage::G, scheme))
        }
        Err(ReadError::Refused(problem)) => Ok(refusal(&problem, Stage::G, scheme)),
        Err(ReadError::Io(e)) => Err(e),
    }
}

/// Which checks of a transfer a filed item is to pass, and with what.
#[derive(Debug)]
pub(crate) struct Again<'a> {
    /// The filing table by which it was filed, if it is known.
    pub(crate) matter: Option<Matter>,
    pub(crate) wanted: &'a BTreeSet<CheckId>,
    pub(crate) is_in_sample: bool,
    /// Now.
    pub(crate) now: Timestamp,
}

/// Runs checks of stage Y over what is filed, and no others. `None`: it cannot be read as a package any more.
///
/// # Errors
/// As [`check`].
pub(crate) fn again(
    stored: &Stored,
    against: Again<'_>,
    scheme: &Scheme,
    bench: &Bench,
) -> std::io::Result<Option<Vec<CheckOutcome>>> {
    let (package, record) = (&stored.package, &stored.record);
    let recorded =
        Recorded { metadata: record.metadata.clone(), archival_code: Some(record.archival_code.clone()) };
    let mut context = Context {
        matter: against.matter,
        manifest: Some(manifest(package)),
        recorded: Some(recorded),
        is_in_sample: against.is_in_sample,
        ..Context::at(against.now)
    };
    let guard = bench.guard.as_ref().filter(|_| against.wanted.contains(&CheckId::S02));
    match examined(package, &mut context, guard, bench) {
        Ok((read, files)) => {
            let view = PackageView { package: &read, files: &files, context: &context };
            let report = check_package(&view, Stage::Y, scheme);
            Ok(Some(report.checks.into_iter().filter(|c| against.wanted.contains(&c.id)).collect()))
        }
        Err(ReadError::Refused(_)) => Ok(None),
        Err(ReadError::Io(e)) => Err(e),
    }
}

/// Reads a package and every file of it once, past the scanner, whose answer the context then has.
fn examined(
    package: &Package,
    context: &mut Context,
    guard: Option<&Guard>,
    bench: &Bench,
) -> Result<(ReceivedPackage, Vec<FileFacts>), ReadError> {
    let read = read_package(package)?;
    let (files, scan) =
        past(guard, &mut Discard, context.now, |sink| examine_with(package, sink, &*bench.readers))?;
    context.scan = scan;
    Ok((read, files))
}

fn manifest(package: &Package) -> BTreeMap<String, Sha512> {
    package.manifest().map(|f| (f.path.clone(), f.sha512)).collect()
}

fn duplicate(other: &ItemId) -> Duplicate {
    Duplicate { what: "电子文件号".to_owned(), with: other.to_string() }
}

/// the one event of its life so far, with the reception that it cites and the one that came.
fn arrival(package: &Package, against: &Against) -> ManagementEvent {
    ManagementEvent {
        hash: against.prefiled,
        what: "item.prefiled".to_owned(),
        causes: Vec::new(),
        is_once: true,
        documents: vec![(against.reception, Some(package.reception_digest))],
    }
}

/// Ids of the checks that keep an item from being filed: those that failed, and those that could not be verified where
/// the scheme lets that block. Empty exactly when it passed.
pub(crate) fn failing(report: &Report) -> Vec<String> {
    report.blocking().map(|c| c.id.to_string()).collect()
}
