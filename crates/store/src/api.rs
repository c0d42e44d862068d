//! The HTTP API's keys, and what each caller used.
//!
//! A key is random, so a plain SHA-256 of it is enough to store: it can't be guessed back.

use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use strawberry_core::{StoreError, Usage};

use crate::database::Store;
use crate::traces::saturated;

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// An API key, without the secret.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ApiKey {
    /// Its id, by which it is listed and removed.
    pub id: String,
    /// What its maker called it.
    pub name: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Requests it may make in a minute; `None`: any number.
    pub requests_per_minute: Option<u32>,
    /// Tokens (prompt and sampled) it may spend in a day (UTC); `None`: any number.
    pub tokens_per_day: Option<u64>,
}

/// What one caller used of one model on one day.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ApiUsage {
    /// Who: `key:ID`, `user:ID`, or empty where no key is needed.
    pub caller: String,
    /// Days since the Unix epoch (UTC).
    pub day: u64,
    /// The model's name.
    pub model: String,
    /// Requests.
    pub requests: u64,
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Sampled tokens that are thinking.
    pub reasoning_tokens: u64,
    /// All sampled tokens.
    pub completion_tokens: u64,
}

fn hash(secret: &str) -> String {
    let digest = Sha256::digest(secret.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn count(row: &SqliteRow, column: &str) -> u64 {
    row.get::<i64, _>(column).unsigned_abs()
}

impl Store {
    /// Adds an API key whose secret is `secret`; only its hash is kept.
    pub async fn add_api_key(&self, key: &ApiKey, secret: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO api_keys (id, name, hash, time_ms, requests_per_minute, tokens_per_day)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(&key.id)
        .bind(&key.name)
        .bind(hash(secret))
        .bind(saturated(key.time_ms))
        .bind(key.requests_per_minute)
        .bind(key.tokens_per_day.map(saturated))
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(|e| self.explain(e))
    }

    /// The key with this secret.
    pub async fn find_api_key(&self, secret: &str) -> Result<Option<ApiKey>, StoreError> {
        let row = sqlx::query("SELECT * FROM api_keys WHERE hash = ?1")
            .bind(hash(secret))
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.explain(e))?;
        Ok(row.as_ref().map(api_key))
    }

    /// All keys, oldest first.
    pub async fn list_api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let rows = sqlx::query("SELECT * FROM api_keys ORDER BY key")
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.explain(e))?;
        Ok(rows.iter().map(api_key).collect())
    }

    /// Removes a key; false if there was none with this id. What it used stays counted.
    pub async fn remove_api_key(&self, id: &str) -> Result<bool, StoreError> {
        sqlx::query("DELETE FROM api_keys WHERE id = ?1")
            .bind(id)
            .execute(&self.pool)
            .await
            .map(|done| done.rows_affected() > 0)
            .map_err(|e| self.explain(e))
    }

    /// Counts one request of `caller` at `time_ms`.
    pub async fn add_api_usage(
        &self,
        caller: &str,
        model: &str,
        time_ms: u64,
        usage: &Usage,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO api_usage (caller, day, model, requests, prompt_tokens, reasoning_tokens, completion_tokens)
             VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6)
             ON CONFLICT (caller, day, model) DO UPDATE SET requests = requests + 1,
                 prompt_tokens = prompt_tokens + ?4, reasoning_tokens = reasoning_tokens + ?5,
                 completion_tokens = completion_tokens + ?6",
        )
        .bind(caller)
        .bind(saturated(time_ms / DAY_MS))
        .bind(model)
        .bind(saturated(usage.prompt_tokens))
        .bind(saturated(usage.reasoning_tokens))
        .bind(saturated(usage.completion_tokens))
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(|e| self.explain(e))
    }

    /// Tokens that `caller` spent on the day of `time_ms`, prompt and sampled.
    pub async fn api_tokens_of_day(&self, caller: &str, time_ms: u64) -> Result<u64, StoreError> {
        let sum: i64 = sqlx::query_scalar(
            "SELECT coalesce(sum(prompt_tokens + completion_tokens), 0) FROM api_usage
             WHERE caller = ?1 AND day = ?2",
        )
        .bind(caller)
        .bind(saturated(time_ms / DAY_MS))
        .fetch_one(&self.pool)
        .await
        .map_err(|e| self.explain(e))?;
        Ok(sum.unsigned_abs())
    }

    /// What was used since the day of `since_ms`, by caller, day and model; newest days first.
    pub async fn list_api_usage(&self, since_ms: u64) -> Result<Vec<ApiUsage>, StoreError> {
        let rows = sqlx::query("SELECT * FROM api_usage WHERE day >= ?1 ORDER BY day DESC, caller, model")
            .bind(saturated(since_ms / DAY_MS))
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.explain(e))?;
        let usage = |row: &SqliteRow| ApiUsage {
            caller: row.get("caller"),
            day: count(row, "day"),
            model: row.get("model"),
            requests: count(row, "requests"),
            prompt_tokens: count(row, "prompt_tokens"),
            reasoning_tokens: count(row, "reasoning_tokens"),
            completion_tokens: count(row, "completion_tokens"),
        };
        Ok(rows.iter().map(usage).collect())
    }
}

fn api_key(row: &SqliteRow) -> ApiKey {
    ApiKey {
        id: row.get("id"),
        name: row.get("name"),
        time_ms: count(row, "time_ms"),
        requests_per_minute: row
            .get::<Option<i64>, _>("requests_per_minute")
            .and_then(|n| u32::try_from(n).ok()),
        tokens_per_day: row.get::<Option<i64>, _>("tokens_per_day").map(i64::unsigned_abs),
    }
}
