//! Whom the one who asks trusts: certificates given by him, never by the document. A chain leads from the signer to
//! one of them; each link is checked. Revocation is not: it takes the network, and what was so then is not known now.

use base64::Engine as _;
use dengbei_records::Timestamp;

use super::certificate::Certificate;

/// Links of a chain, and certificates that are tried on the way.
const MAX_LINKS: usize = 6;
const MAX_TRIES: usize = 64;
const MAX_ANCHORS: usize = 1_000;

/// Certificates that end a chain. Without one nothing is ever valid, at best intact.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    anchors: Vec<Certificate>,
}

impl Trust {
    /// Nobody.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// Adds the certificates of a file: PEM, any number, or one in DER. Gives how many were read; what is no certificate
    /// is not counted.
    pub fn add(&mut self, file: &[u8]) -> usize {
        let before = self.anchors.len();
        if let Some(one) = Certificate::from_der(file) {
            self.anchors.push(one);
        } else {
            let text = String::from_utf8_lossy(file);
            let blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1).take(MAX_ANCHORS);
            self.anchors.extend(blocks.filter_map(pem_block));
        }
        self.anchors.truncate(MAX_ANCHORS);
        self.anchors.len() - before
    }

    /// The certificates.
    pub fn anchors(&self) -> &[Certificate] {
        &self.anchors
    }

    /// Whether `leaf` is an anchor, or leads to one through `others`, every link valid at `at`.
    pub(crate) fn reaches(&self, leaf: &Certificate, others: &[Certificate], at: Timestamp) -> bool {
        let mut tries = MAX_TRIES;
        let mut open = vec![(leaf, 0)];
        while let Some((certificate, links)) = open.pop() {
            if !certificate.is_valid_at(at) {
                continue;
            }
            if self.anchors.contains(certificate) {
                return true;
            }
            let issuers = self.anchors.iter().chain(others);
            let issuers = issuers.filter(|i| i.subject == certificate.issuer && *i != certificate);
            for issuer in issuers.filter(|i| i.is_authority() || self.is_old_root(i)) {
                let Some(left) = tries.checked_sub(1).filter(|_| links < MAX_LINKS) else { return false };
                tries = left;
                if certificate.is_signed_by(issuer) {
                    open.push((issuer, links + 1));
                }
            }
        }
        false
    }

    /// A given anchor that signed itself needs no extension that says so.
    fn is_old_root(&self, certificate: &Certificate) -> bool {
        certificate.is_silent_root() && self.anchors.contains(certificate)
    }
}

fn pem_block(block: &str) -> Option<Certificate> {
    let body: String = block.split("-----END").next()?.chars().filter(|c| !c.is_whitespace()).collect();
    Certificate::from_der(&base64::engine::general_purpose::STANDARD.decode(body).ok()?)
}
