//! Ports and processes: what every server of a test needs.

use std::process::Child;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

/// A port on which nobody listens, outside the range from which outgoing connections take theirs.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    use rand::RngExt as _;
    let mut random = rand::rng();
    (0..1_000)
        .map(|_| random.random_range(10_240..32_768))
        .find(|port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("no free port")
}

/// An address on which nobody listens, and on which nobody else will who asks the system for any port: for who stops
/// listening and begins again.
///
/// # Errors
/// When every port that was tried is taken.
pub fn free_address() -> anyhow::Result<std::net::SocketAddr> {
    Ok(([127, 0, 0, 1], free_port()?).into())
}

/// Signals a process.
pub(crate) fn signal(pid: u32, signal: Signal) -> anyhow::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("not a process number")?;
    Ok(kill_process(pid, signal)?)
}

/// Signals a process, if there is one, and waits for its end.
pub(crate) async fn end(child: Option<Child>, with: Signal) -> anyhow::Result<()> {
    let Some(mut child) = child else { return Ok(()) };
    signal(child.id(), with)?;
    tokio::task::spawn_blocking(move || child.wait()).await??;
    Ok(())
}
