//! What each kind of paper brings: its name, its date, its number, its template.

use dengbei_records::papers::{
    APPLICATION, Application, CATALOGUE, CERTIFICATE, Catalogue, CatalogueRow, Certificate, DECISION,
    DIGESTS, Decision, DigestTable, FILING, Filing, HANDOVER, Handover,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::report::{CHECK_PAPER, CheckPaper};

/// What a list holds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Total {
    pub(crate) rows: usize,
    files: u64,
    bytes: u64,
}

/// Rows on the first page of a catalogue, and on each that follows.
const FIRST_PAGE: usize = 19;
const PAGE: usize = 22;
/// A kind of paper that can be drawn.
pub(crate) trait Drawn: Serialize + DeserializeOwned {
    /// The word of the API.
    const KIND: &'static str;
    /// What `Sealed::paper` must say.
    const PAPER: &'static str;
    /// Whether it may come without seals around it.
    const IS_BARE: bool = false;
    /// Whether the PDF says what is a row and what a heading; a list of thousands would grow fivefold.
    const IS_TAGGED: bool = true;
    /// Its form.
    const TEMPLATE: &'static str;

    /// In sections that are set one after the other, when it is so long that setting it at once would take too much
    /// memory; else nothing. A section has about so many pages.
    fn sections(&self, _pages: usize) -> Vec<Self> {
        Vec::new()
    }

    /// What all sections hold together, where the form says so.
    fn total(&self) -> Total {
        Total::default()
    }

    /// The date of the file.
    fn dated(&self) -> &str;

    /// The number that is printed and names the attachment; ASCII.
    fn number(&self) -> &str;

    /// What the QR code says, given the digest of the body.
    fn code(&self, _digest: &str) -> Option<String> {
        None
    }
}

impl Drawn for Certificate {
    const KIND: &'static str = "certificate";
    const PAPER: &'static str = CERTIFICATE;
    const TEMPLATE: &'static str = include_str!("../templates/certificate.typ");
    fn dated(&self) -> &str {
        &self.issued_at
    }
    fn number(&self) -> &str {
        &self.certificate_no
    }
    /// The address, with both digests behind `#`: they stay on the reader's machine.
    fn code(&self, digest: &str) -> Option<String> {
        Some(format!("{}#sha256={digest}&sm3={}", self.verify_at, self.digest_root.value))
    }
}

impl Drawn for Application {
    const KIND: &'static str = "application";
    const PAPER: &'static str = APPLICATION;
    const TEMPLATE: &'static str = include_str!("../templates/application.typ");
    fn dated(&self) -> &str {
        &self.applied_at
    }
    fn number(&self) -> &str {
        &self.batch
    }
}

impl Drawn for Decision {
    const KIND: &'static str = "registration";
    const PAPER: &'static str = DECISION;
    const TEMPLATE: &'static str = include_str!("../templates/decision.typ");
    fn dated(&self) -> &str {
        &self.decided_at
    }
    fn number(&self) -> &str {
        if self.registration_no.is_empty() { &self.batch } else { &self.registration_no }
    }
}

impl Drawn for Handover {
    const KIND: &'static str = "handover";
    const PAPER: &'static str = HANDOVER;
    const TEMPLATE: &'static str = include_str!("../templates/handover.typ");
    fn dated(&self) -> &str {
        &self.archive.on
    }
    fn number(&self) -> &str {
        &self.transfer_no
    }
}

impl Drawn for DigestTable {
    const KIND: &'static str = "digests";
    const PAPER: &'static str = DIGESTS;
    const IS_BARE: bool = true;
    const TEMPLATE: &'static str = include_str!("../templates/digests.typ");
    fn dated(&self) -> &str {
        ""
    }
    fn number(&self) -> &str {
        "digests"
    }
}

impl Drawn for Catalogue {
    const KIND: &'static str = "catalogue";
    const PAPER: &'static str = CATALOGUE;
    const IS_BARE: bool = true;
    const IS_TAGGED: bool = false;
    const TEMPLATE: &'static str = include_str!("../templates/catalogue.typ");
    /// The newest closing: the catalogue itself is not dated.
    fn dated(&self) -> &str {
        self.rows.iter().map(|row| row.closed_on.as_str()).max().unwrap_or_default()
    }
    fn number(&self) -> &str {
        &self.transfer_no
    }
    /// Sections end where a page is full, unless titles of more than two lines made it full earlier.
    fn sections(&self, pages: usize) -> Vec<Self> {
        let first = FIRST_PAGE + PAGE * pages.saturating_sub(1);
        let Some((head, rest)) = self.rows.split_at_checked(first) else { return Vec::new() };
        let part = |rows: &[CatalogueRow]| Self {
            transfer_no: self.transfer_no.clone(),
            salt: self.salt.clone(),
            rows: rows.to_vec(),
        };
        std::iter::once(head).chain(rest.chunks(PAGE * pages.max(1))).map(part).collect()
    }
    fn total(&self) -> Total {
        let files = self.rows.iter().map(|row| u64::from(row.files)).sum();
        let bytes = self.rows.iter().fold(0_u64, |sum, row| sum.saturating_add(row.bytes));
        Total { rows: self.rows.len(), files, bytes }
    }
}

impl Drawn for Filing {
    const KIND: &'static str = "filing";
    const PAPER: &'static str = FILING;
    const IS_BARE: bool = true;
    const TEMPLATE: &'static str = include_str!("../templates/filing.typ");
    fn dated(&self) -> &str {
        &self.filed_at
    }
    fn number(&self) -> &str {
        &self.unit.mark
    }
}

impl Drawn for CheckPaper {
    const KIND: &'static str = "report";
    const PAPER: &'static str = CHECK_PAPER;
    const IS_BARE: bool = true;
    const TEMPLATE: &'static str = include_str!("../templates/report.typ");
    fn dated(&self) -> &str {
        &self.dated
    }
    fn number(&self) -> &str {
        &self.number
    }
}
