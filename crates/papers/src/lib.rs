//! Forms and certificates as PDF/A-3b: papers as data in (`records::papers`), pages out, the data attached.
//!
//! Pure drawing: nothing is looked up, nothing decided, no seal made or checked (`registration` makes papers,
//! `evidence` checks their seals). The same paper gives the same bytes, so a printed file can be compared.
//! Values reach the templates as data only and stay text, whatever they hold.
//!
//! `sheet` reads a paper, `press` sets it in type, `fonts` finds what it is set in, `templates/*.typ` are the forms.

mod error;
mod fonts;
mod kinds;
mod moment;
#[cfg(test)]
#[path = "../tests/pages/mod.rs"]
mod pages;
mod press;
pub mod report;
mod sheet;
mod world;

pub use error::PaperError;
pub use press::Press;

/// The kinds that [`pdf`] draws: the words of `Registration.Paper`, and `report`.
pub const KINDS: [&str; 8] =
    ["certificate", "application", "registration", "handover", "digests", "catalogue", "filing", "report"];

/// Draws one paper. For several in a row open a [`Press`]: it keeps the fonts (70 MB) as long as it lives.
///
/// `json` is canonical JSON, refused otherwise:
///
/// | kind | `json` |
/// |---|---|
/// | `certificate` | `Sealed<Certificate>` |
/// | `application` | `Sealed<Application>` |
/// | `registration` | `Sealed<Decision>` |
/// | `handover` | `Sealed<Handover>` |
/// | `digests` | `DigestTable`, bare or sealed; or the `Sealed<Handover>` that holds it |
/// | `catalogue` | `Catalogue`, bare or sealed |
/// | `filing` | `Filing`, bare or sealed |
/// | `report` | [`report::CheckPaper`], bare |
///
/// One paper is drawn at a time in a process, so that memory stays bounded. Takes tenths of a second, for a
/// catalogue of thousands of rows seconds: call it from a blocking thread.
///
/// # Errors
/// [`PaperError`], by what the caller can do.
pub fn pdf(kind: &str, json: &[u8]) -> Result<Vec<u8>, PaperError> {
    if !KINDS.contains(&kind) {
        return Err(PaperError::UnknownKind { kind: kind.chars().take(40).collect() });
    }
    Press::open()?.pdf(kind, json)
}

/// 检测报告: draws runs of checks. The same paper gives the same bytes; its data is attached.
///
/// # Errors
/// [`PaperError`], by what the caller can do.
pub fn check_paper(paper: &report::CheckPaper) -> Result<Vec<u8>, PaperError> {
    let json = dengbei_records::canonical::to_vec(paper)
        .map_err(|source| PaperError::NotAPaper { kind: "report", source })?;
    pdf("report", &json)
}

/// 检测报告 of one report of an item, a batch, a carrier or a system; `about` says what the report itself does not.
///
/// # Errors
/// [`PaperError`], by what the caller can do.
pub fn check_report(
    report: &dengbei_checks::Report,
    rechecks: &[dengbei_checks::Recheck],
    about: Vec<report::Fact>,
) -> Result<Vec<u8>, PaperError> {
    check_paper(&report::CheckPaper::of(report, rechecks, about))
}
