//! The events of background responses that this process makes, for anybody who watches, from any point on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

/// The events of one response.
pub struct Feed {
    events: Mutex<Vec<Value>>,
    /// How many there are, and whether that is all.
    state: watch::Sender<(usize, bool)>,
}

/// All feeds, by response.
#[derive(Default)]
pub struct Feeds(Mutex<HashMap<String, Arc<Feed>>>);

impl Feeds {
    /// The feed of a response, a new one if there is none.
    pub fn open(&self, id: &str) -> Arc<Feed> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(id.to_owned())
            .or_insert_with(|| {
                Arc::new(Feed {
                    events: Mutex::default(),
                    state: watch::Sender::new((0, false)),
                })
            })
            .clone()
    }

    /// The feed of a response, if it is being made.
    pub fn find(&self, id: &str) -> Option<Arc<Feed>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(id).cloned()
    }

    /// The response has ended, one way or another.
    pub fn close(&self, id: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = all.remove(id) {
            feed.state.send_modify(|(_, ended)| *ended = true);
        }
    }
}

impl Feed {
    /// Adds events.
    pub fn add(&self, new: Vec<Value>) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.extend(new);
        let len = events.len();
        self.state.send_modify(|(n, _)| *n = len);
    }

    /// The events from number `from` on, as soon as there are any; `None` at the end.
    pub async fn after(&self, from: usize) -> Option<Vec<Value>> {
        let mut state = self.state.subscribe();
        let seen = state
            .wait_for(|(n, ended)| *n > from || *ended)
            .await
            .ok()
            .map(|s| *s)?;
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let new = events.get(from..seen.0).unwrap_or_default().to_vec();
        (!new.is_empty()).then_some(new)
    }
}
