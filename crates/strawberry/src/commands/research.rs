//! `research`: a report whose citations are stored passages; `search`: one cited paragraph.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use console::{Term, style};
use futures::FutureExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use strawberry_core::{Control, Model};
use strawberry_research::corpus::{Corpus, CorpusError};
use strawberry_research::plan::Plan;
use strawberry_research::run::Approve;
use strawberry_research::source::Source;
use strawberry_research::web::guard::Guard;
use strawberry_research::web::{Engine, Fetcher, Limits, SearchServer};
use strawberry_research::{Brief, Report, ResearchError, ResearchEvent, Researcher, render};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::cli::{ModelArgs, ResearchArgs, SourceArgs};
use crate::error::CliError;
use crate::{open, out};

/// Researches the question and prints the report.
pub async fn run(args: ResearchArgs) -> Result<(), CliError> {
    let plan = args.plan.as_deref().map(read_plan).transpose()?;
    if args.approve && !Term::stderr().is_term() {
        return Err(CliError::usage(
            "--approve asks in a terminal, and there is none: give the plan as a file with --plan",
        ));
    }
    let brief = Brief {
        question: args.question,
        effort: args.effort,
        strict: args.strict,
        seed: args.seed,
        plan,
        restart: args.restart,
        ..Brief::default()
    };
    let approve = args
        .approve
        .then(|| Box::new(|plan| ask(plan).boxed()) as Box<Approve>);
    let (report, trace) = carry_out(&brief, &args.source, &args.model, approve, !args.json).await?;
    if let Some(folder) = &args.out {
        write(folder, &report, &trace)
            .map_err(|e| CliError::failure(format!("can't write into '{}': {e}", folder.display())))?;
    }
    if args.json {
        out::json(&report)
    } else {
        out::line(render::markdown(&report).trim_end())
    }
}

/// Researches a brief; gives the report and its events as JSON lines.
pub async fn carry_out(
    brief: &Brief,
    source: &SourceArgs,
    model: &ModelArgs,
    approve: Option<Box<Approve>>,
    show: bool,
) -> Result<(Report, String), CliError> {
    // A question that can't be asked is said before a model is loaded or a folder indexed.
    brief.check().map_err(CliError::usage)?;
    let (model, sources) = parts(source, model, show).await?;
    let store = open::store().await?;
    let control = Control::new();
    let stop = control.clone();
    let watch = open::on_signal(move || stop.cancel());
    let researcher = Researcher {
        model,
        sources,
        store: Some(store.clone()),
        approve,
        control,
    };
    let (send, receive) = unbounded_channel();
    let watching = tokio::spawn(follow(receive, show));
    let report = researcher.run(brief, Some(send)).await;
    let trace = watching.await.map_err(CliError::failure)?;
    watch.abort();
    store.close().await;
    match report {
        Ok(report) => Ok((report, trace)),
        Err(ResearchError::Brief(text)) => Err(CliError::usage(text)),
        Err(ResearchError::Interrupted) => {
            writeln!(std::io::stderr(), "{}", ResearchError::Interrupted)?;
            Err(CliError::Interrupted)
        }
        Err(error) => Err(CliError::failure(error)),
    }
}

/// The model and the sources that the arguments name.
async fn parts(
    args: &SourceArgs,
    model: &ModelArgs,
    show: bool,
) -> Result<(Option<Arc<dyn Model>>, Vec<Arc<dyn Source>>), CliError> {
    let mut sources: Vec<Arc<dyn Source>> = Vec::new();
    if args.searxng.is_some() || args.web.is_some() {
        let fetcher = Arc::new(Fetcher::new(Guard::default(), Limits::default()).map_err(CliError::failure)?);
        if let Some(url) = &args.searxng {
            let server =
                SearchServer::new(Engine::Searxng, Some(url), fetcher.clone()).map_err(CliError::usage)?;
            sources.push(Arc::new(server));
        }
        if let Some(name) = &args.web {
            let engine = if name == "brave" {
                Engine::Brave(key("BRAVE_API_KEY")?)
            } else {
                Engine::Tavily(key("TAVILY_API_KEY")?)
            };
            sources.push(Arc::new(
                SearchServer::new(engine, None, fetcher).map_err(CliError::failure)?,
            ));
        }
    }
    if sources.is_empty() && args.corpus.is_empty() {
        return Err(CliError::usage(
            "there is nothing to search: give a folder with --corpus (for example --corpus /usr/share/doc), --searxng or --web",
        ));
    }
    let model = if model.model == "none" {
        None
    } else {
        Some(open::model(model).await?)
    };
    if args.embed && model.is_none() {
        return Err(CliError::usage(
            "--embed needs a model that embeds texts: leave out --model none",
        ));
    }
    for root in &args.corpus {
        let embedder = model.clone().filter(|_| args.embed);
        sources.push(Arc::new(corpus(root.clone(), embedder, show).await?));
    }
    Ok((model, sources))
}

/// A key from the environment.
fn key(variable: &str) -> Result<String, CliError> {
    std::env::var(variable)
        .ok()
        .filter(|k| !k.is_empty())
        .ok_or_else(|| {
            CliError::usage(format!(
                "{variable} is not set: put the key of the search service there"
            ))
        })
}

