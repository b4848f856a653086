//! What was found about a signature, a seal or a timestamp: what `inspect` prints and what the checks A-03 (电子签名),
//! A-04 (电子印章) and A-05 (时间戳) judge. Filled by `content::ofd_signatures`, `content::pdf_signatures`, `timestamp`.

use dengbei_records::Timestamp;
use serde::{Deserialize, Serialize};

use super::digest::DigestMethod;

/// What kind of signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureKind {
    /// 电子印章 of an OFD: a seal's picture and owner are inside (GB/T 38540, GM/T 0031).
    OfdSeal,
    /// 电子签名 of an OFD, without a seal.
    OfdSignature,
    /// 电子签名 of a PDF.
    PdfSignature,
    /// A signature that lies beside what it signs.
    Detached,
}

/// How it stands. Only [`SignatureState::Valid`] may be called 有效.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureState {
    /// Right in every part that was asked, and its signer leads to a certificate that the caller trusts. Revocation was
    /// not asked.
    Valid,
    /// Right in every part, but nobody said whom to trust, or the signer does not lead there: 无法验证.
    IntactUntrusted,
    /// What it protects was changed after it was made: 无效.
    Changed,
    /// It is itself wrong: its value does not fit, its form does not hold, its certificate was not valid: 无效.
    Broken,
    /// It cannot be told: an algorithm that is not known, no certificate inside, only a part is protected: 无法验证.
    Unverifiable,
}

impl SignatureState {
    /// 无效: something was changed or is wrong.
    pub fn is_invalid(self) -> bool {
        matches!(self, Self::Changed | Self::Broken)
    }
}

/// What of the document it protects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coverage {
    /// Everything that is shown.
    Whole,
    /// Not these: paths of parts (OFD, at most 20), or what was appended later (PDF).
    Part(Vec<String>),
    /// It was not told.
    Unknown,
}

/// Why a signature stands as it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Stable code: `signature.digest`, `seal.maker`, ….
    pub code: String,
    /// Chinese
    pub message: String,
    /// English
    pub message_en: String,
}

impl Reason {
    pub(crate) fn new(code: &str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: zh.into(), message_en: en.into() }
    }
}

/// One signature or seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureFacts {
    /// Kind.
    pub kind: SignatureKind,
    /// Where it lies: a path in the OFD, a field's name in the PDF.
    pub place: String,
    /// Whom the signer's certificate names.
    pub signer: Option<String>,
    /// Whom the seal names (印章名称); empty for a signature without a seal.
    pub seal_owner: Option<String>,
    /// The seal's own number.
    pub seal_id: Option<String>,
    /// `SM2-SM3`, `RSA-SHA256`, …: as stated.
    pub algorithm: Option<String>,
    /// How the protected parts were digested.
    pub digest: Option<DigestMethod>,
    /// When it says that it was made. Its signer's word, unless a timestamp says so.
    pub signed_at: Option<Timestamp>,
    /// When its signer's certificate ends.
    pub certificate_ends: Option<Timestamp>,
    /// What it protects.
    pub coverage: Coverage,
    /// How it stands.
    pub state: SignatureState,
    /// Why.
    pub reason: Reason,
}

impl SignatureFacts {
    /// Nothing known yet of a signature at a place: broken, until something says otherwise.
    pub(crate) fn blank(kind: SignatureKind, place: String) -> Self {
        Self {
            kind,
            place,
            signer: None,
            seal_owner: None,
            seal_id: None,
            algorithm: None,
            digest: None,
            signed_at: None,
            certificate_ends: None,
            coverage: Coverage::Unknown,
            state: SignatureState::Broken,
            reason: Reason::new("", "", ""),
        }
    }
}

/// One timestamp (RFC 3161, GB/T 20520).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimestampFacts {
    /// Where it lies.
    pub place: String,
    /// The moment it states.
    pub time: Option<Timestamp>,
    /// The policy under which it was given.
    pub policy: Option<String>,
    /// Whom the authority's certificate names: the one whose key signed, not the first one enclosed.
    pub authority: Option<String>,
    /// Its serial number, hex.
    pub serial: Option<String>,
    /// How what it stamps was digested.
    pub digest: Option<DigestMethod>,
    /// When the authority's certificate ends: before that it should be renewed.
    pub certificate_ends: Option<Timestamp>,
    /// How it stands.
    pub state: SignatureState,
    /// Why.
    pub reason: Reason,
}
