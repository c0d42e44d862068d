//! What goes into a step of the network, and what is drawn from its logits.

use std::sync::{Mutex, PoisonError};

use super::Scheduler;
use super::attempt::{Attempt, State};
use super::forward::Forward;
use super::lookup;
use super::prompts::Prompt;
use crate::runner::{LogitsFor, StepError, StepItem};
use crate::sampler::grammar::Matcher;
use crate::sampler::{Draw, Sampler, Scratch};
use crate::tokenizer::Tokenizer;

/// Gives a sequence to every attempt whose prompt is evaluated. True if there was one.
pub(super) fn begin<F: Forward>(scheduler: &mut Scheduler<F>) -> bool {
    let mut begun = false;
    for attempt in &mut scheduler.attempts {
        let State::Waiting(id) = attempt.state else {
            continue;
        };
        let prompt = scheduler.prompts.get(id);
        let Some(seq) = prompt.seq.filter(|_| prompt.is_done()) else {
            continue;
        };
        let own = prompt.tokens.len();
        let seq = scheduler.forward.fork(Some(seq), own);
        attempt.state = State::Running(seq, id);
        attempt.fed = own - attempt.job.prompt.len();
        // Of an attempt that was sent back, only the prompt counts as prompt.
        let evaluated = std::mem::take(&mut prompt.uncharged);
        let most = attempt.job.prompt.len().saturating_sub(prompt.shared) as u64;
        attempt.start(evaluated.min(most), scheduler.source.tokenizer());
        begun = true;
    }
    begun
}

/// Runs the network over what there is to run. False if there is nothing.
pub(super) fn step<F: Forward>(scheduler: &mut Scheduler<F>) -> Result<bool, StepError> {
    let Scheduler {
        forward,
        options,
        attempts,
        prompts,
        logits,
        ..
    } = scheduler;
    let goes_on = |a: &&mut Attempt| {
        matches!(a.state, State::Running(..)) && a.finish.is_none() && !a.unfed().is_empty()
    };
    let mut running: Vec<&mut Attempt> = attempts.iter_mut().filter(goes_on).collect();
    let alone = running.len() == 1 && prompts.unfinished().next().is_none();
    let mut tried = Vec::new();
    if let [attempt] = &running[..]
        && alone
        && attempt.unfed().len() == 1
        && options.lookup
    {
        let draft = lookup::draft(attempt, options.context, forward);
        if !draft.is_empty() {
            tried = [attempt.unfed(), &draft].concat();
        }
    }
    let mut items = Vec::with_capacity(running.len() + 4);
    for attempt in &running {
        if let State::Running(seq, _) = attempt.state {
            items.push(StepItem {
                adapter: attempt.job.adapter.as_ref(),
                seq,
                tokens: if tried.is_empty() { attempt.unfed() } else { &tried },
                logits: if tried.is_empty() {
                    LogitsFor::Last
                } else {
                    LogitsFor::All
                },
            });
        }
    }
    // The prompts share what a step may take of them; short ones leave their rest to the others.
    let mut left = if running.is_empty() {
        options.idle_chunk
    } else {
        options.chunk
    };
    let mut chunks: Vec<(&mut Prompt, usize)> = prompts.unfinished().map(|p| (p, 0)).collect();
    chunks.sort_by_key(|(p, _)| (p.tokens.len() - p.done, p.id));
    let count = chunks.len();
    for (i, (prompt, take)) in chunks.iter_mut().enumerate() {
        let rest = prompt.tokens.len() - prompt.done;
        *take = rest.min(left.div_ceil(count - i));
        left -= *take;
    }
    chunks.retain(|&(_, take)| take > 0);
    for (prompt, take) in &chunks {
        let end = prompt.done + take;
        items.extend(prompt.seq.map(|seq| StepItem {
            adapter: prompt.adapter.as_ref(),
            seq,
            tokens: &prompt.tokens[prompt.done..end],
            logits: if end == prompt.tokens.len() {
                LogitsFor::Last
            } else {
                LogitsFor::None
            },
        }));
    }
    if items.is_empty() {
        return Ok(false);
    }
    forward.step(&items, logits)?;
    drop(items);
    for attempt in &mut running {
        let unfed = attempt.unfed().len();
        attempt.draft = tried.split_off(unfed.min(tried.len()));
        attempt.fed = attempt.tokens.len();
        attempt.in_step = true;
    }
    let mut row = running.len();
    for (prompt, take) in chunks {
        prompt.done += take;
        prompt.uncharged += take as u64;
        if prompt.done == prompt.tokens.len() {
            prompt.logits = logits.row(row).into();
            row += 1;
        }
    }
    Ok(true)
}

