//! Chats that can be taken up again.

use std::str::FromStr;

use sqlx::Row;
use strawberry_core::{Effort, Message, Role, RunId, StoreError};

use crate::database::Store;
use crate::traces::{head, saturated, to_json};

/// One line of a list of conversations.
#[derive(Clone, Debug, PartialEq)]
pub struct ConversationSummary {
    /// Which conversation.
    pub id: String,
    /// When it was last added to, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The beginning of its first question.
    pub title: String,
    /// The effort it was last held at.
    pub effort: Option<Effort>,
    /// Its messages.
    pub messages: u64,
}

impl Store {
    /// Adds messages to a conversation, all or none, and begins it if it is new. `run` is the run whose
    /// answer is among them; `effort` the effort chosen for the conversation.
    pub async fn add_messages(
        &self,
        conversation: &str,
        time_ms: u64,
        effort: Option<Effort>,
        run: Option<&RunId>,
        messages: &[Message],
    ) -> Result<(), StoreError> {
        let title = messages
            .iter()
            .find(|m| m.role == Role::User)
            .map_or(String::new(), |m| head(&m.content));
        let mut transaction = self.begin().await?;
        let key: i64 = sqlx::query_scalar(
            "INSERT INTO conversations (id, time_ms, title, effort) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET time_ms = ?2, effort = ?4,
                 title = CASE WHEN title = '' THEN ?3 ELSE title END
             RETURNING key",
        )
        .bind(conversation)
        .bind(saturated(time_ms))
        .bind(title)
        .bind(effort.map(|e| e.as_str()))
        .fetch_one(&mut *transaction)
        .await
        .map_err(|e| self.explain(e))?;
        for message in messages {
            sqlx::query(
                "INSERT INTO messages (conversation, seq, run, json)
                 SELECT ?1, coalesce(max(seq) + 1, 0), ?2, ?3 FROM messages WHERE conversation = ?1",
            )
            .bind(key)
            .bind(run.map(|r| r.0.as_str()))
            .bind(to_json(message)?)
            .execute(&mut *transaction)
            .await
            .map_err(|e| self.explain(e))?;
        }
        self.commit(transaction).await
    }

    /// The messages of a conversation, in order; `None` if there is no such conversation.
    pub async fn load_conversation(&self, id: &str) -> Result<Option<Vec<Message>>, StoreError> {
        let rows: Vec<(Option<String>,)> = sqlx::query_as(
            "SELECT json FROM conversations LEFT JOIN messages ON conversation = key WHERE id = ?1 ORDER BY seq",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await
        .map_err(|e| self.explain(e))?;
        if rows.is_empty() {
            return Ok(None);
        }
        rows.iter()
            .filter_map(|(json,)| json.as_deref())
            .map(|json| self.parse(json, || format!("a message of conversation {id}")))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// The conversations last added to, newest first.
    pub async fn list_conversations(&self, limit: u32) -> Result<Vec<ConversationSummary>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, time_ms, title, effort, (SELECT count(*) FROM messages WHERE conversation = key) AS messages
             FROM conversations ORDER BY time_ms DESC, key DESC LIMIT ?1",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(|e| self.explain(e))?;
        Ok(rows
            .iter()
            .map(|row| ConversationSummary {
                id: row.get("id"),
                time_ms: row.get::<i64, _>("time_ms").unsigned_abs(),
                title: row.get("title"),
                effort: row
                    .get::<Option<&str>, _>("effort")
                    .and_then(|e| FromStr::from_str(e).ok()),
                messages: row.get::<i64, _>("messages").unsigned_abs(),
            })
            .collect())
    }

    /// Removes a conversation; false if there was none. The traces of its runs stay.
    pub async fn remove_conversation(&self, id: &str) -> Result<bool, StoreError> {
        sqlx::query("DELETE FROM conversations WHERE id = ?1")
            .bind(id)
            .execute(&self.pool)
            .await
            .map(|done| done.rows_affected() > 0)
            .map_err(|e| self.explain(e))
    }
}
