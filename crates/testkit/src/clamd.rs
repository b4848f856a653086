//! A real clamd with signatures of our own: Debian's package, no official database.

use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::Signal;

use crate::process::{self, free_port};
use crate::{Scratch, eventually};

const START: Duration = Duration::from_secs(120);
const PROGRAM: &str = "/usr/sbin/clamd";
/// Largest file that it looks at, bytes.
const LIMIT: u64 = 8 << 20;

/// A scanner of one's own, on a port and a socket. Ends when dropped.
#[derive(Debug)]
pub struct Clamd {
    // Before the folder: reaped by then.
    process: Option<Child>,
    scratch: Scratch,
    port: u16,
}

impl Clamd {
    /// What its one signature finds, wherever it stands in a file, packed or not.
    pub const SIGN: &'static [u8] = b"dengbei-test-virus-8c1f0b6e";
    /// The name that the finding has.
    pub const NAME: &'static str = "Dengbei.Test.Virus.UNOFFICIAL";
    /// Larger files are not looked at.
    pub const LIMIT: u64 = LIMIT;

    /// Starts one; `None` with a line that says so where Debian's `clamav-daemon` is not installed.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start() -> anyhow::Result<Option<Self>> {
        if !Path::new(PROGRAM).exists() {
            println!("skipped: clamd is not installed (apt-get install clamav-daemon)");
            return Ok(None);
        }
        let scratch = Scratch::new("dengbei-clamd-")?;
        let signatures = scratch.path().join("signatures");
        std::fs::create_dir(&signatures)?;
        let line = format!("Dengbei.Test.Virus:0:*:{}\n", hex::encode(Self::SIGN));
        std::fs::write(signatures.join("own.ndb"), line)?;
        let mut clamd = Self { process: None, scratch, port: free_port()? };
        clamd.start_again().await?;
        Ok(Some(clamd))
    }

    /// Its TCP address, as configuration writes it.
    pub fn tcp(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.port)
    }

    /// Its socket, as configuration writes it.
    pub fn unix(&self) -> String {
        format!("unix:{}", self.scratch.path().join("clamd.ctl").display())
    }

    /// Kills it at once.
    ///
    /// # Errors
    /// When it cannot be signalled.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        process::end(self.process.take(), Signal::KILL).await
    }

    /// Starts it again on the same port; returns when it answers.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.stop().await?;
        let folder = self.scratch.path();
        let socket = folder.join("clamd.ctl");
        let _ = std::fs::remove_file(&socket);
        let config = folder.join("clamd.conf");
        let text = format!(
            "Foreground yes\nDatabaseDirectory {0}/signatures\nLocalSocket {0}/clamd.ctl\nTCPSocket {1}\n\
             TCPAddr 127.0.0.1\nTemporaryDirectory {0}\nStreamMaxLength {LIMIT}\nMaxFileSize {LIMIT}\n\
             AllowAllMatchScan no\nSelfCheck 0\n",
            folder.display(),
            self.port,
        );
        std::fs::write(&config, text)?;
        let mut command = Command::new(PROGRAM);
        self.process = Some(self.scratch.spawn("clamd", "KILL", command.arg("-c").arg(&config))?);
        let port = self.port;
        let ready = eventually(START, "clamd answers", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
            anyhow::ensure!(socket.exists(), "no socket");
            Ok(())
        });
        ready.await.with_context(|| self.scratch.log("clamd"))
    }
}
