//! Chats that can be taken up again.
//!
//! The messages of a conversation are a tree: asking again or editing a question adds a branch beside the
//! old one. `leaf` names the last message of the branch that is in use. An owner is the id of a
//! [`User`](crate::User), or empty where nobody logs in.

use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use strawberry_core::{Effort, Message, StoreError};

use crate::database::Store;
use crate::traces::{head, saturated};

/// Characters shown around what a search found.
const SNIPPET_CHARS: usize = 40;

/// One line of a list of conversations.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConversationSummary {
    /// Which conversation.
    pub id: String,
    /// When it was last added to, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The beginning of its first question, or the name it was given.
    pub title: String,
    /// The effort it was last held at on the command line.
    #[serde(skip)]
    pub effort: Option<Effort>,
    /// Its messages, those of all branches.
    pub messages: u64,
    /// Whether it is kept at the top.
    pub pinned: bool,
    /// Whether it is put away.
    pub archived: bool,
    /// The folder it is in.
    pub folder: Option<String>,
    /// For a search: the text around what was found in a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
}

/// A message with its place in the tree of its conversation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConversationMessage {
    /// Its number in the conversation, counted from 0.
    pub seq: u64,
    /// The message before it; `None` for a first one.
    pub parent: Option<u64>,
    /// Who speaks, and the text.
    #[serde(flatten)]
    pub message: Message,
    /// The run whose answer it is.
    pub run: Option<String>,
    /// What the app remembers of it (model, effort, cost); a JSON object.
    pub meta: Value,
    /// When it was added, in milliseconds since the Unix epoch; 0 where unknown.
    pub time_ms: u64,
}

/// A message to be added.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// The message before it; `None` for a first one.
    pub parent: Option<u64>,
    /// Who speaks, and the text.
    pub message: Message,
    /// The run whose answer it is.
    pub run: Option<String>,
    /// What the app remembers of it; a JSON object.
    pub meta: Value,
}

/// A whole conversation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conversation {
    /// What lists show of it.
    pub summary: ConversationSummary,
    /// How it is held (model, effort, system prompt, sampling); a JSON object.
    pub settings: Value,
    /// The last message of the branch in use.
    pub leaf: Option<u64>,
    /// All messages of all branches, in the order they were added.
    pub messages: Vec<ConversationMessage>,
}

/// What is to be changed; `None` leaves a thing as it is.
#[derive(Clone, Debug, Default)]
pub struct ConversationChange {
    /// Its name.
    pub title: Option<String>,
    /// Whether it is kept at the top.
    pub pinned: Option<bool>,
    /// Whether it is put away.
    pub archived: Option<bool>,
    /// The folder it is in; `Some(None)` takes it out.
    pub folder: Option<Option<String>>,
    /// How it is held.
    pub settings: Option<Value>,
    /// The last message of the branch in use.
    pub leaf: Option<u64>,
}

/// A row of a list: `?1` is the owner or `NULL` for all, `?2` the pattern of a search or `NULL`.
const SUMMARY: &str = "
    SELECT id, time_ms, title, effort, pinned, archived, folder,
        (SELECT count(*) FROM messages WHERE conversation = key) AS messages,
        (SELECT json_extract(json, '$.content') FROM messages WHERE conversation = key
            AND json_extract(json, '$.content') LIKE ?2 ESCAPE '\\' ORDER BY seq LIMIT 1) AS found
    FROM conversations WHERE (?1 IS NULL OR owner = ?1)";

