//! The reader process's own end: takes on its limits, then file after file until its parent is gone.

use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use dengbei_formats::content::{Collected, Inspection};
use dengbei_formats::signature::Trust;

use crate::{job, limits};

/// Reads files until the parent closes. Standard output is the socket that files come by, standard input the line that
/// is cut when the parent dies.
///
/// # Errors
/// When it cannot begin, or the parent stops speaking in the middle of a file.
pub fn serve() -> io::Result<()> {
    serve_by(|file| file.inspect_apart(&Trust::nobody()))
}

/// As [`serve`], with another reader: for tests of what happens to bad ones.
///
/// # Errors
/// As [`serve`].
pub fn serve_by(read: impl Fn(Collected) -> io::Result<Inspection>) -> io::Result<()> {
    let socket = UnixStream::from(io::stdout().as_fd().try_clone_to_owned()?);
    // A reader that spins does not look at its socket: the parent's death is watched for beside it.
    std::thread::Builder::new().name("parent".to_owned()).stack_size(64 << 10).spawn(end_with_parent)?;
    limits::take_on()?;
    while let Some(file) = job::receive(&socket)? {
        job::answer(&socket, &read(file))?;
    }
    Ok(())
}

/// Nothing is ever written to standard input; it ends when the parent does.
fn end_with_parent() {
    let _ = io::stdin().read(&mut [0]);
    std::process::exit(0);
}
