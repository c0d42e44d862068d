//! Runs and their events.

use std::str::FromStr;

use futures::future::{BoxFuture, FutureExt};
use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use strawberry_core::trace::RunStatus;
use strawberry_core::{RunId, RunSummary, StoreError, TraceEvent, TraceStore};

use crate::database::Store;

/// Characters of a question or title kept for lists.
pub(crate) const HEAD_CHARS: usize = 200;

impl Store {
    /// The key and the id of the run whose id is, or begins with, `prefix`.
    async fn find_run(&self, prefix: &str) -> Result<(i64, String), StoreError> {
        if prefix.is_empty() {
            return Err(StoreError::NoSuchRun(String::new()));
        }
        let mut found: Vec<(i64, String)> = sqlx::query_as(
            "SELECT key, id FROM runs WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id = ?1 DESC LIMIT 2",
        )
        .bind(prefix)
        .fetch_all(&self.pool)
        .await
        .map_err(|e| self.explain(e))?;
        let exact = found.first().is_some_and(|(_, id)| id == prefix);
        if found.len() == 2 && !exact {
            return Err(StoreError::Ambiguous(prefix.to_owned()));
        }
        if found.is_empty() {
            return Err(StoreError::NoSuchRun(prefix.to_owned()));
        }
        Ok(found.swap_remove(0))
    }

    /// Reads a stored JSON text.
    pub(crate) fn parse<T: serde::de::DeserializeOwned>(
        &self,
        json: &str,
        what: impl FnOnce() -> String,
    ) -> Result<T, StoreError> {
        serde_json::from_str(json).map_err(|e| {
            StoreError::Io(format!(
                "{} in the trace store '{}' can't be read: {e}",
                what(),
                self.path().display()
            ))
        })
    }

    async fn append_event(&self, run: &RunId, event: &TraceEvent) -> Result<(), StoreError> {
        let json = to_json(event)?;
        let mut transaction = self.begin().await?;
        let changed = match event {
            TraceEvent::Started {
                time_ms,
                problem,
                effort,
                strategy,
                model,
                ..
            } => {
                sqlx::query(
                    "INSERT INTO runs (id, time_ms, model, strategy, effort, question, status)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
                )
                .bind(&run.0)
                .bind(saturated(*time_ms))
                .bind(&model.name)
                .bind(strategy)
                .bind(effort.map(|e| e.as_str()))
                .bind(head(problem.last_user_text()))
                .bind(RunStatus::Running.as_str())
                .execute(&mut *transaction)
                .await
            }
            TraceEvent::Sampled { attempt, .. } => {
                sqlx::query("UPDATE runs SET attempts = attempts + 1, tokens = tokens + ?2 WHERE id = ?1")
                    .bind(&run.0)
                    .bind(saturated(attempt.usage.completion_tokens))
                    .execute(&mut *transaction)
                    .await
            }
            TraceEvent::Finished {
                status,
                selection,
                usage,
                ..
            } => {
                let answer = selection.as_ref().and_then(|s| s.answer.as_ref());
                sqlx::query("UPDATE runs SET status = ?2, answer = ?3, tokens = ?4 WHERE id = ?1")
                    .bind(&run.0)
                    .bind(status.as_str())
                    .bind(answer.map(|a| a.text.as_str()))
                    .bind(saturated(usage.completion_tokens))
                    .execute(&mut *transaction)
                    .await
            }
            TraceEvent::Asked { .. } | TraceEvent::TrialFailed { .. } => {
                sqlx::query("UPDATE runs SET id = id WHERE id = ?1")
                    .bind(&run.0)
                    .execute(&mut *transaction)
                    .await
            }
        }
        .map_err(|e| self.explain(e))?;
        if changed.rows_affected() == 0 {
            let started = matches!(event, TraceEvent::Started { .. });
            return Err(StoreError::Io(if started {
                format!("run {run} has begun already: a run begins once")
            } else {
                format!("run {run} has not begun, or was removed: its first event must be 'started'")
            }));
        }
        sqlx::query(
            "INSERT INTO events (run, seq, json)
             SELECT key, (SELECT coalesce(max(seq) + 1, 0) FROM events WHERE run = key), ?2
             FROM runs WHERE id = ?1",
        )
        .bind(&run.0)
        .bind(json)
        .execute(&mut *transaction)
        .await
        .map_err(|e| self.explain(e))?;
        self.commit(transaction).await
    }
}

impl TraceStore for Store {
    fn append<'a>(&'a self, run: &'a RunId, event: &'a TraceEvent) -> BoxFuture<'a, Result<(), StoreError>> {
        self.append_event(run, event).boxed()
    }

    fn load<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(RunId, Vec<TraceEvent>), StoreError>> {
        async move {
            let (key, id) = self.find_run(id).await?;
            let rows: Vec<String> = sqlx::query_scalar("SELECT json FROM events WHERE run = ?1 ORDER BY seq")
                .bind(key)
                .fetch_all(&self.pool)
                .await
                .map_err(|e| self.explain(e))?;
            let events = rows
                .iter()
                .enumerate()
                .map(|(seq, json)| self.parse(json, || format!("event {seq} of run {id}")))
                .collect::<Result<_, _>>()?;
            Ok((RunId(id), events))
        }
        .boxed()
    }

    fn list(&self, limit: u32) -> BoxFuture<'_, Result<Vec<RunSummary>, StoreError>> {
        async move {
            let rows = sqlx::query(
                "SELECT id, time_ms, model, strategy, effort, question, answer, status, attempts, tokens
                 FROM runs ORDER BY time_ms DESC, key DESC LIMIT ?1",
            )
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.explain(e))?;
            rows.iter().map(|row| self.summary(row)).collect()
        }
        .boxed()
    }

    fn remove<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<RunId, StoreError>> {
        async move {
            let (key, id) = self.find_run(id).await?;
            sqlx::query("DELETE FROM runs WHERE key = ?1")
                .bind(key)
                .execute(&self.pool)
                .await
                .map_err(|e| self.explain(e))?;
            Ok(RunId(id))
        }
        .boxed()
    }
}

impl Store {
    fn summary(&self, row: &SqliteRow) -> Result<RunSummary, StoreError> {
        let id: String = row.get("id");
        let status: &str = row.get("status");
        let status = self.parse(&format!("\"{status}\""), || format!("the status of run {id}"))?;
        let effort: Option<&str> = row.get("effort");
        Ok(RunSummary {
            time_ms: row.get::<i64, _>("time_ms").unsigned_abs(),
            model: row.get("model"),
            strategy: row.get("strategy"),
            effort: effort.and_then(|e| FromStr::from_str(e).ok()),
            question: row.get("question"),
            answer: row.get("answer"),
            status,
            attempts: row.get::<i64, _>("attempts").unsigned_abs(),
            tokens: row.get::<i64, _>("tokens").unsigned_abs(),
            id: RunId(id),
        })
    }
}

/// SQLite's integers are signed.
pub(crate) fn saturated(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Io(format!("can't be written as JSON: {e}")))
}

/// The beginning of a text on one line.
pub(crate) fn head(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.chars().count() > HEAD_CHARS {
            let cut: String = line.chars().take(HEAD_CHARS).collect();
            return format!("{cut}…");
        }
    }
    line
}
