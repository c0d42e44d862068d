//! `chat`: many turns, kept in the store.

use std::io::{BufRead, Write};
use std::sync::Arc;

use console::{Term, style};
use strawberry_core::trace::RunStatus;
use strawberry_core::{Message, Problem, Role};
use strawberry_store::Store;
use strawberry_think::{Plan, PlanOptions, RunControl, Thinker};
use tokio::sync::mpsc;

use crate::cli::{ChatArgs, ThinkArgs};
use crate::error::CliError;
use crate::view::{self, View};
use crate::{open, out};

const HELP: &str = "\
/effort E     none, minimal, low, medium, high, xhigh or max from now on
/list         earlier conversations
/new          begin a new conversation
/quit         leave (so does Ctrl-D)";

/// Talks until the input ends.
pub async fn run(args: ChatArgs) -> Result<(), CliError> {
    let options = open::plan_options(&args.think);
    Plan::new(&Problem::question("?"), &Default::default(), &options).map_err(CliError::usage)?;
    let store = open::store().await?;
    let (id, messages) = match &args.resume {
        None => (open::new_id(), Vec::new()),
        Some(id) => match store.load_conversation(id).await.map_err(CliError::failure)? {
            Some(messages) => (id.clone(), messages),
            None => {
                return Err(CliError::usage(format!(
                    "no conversation '{id}': /list in a chat shows them"
                )));
            }
        },
    };
    let thinker = open::thinker(&args.model, &[]).await?;
    let mut chat = Chat {
        thinker,
        store,
        options,
        think: args.think,
        id,
        messages,
        json: args.json,
        interactive: false,
    };
    chat.interactive = Term::stdout().is_term() && !args.json;
    if chat.messages.is_empty()
        && let Some(system) = args.system
    {
        chat.add(vec![Message::system(system)], None).await?;
    }
    let result = chat.talk().await;
    chat.store.close().await;
    result
}

struct Chat {
    thinker: Thinker,
    store: Arc<Store>,
    options: PlanOptions,
    think: ThinkArgs,
    id: String,
    messages: Vec<Message>,
    json: bool,
    interactive: bool,
}

impl Chat {
    async fn talk(&mut self) -> Result<(), CliError> {
        if self.interactive {
            out::line(
                style(format!(
                    "{} · /help lists commands · conversation {}",
                    self.thinker.model.info().name,
                    self.id
                ))
                .dim()
                .to_string(),
            )?;
        }
        loop {
            let Some(line) = self.read_line().await? else {
                return Ok(());
            };
            let line = line.trim();
            match line.split_once(' ').unwrap_or((line, "")) {
                ("", _) => {}
                ("/quit" | "/exit", _) => return Ok(()),
                ("/help", _) => self.say(HELP)?,
                ("/effort", effort) => match effort.trim().parse() {
                    Ok(effort) => {
                        self.think = ThinkArgs {
                            effort: Some(effort),
                            ..ThinkArgs::default()
                        };
                        self.options = open::plan_options(&self.think);
                        self.say(&format!("effort {effort}"))?;
                    }
                    Err(error) => self.say(&error)?,
                },
                ("/new", _) => {
                    self.messages.retain(|m| m.role == Role::System);
                    self.id = open::new_id();
                    self.say(&format!("conversation {}", self.id))?;
                }
                ("/list", _) => self.list().await?,
                (command, _) if command.starts_with('/') => {
                    self.say(&format!("unknown command {command}\n{HELP}"))?
                }
                _ => {
                    let question = Message::user(line);
                    let mut asked = self.messages.clone();
                    asked.push(question.clone());
                    self.answer(asked, vec![question]).await?;
                }
            }
        }
    }

    /// Thinks about `asked`, prints the answer, and keeps it with the `new` messages before it.
    async fn answer(&mut self, asked: Vec<Message>, mut new: Vec<Message>) -> Result<(), CliError> {
        let problem = Problem::chat(asked);
        let plan = Plan::new(&problem, &self.thinker.model.info(), &self.options).map_err(CliError::usage)?;
        let recorder = open::recorder(self.store.clone());
        let control = RunControl::new();
        let stopper = control.clone();
        let watcher = open::on_signal(move || {
            stopper.interrupt();
        });
        let (send, receive) = mpsc::unbounded_channel();
        let watching = (!self.json).then(|| tokio::spawn(View::new().follow(receive)));
        let report = self
            .thinker
            .run(
                &problem,
                plan,
                &control,
                Some(&recorder),
                watching.is_some().then_some(send),
            )
            .await;
        if let Some(watching) = watching {
            let _ = watching.await;
        }
        watcher.abort();
        let report = match report {
            Ok(report) => report,
            // The conversation goes on: the question can be put again, or another one.
            Err(error) => return self.say(&format!("{} {error}", style("error:").red())),
        };
        if self.json {
            out::json_line(&report.to_result())?
        } else {
            view::show_result(&report)?
        }
        if report.status == RunStatus::Interrupted {
            self.say("stopped: this is the best so far")?;
        }
        let chosen = report.chosen();
        new.push(Message {
            thinking: chosen.thinking.clone(),
            ..Message::assistant(chosen.text.trim())
        });
        self.add(new, report.run).await
    }

    /// Adds messages to the conversation, in memory and in the store.
    async fn add(&mut self, new: Vec<Message>, run: Option<strawberry_core::RunId>) -> Result<(), CliError> {
        let effort = self.options.effort;
        let added = self
            .store
            .add_messages(&self.id, open::now_ms(), effort, run.as_ref(), &new)
            .await;
        added.map_err(CliError::failure)?;
        self.messages.extend(new);
        Ok(())
    }

    async fn list(&self) -> Result<(), CliError> {
        let conversations = self
            .store
            .list_conversations(20)
            .await
            .map_err(CliError::failure)?;
        let rows: Vec<_> = conversations
            .iter()
            .map(|c| {
                format!(
                    "{}  {:>3} messages  {}",
                    c.id,
                    c.messages,
                    out::head(&c.title, 60)
                )
            })
            .collect();
        self.say(
            if rows.is_empty() {
                "none yet".to_owned()
            } else {
                rows.join("\n")
            }
            .as_str(),
        )
    }

    /// A remark that is no answer: to standard error, so that standard output holds answers only.
    fn say(&self, text: &str) -> Result<(), CliError> {
        writeln!(Term::stderr(), "{text}")?;
        Ok(())
    }

    /// The next line of input; `None` at its end.
    async fn read_line(&self) -> Result<Option<String>, CliError> {
        if self.interactive {
            write!(std::io::stdout(), "{} ", style("›").bold())?;
            std::io::stdout().flush()?;
        }
        // Reading blocks; the runtime goes on.
        let read = tokio::task::spawn_blocking(|| {
            let mut bytes = Vec::new();
            std::io::stdin()
                .lock()
                .read_until(b'\n', &mut bytes)
                .map(|_| bytes)
        });
        let bytes = read.await.map_err(CliError::failure)??;
        if bytes.is_empty() {
            return Ok(None);
        }
        String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| CliError::usage("the input is not UTF-8 text"))
    }
}