/// Brings the index of a folder up to date, with a bar where it takes long.
async fn corpus(root: PathBuf, embedder: Option<Arc<dyn Model>>, show: bool) -> Result<Corpus, CliError> {
    let home = open::data_dir()?;
    let target = if show {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template("indexing {msg} {bar:30} {pos}/{len} · ready in {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(Some(0), target)
        .with_style(style)
        .with_message(root.display().to_string());
    let shown = bar.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let progress = |done: usize, all: usize| {
            shown.set_length(all as u64);
            shown.set_position(done as u64);
        };
        let (mut corpus, crawl) = Corpus::open(&root, &home, &progress)?;
        if let Some(model) = embedder {
            corpus.embed(model, &progress)?;
        }
        Ok::<_, CorpusError>((corpus, crawl))
    });
    let (corpus, crawl) = opened
        .await
        .map_err(CliError::failure)?
        .map_err(CliError::failure)?;
    bar.finish_and_clear();
    if show && crawl.read + crawl.removed > 0 {
        let without = crawl.remarks.len();
        writeln!(
            std::io::stderr(),
            "{} files indexed, {} passages, {:.1} s{}",
            crawl.read,
            crawl.passages,
            crawl.seconds,
            if without > 0 {
                format!(" · {without} files without text or not read whole")
            } else {
                String::new()
            }
        )?;
        for (name, remark) in crawl
            .remarks
            .iter()
            .filter(|(_, r)| r != "no text" && r != "empty")
            .take(5)
        {
            writeln!(std::io::stderr(), "  {name}: {remark}")?;
        }
    }
    Ok(corpus)
}

/// Shows what happens on standard error; gives all events as JSON lines.
async fn follow(mut events: UnboundedReceiver<ResearchEvent>, show: bool) -> String {
    let mut trace = String::new();
    let mut err = Term::stderr();
    while let Some(event) = events.recv().await {
        if let Ok(line) = serde_json::to_string(&event) {
            trace.push_str(&line);
            trace.push('\n');
        }
        let line = match &event {
            _ if !show => continue,
            ResearchEvent::Resumed { steps } => format!("goes on after {steps} finished steps"),
            ResearchEvent::Planned { plan } => {
                let parts = plan.parts.iter().enumerate();
                parts
                    .map(|(i, p)| format!("plan {}. {} ⟵ {}", i + 1, p.question, p.queries.join(" · ")))
                    .collect::<Vec<_>>()
                    .join("\n")
            }
            ResearchEvent::Finished {
                number,
                what,
                reused,
                tool_calls_left,
            } => {
                let again = if *reused { " (done before)" } else { "" };
                format!(
                    "{number:>4} ✓ {}{again} · {tool_calls_left} left",
                    out::head(what, 90)
                )
            }
            ResearchEvent::Remark { text } => format!("     ! {text}"),
            ResearchEvent::Started { .. } => continue,
        };
        let plain: String = line
            .chars()
            .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
            .collect();
        let _ = writeln!(err, "{}", style(plain).dim().for_stderr());
    }
    trace
}

/// Asks in the terminal whether a plan is to be carried out, and lets it be changed.
async fn ask(plan: Plan) -> Option<Plan> {
    let answer = tokio::task::spawn_blocking(move || decide(plan, &mut std::io::stdin().lock()));
    answer.await.ok().flatten()
}

fn decide(plan: Plan, input: &mut impl BufRead) -> Option<Plan> {
    let mut err = Term::stderr();
    let _ = write!(
        err,
        "{}Carry out this plan? [y]es, [n]o, [e]dit: ",
        plan.to_lines()
    );
    let mut line = String::new();
    input.read_line(&mut line).ok()?;
    match line.trim() {
        "y" | "yes" | "" if !line.is_empty() => Some(plan),
        "e" | "edit" => {
            let _ = writeln!(
                err,
                "Write one line per part, `question | query | query`; an empty line ends the plan."
            );
            let mut lines = String::new();
            loop {
                let mut line = String::new();
                if input.read_line(&mut line).ok()? == 0 || line.trim().is_empty() {
                    break;
                }
                lines.push_str(&line);
            }
            match Plan::from_lines(&lines) {
                Ok(plan) => Some(plan),
                Err(why) => {
                    let _ = writeln!(err, "{why}");
                    None
                }
            }
        }
        _ => None,
    }
}

fn read_plan(path: &Path) -> Result<Plan, CliError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|e| CliError::usage(format!("can't read the plan '{shown}': {e}")))?;
    Plan::from_lines(&text).map_err(|e| CliError::usage(format!("'{shown}': {e}")))
}

/// Writes all forms of the report.
fn write(folder: &Path, report: &Report, trace: &str) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    let put = |name: &str, text: String| {
        let part = folder.join(format!("{name}.part"));
        std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, folder.join(name)))
    };
    put("report.md", render::markdown(report))?;
    put("report.html", render::html(report))?;
    put("report.json", serde_json::to_string_pretty(report)? + "\n")?;
    put("sources.bib", render::bibtex(report))?;
    put("trace.jsonl", trace.to_owned())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_carried_out_only_when_it_is_approved() {
        let plan = Plan::lexical("Who? What?", 4);
        let says = |text: &str| decide(plan.clone(), &mut text.as_bytes());
        assert_eq!(says("y\n"), Some(plan.clone()));
        assert_eq!(says("n\n"), None);
        assert_eq!(says(""), None);
        assert_eq!(says("e\nWhy? | reason\n\n").unwrap().parts[0].queries, ["reason"]);
    }
}
