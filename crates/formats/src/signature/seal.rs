//! Electronic seals (电子印章): SignedValue.dat as GB/T 38540-2020 writes it (version 4), and as GM/T 0031-2014 did
//! (versions 1 and 2). A seal's maker signed the seal, its owner signed with it. Neighbours: `der` before,
//! `content::ofd_signatures` after, which knows what is protected.

use dengbei_records::Timestamp;

use super::certificate::Certificate;
use super::cms::signature_value;
use super::der::{BIT_STRING, Cursor, INTEGER, OCTET_STRING, OID, SEQUENCE, Value};
use super::verify::{Outcome, Scheme, verify};

const MAX_BYTES: usize = 16 << 20;
const MAX_HOLDERS: usize = 256;

/// A seal that was put under a document.
#[derive(Debug)]
pub(crate) struct Stamped<'a> {
    pub(crate) seal: Seal<'a>,
    pub(crate) signed_at: Option<Timestamp>,
    /// The digest of what it protects: of Signature.xml.
    pub(crate) digest: &'a [u8],
    pub(crate) certificate: Option<Certificate>,
    pub(crate) algorithm: String,
    /// A timestamp over the signature's value.
    pub(crate) timestamp: Option<&'a [u8]>,
    pub(crate) value: &'a [u8],
    signed: &'a [u8],
}

/// The seal itself.
#[derive(Debug)]
pub(crate) struct Seal<'a> {
    pub(crate) whole: &'a [u8],
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
    /// Who may sign with it: certificates, or their digests.
    holders: Vec<&'a [u8]>,
    maker: Option<Certificate>,
    algorithm: String,
    value: &'a [u8],
    /// What the maker may have signed, the standard's form first.
    signed: Vec<Vec<u8>>,
}

impl<'a> Stamped<'a> {
    /// Reads a SignedValue.dat; `None` when it is no seal.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() > MAX_BYTES {
            return None;
        }
        let mut outer = Cursor::new(bytes).enter(SEQUENCE)?;
        let to_sign = outer.take(SEQUENCE)?;
        let mut inside = to_sign.inside()?;
        inside.take(INTEGER)?;
        let seal = Seal::of(inside.take(SEQUENCE)?)?;
        let time = inside.next()?;
        let signed_at = time.time().or_else(|| text_time(time));
        let digest = inside.take(BIT_STRING)?.bits()?;
        // Which part that is, as the signer wrote it: the digest says it better.
        inside.next()?;
        // Version 4 keeps certificate and algorithm beside what is signed, the older ones within it.
        let (certificate, algorithm) = match inside.peek() {
            Some(OCTET_STRING) => (inside.next()?.content, inside.take(OID)?.oid()?),
            _ => (outer.take(OCTET_STRING)?.content, outer.take(OID)?.oid()?),
        };
        let value = signature_value(outer.next()?)?;
        let timestamp = outer.enter(0xa0).and_then(|mut t| t.next()).and_then(signature_value);
        let certificate = Certificate::from_der(certificate);
        let signed = to_sign.whole;
        Some(Self { seal, signed_at, digest, certificate, algorithm, timestamp, value, signed })
    }

    /// Whether the owner's signature is right; `None` without a certificate that can be read.
    pub(crate) fn check(&self) -> Option<Outcome> {
        let key = &self.certificate.as_ref()?.key;
        Some(verify(key, &Scheme::of(&self.algorithm, None, None), self.signed, self.value))
    }
}

/// A time that older versions keep as text in a BIT STRING or a UTF8String.
fn text_time(value: Value<'_>) -> Option<Timestamp> {
    let bytes = if value.tag == BIT_STRING { value.bits()? } else { value.content };
    super::der::moment(std::str::from_utf8(bytes).ok()?).or_else(|| Cursor::new(bytes).next()?.time())
}

