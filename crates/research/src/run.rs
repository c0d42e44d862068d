//! The loop: brief → plan → search and read → write → judge, step by step, each recorded before the next.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use strawberry_core::{Control, Effort, Grammar, Message, Model, StoreError, Usage};
use strawberry_store::{JobId, Store};
use strawberry_think::ledger::{Grant, Ledger};
use tokio::sync::mpsc::UnboundedSender;

use crate::ask::{self, Asker, Reply};
use crate::gather::{self, gather};
use crate::journal::Journal;
use crate::plan::{Depth, MOST_QUESTION, Part, Plan, cut};
use crate::report::{Mode, Report};
use crate::sentence::on_one_line;
use crate::source::Source;
use crate::write;

/// Models with fewer parameters arrange sentences instead of writing them.
const WRITES_FROM: u64 = 1_000_000_000;

/// What is asked, and how.
#[derive(Clone, Debug, Default)]
pub struct Brief {
    /// The question.
    pub question: String,
    /// How deep to go.
    pub effort: Effort,
    /// Whether sentences that nothing supports are dropped instead of marked.
    pub strict: bool,
    /// The seed of the model's calls.
    pub seed: u64,
    /// Who writes; by default whoever fits the model.
    pub mode: Option<Mode>,
    /// One paragraph from one search, without planning.
    pub quick: bool,
    /// A plan to carry out instead of making one.
    pub plan: Option<Plan>,
    /// Forget an earlier run of the same brief.
    pub restart: bool,
}

impl Brief {
    /// Whether it can be carried out.
    ///
    /// # Errors
    /// The question is empty or too long.
    pub fn check(&self) -> Result<(), ResearchError> {
        let wrong = |text: &str| Err(ResearchError::Brief(text.to_owned()));
        if !self.question.chars().any(char::is_alphanumeric) {
            return wrong("the question is empty: ask for example \"How does apt verify packages?\"");
        }
        if self.question.len() > MOST_QUESTION {
            return wrong(
                "the question is longer than 8 KiB: put long texts into a corpus and ask about them",
            );
        }
        Ok(())
    }
}

/// What a run reports while it goes on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ResearchEvent {
    /// The job was begun before; this many of its steps are done.
    Resumed {
        /// Steps that won't be done again.
        steps: usize,
    },
    /// The plan that is carried out.
    Planned {
        /// The plan.
        plan: Plan,
    },
    /// A step began.
    Started {
        /// Its number.
        number: u32,
        /// What it does.
        what: String,
    },
    /// A step ended.
    Finished {
        /// Its number.
        number: u32,
        /// What it did.
        what: String,
        /// Whether its result was there already.
        reused: bool,
        /// Searches and readings left.
        tool_calls_left: u32,
    },
    /// Something went wrong or was left out.
    Remark {
        /// What, in a sentence.
        text: String,
    },
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ResearchError {
    /// The brief can't be carried out.
    #[error("{0}")]
    Brief(String),
    /// The steps could not be recorded; the run stops rather than losing them.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The plan was not approved.
    #[error("the plan was not approved; nothing was searched")]
    NotApproved,
    /// The user stopped it; the same brief goes on from there.
    #[error("stopped; the same command goes on from here")]
    Interrupted,
}

/// Decides on a plan: the plan to carry out, possibly changed, or none.
pub type Approve = dyn Fn(Plan) -> BoxFuture<'static, Option<Plan>> + Send + Sync;

/// All that research needs.
pub struct Researcher {
    /// The model; without one, everything is lexical.
    pub model: Option<Arc<dyn Model>>,
    /// Where to search.
    pub sources: Vec<Arc<dyn Source>>,
    /// Where finished steps are kept; without it a run can't be resumed.
    pub store: Option<Arc<Store>>,
    /// Who approves the plan; without one, it is carried out as it is.
    pub approve: Option<Box<Approve>>,
    /// Stops the run.
    pub control: Control,
}

