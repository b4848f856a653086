//! C2SP signed notes: a text, an empty line, and signature lines `— name base64(key id ‖ signature)`.
//!
//! [`Note`] reads and prints the form; [`open`] believes the text only when a known key signed it. Keys are in
//! `key`. What stands in the text is not looked at here: see `checkpoint`.

mod key;

use std::collections::HashSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

pub use key::{KeyError, KeyId, KeyName, Signer, Verifier};

/// The longest note that is read, in bytes.
pub const MAX_NOTE: usize = 1_000_000;
/// The most signature lines that are read; the specification wants at least 16.
pub const MAX_SIGNATURES: usize = 100;

/// Why a note is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Over [`MAX_NOTE`] bytes or [`MAX_SIGNATURES`] signature lines.
    #[error("签名文本过大 / the note is too large")]
    TooLarge,
    /// Not of the form.
    #[error("签名文本格式不对:{0} / malformed note: {0}")]
    Malformed(&'static str),
    /// Two lines by the same key.
    #[error("密钥重复签名:{0} / two signatures by the same key: {0}")]
    Duplicate(KeyName),
    /// A line by a known key whose signature is wrong.
    #[error("签名无效:{0} / invalid signature: {0}")]
    InvalidSignature(KeyName),
    /// No line by any known key.
    #[error("没有已知密钥的签名 / no signature by a known key")]
    Unsigned,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine {
    /// The key's name.
    pub name: KeyName,
    /// Tells keys of one name apart.
    pub id: KeyId,
    /// The signature; its form depends on the kind of key.
    pub signature: Vec<u8>,
}

/// A text and its signature lines, of the right form but not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<SignatureLine>,
}

/// A note that at least one known key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedNote {
    /// The text with its last newline.
    pub text: String,
    /// The lines by known keys, all verified.
    pub verified: Vec<SignatureLine>,
    /// The lines by keys that are not known: nothing was verified about them.
    pub unknown: Vec<SignatureLine>,
}

impl Note {
    /// A text to be signed: UTF-8 lines, the last ended too, no control characters.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] or [`NoteError::TooLarge`].
    pub fn new(text: impl Into<String>) -> Result<Self, NoteError> {
        let text = text.into();
        if text.len() > MAX_NOTE {
            return Err(NoteError::TooLarge);
        }
        check_text(&text)?;
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Adds the signature of `signer`.
    #[must_use]
    pub fn signed_by(mut self, signer: &Signer) -> Self {
        self.signatures.push(signer.sign(&self.text));
        self
    }

    /// Adds a line made elsewhere, by a witness or with another kind of key.
    #[must_use]
    pub fn with_line(mut self, line: SignatureLine) -> Self {
        self.signatures.push(line);
        self
    }

    /// The text with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines in order.
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// Reads a note without believing it: at least one signature line, none by the same key twice.
    ///
    /// # Errors
    /// [`NoteError`] when it is not of the form.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE {
            return Err(NoteError::TooLarge);
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::Malformed("UTF-8"))?;
        check_text(note)?;
        let end = note.rfind("\n\n").ok_or(NoteError::Malformed("no empty line"))? + 1;
        let (text, lines) = (&note[..end], &note[end + 1..]);
        let signatures = parse_lines(lines)?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Verifies every line by a known key; see [`open`].
    ///
    /// # Errors
    /// [`NoteError::InvalidSignature`] or [`NoteError::Unsigned`].
    pub fn verify(self, known: &[Verifier]) -> Result<OpenedNote, NoteError> {
        let (mut verified, mut unknown) = (Vec::new(), Vec::new());
        for line in self.signatures {
            match known.iter().find(|key| key.name() == &line.name && key.id() == line.id) {
                None => unknown.push(line),
                Some(key) if key.is_valid(&self.text, &line.signature) => verified.push(line),
                Some(_) => return Err(NoteError::InvalidSignature(line.name)),
            }
        }
        if verified.is_empty() {
            return Err(NoteError::Unsigned);
        }
        Ok(OpenedNote { text: self.text, verified, unknown })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.id.as_bytes().as_slice(), &self.signature].concat();
        write!(f, "— {} {}", self.name, BASE64.encode(bytes))
    }
}

/// Reads a note and verifies it with the `known` keys: every line by a known key must be right, and there
/// must be one.
///
/// # Errors
/// [`NoteError`] otherwise.
pub fn open(bytes: &[u8], known: &[Verifier]) -> Result<OpenedNote, NoteError> {
    Note::parse(bytes)?.verify(known)
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Malformed("no newline at the end"));
    }
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(NoteError::Malformed("control character"));
    }
    Ok(())
}

fn parse_lines(lines: &str) -> Result<Vec<SignatureLine>, NoteError> {
    let lines = lines.strip_suffix('\n').ok_or(NoteError::Malformed("no signature line"))?;
    let (mut signatures, mut keys) = (Vec::new(), HashSet::new());
    for line in lines.split('\n') {
        let line = parse_line(line).ok_or(NoteError::Malformed("signature line"))?;
        if !keys.insert((line.name.clone(), line.id)) {
            return Err(NoteError::Duplicate(line.name));
        }
        signatures.push(line);
        if signatures.len() > MAX_SIGNATURES {
            return Err(NoteError::TooLarge);
        }
    }
    Ok(signatures)
}

