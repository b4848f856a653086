//! Signatures, seals and timestamps inside documents: read, recomputed, never believed. Pure and bounded: no network, no
//! clock, no list of authorities of its own. Who is trusted is given by the caller ([`Trust`]); without that the best
//! that is said is intact. Revocation is not asked: it takes the network and was true at another time.
//!
//! `der` → `certificate`, `cms`, `seal`, `timestamp` → `sealed` → `content::ofd_signatures`, `content::pdf_signatures` → `checks`.

mod certificate;
pub(crate) mod cms;
pub(crate) mod der;
mod digest;
mod facts;
pub(crate) mod seal;
pub(crate) mod sealed;
mod timestamp;
mod trust;
pub(crate) mod verify;

pub use certificate::Certificate;
pub use digest::DigestMethod;
pub use facts::{Coverage, Reason, SignatureFacts, SignatureKind, SignatureState, TimestampFacts};
pub use sealed::check_detached;
pub use timestamp::{Expected, check_timestamp};
pub use trust::Trust;