impl Researcher {
    /// Researches the brief's question and writes the report.
    ///
    /// The same brief on the same sources with the same model is the same job: what was done of it is not done
    /// again, and its report is the same. A closed receiver of `events` is no error.
    ///
    /// # Errors
    /// The brief is empty or there is no source, the store fails, or the user stops it. A source or a model that
    /// fails is no error: the report says so and is made of what there is.
    pub async fn run(
        &self,
        brief: &Brief,
        events: Option<UnboundedSender<ResearchEvent>>,
    ) -> Result<Report, ResearchError> {
        brief.check()?;
        if self.sources.is_empty() {
            return Err(ResearchError::Brief(
                "there is nothing to search: give a folder or a search server".to_owned(),
            ));
        }
        let mut depth = Depth::of(brief.effort);
        if brief.quick {
            (depth.parts, depth.rounds) = (1, 1);
        }
        let info = self.model.as_ref().map(|m| m.info());
        let small = info
            .as_ref()
            .is_none_or(|i| i.parameters.is_some_and(|n| n < WRITES_FROM));
        let mode = match (brief.mode, &self.model) {
            (Some(Mode::Generative), None) => {
                return Err(ResearchError::Brief(
                    "writing needs a model: leave the mode out, or give a model".to_owned(),
                ));
            }
            (Some(mode), _) => mode,
            (None, _) if small => Mode::Extractive,
            _ => Mode::Generative,
        };
        let model_name = info
            .as_ref()
            .map_or_else(|| "none".to_owned(), |i| i.name.clone());
        let fingerprints: Vec<(String, String)> =
            self.sources.iter().map(|s| (s.name(), s.fingerprint())).collect();
        let job = JobId::new(
            brief.question.as_bytes(),
            &json!({
                "kind": "research", "version": env!("CARGO_PKG_VERSION"), "mode": mode, "effort": brief.effort,
                "model": info.as_ref().and_then(|i| i.hash.clone()).unwrap_or_else(|| model_name.clone()),
                "seed": brief.seed, "quick": brief.quick, "plan": brief.plan, "sources": fingerprints,
                "approve": self.approve.is_some(),
            }),
        );
        let name: String = on_one_line(&brief.question).chars().take(120).collect();
        let journal = Journal::open(self.store.clone(), job, &name, brief.restart).await?;
        let mut run = Run {
            researcher: self,
            brief,
            journal,
            mode,
            asker: self.model.clone().map(|model| Asker {
                model,
                seed: brief.seed,
                control: self.control.clone(),
            }),
            events,
            ledger: Ledger::new(&depth.budget),
            tool_calls_left: depth.budget.tool_calls.unwrap_or(u32::MAX),
            tool_calls: 0,
            usage: Usage::default(),
            remarks: Vec::new(),
            number: 0,
            left: Mutex::new(depth.budget.tool_calls.unwrap_or(u32::MAX)),
        };
        if run.journal.len() > 0 {
            run.emit(ResearchEvent::Resumed {
                steps: run.journal.len(),
            });
        }
        let plan = run.plan(&depth).await?;
        run.emit(ResearchEvent::Planned { plan: plan.clone() });
        let evidence = gather(&mut run, &plan, &depth).await?;
        let written = write::sections(&mut run, &plan, &evidence, &depth).await?;
        let judged_by_model = run.judges();
        Ok(Report {
            question: brief.question.trim().to_owned(),
            mode,
            scorer: if judged_by_model {
                "lexical + model".to_owned()
            } else {
                "lexical".to_owned()
            },
            model: model_name,
            effort: brief.effort,
            strict: brief.strict,
            seed: brief.seed,
            plan,
            sections: written.sections,
            disagreements: written.disagreements,
            sources: written.sources,
            remarks: run.remarks,
            tool_calls: run.tool_calls,
            passages_seen: evidence
                .iter()
                .flat_map(|e| e.passages.iter().map(|p| &p.id))
                .collect::<BTreeSet<_>>()
                .len(),
            usage: run.usage,
        })
    }
}