/// One attempt's draw: from its row of the step, or, for its first token, from the prompt's logits.
struct Task<'a> {
    sampler: &'a mut Sampler,
    grammar: Option<&'a mut Matcher>,
    row: Result<&'a mut [f32], &'a [f32]>,
    draw: Option<Draw>,
}

impl Task<'_> {
    fn run(&mut self, scratch: &mut (Scratch, Vec<f32>)) {
        let mask = match self.grammar.as_mut().map(|g| g.mask()) {
            Some(Err(_)) => return,
            Some(Ok(mask)) => Some(mask),
            None => None,
        };
        let (scratch, copy) = scratch;
        let row = match &mut self.row {
            Ok(row) => row,
            Err(shared) => {
                copy.clear();
                copy.extend_from_slice(shared);
                copy.as_mut_slice()
            }
        };
        self.draw = self.sampler.draw(row, mask.as_ref().map(|m| m.words()), scratch);
    }
}

/// Draws an attempt's next token from a row of logits.
pub(super) fn draw_one(
    attempt: &mut Attempt,
    row: &mut [f32],
    tokenizer: &Tokenizer,
    scratch: &Mutex<(Scratch, Vec<f32>)>,
) {
    let (sampler, grammar) = attempt.drawing();
    let mut task = Task {
        sampler,
        grammar,
        row: Ok(row),
        draw: None,
    };
    task.run(&mut scratch.lock().unwrap_or_else(PoisonError::into_inner));
    match task.draw {
        Some(draw) => attempt.accept(draw, tokenizer),
        None => attempt.finish = Some(strawberry_core::Finish::Failed),
    }
}

/// Draws the next token of every attempt whose tokens the network has all seen.
pub(super) fn draw<F: Forward>(scheduler: &mut Scheduler<F>) {
    if let Some(index) = scheduler.attempts.iter().position(|a| !a.draft.is_empty()) {
        lookup::verify(scheduler, index);
    }
    let Scheduler {
        forward,
        source,
        attempts,
        prompts,
        logits,
        scratch,
        ..
    } = scheduler;
    let prompts = &*prompts;
    let ready = |a: &&mut Attempt| {
        matches!(a.state, State::Running(..)) && a.finish.is_none() && a.unfed().is_empty()
    };
    // Attempts stand in the order of their rows.
    let mut rows = logits.rows_mut();
    let tasks: Vec<Mutex<Task<'_>>> = attempts
        .iter_mut()
        .filter(ready)
        .filter_map(|attempt| {
            let State::Running(_, id) = attempt.state else {
                return None;
            };
            let row = if attempt.in_step {
                Ok(rows.next()?)
            } else {
                Err(prompts.logits(id))
            };
            let (sampler, grammar) = attempt.drawing();
            Some(Mutex::new(Task {
                sampler,
                grammar,
                row,
                draw: None,
            }))
        })
        .collect();
    forward.pool().run(tasks.len(), &|task, thread| {
        let mut task = tasks[task].lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = scratch[thread].lock().unwrap_or_else(PoisonError::into_inner);
        task.run(&mut scratch);
    });
    let drawn = tasks
        .into_iter()
        .map(|t| t.into_inner().unwrap_or_else(PoisonError::into_inner).draw);
    let drawn: Vec<Option<Draw>> = drawn.collect();
    for (attempt, draw) in attempts.iter_mut().filter(ready).zip(drawn) {
        attempt.in_step = false;
        match draw {
            Some(draw) => attempt.accept(draw, source.tokenizer()),
            None => attempt.finish = Some(strawberry_core::Finish::Failed),
        }
    }
}
