//! Following what is in flight: one poller for all submissions of a run, with pauses that grow while nothing happens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::super::door::Door;

/// Submissions asked about at once; each is two ids.
const AT_ONCE: usize = 400;
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);
/// One question may be sent again for this long; then the next round asks.
const WITHIN: Duration = Duration::from_secs(20);

/// How a submission stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    /// Of the submission itself: an item may stay filed while its next version is returned.
    pub(super) custody: String,
    pub(super) failed: Vec<String>,
    /// The item's four regions.
    pub(super) state: Option<Value>,
    /// 进馆范围: whether the archive takes it; else it ends at certified.
    pub(super) is_for_archive: bool,
}

impl Seen {
    /// Whether nothing is to be decided about the submission any more.
    pub(super) fn is_decided(&self) -> bool {
        !matches!(self.custody.as_str(), "prefiled" | "planned")
    }
}

#[derive(Debug)]
struct Watched {
    item: String,
    seen: watch::Sender<Option<Seen>>,
}

/// Asks the door about everything that somebody waits for.
#[derive(Debug, Clone)]
pub(super) struct Follower {
    door: Door,
    watched: Arc<Mutex<HashMap<String, Watched>>>,
}

impl Follower {
    /// Follows nothing yet; [`Follower::poll`] has to run beside.
    pub(super) fn new(door: Door) -> Self {
        Self { door, watched: Arc::default() }
    }

    /// Waits until `is_done`, at most until the deadline; what was seen last.
    pub(super) async fn until(
        &self,
        item: &str,
        submission: &str,
        deadline: Instant,
        is_done: impl Fn(&Seen) -> bool,
    ) -> Option<Seen> {
        let mut seen = self.watch(item, submission);
        let done = seen.wait_for(|seen| seen.as_ref().is_some_and(&is_done));
        let _ = tokio::time::timeout_at(deadline, done).await;
        let last = seen.borrow().clone();
        drop(seen);
        self.lock().retain(|_, watched| watched.seen.receiver_count() > 0);
        last
    }

    fn watch(&self, item: &str, submission: &str) -> watch::Receiver<Option<Seen>> {
        let mut watched = self.lock();
        let entry = watched.entry(submission.to_owned());
        let new = || Watched { item: item.to_owned(), seen: watch::Sender::new(None) };
        entry.or_insert_with(new).seen.subscribe()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls for ever: to be dropped when the run is over.
    pub(super) async fn poll(&self) {
        let mut pause = SHORTEST;
        loop {
            tokio::time::sleep(pause).await;
            let asked: Vec<(String, String)> =
                self.lock().iter().map(|(submission, w)| (submission.clone(), w.item.clone())).collect();
            let mut has_changed = asked.is_empty();
            for chunk in asked.chunks(AT_ONCE) {
                has_changed |= self.ask(chunk).await;
            }
            pause = if has_changed { SHORTEST } else { (pause * 3 / 2).min(LONGEST) };
        }
    }

    /// True when something changed. A door that is away is asked again in the next round.
    async fn ask(&self, chunk: &[(String, String)]) -> bool {
        let (submissions, items): (Vec<_>, Vec<_>) = chunk.iter().map(|(s, i)| (s, i)).unzip();
        let body = json!({ "submissions": submissions, "items": items });
        let asked = self.door.json(WITHIN, || Ok(self.door.post("/v1/items:states").json(&body))).await;
        let Ok(answer) = asked else { return false };
        let list = |name: &str| answer.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let states: HashMap<String, Value> =
            list("items").into_iter().map(|item| (text(&item, "item"), item)).collect();
        let watched = self.lock();
        let mut has_changed = false;
        for submission in list("submissions") {
            let Some(watched) = watched.get(&text(&submission, "submission")) else { continue };
            let seen = Some(seen(&submission, states.get(&text(&submission, "item"))));
            has_changed |= watched.seen.send_if_modified(|last| {
                let is_new = *last != seen;
                *last = seen;
                is_new
            });
        }
        has_changed
    }
}

fn seen(submission: &Value, item: Option<&Value>) -> Seen {
    let failed = submission.get("failed").and_then(Value::as_array).into_iter().flatten();
    Seen {
        custody: text(submission, "custody"),
        failed: failed.filter_map(Value::as_str).map(str::to_owned).collect(),
        state: item.and_then(|item| item.get("state")).cloned(),
        is_for_archive: item.and_then(|item| item.get("in_archive_range")?.as_bool()).unwrap_or(true),
    }
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}
