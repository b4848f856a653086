//! A paper as it goes to the press: its bytes to attach, and the same with digests and QR code for the template.

use dengbei_records::papers::{
    Application, Catalogue, Certificate, Decision, DigestTable, Filing, Handover, Seal, Sealed,
};
use dengbei_records::{Invalid, Sha256, canonical};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde::Serialize;
use typst_pdf::Timestamp;

use crate::PaperError;
use crate::kinds::{Drawn, Total};
use crate::moment;
use crate::report::CheckPaper;

/// What the press needs.
pub(crate) struct Sheet {
    /// The form, Typst source of ours.
    pub(crate) template: &'static str,
    /// What the form shows, JSON: one, or the sections of a long list in their order.
    pub(crate) views: Vec<Vec<u8>>,
    /// What is attached: the caller's bytes.
    pub(crate) data: Vec<u8>,
    /// The QR code, or nothing.
    pub(crate) code: Option<String>,
    /// Identifies the file: kind and digest of the data.
    pub(crate) ident: String,
    /// Whether its structure is written too.
    pub(crate) is_tagged: bool,
    /// The paper's own date.
    pub(crate) moment: Option<Timestamp>,
}

/// What a template reads: the paper, and what can be computed from it alone.
#[derive(Serialize)]
struct View<'a, T> {
    body: &'a T,
    seals: Vec<SealView<'a>>,
    /// SHA-256 of the canonical body: what the seals sign.
    digest: String,
    /// Name of the attachment.
    file: String,
    has_code: bool,
    /// Where a digest table comes from.
    transfer_no: &'a str,
    on: &'a str,
    /// Of all sections.
    total: Total,
    /// Sections before this one.
    section: usize,
    /// Rows in the sections before this one.
    rows_before: usize,
    /// Seals stand under the last.
    is_last: bool,
}

#[derive(Serialize)]
struct SealView<'a> {
    #[serde(flatten)]
    seal: &'a Seal,
    /// First 16 hex digits of SHA-256 over the public key.
    fingerprint: String,
}

/// Reads `json` as a paper of `kind`; what is long is cut into sections of so many `pages`.
pub(crate) fn read(kind: &str, json: &[u8], pages: usize) -> Result<Sheet, PaperError> {
    match kind {
        Certificate::KIND => paper::<Certificate>(json, pages),
        Application::KIND => paper::<Application>(json, pages),
        Decision::KIND => paper::<Decision>(json, pages),
        Handover::KIND => paper::<Handover>(json, pages),
        DigestTable::KIND => digests(json, pages),
        Catalogue::KIND => paper::<Catalogue>(json, pages),
        Filing::KIND => paper::<Filing>(json, pages),
        CheckPaper::KIND => paper::<CheckPaper>(json, pages),
        _ => Err(PaperError::UnknownKind { kind: kind.chars().take(40).collect() }),
    }
}

/// Canonical JSON of a [`Sealed`] begins with its body; none of the bare bodies does.
fn is_sealed(json: &[u8]) -> bool {
    json.starts_with(b"{\"body\":")
}

/// What surrounds a body.
struct Around<'a> {
    json: &'a [u8],
    seals: &'a [Seal],
    transfer_no: &'a str,
    on: &'a str,
    pages: usize,
}

fn paper<T: Drawn>(json: &[u8], pages: usize) -> Result<Sheet, PaperError> {
    let sealed = open::<T>(json).map_err(|source| PaperError::NotAPaper { kind: T::KIND, source })?;
    let on = sealed.body.dated();
    sheet(&sealed.body, &Around { json, seals: &sealed.seals, transfer_no: "", on, pages })
}

fn open<T: Drawn>(json: &[u8]) -> Result<Sealed<T>, Invalid> {
    if T::IS_BARE && !is_sealed(json) {
        return Ok(Sealed { paper: T::PAPER.into(), body: canonical::from_slice(json)?, seals: Vec::new() });
    }
    let sealed: Sealed<T> = canonical::from_slice(json)?;
    if sealed.paper == T::PAPER { Ok(sealed) } else { Err(Invalid::new("文书 paper", sealed.paper)) }
}

