//! What the scheduler needs of a network.

use crate::kernels::Pool;
use crate::runner::{KvUsage, Logits, Runner, SeqId, StepError, StepItem};

/// A network with a cache of keys and values: [`Runner`], or something around one that watches it.
pub trait Forward: Send {
    /// How full the cache is.
    fn kv_usage(&self) -> KvUsage;
    /// A new sequence of the first `len` tokens of `parent`.
    fn fork(&mut self, parent: Option<SeqId>, len: usize) -> SeqId;
    /// Gives a sequence up.
    fn free(&mut self, seq: SeqId);
    /// Shortens a sequence to its first `len` tokens.
    fn truncate(&mut self, seq: SeqId, len: usize);
    /// Appends tokens to sequences and computes the wanted rows of logits.
    fn step(&mut self, batch: &[StepItem<'_>], logits: &mut Logits) -> Result<(), StepError>;
    /// Appends tokens to sequences and gives every token's final hidden state (after the last norm), one
    /// row of the model's width after the other in the order of the batch.
    fn states(&mut self, batch: &[StepItem<'_>], states: &mut Vec<f32>) -> Result<(), StepError>;
    /// The threads, for parallel work between steps.
    fn pool(&mut self) -> &mut Pool;
}

impl Forward for Runner {
    fn kv_usage(&self) -> KvUsage {
        Runner::kv_usage(self)
    }

    fn fork(&mut self, parent: Option<SeqId>, len: usize) -> SeqId {
        Runner::fork(self, parent, len)
    }

    fn free(&mut self, seq: SeqId) {
        Runner::free(self, seq);
    }

    fn truncate(&mut self, seq: SeqId, len: usize) {
        Runner::truncate(self, seq, len);
    }

    fn step(&mut self, batch: &[StepItem<'_>], logits: &mut Logits) -> Result<(), StepError> {
        Runner::step(self, batch, logits)
    }

    fn states(&mut self, batch: &[StepItem<'_>], states: &mut Vec<f32>) -> Result<(), StepError> {
        Runner::states(self, batch, states)
    }

    fn pool(&mut self) -> &mut Pool {
        Runner::pool(self)
    }
}
