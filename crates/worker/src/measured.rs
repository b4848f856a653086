//! What is measured of readers, by the service that uses them.

use dengbei_kit::measure::{self, Metric, Values};
use metrics::{counter, gauge};

const APART: &str = "dengbei_readers_apart";
const FILES: &str = "dengbei_reader_files_total";

const BY: &[Values] = &[("service", &[])];

const METRICS: &[Metric] = &[
    Metric::gauge(
        APART,
        "文件是否在可终止的独立进程中读取",
        "1 where files are read in processes that can be killed",
    )
    .by(BY),
    Metric::counter(
        FILES,
        "读取的文件，按在何处读取、结果",
        "Files read: in the service, apart, or by a reader that had to be stopped",
    )
    .by(&[("outcome", &["here", "apart", "late", "died"]), ("service", &[])]),
];

/// Where and how a file was read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Here,
    Apart,
    Late,
    Died,
}

/// Says what each is, and where files are read.
pub(crate) fn describe(service: &'static str, is_apart: bool) {
    measure::describe(METRICS, &[("service", vec![service.to_owned()])]);
    gauge!(APART, "service" => service).set(f64::from(u8::from(is_apart)));
}

/// A file was read, or not.
pub(crate) fn read(service: &'static str, outcome: Outcome) {
    let outcome = match outcome {
        Outcome::Here => "here",
        Outcome::Apart => "apart",
        Outcome::Late => "late",
        Outcome::Died => "died",
    };
    counter!(FILES, "outcome" => outcome, "service" => service).increment(1);
}
