//! `dengbei digest --alg … FILE`: one digest, as `sha256sum` writes it.

use std::fs::File;
use std::io::{Read, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use sha2::Digest as _;

const BUFFER: usize = 256 * 1024;

/// Digest a file / 计算文件摘要
#[derive(Debug, clap::Args)]
pub(crate) struct DigestArgs {
    /// Which / 算法
    #[arg(long, value_enum)]
    alg: Algorithm,
    /// `-` for standard input
    file: PathBuf,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Algorithm {
    /// GB/T 32905
    Sm3,
    Sha512,
    Sha256,
}

/// Prints the digest in lower-case hex, two blanks and the name.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn run(args: &DigestArgs) -> anyhow::Result<bool> {
    let mut input: Box<dyn Read> = if args.file.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(&args.file).with_context(|| format!("{}", args.file.display()))?)
    };
    let hex = match args.alg {
        Algorithm::Sm3 => of(sm3::Sm3::new(), &mut input),
        Algorithm::Sha512 => of(sha2::Sha512::new(), &mut input),
        Algorithm::Sha256 => of(sha2::Sha256::new(), &mut input),
    }?;
    writeln!(std::io::stdout().lock(), "{hex}  {}", args.file.display())?;
    Ok(true)
}

fn of<D: sha2::Digest>(mut digest: D, input: &mut dyn Read) -> std::io::Result<String> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match input.read(&mut buffer)? {
            0 => return Ok(hex::encode(digest.finalize())),
            n => digest.update(&buffer[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abc_has_the_digests_of_the_standards() {
        let sm3 = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
        assert_eq!(of(sm3::Sm3::new(), &mut &b"abc"[..]).unwrap(), sm3);
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of(sha2::Sha256::new(), &mut &b"abc"[..]).unwrap(), sha256);
    }
}
