//! The HTTP API's stored responses. Those made in the background are durable jobs.
//!
//! A worker holds a job by a lease that it renews; when its process dies, the lease runs out and another
//! worker takes the job. Only the holder can finish a job, and only once, so there is exactly one result.

use std::str::FromStr;

use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use strawberry_core::StoreError;

use crate::database::Store;
use crate::traces::{saturated, to_json};

/// How far a response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseStatus {
    /// Waits for a worker.
    Queued,
    /// Is being made.
    InProgress,
    /// Is whole.
    Completed,
    /// Was cut off by a limit.
    Incomplete,
    /// Failed.
    Failed,
    /// Was cancelled.
    Cancelled,
}

impl ResponseStatus {
    /// The snake-case name used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            ResponseStatus::Queued => "queued",
            ResponseStatus::InProgress => "in_progress",
            ResponseStatus::Completed => "completed",
            ResponseStatus::Incomplete => "incomplete",
            ResponseStatus::Failed => "failed",
            ResponseStatus::Cancelled => "cancelled",
        }
    }
}

impl FromStr for ResponseStatus {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        use ResponseStatus::*;
        [Queued, InProgress, Completed, Incomplete, Failed, Cancelled]
            .into_iter()
            .find(|status| status.as_str() == s)
            .ok_or_else(|| format!("unknown status '{s}'"))
    }
}

/// A response as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredResponse {
    /// Its id.
    pub id: String,
    /// Who asked: `key:ID`, `user:ID`, or empty where no key is needed.
    pub caller: String,
    /// When it was asked, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// How far it is.
    pub status: ResponseStatus,
    /// Whether it is made in the background.
    pub background: bool,
    /// The request as it came.
    pub request: Value,
    /// The response object as it stands.
    pub response: Value,
}

impl Store {
    /// Keeps a response. Its id must be new.
    pub async fn add_response(&self, response: &StoredResponse) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO responses (id, caller, time_ms, status, background, request, response)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(&response.id)
        .bind(&response.caller)
        .bind(saturated(response.time_ms))
        .bind(response.status.as_str())
        .bind(response.background)
        .bind(to_json(&response.request)?)
        .bind(to_json(&response.response)?)
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(|e| self.explain(e))
    }

    /// The response with this id, if it is `caller`'s.
    pub async fn load_response(&self, id: &str, caller: &str) -> Result<Option<StoredResponse>, StoreError> {
        let row = sqlx::query("SELECT * FROM responses WHERE id = ?1 AND caller = ?2")
            .bind(id)
            .bind(caller)
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.explain(e))?;
        row.as_ref().map(|row| self.stored_response(row)).transpose()
    }

    /// Forgets a response; false if `caller` has none with this id.
    pub async fn remove_response(&self, id: &str, caller: &str) -> Result<bool, StoreError> {
        sqlx::query("DELETE FROM responses WHERE id = ?1 AND caller = ?2")
            .bind(id)
            .bind(caller)
            .execute(&self.pool)
            .await
            .map(|done| done.rows_affected() > 0)
            .map_err(|e| self.explain(e))
    }

    /// Takes up to `limit` background jobs, oldest first, that wait or whose worker's lease ran out before
    /// `now_ms`. They belong to `worker` until `lease_ms`.
    pub async fn claim_responses(
        &self,
        worker: &str,
        now_ms: u64,
        lease_ms: u64,
        limit: u32,
    ) -> Result<Vec<StoredResponse>, StoreError> {
        let mut transaction = self.begin().await?;
        let rows = sqlx::query(
            "UPDATE responses SET status = 'in_progress', worker = ?1, lease_ms = ?3
             WHERE key IN (SELECT key FROM responses
                 WHERE background = 1 AND status IN ('queued', 'in_progress')
                     AND (worker IS NULL OR lease_ms < ?2)
                 ORDER BY key LIMIT ?4)
             RETURNING *",
        )
        .bind(worker)
        .bind(saturated(now_ms))
        .bind(saturated(lease_ms))
        .bind(limit)
        .fetch_all(&mut *transaction)
        .await
        .map_err(|e| self.explain(e))?;
        self.commit(transaction).await?;
        rows.iter().map(|row| self.stored_response(row)).collect()
    }

    /// Renews the leases of those of `jobs` that `worker` still holds; returns their ids.
    pub async fn renew_responses(
        &self,
        worker: &str,
        jobs: &[String],
        lease_ms: u64,
    ) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar(
            "UPDATE responses SET lease_ms = ?2
             WHERE background = 1 AND status = 'in_progress' AND worker = ?1
                 AND id IN (SELECT value FROM json_each(?3)) RETURNING id",
        )
        .bind(worker)
        .bind(saturated(lease_ms))
        .bind(to_json(&jobs)?)
        .fetch_all(&self.pool)
        .await
        .map_err(|e| self.explain(e))
    }

    /// Gives jobs of `worker` back to the queue, for another one to take at once.
    pub async fn release_responses(&self, worker: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE responses SET status = 'queued', worker = NULL, lease_ms = 0
             WHERE background = 1 AND status = 'in_progress' AND worker = ?1",
        )
        .bind(worker)
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(|e| self.explain(e))
    }

    /// Ends a background job; false, and nothing changes, when it is no longer `worker`'s to end: it was
    /// cancelled, removed, finished, or taken over.
    pub async fn finish_response(
        &self,
        id: &str,
        worker: &str,
        status: ResponseStatus,
        response: &Value,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE responses SET status = ?3, response = ?4, worker = NULL
             WHERE id = ?1 AND worker = ?2 AND status = 'in_progress'",
        )
        .bind(id)
        .bind(worker)
        .bind(status.as_str())
        .bind(to_json(response)?)
        .execute(&self.pool)
        .await
        .map_err(|e| self.explain(e))?;
        Ok(done.rows_affected() == 1)
    }

    /// Cancels a background job of `caller` that has not ended, leaving `response` as its object; false if
    /// there is none.
    pub async fn cancel_response(
        &self,
        id: &str,
        caller: &str,
        response: &Value,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE responses SET status = 'cancelled', response = ?3, worker = NULL
             WHERE id = ?1 AND caller = ?2 AND background = 1 AND status IN ('queued', 'in_progress')",
        )
        .bind(id)
        .bind(caller)
        .bind(to_json(response)?)
        .execute(&self.pool)
        .await
        .map_err(|e| self.explain(e))?;
        Ok(done.rows_affected() == 1)
    }

    fn stored_response(&self, row: &SqliteRow) -> Result<StoredResponse, StoreError> {
        let id: String = row.get("id");
        let status: &str = row.get("status");
        Ok(StoredResponse {
            caller: row.get("caller"),
            time_ms: row.get::<i64, _>("time_ms").unsigned_abs(),
            status: status
                .parse()
                .map_err(|e| StoreError::Io(format!("response {id}: {e}")))?,
            background: row.get("background"),
            request: self.parse(row.get("request"), || format!("the request of response {id}"))?,
            response: self.parse(row.get("response"), || format!("response {id}"))?,
            id,
        })
    }
}
