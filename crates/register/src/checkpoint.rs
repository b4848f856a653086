//! Checkpoints (C2SP tlog-checkpoint): origin, size and root of the log as the text of a signed note.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;

use crate::hash::{EMPTY_ROOT, NodeHash};
use crate::note::{self, Note, NoteError, SignatureLine, Signer, Verifier};

/// Why a checkpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it is refused.
    #[error("检查点的签名文本无效 / the checkpoint's note is refused")]
    Note(#[source] NoteError),
    /// The text is not that of a checkpoint.
    #[error("检查点格式不对:{0} / malformed checkpoint: {0}")]
    Malformed(&'static str),
    /// It is signed, but not by the log, or it is another log's.
    #[error("不是该登记簿的检查点:{0} / not a checkpoint of this log: {0}")]
    OtherLog(String),
}

/// What a log says of itself at one moment. The origin is one non-empty line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: NodeHash,
    extensions: Vec<String>,
}

/// A checkpoint that the log's key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedCheckpoint {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// The verified lines, the log's own among them.
    pub verified: Vec<SignatureLine>,
    /// Lines by keys that are not known.
    pub unknown: Vec<SignatureLine>,
}

impl Checkpoint {
    /// A checkpoint without extension lines.
    ///
    /// # Errors
    /// [`CheckpointError::Malformed`] when the origin is not one line, or an empty tree has a root of its own.
    pub fn new(origin: impl Into<String>, size: u64, root: NodeHash) -> Result<Self, CheckpointError> {
        let origin = origin.into();
        if origin.is_empty() || origin.chars().any(char::is_control) {
            return Err(CheckpointError::Malformed("origin"));
        }
        if size == 0 && root != EMPTY_ROOT {
            return Err(CheckpointError::Malformed("root of an empty tree"));
        }
        Ok(Self { origin, size, root, extensions: Vec::new() })
    }

    /// Names the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries it has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root over them.
    pub const fn root(&self) -> NodeHash {
        self.root
    }

    /// Lines after the root, which we neither write nor interpret.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// The bytes to publish.
    ///
    /// # Errors
    /// [`CheckpointError::Note`] when the text cannot be a note's.
    pub fn sign(&self, signer: &Signer) -> Result<Bytes, CheckpointError> {
        let note = Note::new(self.to_string()).map_err(CheckpointError::Note)?;
        Ok(note.signed_by(signer).to_string().into())
    }

    /// Opens published bytes: signed by `log`, whose name is the origin; lines by `others` (witnesses) are
    /// verified too.
    ///
    /// # Errors
    /// [`CheckpointError`] saying why it is refused.
    pub fn open(
        bytes: &[u8],
        log: &Verifier,
        others: &[Verifier],
    ) -> Result<OpenedCheckpoint, CheckpointError> {
        let known = [std::slice::from_ref(log), others].concat();
        let note = note::open(bytes, &known).map_err(CheckpointError::Note)?;
        let checkpoint: Self = note.text.parse()?;
        let is_by_log = note.verified.iter().any(|line| line.name == *log.name() && line.id == log.id());
        if !is_by_log || checkpoint.origin != log.name().as_str() {
            return Err(CheckpointError::OtherLog(checkpoint.origin.chars().take(80).collect()));
        }
        Ok(OpenedCheckpoint { checkpoint, verified: note.verified, unknown: note.unknown })
    }
}

