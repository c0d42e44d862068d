//! The messages of a conversation.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use strawberry_core::{Effort, Message, Role, RunId, StoreError};

use crate::conversations::{Conversation, ConversationMessage, NewMessage};
use crate::database::Store;
use crate::traces::{head, saturated, to_json};

impl Conversation {
    /// The messages of the branch in use, in order.
    pub fn branch(&self) -> Vec<&ConversationMessage> {
        let by_seq: HashMap<u64, &ConversationMessage> = self.messages.iter().map(|m| (m.seq, m)).collect();
        let mut branch = Vec::new();
        let mut at = self.leaf;
        // A parent comes before its message, so this ends.
        while let Some(message) = at.and_then(|seq| by_seq.get(&seq)) {
            branch.push(*message);
            at = message.parent.filter(|&parent| parent < message.seq);
        }
        branch.reverse();
        branch
    }
}

impl Store {
    /// Adds messages to the branch in use of a conversation, all or none, and begins it if it is new. `run`
    /// is the run whose answer is among them; `effort` the effort chosen for the conversation.
    pub async fn add_messages(
        &self,
        conversation: &str,
        time_ms: u64,
        effort: Option<Effort>,
        run: Option<&RunId>,
        messages: &[Message],
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let (key, leaf): (i64, Option<i64>) = sqlx::query_as(
            "INSERT INTO conversations (id, time_ms, title, effort) VALUES (?1, ?2, '', ?3)
             ON CONFLICT (id) DO UPDATE SET time_ms = ?2, effort = ?3 RETURNING key, leaf",
        )
        .bind(conversation)
        .bind(saturated(time_ms))
        .bind(effort.map(|e| e.as_str()))
        .fetch_one(&mut *transaction)
        .await
        .map_err(|e| self.explain(e))?;
        let mut parent = leaf.map(i64::unsigned_abs);
        for message in messages {
            let new = NewMessage {
                parent,
                message: message.clone(),
                run: run.map(|r| r.0.clone()),
                meta: Value::Object(Default::default()),
            };
            parent = Some(self.insert_message(&mut transaction, key, time_ms, &new).await?);
        }
        self.commit(transaction).await
    }

    /// Adds a message to an owner's conversation, which goes on from there, and gives its number; `None` if
    /// they have no such conversation.
    ///
    /// # Errors
    /// The message before it does not exist.
    pub async fn add_message(
        &self,
        owner: &str,
        conversation: &str,
        time_ms: u64,
        message: &NewMessage,
    ) -> Result<Option<u64>, StoreError> {
        let mut transaction = self.begin().await?;
        let Some(key) = self.key_of(&mut transaction, owner, conversation).await? else {
            return Ok(None);
        };
        let seq = self
            .insert_message(&mut transaction, key, time_ms, message)
            .await?;
        self.commit(transaction).await?;
        Ok(Some(seq))
    }

    /// Replaces what a message says (its place and its time stay); false if there is no such message.
    pub async fn update_message(
        &self,
        owner: &str,
        conversation: &str,
        seq: u64,
        message: &Message,
        run: Option<&str>,
        meta: &Value,
    ) -> Result<bool, StoreError> {
        sqlx::query(
            "UPDATE messages SET json = ?4, run = ?5, meta = ?6 WHERE seq = ?3
             AND conversation = (SELECT key FROM conversations WHERE owner = ?1 AND id = ?2)",
        )
        .bind(owner)
        .bind(conversation)
        .bind(saturated(seq))
        .bind(to_json(message)?)
        .bind(run)
        .bind(meta.to_string())
        .execute(&self.pool)
        .await
        .map(|done| done.rows_affected() > 0)
        .map_err(|e| self.explain(e))
    }

