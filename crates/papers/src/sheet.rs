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
use crate::kinds::Drawn;
use crate::moment;

/// What the press needs.
pub(crate) struct Sheet {
    /// The form, Typst source of ours.
    pub(crate) template: &'static str,
    /// What the form shows, JSON.
    pub(crate) view: Vec<u8>,
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
}

#[derive(Serialize)]
struct SealView<'a> {
    #[serde(flatten)]
    seal: &'a Seal,
    /// First 16 hex digits of SHA-256 over the public key.
    fingerprint: String,
}

/// Reads `json` as a paper of `kind`.
pub(crate) fn read(kind: &str, json: &[u8]) -> Result<Sheet, PaperError> {
    match kind {
        Certificate::KIND => paper::<Certificate>(json),
        Application::KIND => paper::<Application>(json),
        Decision::KIND => paper::<Decision>(json),
        Handover::KIND => paper::<Handover>(json),
        DigestTable::KIND => digests(json),
        Catalogue::KIND => paper::<Catalogue>(json),
        Filing::KIND => paper::<Filing>(json),
        _ => Err(PaperError::UnknownKind { kind: kind.chars().take(40).collect() }),
    }
}

/// Canonical JSON of a [`Sealed`] begins with its body; none of the bare bodies does.
fn is_sealed(json: &[u8]) -> bool {
    json.starts_with(b"{\"body\":")
}

fn paper<T: Drawn>(json: &[u8]) -> Result<Sheet, PaperError> {
    let sealed = open::<T>(json).map_err(|source| PaperError::NotAPaper { kind: T::KIND, source })?;
    sheet(&sealed.body, &sealed.seals, json, ("", sealed.body.dated()))
}

fn open<T: Drawn>(json: &[u8]) -> Result<Sealed<T>, Invalid> {
    if T::IS_BARE && !is_sealed(json) {
        return Ok(Sealed { paper: T::PAPER.into(), body: canonical::from_slice(json)?, seals: Vec::new() });
    }
    let sealed: Sealed<T> = canonical::from_slice(json)?;
    if sealed.paper == T::PAPER { Ok(sealed) } else { Err(Invalid::new("文书 paper", sealed.paper)) }
}

/// A digest table stands alone or in the handover that names its number and day.
fn digests(json: &[u8]) -> Result<Sheet, PaperError> {
    match open::<Handover>(json) {
        Ok(Sealed { body, seals, .. }) => {
            sheet(&body.digests, &seals, json, (&body.transfer_no, &body.archive.on))
        }
        Err(_) => paper::<DigestTable>(json),
    }
}

fn sheet<T: Drawn>(body: &T, seals: &[Seal], json: &[u8], from: (&str, &str)) -> Result<Sheet, PaperError> {
    let not_a_paper = |source| PaperError::NotAPaper { kind: T::KIND, source };
    let digest = Sha256::of(&canonical::to_vec(body).map_err(not_a_paper)?).to_string();
    let code = body.code(&digest).map(|text| qr(&text)).transpose().map_err(not_a_paper)?;
    let (transfer_no, on) = from;
    let number = if transfer_no.is_empty() { body.number() } else { transfer_no };
    let view = View {
        body,
        seals: seals.iter().map(|seal| SealView { fingerprint: fingerprint(&seal.key), seal }).collect(),
        digest,
        file: file_name(T::KIND, number),
        has_code: code.is_some(),
        transfer_no,
        on,
    };
    let view = serde_json::to_vec(&view).map_err(|error| not_a_paper(Invalid::new("JSON", error)))?;
    Ok(Sheet {
        template: T::TEMPLATE,
        view,
        data: json.to_vec(),
        code,
        ident: format!("{}:{}", T::PAPER, Sha256::of(json)),
        is_tagged: T::IS_TAGGED,
        moment: moment::of(on),
    })
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
