//! The one thread from which children are started. The kernel sends a child its parent-death signal
//! when the *thread* that started it ends, so it must be one that lives as long as the process.

use std::io;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::UpError;

type Birth = (Command, oneshot::Sender<io::Result<Child>>);

/// Starts processes from its own thread; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Nursery {
    births: mpsc::UnboundedSender<Birth>,
}

impl Nursery {
    /// Starts the thread, which ends with the process.
    pub(crate) fn open() -> Result<Self, UpError> {
        let (births, mut waiting) = mpsc::unbounded_channel::<Birth>();
        let runtime = Handle::current();
        let thread = std::thread::Builder::new().name("nursery".to_owned());
        let work = move || {
            let _entered = runtime.enter();
            while let Some((mut command, reply)) = waiting.blocking_recv() {
                // Nobody waits any more: the child is dropped and reaped by the runtime.
                let _ = reply.send(command.spawn());
            }
        };
        thread.spawn(work).map_err(UpError::io("nursery".as_ref())).map(|_| Self { births })
    }

    /// Starts `command`.
    pub(crate) async fn spawn(&self, command: Command) -> io::Result<Child> {
        let (reply, answer) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts children has ended");
        self.births.send((command, reply)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}