    /// An owner's conversation with all its messages; `None` if they have none with this id.
    pub async fn conversation(&self, owner: &str, id: &str) -> Result<Option<Conversation>, StoreError> {
        let Some(summary) = self.conversation_summary(owner, id).await? else {
            return Ok(None);
        };
        let rows = sqlx::query(
            "SELECT settings, leaf, seq, parent, run, json, meta, messages.time_ms AS said_ms
             FROM conversations LEFT JOIN messages ON conversation = key WHERE id = ?1 ORDER BY seq",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await
        .map_err(|e| self.explain(e))?;
        // Removed since the summary was read.
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        Ok(Some(Conversation {
            summary,
            settings: self.parse(first.get("settings"), || {
                format!("the settings of conversation {id}")
            })?,
            leaf: first.get::<Option<i64>, _>("leaf").map(i64::unsigned_abs),
            messages: rows
                .iter()
                .filter(|row| row.get::<Option<i64>, _>("seq").is_some())
                .map(|row| self.message(id, row))
                .collect::<Result<_, _>>()?,
        }))
    }

    /// The messages of the branch in use of anybody's conversation, in order; `None` if there is no such
    /// conversation.
    pub async fn load_conversation(&self, id: &str) -> Result<Option<Vec<Message>>, StoreError> {
        let owner: Option<String> = sqlx::query_scalar("SELECT owner FROM conversations WHERE id = ?1")
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.explain(e))?;
        let Some(owner) = owner else { return Ok(None) };
        let conversation = self.conversation(&owner, id).await?;
        Ok(conversation.map(|c| c.branch().into_iter().map(|m| m.message.clone()).collect()))
    }

    async fn key_of(
        &self,
        connection: &mut SqliteConnection,
        owner: &str,
        conversation: &str,
    ) -> Result<Option<i64>, StoreError> {
        sqlx::query_scalar("SELECT key FROM conversations WHERE owner = ?1 AND id = ?2")
            .bind(owner)
            .bind(conversation)
            .fetch_optional(connection)
            .await
            .map_err(|e| self.explain(e))
    }

    /// Writes a message at the end of the list, makes it the leaf, and gives its number.
    pub(crate) async fn insert_message(
        &self,
        connection: &mut SqliteConnection,
        conversation: i64,
        time_ms: u64,
        new: &NewMessage,
    ) -> Result<u64, StoreError> {
        let seq: Option<i64> = sqlx::query_scalar(
            "INSERT INTO messages (conversation, seq, parent, run, json, meta, time_ms)
             SELECT ?1, next, ?2, ?3, ?4, ?5, ?6
             FROM (SELECT coalesce(max(seq) + 1, 0) AS next FROM messages WHERE conversation = ?1)
             WHERE ?2 IS NULL OR EXISTS (SELECT 1 FROM messages WHERE conversation = ?1 AND seq = ?2)
             RETURNING seq",
        )
        .bind(conversation)
        .bind(new.parent.map(saturated))
        .bind(&new.run)
        .bind(to_json(&new.message)?)
        .bind(new.meta.to_string())
        .bind(saturated(time_ms))
        .fetch_optional(&mut *connection)
        .await
        .map_err(|e| self.explain(e))?;
        let Some(seq) = seq else {
            return Err(StoreError::Io(format!(
                "there is no message {} to go on from",
                new.parent.unwrap_or(0)
            )));
        };
        let title = (new.message.role == Role::User).then(|| head(&new.message.content));
        sqlx::query(
            "UPDATE conversations SET leaf = ?2, time_ms = max(time_ms, ?3),
                 title = CASE WHEN title = '' THEN coalesce(?4, '') ELSE title END WHERE key = ?1",
        )
        .bind(conversation)
        .bind(seq)
        .bind(saturated(time_ms))
        .bind(title)
        .execute(connection)
        .await
        .map_err(|e| self.explain(e))?;
        Ok(seq.unsigned_abs())
    }

    fn message(&self, conversation: &str, row: &SqliteRow) -> Result<ConversationMessage, StoreError> {
        let what = || format!("a message of conversation {conversation}");
        Ok(ConversationMessage {
            seq: row.get::<i64, _>("seq").unsigned_abs(),
            parent: row.get::<Option<i64>, _>("parent").map(i64::unsigned_abs),
            message: self.parse(row.get("json"), what)?,
            run: row.get("run"),
            meta: self.parse(row.get("meta"), what)?,
            time_ms: row.get::<i64, _>("said_ms").unsigned_abs(),
        })
    }
}
