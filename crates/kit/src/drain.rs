//! The wish to stop, as a value that is passed along: nobody listens to signals but the edge.

use tokio_util::sync::CancellationToken;

/// Asks everything that holds a clone to finish what it has in hand and end.
#[derive(Debug, Clone, Default)]
pub struct Drain(CancellationToken);

impl Drain {
    /// One that nobody has asked for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that SIGTERM or SIGINT asks for.
    ///
    /// # Errors
    /// When the process may not listen to signals.
    pub fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let drain = Self::new();
        let asked = drain.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
                () = asked.requested() => {}
            }
            asked.request();
        });
        Ok(drain)
    }

    /// Asks for the end. Again is harmless.
    pub fn request(&self) {
        self.0.cancel();
    }

    /// Whether the end was asked for.
    pub fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Returns when the end is asked for. Cancel-safe.
    pub async fn requested(&self) {
        self.0.cancelled().await;
    }

    /// One that ends with this one, and can be asked for alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }

    /// Waits for `pause`, at most until the end is asked for. True when the whole pause passed.
    pub async fn pause(&self, pause: std::time::Duration) -> bool {
        tokio::select! {
            () = self.requested() => false,
            () = tokio::time::sleep(pause) => true,
        }
    }
}
