//! The one place where a budget is debited.

use strawberry_core::Budget;

/// The least an attempt is worth starting with.
const LEAST_TOKENS: u32 = 16;

/// Grants attempts and tokens, so that a run never spends more than its budget: tokens are reserved when
/// an attempt starts and the unused rest is given back when it ends.
#[derive(Debug)]
pub struct Ledger {
    samples_left: u32,
    tokens_free: u64,
    in_flight: u32,
}

/// The answer to a request for an attempt.
#[derive(Debug, PartialEq, Eq)]
pub enum Grant {
    /// Go ahead with this many tokens at most.
    Tokens(u32),
    /// Not now: an attempt in flight may give tokens back.
    Wait,
    /// Nothing is left.
    Exhausted,
}

impl Ledger {
    /// A ledger for `budget`.
    pub fn new(budget: &Budget) -> Self {
        Ledger {
            samples_left: budget.samples.unwrap_or(u32::MAX),
            tokens_free: budget.tokens.unwrap_or(u64::MAX),
            in_flight: 0,
        }
    }

    /// Asks for an attempt of up to `tokens` tokens.
    pub fn reserve(&mut self, tokens: u32) -> Grant {
        let least = tokens.min(LEAST_TOKENS);
        if self.samples_left == 0 {
            return Grant::Exhausted;
        }
        let enough = self.tokens_free >= u64::from(tokens);
        if !enough && self.in_flight > 0 {
            return Grant::Wait;
        }
        if self.tokens_free < u64::from(least) {
            return Grant::Exhausted;
        }
        let granted = self.tokens_free.min(u64::from(tokens)) as u32;
        self.samples_left -= 1;
        self.in_flight += 1;
        self.tokens_free -= u64::from(granted);
        Grant::Tokens(granted)
    }

    /// Takes back an attempt that was granted `granted` tokens and used `used` of them.
    pub fn settle(&mut self, granted: u32, used: u64) {
        self.in_flight -= 1;
        self.tokens_free += u64::from(granted).saturating_sub(used);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_grants_more_than_the_budget() {
        let mut ledger = Ledger::new(&Budget {
            samples: Some(3),
            tokens: Some(250),
            ..Budget::default()
        });
        assert_eq!(ledger.reserve(100), Grant::Tokens(100));
        assert_eq!(ledger.reserve(100), Grant::Tokens(100));
        assert_eq!(ledger.reserve(100), Grant::Wait);
        ledger.settle(100, 100);
        ledger.settle(100, 90);
        assert_eq!(ledger.reserve(100), Grant::Tokens(60));
        assert_eq!(ledger.reserve(1), Grant::Exhausted);
    }

    #[test]
    fn a_rest_too_small_to_be_useful_is_not_granted() {
        let mut ledger = Ledger::new(&Budget {
            tokens: Some(10),
            ..Budget::default()
        });
        assert_eq!(ledger.reserve(100), Grant::Exhausted);
    }
}
