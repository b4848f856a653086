//! What is measured of the scanner, by the service that uses it.

use std::time::Duration;

use dengbei_checks::facts::{Scan, ScanOutcome};
use dengbei_kit::measure::{self, Metric, Values, age};
use dengbei_records::Timestamp;
use metrics::{counter, gauge, histogram};

use crate::Guard;

const CONFIGURED: &str = "dengbei_scanner_configured";
const UP: &str = "dengbei_scanner_up";
const ANSWER_AGE: &str = "dengbei_scanner_answer_age_seconds";
const SIGNATURES_AGE: &str = "dengbei_scanner_signatures_age_seconds";
const FILES: &str = "dengbei_scanner_files_total";
const BYTES: &str = "dengbei_scanner_bytes_total";
const SECONDS: &str = "dengbei_scanner_package_seconds";

const BY: &[Values] = &[("service", &[])];

const METRICS: &[Metric] = &[
    Metric::gauge(CONFIGURED, "是否配置了杀毒服务", "1 where a virus scanner is configured").by(BY),
    Metric::gauge(UP, "杀毒服务是否应答", "1 while the virus scanner answers").by(BY),
    Metric::gauge(
        ANSWER_AGE,
        "杀毒服务上次应答距今的时间；从未应答为 0",
        "How long ago the virus scanner last answered; 0 when it never did",
    )
    .by(BY),
    Metric::gauge(
        SIGNATURES_AGE,
        "病毒库生成距今的时间；不详为 0",
        "How old the scanner's signatures are; 0 when that is not known",
    )
    .by(BY),
    Metric::counter(FILES, "经过杀毒服务的文件，按结果", "Files past the scanner, by what it said")
        .by(&[("outcome", &["clean", "infected", "unscanned"]), ("service", &[])]),
    Metric::counter(BYTES, "经过杀毒服务的字节数", "Bytes past the scanner").by(BY),
    Metric::histogram(
        SECONDS,
        "每个信息包等待杀毒服务的时间",
        "How long a package waited for the scanner, beside what reads it",
    )
    .by(BY),
];

/// What passing a package took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) bytes: u64,
    pub(crate) time: Duration,
}

/// Says what each is, and whether there is one.
pub(crate) fn describe(service: &'static str, is_configured: bool) {
    measure::describe(METRICS, &[("service", vec![service.to_owned()])]);
    gauge!(CONFIGURED, "service" => service).set(f64::from(u8::from(is_configured)));
    for name in [UP, ANSWER_AGE, SIGNATURES_AGE] {
        gauge!(name, "service" => service).set(0.0);
    }
    // Known from the start, also where nothing will ever be recorded.
    drop(histogram!(SECONDS, "service" => service));
}

/// How it stands.
pub(crate) fn looked(guard: &Guard, now: Timestamp) {
    let (standing, service) = (guard.standing(), guard.service());
    let at = |at: Option<Timestamp>| at.map_or(0, Timestamp::millis);
    let signatures = standing.duty.and_then(|duty| duty.built);
    gauge!(UP, "service" => service).set(f64::from(u8::from(standing.is_up)));
    gauge!(ANSWER_AGE, "service" => service).set(age(at(standing.answered_at), now.millis()));
    gauge!(SIGNATURES_AGE, "service" => service).set(age(at(signatures), now.millis()));
}

/// A package's files passed.
pub(crate) fn scanned(guard: &Guard, scan: &Scan, spent: &Spent) {
    let service = guard.service();
    let count = |is: fn(&ScanOutcome) -> bool| scan.files.values().filter(|o| is(o)).count() as u64;
    let outcomes = [
        ("clean", count(|o| matches!(o, ScanOutcome::Clean))),
        ("infected", count(|o| matches!(o, ScanOutcome::Infected(_)))),
        ("unscanned", count(|o| matches!(o, ScanOutcome::NotScanned(_)))),
    ];
    for (outcome, files) in outcomes {
        counter!(FILES, "outcome" => outcome, "service" => service).increment(files);
    }
    counter!(BYTES, "service" => service).increment(spent.bytes);
    histogram!(SECONDS, "service" => service).record(spent.time.as_secs_f64());
}