/// A run in progress.
pub(crate) struct Run<'a> {
    researcher: &'a Researcher,
    pub brief: &'a Brief,
    journal: Journal,
    pub mode: Mode,
    asker: Option<Asker>,
    events: Option<UnboundedSender<ResearchEvent>>,
    ledger: Ledger,
    tool_calls_left: u32,
    tool_calls: u32,
    usage: Usage,
    remarks: Vec<String>,
    number: u32,
    left: Mutex<u32>,
}

impl Run<'_> {
    pub(crate) fn sources(&self) -> &[Arc<dyn Source>] {
        &self.researcher.sources
    }

    pub(crate) fn asker(&self) -> Option<&Asker> {
        self.asker.as_ref()
    }

    /// Whether a model judges support: one that writes, for sentences that it did not copy.
    pub(crate) fn judges(&self) -> bool {
        self.mode == Mode::Generative
    }

    pub(crate) fn next_number(&mut self) -> u32 {
        self.number += 1;
        self.number
    }

    /// Debits a search or a reading; false when none is left.
    pub(crate) fn take_tool_call(&mut self) -> bool {
        if self.tool_calls_left == 0 {
            return false;
        }
        self.tool_calls_left -= 1;
        self.tool_calls += 1;
        if let Ok(mut left) = self.left.lock() {
            *left = self.tool_calls_left;
        }
        true
    }

    /// Notes what went wrong, once.
    pub(crate) fn remark(&mut self, text: &str) {
        if !self.remarks.iter().any(|r| r == text) {
            self.remarks.push(text.to_owned());
            self.emit(ResearchEvent::Remark {
                text: text.to_owned(),
            });
        }
    }

    fn emit(&self, event: ResearchEvent) {
        if let Some(events) = &self.events {
            let _ = events.send(event);
        }
    }

    /// Does a step, or takes its result from the journal.
    pub(crate) async fn step<T: Serialize + DeserializeOwned>(
        &self,
        number: u32,
        what: &str,
        work: impl Future<Output = Result<T, ResearchError>>,
    ) -> Result<T, ResearchError> {
        if self.researcher.control.is_cancelled() {
            return Err(ResearchError::Interrupted);
        }
        let started = async {
            self.emit(ResearchEvent::Started {
                number,
                what: what.to_owned(),
            });
            let result = work.await?;
            // What was cut short is not done.
            if self.researcher.control.is_cancelled() {
                Err(ResearchError::Interrupted)
            } else {
                Ok(result)
            }
        };
        let (result, reused) = self.journal.step(number, what, started).await?;
        let tool_calls_left = self.left.lock().map_or(0, |l| *l);
        self.emit(ResearchEvent::Finished {
            number,
            what: what.to_owned(),
            reused,
            tool_calls_left,
        });
        Ok(result)
    }

    /// Calls of the model, all at once, as far as the budget goes; the replies come in order, `None` for calls that
    /// the budget or the model's context does not allow.
    pub(crate) async fn ask_all(
        &mut self,
        calls: Vec<(String, Vec<Message>, Grammar, u32)>,
    ) -> Result<Vec<Option<Reply>>, ResearchError> {
        let Some(asker) = self.asker.clone() else {
            return Ok(calls.iter().map(|_| None).collect());
        };
        let mut granted = Vec::new();
        for (what, messages, grammar, most) in calls {
            let number = self.next_number();
            if !asker.fits(&messages, most) {
                self.remark(
                    "The model's context is too short for one of the prompts; that call was left out.",
                );
                granted.push(None);
                continue;
            }
            match self.ledger.reserve(most) {
                Grant::Tokens(tokens) => granted.push(Some((number, what, messages, grammar, tokens))),
                Grant::Wait | Grant::Exhausted => {
                    self.remark("The model's budget was used up before everything was written.");
                    granted.push(None);
                }
            }
        }
        let tokens: Vec<Option<u32>> = granted.iter().map(|g| g.as_ref().map(|g| g.4)).collect();
        let shared = &*self;
        let replies = futures::future::join_all(granted.into_iter().map(|call| {
            let asker = &asker;
            async move {
                let Some((number, what, messages, grammar, tokens)) = call else {
                    return Ok(None);
                };
                let work = async { Ok(asker.ask(messages, grammar, tokens).await) };
                shared.step(number, &what, work).await.map(Some)
            }
        }))
        .await;
        let mut all = Vec::new();
        for (reply, tokens) in replies.into_iter().zip(tokens) {
            let reply: Option<Reply> = reply?;
            if let (Some(reply), Some(tokens)) = (&reply, tokens) {
                self.ledger.settle(tokens, reply.usage.completion_tokens);
                self.usage.add(&reply.usage);
                if let Some(error) = &reply.error {
                    self.remark(&format!("The model failed once: {error}"));
                }
            }
            all.push(reply);
        }
        Ok(all)
    }

    /// One call of the model.
    pub(crate) async fn ask(
        &mut self,
        what: &str,
        prompt: (Vec<Message>, Grammar),
        most: u32,
    ) -> Result<Option<Reply>, ResearchError> {
        let call = (what.to_owned(), prompt.0, prompt.1, most);
        Ok(self.ask_all(vec![call]).await?.into_iter().next().flatten())
    }

    /// The plan: the user's, the model's, or that of the question's own words; and its approval.
    async fn plan(&mut self, depth: &Depth) -> Result<Plan, ResearchError> {
        let question = on_one_line(&self.brief.question);
        let mut plan = match &self.brief.plan {
            Some(plan) => plan.clone(),
            None => Plan::lexical(&question, depth.parts),
        };
        let by_model = self.brief.plan.is_none()
            && self.mode == Mode::Generative
            && !self.brief.quick
            && depth.parts > 1;
        if by_model && let Some(reply) = self.ask("plan", ask::plan(&question, depth.parts), 512).await? {
            match reply.text.as_deref().and_then(|t| parse_plan(t, depth.parts)) {
                Some(parsed) => plan = parsed,
                None => {
                    self.remark("The model's plan could not be read; the question's own words were searched.")
                }
            }
        }
        if let Some(approve) = &self.researcher.approve {
            let number = self.next_number();
            let proposed = plan.clone();
            let ask = async {
                match approve(proposed).await {
                    Some(plan) => Ok(plan),
                    None => Err(ResearchError::NotApproved),
                }
            };
            plan = self.step(number, "approve the plan", ask).await?;
        }
        Ok(plan)
    }

    /// Other queries for a part, by a model that writes.
    pub(crate) async fn rephrase(
        &mut self,
        part: &str,
        tried: &[String],
    ) -> Result<Vec<String>, ResearchError> {
        if self.mode != Mode::Generative {
            return Ok(Vec::new());
        }
        let prompt = ask::rephrase(&self.brief.question, part, tried);
        let reply = self.ask(&format!("rephrase: {part}"), prompt, 256).await?;
        Ok(reply.as_ref().map_or_else(Vec::new, gather::queries))
    }
}

/// The plan in a model's reply.
fn parse_plan(text: &str, most: usize) -> Option<Plan> {
    let mut plan: Plan = serde_json::from_str(text.trim()).ok()?;
    plan.parts.truncate(most);
    plan.parts = plan
        .parts
        .into_iter()
        .filter(|p| p.question.chars().any(char::is_alphanumeric))
        .map(|p| {
            let question = cut(&p.question);
            let mut queries: Vec<String> = p
                .queries
                .iter()
                .map(|q| cut(q))
                .filter(|q| !q.is_empty())
                .take(3)
                .collect();
            if queries.is_empty() {
                queries.push(question.clone());
            }
            Part { question, queries }
        })
        .collect();
    (!plan.parts.is_empty()).then_some(plan)
}