impl Store {
    /// The conversations last added to, of all owners, newest first.
    pub async fn list_conversations(&self, limit: u32) -> Result<Vec<ConversationSummary>, StoreError> {
        let sql = format!("{SUMMARY} ORDER BY time_ms DESC, key DESC LIMIT ?3");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(None::<String>)
            .bind(None::<String>)
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.explain(e))?;
        Ok(rows.iter().map(summary).collect())
    }

    /// An owner's conversations whose title or a message holds `query` (all, when it is empty), newest first.
    /// Letters A to Z match in either case.
    pub async fn find_conversations(
        &self,
        owner: &str,
        query: &str,
        archived: bool,
        limit: u32,
    ) -> Result<Vec<ConversationSummary>, StoreError> {
        let sql = format!(
            "SELECT * FROM ({SUMMARY}) WHERE archived = ?3
             AND (?2 IS NULL OR found IS NOT NULL OR title LIKE ?2 ESCAPE '\\')
             ORDER BY time_ms DESC LIMIT ?4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(owner)
            .bind((!query.is_empty()).then(|| pattern(query)))
            .bind(archived)
            .bind(limit)
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.explain(e))?;
        Ok(rows
            .iter()
            .map(|row| ConversationSummary {
                snippet: row
                    .get::<Option<&str>, _>("found")
                    .map(|text| snippet(text, query)),
                ..summary(row)
            })
            .collect())
    }

    /// What lists show of an owner's conversation; `None` if they have none with this id.
    pub async fn conversation_summary(
        &self,
        owner: &str,
        id: &str,
    ) -> Result<Option<ConversationSummary>, StoreError> {
        let sql = format!("{SUMMARY} AND id = ?3");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(owner)
            .bind(None::<String>)
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.explain(e))?;
        Ok(row.as_ref().map(summary))
    }

    /// Begins a conversation of `owner`, with the messages of an exported one or none. Each message's parent
    /// is its place in `messages`, before its own. All or nothing is written.
    ///
    /// # Errors
    /// A parent that does not come before its message, or an id that is taken.
    pub async fn create_conversation(
        &self,
        owner: &str,
        id: &str,
        time_ms: u64,
        change: &ConversationChange,
        messages: &[NewMessage],
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let key: i64 = sqlx::query_scalar(
            "INSERT INTO conversations (id, time_ms, title, owner) VALUES (?1, ?2, '', ?3) RETURNING key",
        )
        .bind(id)
        .bind(saturated(time_ms))
        .bind(owner)
        .fetch_one(&mut *transaction)
        .await
        .map_err(|e| self.explain(e))?;
        for message in messages {
            self.insert_message(&mut transaction, key, time_ms, message)
                .await?;
        }
        self.apply(&mut transaction, owner, id, change).await?;
        self.commit(transaction).await
    }

    /// Changes an owner's conversation; false if they have none with this id.
    pub async fn change_conversation(
        &self,
        owner: &str,
        id: &str,
        change: &ConversationChange,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let changed = self.apply(&mut transaction, owner, id, change).await?;
        self.commit(transaction).await?;
        Ok(changed)
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        owner: &str,
        id: &str,
        change: &ConversationChange,
    ) -> Result<bool, StoreError> {
        let folder = change.folder.as_ref();
        sqlx::query(
            "UPDATE conversations SET title = coalesce(?3, title), pinned = coalesce(?4, pinned),
                 archived = coalesce(?5, archived), folder = CASE WHEN ?6 THEN ?7 ELSE folder END,
                 settings = coalesce(?8, settings),
                 leaf = coalesce((SELECT seq FROM messages WHERE conversation = key AND seq = ?9), leaf)
             WHERE owner = ?1 AND id = ?2",
        )
        .bind(owner)
        .bind(id)
        .bind(change.title.as_deref().map(head))
        .bind(change.pinned)
        .bind(change.archived)
        .bind(folder.is_some())
        .bind(folder.and_then(|f| f.as_deref()).map(head))
        .bind(change.settings.as_ref().map(Value::to_string))
        .bind(change.leaf.map(saturated))
        .execute(connection)
        .await
        .map(|done| done.rows_affected() > 0)
        .map_err(|e| self.explain(e))
    }

    /// Removes an owner's conversation; false if they have none with this id. The traces of its runs stay.
    pub async fn remove_conversation(&self, owner: &str, id: &str) -> Result<bool, StoreError> {
        sqlx::query("DELETE FROM conversations WHERE owner = ?1 AND id = ?2")
            .bind(owner)
            .bind(id)
            .execute(&self.pool)
            .await
            .map(|done| done.rows_affected() > 0)
            .map_err(|e| self.explain(e))
    }
}

fn summary(row: &SqliteRow) -> ConversationSummary {
    ConversationSummary {
        id: row.get("id"),
        time_ms: row.get::<i64, _>("time_ms").unsigned_abs(),
        title: row.get("title"),
        effort: row
            .get::<Option<&str>, _>("effort")
            .and_then(|e| FromStr::from_str(e).ok()),
        messages: row.get::<i64, _>("messages").unsigned_abs(),
        pinned: row.get("pinned"),
        archived: row.get("archived"),
        folder: row.get("folder"),
        snippet: None,
    }
}

/// A pattern for `LIKE … ESCAPE '\'` that finds `query` as it is.
fn pattern(query: &str) -> String {
    let mut pattern = String::from("%");
    for c in query.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// The text around the first place where `query` is found, on one line.
fn snippet(text: &str, query: &str) -> String {
    let at = text
        .to_ascii_lowercase()
        .find(&query.to_ascii_lowercase())
        .unwrap_or(0);
    let before: Vec<char> = text[..at].chars().rev().take(SNIPPET_CHARS).collect();
    let after = text[at..].chars().take(2 * SNIPPET_CHARS);
    let line: String = before.into_iter().rev().chain(after).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