impl fmt::Display for Checkpoint {
    /// The note text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, BASE64.encode(self.root.as_bytes()))?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;
    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let malformed = CheckpointError::Malformed;
        let mut lines = text.strip_suffix('\n').ok_or(malformed("no newline at the end"))?.split('\n');
        let mut line = |what| lines.next().filter(|line| !line.is_empty()).ok_or(malformed(what));
        let (origin, size, root) = (line("origin")?, line("size")?, line("root")?);
        let size = size.parse::<u64>().ok().filter(|number| number.to_string() == size);
        let root = BASE64.decode(root).map_err(|_| malformed("root"))?;
        let root = root.as_slice().try_into().map_err(|_| malformed("root"))?;
        let mut checkpoint = Self::new(origin, size.ok_or(malformed("size"))?, root)?;
        checkpoint.extensions = lines.map(str::to_owned).collect();
        if checkpoint.extensions.iter().any(|line| line.is_empty() || line.chars().any(char::is_control)) {
            return Err(malformed("extension line"));
        }
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::leaf_hash;

    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

    fn signer(seed: u8) -> Signer {
        Signer::from_seed("dengbei/330681".parse().unwrap(), &[seed; 32])
    }

    #[test]
    fn example_of_the_specification_reads_and_prints_the_same() {
        let text = format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
        let checkpoint: Checkpoint = text.parse().unwrap();
        assert_eq!((checkpoint.origin(), checkpoint.size()), ("example.com/behind-the-sofa", 20_852_163));
        assert_eq!(checkpoint.to_string(), text);
        let extended = format!("{text}an extension\n");
        assert_eq!(extended.parse::<Checkpoint>().unwrap().to_string(), extended);
    }

    #[test]
    fn malformed_texts_are_refused() {
        for text in [
            "",
            "\n",
            "a\n",
            "a\n1\n",
            &format!("a\n1\n{ROOT}"),
            &format!("\n1\n{ROOT}\n"),
            &format!("a\n01\n{ROOT}\n"),
            &format!("a\n+1\n{ROOT}\n"),
            &format!("a\n-1\n{ROOT}\n"),
            &format!("a\n18446744073709551616\n{ROOT}\n"),
            &format!("a\n0\n{ROOT}\n"),
            &format!("a\n1 \n{ROOT}\n"),
            &format!("a\n1\n{ROOT}\n\n"),
            &format!("a\n1\n{ROOT}\n\nx\n"),
            "a\n1\nAAAA\n",
            &format!("a\n1\n{}\n", ROOT.replace("2I=", "2J=")),
            &format!("a\n1\n{}\n", ROOT.trim_end_matches('=')),
        ] {
            assert!(matches!(text.parse::<Checkpoint>(), Err(CheckpointError::Malformed(_))), "{text:?}");
        }
    }

    #[test]
    fn checkpoint_opens_with_the_key_of_its_log_only() {
        let checkpoint = Checkpoint::new("dengbei/330681", 3, leaf_hash(b"x")).unwrap();
        let bytes = checkpoint.sign(&signer(1)).unwrap();
        let opened = Checkpoint::open(&bytes, signer(1).verifier(), &[]).unwrap();
        assert_eq!(opened.checkpoint, checkpoint);
        let refused = Checkpoint::open(&bytes, signer(2).verifier(), &[]);
        assert_eq!(refused, Err(CheckpointError::Note(NoteError::Unsigned)));
        let only_a_witness = Checkpoint::open(&bytes, signer(2).verifier(), &[signer(1).verifier().clone()]);
        assert!(matches!(only_a_witness, Err(CheckpointError::OtherLog(_))));
    }

    #[test]
    fn checkpoint_of_another_origin_signed_with_the_key_is_refused() {
        let bytes = Checkpoint::new("dengbei/330682", 0, EMPTY_ROOT).unwrap().sign(&signer(1)).unwrap();
        let refused = Checkpoint::open(&bytes, signer(1).verifier(), &[]);
        assert_eq!(refused, Err(CheckpointError::OtherLog("dengbei/330682".to_owned())));
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_prints_the_same(text in "[a\n]{0,3}[0-9]{0,21}\n[A-Za-z0-9+/=]{42,44}\n{0,2}|.*") {
            if let Ok(checkpoint) = text.parse::<Checkpoint>() {
                prop_assert_eq!(checkpoint.to_string(), text);
            }
        }
    }
}