/// A digest table stands alone or in the handover that names its number and day.
fn digests(json: &[u8], pages: usize) -> Result<Sheet, PaperError> {
    match open::<Handover>(json) {
        Ok(Sealed { body, seals, .. }) => {
            let (transfer_no, on) = (body.transfer_no.as_str(), body.archive.on.as_str());
            sheet(&body.digests, &Around { json, seals: &seals, transfer_no, on, pages })
        }
        Err(_) => paper::<DigestTable>(json, pages),
    }
}

fn sheet<T: Drawn>(body: &T, around: &Around<'_>) -> Result<Sheet, PaperError> {
    let not_a_paper = |source| PaperError::NotAPaper { kind: T::KIND, source };
    let digest = Sha256::of(&canonical::to_vec(body).map_err(not_a_paper)?).to_string();
    let code = body.code(&digest).map(|text| qr(&text)).transpose().map_err(not_a_paper)?;
    let views = views(body, around, (digest, code.is_some()));
    Ok(Sheet {
        template: T::TEMPLATE,
        views: views.map_err(|error| not_a_paper(Invalid::new("JSON", error)))?,
        data: around.json.to_vec(),
        code,
        ident: format!("{}:{}", T::PAPER, Sha256::of(around.json)),
        is_tagged: T::IS_TAGGED,
        moment: moment::of(around.on),
    })
}

/// What the template sees: the whole body, or each of its sections.
fn views<T: Drawn>(
    body: &T,
    around: &Around<'_>,
    (digest, has_code): (String, bool),
) -> serde_json::Result<Vec<Vec<u8>>> {
    let number = if around.transfer_no.is_empty() { body.number() } else { around.transfer_no };
    let seals = around.seals.iter().map(|seal| SealView { fingerprint: fingerprint(&seal.key), seal });
    let mut view = View {
        body,
        seals: seals.collect(),
        digest,
        file: file_name(T::KIND, number),
        has_code,
        transfer_no: around.transfer_no,
        on: around.on,
        total: body.total(),
        section: 0,
        rows_before: 0,
        is_last: true,
    };
    let sections = body.sections(around.pages);
    if sections.is_empty() {
        return Ok(vec![serde_json::to_vec(&view)?]);
    }
    let mut views = Vec::new();
    for (section, part) in sections.iter().enumerate() {
        view = View { body: part, section, is_last: section + 1 == sections.len(), ..view };
        views.push(serde_json::to_vec(&view)?);
        view.rows_before += part.total().rows;
    }
    Ok(views)
}

/// `certificate-ZS-330402-2026-1-000001-8.json`; what is not a letter, digit or dash is left out.
fn file_name(kind: &str, number: &str) -> String {
    let number: String = number.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(60).collect();
    format!("{kind}-{number}.json")
}

/// A key that is not hex has the fingerprint of its text; `evidence` refuses it.
fn fingerprint(key: &str) -> String {
    let bytes = hex::decode(key).unwrap_or_else(|_| key.as_bytes().to_vec());
    Sha256::of(&bytes).to_string().chars().take(16).collect()
}

fn qr(text: &str) -> Result<String, Invalid> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M)
        .map_err(|error| Invalid::new("核验地址 verify_at", error))?;
    Ok(code.render::<svg::Color<'_>>().quiet_zone(false).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attachment_is_named_plainly() {
        assert_eq!(file_name("filing", "../J021/\u{202e}x"), "filing-J021x.json");
    }

    #[test]
    fn the_fingerprint_is_of_the_keys_bytes() {
        assert_eq!(fingerprint("00"), &Sha256::of(&[0]).to_string()[..16]);
    }

    #[test]
    fn a_text_too_long_for_a_code_is_refused() {
        assert!(qr(&"x".repeat(5000)).is_err());
    }
}
