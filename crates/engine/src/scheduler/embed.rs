//! Texts as vectors: the mean of the final hidden states of a text's tokens, brought to length 1.
//!
//! A turn of the loop runs one piece of the texts on hand, so running attempts never wait for a long list.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use strawberry_core::ModelError;

use super::Scheduler;
use super::forward::Forward;
use crate::adapter::Adapter;
use crate::runner::{LogitsFor, SeqId, StepError, StepItem};

/// The vectors, or why there are none.
pub type Vectors = Result<Vec<Vec<f32>>, ModelError>;

/// Texts that are being embedded.
pub struct Embedding {
    texts: Vec<Arc<[u32]>>,
    adapter: Option<Arc<Adapter>>,
    /// Finished vectors, and the sum of the states of the text that is being evaluated.
    vectors: Vec<Vec<f32>>,
    sum: Vec<f32>,
    /// That text's tokens which the network has seen, and their sequence.
    done: usize,
    seq: Option<SeqId>,
    reply: Sender<Vectors>,
}

impl Embedding {
    /// Embeds `texts`, none of which is empty or longer than the context.
    pub fn new(texts: Vec<Arc<[u32]>>, adapter: Option<Arc<Adapter>>, reply: Sender<Vectors>) -> Self {
        Embedding {
            texts,
            adapter,
            vectors: Vec::new(),
            sum: Vec::new(),
            done: 0,
            seq: None,
            reply,
        }
    }

    /// Ends with an error; gives the sequence it holds.
    pub fn fail(self, why: &str) -> Option<SeqId> {
        let error = ModelError::Internal(format!("the engine failed: {why}"));
        let _ = self.reply.send(Err(error)); // nobody need wait
        self.seq
    }

    /// Runs up to `limit` tokens.
    fn run(&mut self, forward: &mut impl Forward, limit: usize) -> Result<(), StepError> {
        let first = self.vectors.len();
        let mut left = limit;
        let mut items = Vec::new();
        for (i, text) in self.texts[first..].iter().enumerate() {
            let start = if i == 0 { self.done } else { 0 };
            let end = text.len().min(start + left);
            if start == end {
                break;
            }
            let seq = match self.seq.filter(|_| i == 0) {
                Some(seq) => seq,
                None => forward.fork(None, 0),
            };
            left -= end - start;
            items.push(StepItem {
                adapter: self.adapter.as_ref(),
                seq,
                tokens: &text[start..end],
                logits: LogitsFor::None,
            });
        }
        let mut states = Vec::new();
        let result = forward.states(&items, &mut states);
        if result.is_err() {
            // The piece of the text that was under way stays; what was begun here is begun again later.
            for item in items.iter().filter(|item| Some(item.seq) != self.seq) {
                forward.free(item.seq);
            }
            return result;
        }
        let rows: usize = items.iter().map(|item| item.tokens.len()).sum();
        let width = states.len() / rows.max(1);
        let mut states = states.chunks_exact(width.max(1));
        for (item, text) in items.iter().zip(&self.texts[first..]) {
            self.sum.resize(width, 0.0);
            for state in states.by_ref().take(item.tokens.len()) {
                for (sum, x) in self.sum.iter_mut().zip(state) {
                    *sum += x;
                }
            }
            self.done += item.tokens.len();
            self.seq = Some(item.seq);
            if self.done == text.len() {
                forward.free(item.seq);
                self.seq = None;
                self.done = 0;
                self.vectors.push(unit(std::mem::take(&mut self.sum)));
            }
        }
        Ok(())
    }
}

/// `x` divided by its Euclidean length; the mean and the sum point the same way.
fn unit(mut x: Vec<f32>) -> Vec<f32> {
    let length = x.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        x.iter_mut().for_each(|x| *x /= length);
    }
    x
}

/// Goes on with the texts that came first.
pub(super) fn advance<F: Forward>(scheduler: &mut Scheduler<F>) {
    let Some(mut embedding) = scheduler.embeddings.pop_front() else {
        return;
    };
    let mut limit = if scheduler.attempts.is_empty() {
        scheduler.options.idle_chunk
    } else {
        scheduler.options.chunk
    };
    let result = loop {
        match embedding.run(&mut scheduler.forward, limit) {
            Err(StepError::KvFull(_)) if limit > 32 => limit /= 2,
            Err(StepError::KvFull(_)) if scheduler.make_room() => {}
            other => break other,
        }
    };
    match result {
        Err(StepError::KvFull(_)) if !scheduler.attempts.is_empty() => {
            // The oldest attempt has all the memory and goes first.
            scheduler.embeddings.push_front(embedding);
        }
        Err(error) => {
            if let Some(seq) = embedding.fail(&error.to_string()) {
                scheduler.forward.free(seq);
            }
        }
        Ok(()) if embedding.vectors.len() == embedding.texts.len() => {
            let _ = embedding.reply.send(Ok(embedding.vectors)); // nobody need wait
        }
        Ok(()) => scheduler.embeddings.push_front(embedding),
    }
}
