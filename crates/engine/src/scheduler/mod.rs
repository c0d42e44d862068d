//! Continuous batching: one thread owns the network and runs all attempts of all requests together.
//!
//! Each turn of the loop lets new attempts in, runs one step of the network over a batch (one token of every
//! running attempt, and a piece of the prompts that are being evaluated), and draws a token for every
//! attempt. An attempt leaves the moment it ends, and its memory is free at once.
//!
//! Attempts with a common prompt share one evaluation of it ([`prompts`]). When the cache is full, unused
//! prompts go first, then the youngest attempt is sent back to the queue; since the network's results do not
//! depend on the batch nor on how a prefix came to be cached, it later goes on as if nothing had happened.
//! The oldest attempt is never sent back, so there is always progress.
//!
//! | file | what to change there |
//! |---|---|
//! | [`attempt`] | what happens to a drawn token; how a thought is closed |
//! | [`response`] | from bytes to text |
//! | [`prompts`] | the prefix cache |
//! | [`batch`] | what goes into a step |
//! | `lookup` | speculation for a lone greedy attempt |
//! | [`embed`] | texts to vectors |
//! | [`tools`] | tool calls in a response |
//! | [`events`] | the queue to who reads |
//! | [`forward`] | what is needed of a model |

pub mod attempt;
mod batch;
pub mod embed;
pub mod events;
pub mod forward;
mod lookup;
pub mod prompts;
pub mod response;
pub mod tools;

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex};

use strawberry_core::ModelError;

use crate::runner::{Logits, StepError};
use crate::sampler::Scratch;
use crate::source::ModelSource;
use attempt::{Attempt, Job, State};
use embed::Embedding;
use forward::Forward;
use prompts::Prompts;

/// How the scheduler shares the machine.
#[derive(Clone, Copy, Debug)]
pub struct SchedulerOptions {
    /// Attempts that run together at most.
    pub max_attempts: usize,
    /// Prompt tokens in one step while attempts are running: how long these wait for a prompt.
    pub chunk: usize,
    /// Prompt tokens in one step when nothing else runs.
    pub idle_chunk: usize,
    /// Tokens one sequence may have.
    pub context: usize,
    /// Whether a lone greedy attempt tries what followed its last tokens before.
    pub lookup: bool,
}

/// What the scheduler is asked to do.
pub enum Task {
    /// Sample an attempt.
    Sample(Box<Job>),
    /// Embed texts.
    Embed(Embedding),
}

/// The loop's state. [`Scheduler::run`] is the loop.
pub struct Scheduler<F: Forward> {
    forward: F,
    source: Arc<ModelSource>,
    options: SchedulerOptions,
    tasks: Receiver<Task>,
    /// In order of arrival.
    attempts: Vec<Attempt>,
    /// Texts to embed, in order of arrival.
    embeddings: VecDeque<Embedding>,
    prompts: Prompts,
    logits: Logits,
    scratch: Vec<Mutex<(Scratch, Vec<f32>)>>,
    arrivals: u64,
}

impl<F: Forward> Scheduler<F> {
    /// A scheduler of what comes out of `tasks`.
    pub fn new(
        mut forward: F,
        source: Arc<ModelSource>,
        options: SchedulerOptions,
        tasks: Receiver<Task>,
    ) -> Self {
        let scratch = (0..forward.pool().threads()).map(|_| Mutex::default()).collect();
        Scheduler {
            forward,
            source,
            options,
            tasks,
            attempts: Vec::new(),
            embeddings: VecDeque::new(),
            prompts: Prompts::default(),
            logits: Logits::default(),
            scratch,
            arrivals: 0,
        }
    }