impl<'a> Seal<'a> {
    /// Reads a seal: the same that Seal.esl holds.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() > MAX_BYTES { None } else { Self::of(Cursor::new(bytes).take(SEQUENCE)?) }
    }

    fn of(whole: Value<'a>) -> Option<Self> {
        let mut inside = whole.inside()?;
        let info = inside.take(SEQUENCE)?;
        // Version 4: certificate, algorithm, value; before: one sequence of the three.
        let mut sign = match inside.peek()? {
            SEQUENCE => inside.enter(SEQUENCE)?,
            _ => inside,
        };
        let (certificate, algorithm) = (sign.take(OCTET_STRING)?, sign.take(OID)?);
        let value = signature_value(sign.next()?)?;
        let parts = [info.whole, certificate.whole, algorithm.whole];
        let mut seal = Self {
            whole: whole.whole,
            id: String::new(),
            owner: String::new(),
            from: None,
            to: None,
            holders: Vec::new(),
            maker: Certificate::from_der(certificate.content),
            algorithm: algorithm.oid()?,
            value,
            signed: vec![info.whole.to_vec(), sequence(&parts)],
        };
        seal.describe(info)?;
        Some(seal)
    }

    /// SES_SealInfo: header, id, properties.
    fn describe(&mut self, info: Value<'a>) -> Option<()> {
        let mut inside = info.inside()?;
        inside.take(SEQUENCE)?;
        self.id = inside.next()?.text();
        let mut property = inside.enter(SEQUENCE)?;
        property.take(INTEGER)?;
        self.owner = property.next()?.text().trim().to_owned();
        if property.peek() == Some(INTEGER) {
            property.next()?;
        }
        let mut holders = property.enter(SEQUENCE)?;
        while !holders.is_empty() && self.holders.len() < MAX_HOLDERS {
            let holder = holders.next()?;
            // A certificate's digest comes as SEQUENCE { type, digest }.
            let digest = holder.inside().and_then(|mut pair| {
                pair.next()?;
                pair.next()
            });
            self.holders.push(digest.unwrap_or(holder).content);
        }
        property.next()?;
        self.from = property.next()?.time();
        self.to = property.next()?.time();
        Some(())
    }

    /// Whether the maker's signature under the seal is right; `None` without a certificate that can be read.
    pub(crate) fn check(&self) -> Option<Outcome> {
        let key = &self.maker.as_ref()?.key;
        let scheme = Scheme::of(&self.algorithm, None, None);
        let outcomes = self.signed.iter().map(|signed| verify(key, &scheme, signed, self.value));
        let mut last = Outcome::Wrong;
        for outcome in outcomes {
            if outcome == Outcome::Right {
                return Some(outcome);
            }
            last = outcome;
        }
        Some(last)
    }

    /// The maker's certificate.
    pub(crate) fn maker(&self) -> Option<&Certificate> {
        self.maker.as_ref()
    }

    /// Whether a certificate is among those that may sign with the seal.
    pub(crate) fn is_held_by(&self, certificate: &Certificate) -> bool {
        let der = certificate.der();
        let digest = super::DigestMethod::Sm3.digest(&[der]);
        self.holders.iter().any(|holder| *holder == der || *holder == digest)
    }
}

/// The DER of a SEQUENCE of what is encoded already.
fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes();
    let octets = &length[length.iter().take_while(|b| **b == 0).count().min(3)..];
    let mut bytes = vec![SEQUENCE];
    if content.len() > 0x7f {
        bytes.push(0x80 | u8::try_from(octets.len()).unwrap_or(4));
    }
    bytes.extend_from_slice(octets);
    bytes.extend(content);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sequence_is_written_with_the_shortest_length() {
        assert_eq!(sequence(&[&[5, 0]]), [0x30, 2, 5, 0]);
        assert_eq!(sequence(&[]), [0x30, 0]);
        assert_eq!(sequence(&[&[0; 200]])[..3], [0x30, 0x81, 200]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = (Stamped::read(&bytes), Seal::read(&bytes));
        }
    }
}
