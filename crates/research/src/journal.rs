//! The durable part: every finished step of a job is in the store before the job goes on.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use strawberry_core::StoreError;
use strawberry_store::{JobId, JobResult, Store};

/// The steps of one job, by number. A step that is there already is taken from here and not done again.
pub(crate) struct Journal {
    store: Option<(Arc<Store>, JobId)>,
    done: Mutex<HashMap<u32, Value>>,
}

impl Journal {
    /// Takes the job up where it was left, or begins it. Without a store nothing is kept.
    pub(crate) async fn open(
        store: Option<Arc<Store>>,
        job: JobId,
        name: &str,
        restart: bool,
    ) -> Result<Journal, StoreError> {
        let Some(store) = store else {
            return Ok(Journal {
                store: None,
                done: Mutex::default(),
            });
        };
        if restart {
            store.remove_job(&job).await?;
        }
        let done = store.open_job(&job, name, 0).await?;
        Ok(Journal {
            store: Some((store, job)),
            done: Mutex::new(done.into_iter().map(|r| (r.problem, r.result)).collect()),
        })
    }

    /// How many steps are done.
    pub(crate) fn len(&self) -> usize {
        self.done.lock().map_or(0, |d| d.len())
    }

    /// The result of step `number`, which does `what`: from the journal (and true), or by doing `work`.
    ///
    /// # Errors
    /// `work` failed in a way that ends the job, or the store can't be written. Then the step is not done.
    pub(crate) async fn step<T, E>(
        &self,
        number: u32,
        what: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<(T, bool), E>
    where
        T: Serialize + DeserializeOwned,
        E: From<StoreError>,
    {
        let known = self.done.lock().ok().and_then(|d| d.get(&number).cloned());
        if let Some(known) = known
            && known["what"] == what
            && let Ok(result) = serde_json::from_value(known["result"].clone())
        {
            return Ok((result, true));
        }
        let result = work.await?;
        let value = json!({"what": what, "result": result});
        if let Some((store, job)) = &self.store {
            let record = JobResult {
                problem: number,
                run: None,
                result: value.clone(),
            };
            if !store.record_result(job, &record).await? {
                // Another process does the same job and was quicker: its result counts.
                let all = store.job_results(job).await?;
                if let Some(theirs) = all
                    .into_iter()
                    .find(|r| r.problem == number && r.result["what"] == what)
                    && let Ok(result) = serde_json::from_value(theirs.result["result"].clone())
                {
                    return Ok((result, true));
                }
            }
        }
        // What is read back from the store must be what is used now, to the last digit.
        let result = serde_json::from_value(value["result"].clone()).unwrap_or(result);
        if let Ok(mut done) = self.done.lock() {
            done.insert(number, value);
        }
        Ok((result, false))
    }
}
