//! Batch jobs: many problems from one file, each with exactly one result, however often the job is
//! interrupted and taken up again.
//!
//! A job is known by what decides its results: the content of the file and the settings. The same file
//! with the same settings is the same job; after any change it is another.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::Row;
use strawberry_core::{RunId, StoreError};

use crate::database::Store;
use crate::traces::{saturated, to_json};

/// Names a job: a hash of the file's content and the settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JobId(String);

impl JobId {
    /// The id of the job that answers the problems in `content` under `settings` (all that influences the
    /// results: model, strategy, budget, seed; not where or when).
    pub fn new(content: &[u8], settings: &Value) -> JobId {
        let mut hash = Sha256::new();
        hash.update((content.len() as u64).to_le_bytes());
        hash.update(content);
        hash.update(canonical(settings).to_string());
        JobId(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The id as hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The value with the keys of all objects in sorted order.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(k, v)| (k.clone(), canonical(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        other => other.clone(),
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The result of one problem of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobResult {
    /// The problem's place in the file, from 0.
    pub problem: u32,
    /// The run that answered it.
    pub run: Option<RunId>,
    /// The result, as it is given to the user.
    pub result: Value,
}

impl Store {
    /// Begins a job, or takes it up again: returns the results that are there already, in order.
    ///
    /// `source` is a name for people (the file's), `problems` how many there are.
    pub async fn open_job(
        &self,
        id: &JobId,
        source: &str,
        problems: u32,
    ) -> Result<Vec<JobResult>, StoreError> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_millis() as u64);
        sqlx::query(
            "INSERT INTO jobs (id, time_ms, source, problems) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id.as_str())
        .bind(saturated(now))
        .bind(source)
        .bind(problems)
        .execute(&self.pool)
        .await
        .map_err(|e| self.explain(e))?;
        self.job_results(id).await
    }

    /// Records the result of a problem. Returns false, and keeps the first result, when there is one
    /// already (from another process that runs the same job).
    pub async fn record_result(&self, job: &JobId, result: &JobResult) -> Result<bool, StoreError> {
        let json = to_json(&result.result)?;
        let mut transaction = self.begin().await?;
        let key: Option<i64> = sqlx::query_scalar("SELECT key FROM jobs WHERE id = ?1")
            .bind(job.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(|e| self.explain(e))?;
        let key = key.ok_or_else(|| StoreError::Io(format!("job {job} has not begun, or was removed")))?;
        let inserted = sqlx::query(
            "INSERT INTO job_results (job, problem, run, json) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (job, problem) DO NOTHING",
        )
        .bind(key)
        .bind(result.problem)
        .bind(result.run.as_ref().map(|r| r.0.as_str()))
        .bind(json)
        .execute(&mut *transaction)
        .await
        .map_err(|e| self.explain(e))?;
        self.commit(transaction).await?;
        Ok(inserted.rows_affected() == 1)
    }

    /// The results of a job so far, in the order of the problems.
    pub async fn job_results(&self, job: &JobId) -> Result<Vec<JobResult>, StoreError> {
        let rows = sqlx::query(
            "SELECT problem, run, json FROM job_results
             WHERE job = (SELECT key FROM jobs WHERE id = ?1) ORDER BY problem",
        )
        .bind(job.as_str())
        .fetch_all(&self.pool)
        .await
        .map_err(|e| self.explain(e))?;
        rows.iter()
            .map(|row| {
                let problem: u32 = row.get(0);
                Ok(JobResult {
                    problem,
                    run: row.get::<Option<String>, _>(1).map(RunId),
                    result: self.parse(row.get(2), || {
                        format!("the result of problem {problem} of job {job}")
                    })?,
                })
            })
            .collect()
    }

    /// Forgets a job and its results, so that it can be run anew. The traces of its runs stay.
    pub async fn remove_job(&self, job: &JobId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM jobs WHERE id = ?1")
            .bind(job.as_str())
            .execute(&self.pool)
            .await
            .map(|_| ())
            .map_err(|e| self.explain(e))
    }
}
