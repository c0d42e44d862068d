//! What callers may still spend: requests per minute, tokens per day.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use strawberry_store::{ApiKey, Store};

use crate::error::ApiError;
use crate::state::now_ms;

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// A bucket of requests for each key, refilled evenly. Requests per minute are counted in memory (a restart
/// forgives a minute), tokens per day in the store.
#[derive(Default)]
pub struct Quotas(Mutex<HashMap<String, Bucket>>);

struct Bucket {
    left: f64,
    at: Instant,
}

impl Quotas {
    /// Takes one request from `key`'s allowance.
    ///
    /// # Errors
    /// 429 with the time after which there is something left.
    pub async fn take(&self, key: &ApiKey, store: &Store) -> Result<(), ApiError> {
        if let Some(rate) = key.requests_per_minute {
            self.take_request(&key.id, f64::from(rate.max(1)))?;
        }
        if let Some(most) = key.tokens_per_day {
            let now = now_ms();
            let spent = store.api_tokens_of_day(&format!("key:{}", key.id), now).await?;
            if spent >= most {
                return Err(ApiError::too_many(
                    "token_budget_exceeded",
                    format!("this key has spent its {most} tokens of today (UTC)"),
                    (DAY_MS - now % DAY_MS).div_ceil(1000),
                ));
            }
        }
        Ok(())
    }

    fn take_request(&self, id: &str, per_minute: f64) -> Result<(), ApiError> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let bucket = buckets.entry(id.to_owned()).or_insert(Bucket {
            left: per_minute,
            at: now,
        });
        let refill = now.duration_since(bucket.at).as_secs_f64() * per_minute / 60.0;
        bucket.left = (bucket.left + refill).min(per_minute);
        bucket.at = now;
        if bucket.left < 1.0 {
            let seconds = ((1.0 - bucket.left) * 60.0 / per_minute).ceil() as u64;
            return Err(ApiError::too_many(
                "rate_limit_exceeded",
                format!("this key may make {per_minute} requests a minute: try again in {seconds} s"),
                seconds,
            ));
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_after_the_last_one_allowed_is_told_when_to_come_back() {
        let quotas = Quotas::default();
        for _ in 0..30 {
            quotas.take_request("a", 30.0).unwrap();
        }
        let error = quotas.take_request("a", 30.0).unwrap_err();
        assert!((1..=2).contains(&error.retry_after.unwrap()), "{error:?}");
        quotas.take_request("b", 30.0).unwrap();
    }
}
