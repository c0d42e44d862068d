//! Requests in flight, so that they can be told to answer now or to stop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use strawberry_think::RunControl;

/// One request in flight.
#[derive(Clone)]
pub struct Flight {
    /// Who asked.
    pub caller: String,
    /// The handle on its runs, one for each choice.
    pub controls: Vec<RunControl>,
    /// The model's name.
    pub model: String,
    /// When it began, in milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// All requests in flight, by id.
#[derive(Clone, Default)]
pub struct InFlight(Arc<Mutex<HashMap<String, Flight>>>);

/// Keeps a request in the list; when it is dropped before it was [finished](Boarded::finish), its runs are
/// stopped, so that a client that went away frees the computer.
pub struct Boarded {
    id: String,
    all: InFlight,
    controls: Vec<RunControl>,
    finished: bool,
}

impl InFlight {
    /// Adds a request; `None` when there is one with this id already.
    pub fn board(&self, id: &str, flight: Flight) -> Option<Boarded> {
        let mut all = self.lock();
        if all.contains_key(id) {
            return None;
        }
        let controls = flight.controls.clone();
        all.insert(id.to_owned(), flight);
        Some(Boarded {
            id: id.to_owned(),
            all: self.clone(),
            controls,
            finished: false,
        })
    }

    /// The request of `caller` with this id.
    pub fn find(&self, id: &str, caller: &str) -> Option<Flight> {
        self.lock().get(id).filter(|f| f.caller == caller).cloned()
    }

    /// All requests of `caller`, oldest first.
    pub fn list(&self, caller: &str) -> Vec<(String, Flight)> {
        let all = self.lock();
        let mut list: Vec<_> = all
            .iter()
            .filter(|(_, f)| f.caller == caller)
            .map(|(id, f)| (id.clone(), f.clone()))
            .collect();
        list.sort_by(|a, b| (a.1.time_ms, &a.0).cmp(&(b.1.time_ms, &b.0)));
        list
    }

    /// Tells every request to stop with the best answer so far.
    pub fn stop_all(&self) {
        for flight in self.lock().values() {
            flight.controls.iter().for_each(RunControl::interrupt);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Boarded {
    /// The request came to its end by itself.
    pub fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for Boarded {
    fn drop(&mut self) {
        self.all.lock().remove(&self.id);
        if !self.finished {
            self.controls.iter().for_each(RunControl::interrupt);
        }
    }
}
