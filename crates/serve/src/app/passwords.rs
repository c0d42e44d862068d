//! Passwords: hashing with Argon2id (RFC 9106), and slowing guesses down.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::error::ApiError;

/// The shortest and the longest password, in characters and in bytes.
const SHORTEST: usize = 12;
const LONGEST: usize = 256;

/// Wrong passwords for one name before it has to wait, and how long it waits.
const TRIES: u32 = 5;
const WAIT: Duration = Duration::from_secs(30);
/// Names remembered at most.
const NAMES: usize = 10_000;

/// Stands between the network and the hash function.
pub(super) struct Guard {
    /// Hashing takes 19 MiB and some 20 ms each: only a few at once.
    turns: Semaphore,
    wrong: Mutex<HashMap<String, (u32, Instant)>>,
}

impl Default for Guard {
    fn default() -> Self {
        Guard {
            turns: Semaphore::new(2),
            wrong: Mutex::default(),
        }
    }
}

impl Guard {
    /// Hashes a new password.
    ///
    /// # Errors
    /// It is too short or too long.
    pub(super) async fn hash(&self, password: String) -> Result<String, ApiError> {
        if password.chars().count() < SHORTEST || password.len() > LONGEST {
            return Err(ApiError::param(
                "password",
                format!("a password needs {SHORTEST} characters or more, and at most {LONGEST} bytes"),
            ));
        }
        self.work(move || {
            Argon2::default()
                .hash_password(password.as_bytes())
                .map(|hash| hash.to_string())
                .map_err(|e| ApiError::internal(format!("the password can't be hashed: {e}")))
        })
        .await?
    }

    /// Whether `password` is the one that was hashed. Without a hash (nobody has this name) as much time is
    /// spent, so that the time tells nothing.
    ///
    /// # Errors
    /// 429 after too many wrong passwords for this name.
    pub(super) async fn verify(
        &self,
        name: &str,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, ApiError> {
        let name = name.to_lowercase();
        self.may_try(&name)?;
        let too_long = password.len() > LONGEST;
        let right = self
            .work(move || match hash {
                Some(hash) if !too_long => PasswordHash::new(&hash).is_ok_and(|hash| {
                    Argon2::default()
                        .verify_password(password.as_bytes(), &hash)
                        .is_ok()
                }),
                _ => {
                    let _ = Argon2::default().hash_password(b"nobody");
                    false
                }
            })
            .await?;
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if right {
            wrong.remove(&name);
        } else {
            if wrong.len() >= NAMES {
                wrong.retain(|_, (_, at)| at.elapsed() < WAIT);
            }
            let entry = wrong.entry(name).or_insert((0, Instant::now()));
            *entry = (entry.0 + 1, Instant::now());
        }
        Ok(right)
    }

    fn may_try(&self, name: &str) -> Result<(), ApiError> {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((tries, at)) = wrong.get(name) else {
            return Ok(());
        };
        let since = at.elapsed();
        if since >= WAIT {
            wrong.remove(name);
        } else if *tries >= TRIES {
            let seconds = (WAIT - since).as_secs() + 1;
            return Err(ApiError::too_many(
                "too_many_logins",
                format!("too many wrong passwords for this name: try again in {seconds} s"),
                seconds,
            ));
        }
        Ok(())
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let failed = |_| ApiError::internal("a password can't be checked now");
        let _turn = self
            .turns
            .acquire()
            .await
            .map_err(|_| ApiError::internal("the server is stopping"))?;
        tokio::task::spawn_blocking(work).await.map_err(failed)
    }
}