    /// Runs until the other end of `tasks` is gone and the last of them is done.
    pub fn run(mut self) {
        loop {
            if self.attempts.is_empty() && self.embeddings.is_empty() {
                match self.tasks.recv() {
                    Ok(task) => self.arrive(task),
                    Err(_) => return,
                }
            }
            while let Ok(task) = self.tasks.try_recv() {
                self.arrive(task);
            }
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.turn()))
                && !self.recover(&message(&*panic))
            {
                return;
            }
        }
    }

    fn arrive(&mut self, task: Task) {
        match task {
            Task::Sample(job) => {
                let attempt = Attempt::new(*job, self.arrivals, self.options.context);
                self.attempts.push(attempt);
                self.arrivals += 1;
            }
            Task::Embed(embedding) => self.embeddings.push_back(embedding),
        }
    }

    /// One turn of the loop.
    fn turn(&mut self) {
        for attempt in &mut self.attempts {
            attempt.check_control(self.source.tokenizer());
        }
        self.leave();
        self.admit();
        embed::advance(self);
        match self.step() {
            Ok(true) => batch::draw(self),
            Ok(false) if self.attempts.is_empty() => {}
            Ok(false) => {
                // Attempts are left, but nothing can be done for them. That can't happen unless the model
                // contradicts itself about its memory; better an error than a loop without end.
                self.fail_all("the scheduler can't make progress with the memory there is");
            }
            Err(error) => self.fail_all(&error.to_string()),
        }
        self.leave();
        let usage = self.forward.kv_usage();
        self.prompts
            .trim(usage.pages_total * usage.page_tokens / 2, &mut self.forward);
    }

    /// Lets attempts in while there is room: the oldest of the group that has the fewest.
    fn admit(&mut self) {
        let mut active: HashMap<u64, usize> = HashMap::new();
        for attempt in self.attempts.iter().filter(|a| a.state != State::Queued) {
            *active.entry(attempt.group).or_default() += 1;
        }
        let mut total: usize = active.values().sum();
        while total < self.options.max_attempts {
            let queued = self.attempts.iter_mut().filter(|a| a.state == State::Queued);
            let count = |group: u64| active.get(&group).copied().unwrap_or(0);
            let Some(next) = queued.min_by_key(|a| (count(a.group), a.arrival)) else {
                return;
            };
            let usage = self.forward.kv_usage();
            let page = usage.page_tokens;
            let tokens = next.all_tokens();
            let spare = usage.pages_free * page + self.prompts.unused_tokens();
            // Every attempt that is in gets a page to go on with.
            let taken = self.prompts.outstanding() + (total + 2) * page;
            if total > 0 && self.prompts.missing(&tokens, next.job.adapter.as_ref()) + taken > spare {
                return;
            }
            let adapter = next.job.adapter.as_ref();
            next.state = State::Waiting(self.prompts.attach(&tokens, adapter, page));
            *active.entry(next.group).or_default() += 1;
            total += 1;
        }
    }

    /// Sends finished attempts off.
    fn leave(&mut self) {
        let ended = self
            .attempts
            .extract_if(.., |a| a.finish.is_some())
            .collect::<Vec<_>>();
        for mut attempt in ended {
            if let State::Waiting(id) = attempt.state {
                attempt.usage.prompt_evaluated += std::mem::take(&mut self.prompts.get(id).uncharged);
            }
            self.release(&mut attempt);
            attempt.end();
        }
    }

    /// Takes an attempt's memory away and puts it in the queue.
    fn release(&mut self, attempt: &mut Attempt) {
        let prompt = match attempt.state {
            State::Queued => return,
            State::Waiting(prompt) => prompt,
            State::Running(seq, prompt) => {
                self.forward.free(seq);
                prompt
            }
        };
        attempt.state = State::Queued;
        let resumed = *self.prompts.get(prompt).tokens != *attempt.job.prompt;
        self.prompts.detach(prompt);
        if resumed {
            self.prompts.forget_unused(prompt, &mut self.forward);
        }
    }

    /// Frees memory: an unused prompt, or else the youngest attempt goes back to the queue. False when only
    /// one attempt is left.
    fn make_room(&mut self) -> bool {
        if self.prompts.evict(&mut self.forward) {
            return true;
        }
        let active = || {
            self.attempts
                .iter()
                .enumerate()
                .filter(|(_, a)| a.state != State::Queued)
        };
        let Some((youngest, _)) = active().max_by_key(|(_, a)| a.arrival) else {
            return false;
        };
        if active().count() < 2 {
            return false;
        }
        let mut attempt = self.attempts.remove(youngest);
        self.release(&mut attempt);
        self.attempts.insert(youngest, attempt);
        true
    }

    /// Begins attempts whose prompt is there and runs the network once. False when there was nothing to do.
    fn step(&mut self) -> Result<bool, StepError> {
        let mut begun = false;
        loop {
            self.prompts.open(&mut self.forward);
            begun |= batch::begin(self);
            match batch::step(self) {
                Err(StepError::KvFull(full)) => {
                    if !self.make_room() {
                        return Err(full.into());
                    }
                }
                other => return other.map(|stepped| stepped || begun),
            }
        }
    }

    /// Ends every attempt with an error.
    fn fail_all(&mut self, why: &str) {
        for mut attempt in std::mem::take(&mut self.attempts) {
            self.release(&mut attempt);
            attempt
                .job
                .events
                .fail(ModelError::Internal(format!("the engine failed: {why}")));
        }
    }

    /// After a panic: ends every attempt with an error and empties the cache. False when even that is not
    /// possible.
    fn recover(&mut self, why: &str) -> bool {
        let mut seqs = self.prompts.clear();
        for embedding in std::mem::take(&mut self.embeddings) {
            seqs.extend(embedding.fail(why));
        }
        for attempt in std::mem::take(&mut self.attempts) {
            if let State::Running(seq, _) = attempt.state {
                seqs.push(seq);
            }
            let error = ModelError::Internal(format!("the engine failed: {why}"));
            attempt.job.events.fail(error);
        }
        let freed = catch_unwind(AssertUnwindSafe(|| {
            for seq in seqs {
                self.forward.free(seq);
            }
        }));
        if freed.is_err() {
            // The jobs that still come are dropped with the queue, which ends their streams with an error.
            while !matches!(
                self.tasks.try_recv(),
                Err(TryRecvError::Empty | TryRecvError::Disconnected)
            ) {}
        }
        freed.is_ok()
    }
}

/// The text of a panic.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
