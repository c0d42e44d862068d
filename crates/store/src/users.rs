//! Who may log in, and their sessions.
//!
//! While there is no user nobody has to log in, and conversations belong to nobody (an empty owner); the
//! first user takes them over. Passwords come here hashed; of a session only the SHA-256 of its token is
//! kept, which is enough because a token is random.

use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use strawberry_core::StoreError;

use crate::database::Store;
use crate::traces::saturated;

/// Somebody who may log in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// Their id, which owns conversations.
    pub id: String,
    /// The name they log in with; unique, in either case of the letters A to Z.
    pub name: String,
    /// Whether they may add and remove users and see everybody's usage.
    pub admin: bool,
}

/// The SHA-256 of a text, as lower-case hexadecimal digits.
pub fn hash(token: &str) -> String {
    let digest = Sha256::digest(token.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn user(row: &SqliteRow) -> User {
    User {
        id: row.get("id"),
        name: row.get("name"),
        admin: row.get("admin"),
    }
}

impl Store {
    /// Adds a user with a hashed password; false if the name is taken. The first one takes over the
    /// conversations that belong to nobody.
    ///
    /// `only_first` adds the user only if there is none yet, so that two who come at once can't both be first.
    pub async fn add_user(
        &self,
        new: &User,
        password_hash: &str,
        time_ms: u64,
        only_first: bool,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let users: i64 = sqlx::query_scalar("SELECT count(*) FROM users")
            .fetch_one(&mut *transaction)
            .await
            .map_err(|e| self.explain(e))?;
        if only_first && users > 0 {
            return Ok(false);
        }
        let added = sqlx::query(
            "INSERT INTO users (id, name, password, admin, time_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(&new.id)
        .bind(&new.name)
        .bind(password_hash)
        .bind(new.admin)
        .bind(saturated(time_ms))
        .execute(&mut *transaction)
        .await
        .map_err(|e| self.explain(e))?
        .rows_affected();
        if users == 0 {
            sqlx::query("UPDATE conversations SET owner = ?1 WHERE owner = ''")
                .bind(&new.id)
                .execute(&mut *transaction)
                .await
                .map_err(|e| self.explain(e))?;
        }
        self.commit(transaction).await?;
        Ok(added > 0)
    }

    /// All users, oldest first.
    pub async fn list_users(&self) -> Result<Vec<User>, StoreError> {
        let rows = sqlx::query("SELECT id, name, admin FROM users ORDER BY key")
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.explain(e))?;
        Ok(rows.iter().map(user).collect())
    }

    /// Whether anybody has to log in.
    pub async fn has_users(&self) -> Result<bool, StoreError> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users)")
            .fetch_one(&self.pool)
            .await
            .map_err(|e| self.explain(e))
    }

    /// The user with this name and the hash of their password.
    pub async fn find_user(&self, name: &str) -> Result<Option<(User, String)>, StoreError> {
        let row = sqlx::query("SELECT id, name, admin, password FROM users WHERE name = ?1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.explain(e))?;
        Ok(row.map(|row| (user(&row), row.get("password"))))
    }

    /// Gives a user another password and ends all their sessions; false if there is no such user.
    pub async fn set_password(&self, id: &str, password_hash: &str) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let changed = sqlx::query("UPDATE users SET password = ?2 WHERE id = ?1")
            .bind(id)
            .bind(password_hash)
            .execute(&mut *transaction)
            .await
            .map_err(|e| self.explain(e))?
            .rows_affected();
        sqlx::query("DELETE FROM sessions WHERE user = (SELECT key FROM users WHERE id = ?1)")
            .bind(id)
            .execute(&mut *transaction)
            .await
            .map_err(|e| self.explain(e))?;
        self.commit(transaction).await?;
        Ok(changed > 0)
    }

    /// Removes a user with their sessions and conversations; false if there is no such user.
    pub async fn remove_user(&self, id: &str) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let removed = sqlx::query("DELETE FROM users WHERE id = ?1")
            .bind(id)
            .execute(&mut *transaction)
            .await
            .map_err(|e| self.explain(e))?
            .rows_affected();
        if removed > 0 {
            sqlx::query("DELETE FROM conversations WHERE owner = ?1")
                .bind(id)
                .execute(&mut *transaction)
                .await
                .map_err(|e| self.explain(e))?;
        }
        self.commit(transaction).await?;
        Ok(removed > 0)
    }

    /// Begins a session of a user, known by `token`, and forgets those that expired before `now_ms`.
    pub async fn add_session(
        &self,
        user: &str,
        token: &str,
        now_ms: u64,
        expires_ms: u64,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query("DELETE FROM sessions WHERE expires_ms <= ?1")
            .bind(saturated(now_ms))
            .execute(&mut *transaction)
            .await
            .map_err(|e| self.explain(e))?;
        sqlx::query(
            "INSERT INTO sessions (hash, user, expires_ms) SELECT ?1, key, ?3 FROM users WHERE id = ?2",
        )
        .bind(hash(token))
        .bind(user)
        .bind(saturated(expires_ms))
        .execute(&mut *transaction)
        .await
        .map_err(|e| self.explain(e))?;
        self.commit(transaction).await
    }

    /// The user whose session `token` is, unless it has expired.
    pub async fn session_user(&self, token: &str, now_ms: u64) -> Result<Option<User>, StoreError> {
        let row = sqlx::query(
            "SELECT id, name, admin FROM sessions JOIN users ON key = user WHERE hash = ?1 AND expires_ms > ?2",
        )
        .bind(hash(token))
        .bind(saturated(now_ms))
        .fetch_optional(&self.pool)
        .await
        .map_err(|e| self.explain(e))?;
        Ok(row.as_ref().map(user))
    }

    /// Ends a session.
    pub async fn remove_session(&self, token: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE hash = ?1")
            .bind(hash(token))
            .execute(&self.pool)
            .await
            .map(|_| ())
            .map_err(|e| self.explain(e))
    }
}
