//! The prefix cache: prompts that are being evaluated or were, each held once however many attempts use it.
//!
//! A prompt whose beginning another prompt has is forked from it, even while that one is still being
//! evaluated. Prompts that nobody uses stay until their memory is wanted; the longest unused go first.

use std::sync::Arc;

use super::forward::Forward;
use crate::adapter::Adapter;
use crate::runner::SeqId;

/// Names a prompt.
pub type PromptId = u64;

/// Unused prompts kept at most.
const KEPT: usize = 64;

/// A prompt, evaluated up to `done` tokens.
pub struct Prompt {
    /// Its name.
    pub id: PromptId,
    /// Its tokens.
    pub tokens: Arc<[u32]>,
    /// What adapts the model; only prompts with the same share.
    pub adapter: Option<Arc<Adapter>>,
    /// Its sequence, once it has one.
    pub seq: Option<SeqId>,
    /// The prompt whose first tokens it shares, until it has forked from it, and how many.
    parent: Option<(PromptId, usize)>,
    /// How many tokens the network has seen.
    pub done: usize,
    /// How many of them came from another prompt.
    pub shared: usize,
    /// Tokens evaluated that no attempt has been charged for.
    pub uncharged: u64,
    /// The logits after the last token, `[vocabulary]`; empty until they are known.
    pub logits: Box<[f32]>,
    /// Attempts and prompts that use it.
    users: usize,
    used: u64,
}

impl Prompt {
    fn is_of(&self, adapter: Option<&Arc<Adapter>>) -> bool {
        self.adapter.as_ref().map(|a| a.id()) == adapter.map(|a| a.id())
    }

    /// Whether its logits are known.
    pub fn is_done(&self) -> bool {
        !self.logits.is_empty()
    }
}

/// All prompts.
#[derive(Default)]
pub struct Prompts {
    all: Vec<Prompt>,
    clock: u64,
}

impl Prompts {
    /// The prompt of that name.
    ///
    /// # Panics
    /// If there is none: whoever names a prompt uses it, and used prompts are never dropped.
    pub fn get(&mut self, id: PromptId) -> &mut Prompt {
        let found = self.all.iter_mut().find(|p| p.id == id);
        found.expect("a prompt in use is never dropped")
    }

    /// The logits after a prompt's last token; empty while they are not known.
    pub fn logits(&self, id: PromptId) -> &[f32] {
        self.all.iter().find(|p| p.id == id).map_or(&[], |p| &p.logits)
    }

    /// The prompts that are being evaluated and have a sequence.
    pub fn unfinished(&mut self) -> impl Iterator<Item = &mut Prompt> {
        let wanted = |p: &&mut Prompt| p.users > 0 && !p.is_done() && p.seq.is_some();
        self.all.iter_mut().filter(wanted)
    }

    /// Tokens that are still to be evaluated for prompts in use.
    pub fn outstanding(&self) -> usize {
        let wanted = self.all.iter().filter(|p| p.users > 0);
        wanted
            .map(|p| p.tokens.len() - p.done.max(p.parent.map_or(0, |p| p.1)))
            .sum()
    }

    /// Tokens held by prompts nobody uses.
    pub fn unused_tokens(&self) -> usize {
        self.all
            .iter()
            .filter(|p| p.users == 0)
            .map(|p| p.done - p.shared)
            .sum()
    }

    /// How many tokens would have to be evaluated for a prompt.
    pub fn missing(&self, tokens: &[u32], adapter: Option<&Arc<Adapter>>) -> usize {
        let same = |p: &&Prompt| *p.tokens == *tokens && p.is_of(adapter);
        match self.all.iter().find(same) {
            Some(p) => p.tokens.len() - p.done,
            None => tokens.len() - self.best_parent(tokens, adapter, 1).map_or(0, |(_, len)| len),
        }
    }

