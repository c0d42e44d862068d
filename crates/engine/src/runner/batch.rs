//! From a step's items to rows: one per token, with the pages it attends to.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::kv::{Cache, KvFull};
use super::{LogitsFor, StepError, StepItem};
use crate::adapter::Adapter;
use crate::config::ModelConfig;
use crate::kernels::attention::{KvFormat, PAGE};

/// Refuses a batch that cannot be run.
pub(super) fn check<F: KvFormat>(
    config: &ModelConfig,
    cache: &Cache<F>,
    batch: &[StepItem<'_>],
) -> Result<(), StepError> {
    let mut seen = HashSet::new();
    let mut needed = 0;
    for (index, item) in batch.iter().enumerate() {
        let bad = |what| Err(StepError::BadItem { index, what });
        if !cache.is_alive(item.seq) {
            return bad("is of a sequence that was freed");
        }
        if !seen.insert(item.seq) {
            return bad("is of a sequence that is in the batch already");
        }
        if item.adapter.is_some_and(|adapter| !adapter.fits(config)) {
            return bad("has an adapter of another model");
        }
        if item.tokens.is_empty() {
            return bad("has no tokens");
        }
        if let Some(&token) = item
            .tokens
            .iter()
            .find(|&&token| token as usize >= config.vocab_size)
        {
            return Err(StepError::UnknownToken {
                token,
                vocab: config.vocab_size,
            });
        }
        let len = cache.len(item.seq) + item.tokens.len();
        if len > config.context_length {
            return Err(StepError::ContextFull {
                len,
                limit: config.context_length,
            });
        }
        needed += cache.pages_needed(item.seq, item.tokens.len());
    }
    let usage = cache.usage();
    if needed > usage.pages_free {
        return Err(KvFull {
            needed,
            free: usage.pages_free,
            total: usage.pages_total,
        }
        .into());
    }
    Ok(())
}

/// One token of the batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub token: u32,
    pub position: usize,
    /// Whose pages it attends to: an index of [`Batch::tables`].
    pub item: usize,
}

/// Neighbouring rows whose keys and values go to one page.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub rows: Range<usize>,
    pub page: u32,
}

/// A batch, laid out; reused from step to step.
#[derive(Default)]
pub(super) struct Batch {
    pub rows: Vec<Row>,
    pub spans: Vec<Span>,
    /// Rows that get logits.
    pub wanted: Vec<usize>,
    /// Adapters with the rows that have them, ascending.
    pub adapters: Vec<(Arc<Adapter>, Vec<usize>)>,
    /// Rows in an order in which those that share pages are neighbours.
    pub order: Vec<usize>,
    /// All items' page lists, end to end, and where each lies.
    pages: Vec<u32>,
    tables: Vec<Range<usize>>,
}

impl Batch {
    /// Lays out a checked batch and makes room in the cache for its tokens.
    pub fn fill<F: KvFormat>(&mut self, cache: &mut Cache<F>, batch: &[StepItem<'_>]) {
        self.rows.clear();
        self.spans.clear();
        self.wanted.clear();
        self.adapters.clear();
        self.pages.clear();
        self.tables.clear();
        for (item, step) in batch.iter().enumerate() {
            let start = cache.len(step.seq);
            cache.extend(step.seq, step.tokens.len());
            let table = cache.pages(step.seq);
            self.tables.push(self.pages.len()..self.pages.len() + table.len());
            self.pages.extend_from_slice(table);
            let first = self.rows.len();
            for (i, &token) in step.tokens.iter().enumerate() {
                let position = start + i;
                let row = first + i;
                if i == 0 || position.is_multiple_of(PAGE) {
                    self.spans.push(Span {
                        rows: row..row + 1,
                        page: table[position / PAGE],
                    });
                } else if let Some(span) = self.spans.last_mut() {
                    span.rows.end = row + 1;
                }
                self.rows.push(Row {
                    token,
                    position,
                    item,
                });
            }
            if let Some(adapter) = step.adapter {
                let known = self.adapters.iter_mut().find(|(a, _)| a.id() == adapter.id());
                let rows = first..self.rows.len();
                match known {
                    Some((_, all)) => all.extend(rows),
                    None => self.adapters.push((Arc::clone(adapter), rows.collect())),
                }
            }
            match step.logits {
                LogitsFor::None => {}
                LogitsFor::Last => self.wanted.push(self.rows.len() - 1),
                LogitsFor::All => self.wanted.extend(first..self.rows.len()),
            }
        }
        self.order.clear();
        self.order.extend(0..self.rows.len());
        let Batch {
            rows,
            pages,
            tables,
            order,
            ..
        } = self;
        if batch.len() > 2 {
            let mut items: Vec<usize> = (0..batch.len()).collect();
            items.sort_by_key(|&item| &pages[tables[item].clone()]);
            let mut rank = vec![0; items.len()];
            for (place, item) in items.into_iter().enumerate() {
                rank[item] = place;
            }
            order.sort_by_key(|&row| rank[rows[row].item]);
        }
    }

    /// The pages of an item's sequence.
    pub fn table(&self, item: usize) -> &[u32] {
        &self.pages[self.tables[item].clone()]
    }
}