fn parse_line(line: &str) -> Option<SignatureLine> {
    let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
    let bytes = BASE64.decode(encoded).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    if signature.is_empty() {
        return None;
    }
    Some(SignatureLine {
        name: name.parse().ok()?,
        id: KeyId::from_bytes(*id),
        signature: signature.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signer(name: &str, seed: u8) -> Signer {
        Signer::from_seed(name.parse().unwrap(), &[seed; 32])
    }

    fn signed() -> (String, Verifier) {
        let signer = signer("log.example/one", 7);
        let note = Note::new("first line\n\nlast line\n").unwrap().signed_by(&signer);
        (note.to_string(), signer.verifier().clone())
    }

    #[test]
    fn the_example_of_the_go_library_opens() {
        let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n";
        let line = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let opened = open(format!("{text}{line}").as_bytes(), &[key.parse().unwrap()]).unwrap();
        assert_eq!(opened.verified[0].name.as_str(), "PeterNeumann");
        assert!(opened.unknown.is_empty());
    }

    #[test]
    fn signed_note_opens_with_its_key_only() {
        let (note, verifier) = signed();
        let opened = open(note.as_bytes(), std::slice::from_ref(&verifier)).unwrap();
        assert_eq!(opened.text, "first line\n\nlast line\n");
        assert_eq!(open(note.as_bytes(), &[]), Err(NoteError::Unsigned));
        let other_name = signer("log.example/two", 7).verifier().clone();
        let other_key = signer("log.example/one", 8).verifier().clone();
        assert_eq!(open(note.as_bytes(), &[other_name, other_key]), Err(NoteError::Unsigned));
    }

    #[test]
    fn lines_by_unknown_keys_are_reported() {
        let (note, verifier) = signed();
        let witness = signer("witness.example", 9);
        let note = Note::parse(note.as_bytes()).unwrap().signed_by(&witness);
        let opened = open(note.to_string().as_bytes(), &[verifier]).unwrap();
        assert_eq!(opened.unknown, [witness.sign(note.text())]);
    }

    #[test]
    fn a_wrong_line_by_a_known_key_refuses_the_whole_note() {
        let (note, verifier) = signed();
        let witness = signer("witness.example", 9);
        let wrong = witness.sign("another text\n");
        let note = Note::parse(note.as_bytes()).unwrap().with_line(wrong).to_string();
        let known = [verifier, witness.verifier().clone()];
        let name = witness.name().clone();
        assert_eq!(open(note.as_bytes(), &known), Err(NoteError::InvalidSignature(name)));
    }

    #[test]
    fn malformed_notes_are_refused() {
        let (note, _) = signed();
        let line = note.lines().last().unwrap();
        for malformed in [
            String::new(),
            "text\n".to_owned(),
            "text\n\n".to_owned(),
            "\n\n".to_owned(),
            format!("text\n{line}\n"),
            note.trim_end().to_owned(),
            format!("{note} "),
            format!("{note}\n"),
            format!("{note}junk\n"),
            note.replace("first", "fi\trst"),
            note.replace('\n', "\r\n"),
            note.replace("— ", "- "),
            note.replace("— log", "—  log"),
            note.replace("log.example/one ", "log.example+one "),
            "text\n\n— name AAAAAA==\n".to_owned(),
            "text\n\n— name AAAAA\n".to_owned(),
        ] {
            assert!(
                matches!(Note::parse(malformed.as_bytes()), Err(NoteError::Malformed(_))),
                "{malformed:?}"
            );
        }
        assert!(Note::parse(b"text\xff\n\n").is_err());
    }

    #[test]
    fn doubled_lines_and_oversized_notes_are_refused() {
        let (note, verifier) = signed();
        let line = note.lines().last().unwrap();
        let doubled = format!("{note}{line}\n");
        assert_eq!(Note::parse(doubled.as_bytes()), Err(NoteError::Duplicate(verifier.name().clone())));
        let huge = format!("{}{note}", "x\n".repeat(MAX_NOTE / 2));
        assert_eq!(Note::parse(huge.as_bytes()), Err(NoteError::TooLarge));
        let crowd: String = (0..=MAX_SIGNATURES).map(|n| format!("— n{n} AAAAAAA=\n")).collect();
        assert_eq!(Note::parse(format!("text\n\n{crowd}").as_bytes()), Err(NoteError::TooLarge));
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_noticed(position in 0usize..200, bit in 0u8..8) {
            let (note, verifier) = signed();
            let mut bytes = note.into_bytes();
            let position = position % bytes.len();
            bytes[position] ^= 1 << bit;
            prop_assert!(open(&bytes, &[verifier]).is_err());
        }

        #[test]
        fn reading_never_panics_and_prints_the_same(text in "(a\n){0,2}\n?(— [a+ ]{0,3} [A-Za-z0-9+/=]{0,12}\n?){0,3}|.*") {
            if let Ok(note) = Note::parse(text.as_bytes()) {
                prop_assert_eq!(note.to_string(), text);
            }
        }

        #[test]
        fn reading_any_bytes_never_panics(bytes: Vec<u8>) {
            let _ = Note::parse(&bytes);
        }
    }
}