    /// Uses the prompt with these tokens, a new one if need be. Prompts share a beginning of `least` tokens
    /// or more.
    pub fn attach(&mut self, tokens: &Arc<[u32]>, adapter: Option<&Arc<Adapter>>, least: usize) -> PromptId {
        self.clock += 1;
        let clock = self.clock;
        let same = |p: &&mut Prompt| *p.tokens == **tokens && p.is_of(adapter);
        if let Some(same) = self.all.iter_mut().find(same) {
            same.users += 1;
            same.used = clock;
            return same.id;
        }
        let parent = self.best_parent(tokens, adapter, least);
        if let Some((id, _)) = parent {
            let parent = self.get(id);
            parent.users += 1;
            parent.used = clock;
        }
        self.all.push(Prompt {
            id: clock,
            tokens: Arc::clone(tokens),
            adapter: adapter.cloned(),
            seq: None,
            parent,
            done: 0,
            shared: 0,
            uncharged: 0,
            logits: Box::default(),
            users: 1,
            used: clock,
        });
        clock
    }

    /// Ends a use. A prompt that has not even begun is dropped when nobody uses it.
    pub fn detach(&mut self, id: PromptId) {
        self.get(id).users -= 1;
        if let Some(at) = self.all.iter().position(|p| p.users == 0 && p.seq.is_none())
            && let Some((parent, _)) = self.all.swap_remove(at).parent
        {
            self.detach(parent);
        }
    }

    /// Gives sequences to prompts that have none and whose parent is far enough.
    pub fn open(&mut self, forward: &mut impl Forward) {
        for i in 0..self.all.len() {
            if self.all[i].seq.is_some() {
                continue;
            }
            let seq = match self.all[i].parent {
                None => forward.fork(None, 0),
                Some((id, len)) => {
                    let parent = self.get(id);
                    let Some(seq) = parent.seq.filter(|_| parent.done >= len) else {
                        continue;
                    };
                    let seq = forward.fork(Some(seq), len);
                    self.get(id).users -= 1;
                    (self.all[i].done, self.all[i].shared) = (len, len);
                    self.all[i].parent = None;
                    seq
                }
            };
            self.all[i].seq = Some(seq);
        }
    }

    /// Drops the prompt that has been unused longest; false if all are in use.
    pub fn evict(&mut self, forward: &mut impl Forward) -> bool {
        let unused = self.all.iter().enumerate().filter(|(_, p)| p.users == 0);
        let Some((at, _)) = unused.min_by_key(|(_, p)| p.used) else {
            return false;
        };
        if let Some(seq) = self.all.swap_remove(at).seq {
            forward.free(seq);
        }
        true
    }

    /// Keeps no more unused prompts than 64, nor more than `tokens` tokens in them.
    pub fn trim(&mut self, tokens: usize, forward: &mut impl Forward) {
        while (self.all.iter().filter(|p| p.users == 0).count() > KEPT || self.unused_tokens() > tokens)
            && self.evict(forward)
        {}
    }

    /// Forgets a prompt that nobody else uses at once (the tokens of an attempt that was sent back).
    pub fn forget_unused(&mut self, id: PromptId, forward: &mut impl Forward) {
        if let Some(at) = self.all.iter().position(|p| p.id == id && p.users == 0)
            && let Some(seq) = self.all.swap_remove(at).seq
        {
            forward.free(seq);
        }
    }

    /// Takes every sequence away from the cache, which is empty after that.
    pub fn clear(&mut self) -> Vec<SeqId> {
        std::mem::take(&mut self.all)
            .into_iter()
            .filter_map(|p| p.seq)
            .collect()
    }

    /// The prompt with the longest common beginning, and its length: less than the whole of `tokens`, since
    /// the last token must be evaluated for its logits.
    fn best_parent(
        &self,
        tokens: &[u32],
        adapter: Option<&Arc<Adapter>>,
        least: usize,
    ) -> Option<(PromptId, usize)> {
        let usable = |p: &Prompt| if p.users > 0 { p.tokens.len() } else { p.done };
        let common = |p: &Prompt| {
            let same = p.tokens.iter().zip(tokens).take_while(|(a, b)| a == b).count();
            same.min(usable(p)).min(tokens.len() - 1)
        };
        let best = self
            .all
            .iter()
            .filter(|p| p.is_of(adapter))
            .map(|p| (p.id, common(p)))
            .max_by_key(|&(id, len)| (len, u64::MAX - id));
        best.filter(|&(_, len)| len >= least.max(1))
    }
}
