//! `trace`: recorded runs.

use strawberry_core::{TraceEvent, TraceStore};
use strawberry_think::{replay, revote};

use crate::cli::TraceCommand;
use crate::error::CliError;
use crate::{open, out};

/// Lists, shows, exports, replays or removes runs.
pub async fn run(command: TraceCommand) -> Result<(), CliError> {
    let store = open::store().await?;
    let result = on(&*store, command).await;
    store.close().await;
    result
}

async fn on(store: &dyn TraceStore, command: TraceCommand) -> Result<(), CliError> {
    match command {
        TraceCommand::List { limit, json } => list(store, limit, json).await,
        TraceCommand::Show { id, json } => show(store, &id, json).await,
        TraceCommand::Export { id } => export(store, id.as_deref()).await,
        TraceCommand::Replay { id, json } => replayed(store, &id, json).await,
        TraceCommand::Revote { id, json } => revoted(store, &id, json).await,
        TraceCommand::Rm { ids, json } => {
            let mut removed = Vec::new();
            for id in &ids {
                removed.push(store.remove(id).await.map_err(CliError::failure)?);
            }
            if json {
                out::json(&removed)
            } else {
                out::line(format!("removed {}", removed.len()))
            }
        }
    }
}

async fn list(store: &dyn TraceStore, limit: u32, json: bool) -> Result<(), CliError> {
    let runs = store.list(limit).await.map_err(CliError::failure)?;
    if json {
        return out::json(&runs);
    }
    if runs.is_empty() {
        return out::line("no runs yet: strawberry ask \"What is 17 * 24?\" records one");
    }
    let mut rows = vec![
        [
            "id", "status", "effort", "attempts", "tokens", "answer", "question",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for run in runs {
        rows.push(vec![
            run.id.to_string(),
            run.status.as_str().to_owned(),
            run.effort.map_or("-".to_owned(), |e| e.to_string()),
            run.attempts.to_string(),
            run.tokens.to_string(),
            out::head(run.answer.as_deref().unwrap_or("-"), 20),
            out::head(&run.question, 60),
        ]);
    }
    out::table(&rows)
}

async fn show(store: &dyn TraceStore, id: &str, json: bool) -> Result<(), CliError> {
    let (run, events) = store.load(id).await.map_err(CliError::failure)?;
    if json {
        return out::json(&events);
    }
    out::line(format!("run {run}"))?;
    for event in &events {
        match event {
            TraceEvent::Started {
                problem,
                strategy,
                effort,
                model,
                seed,
                ..
            } => {
                out::line(format!("question: {}", problem.last_user_text()))?;
                let effort = effort.map_or("own budget", |e| e.as_str());
                out::line(format!(
                    "model {} · strategy {strategy} · effort {effort} · seed {seed}",
                    model.name
                ))?;
            }
            TraceEvent::Asked { .. } => {}
            TraceEvent::Sampled { attempt, at_ms } => {
                let answer = attempt.answer.as_ref().map_or("no answer", |a| a.text.as_str());
                let verdict = attempt
                    .judgement
                    .as_ref()
                    .map_or(String::new(), |j| format!(" · {}", j.verdict.as_str()));
                let logprob = attempt
                    .mean_logprob()
                    .map_or(String::new(), |l| format!(" · log-probability {l:.3} per token"));
                out::line(format!(
                    "\nattempt {} · {:.1} s · {} tokens{logprob}{verdict} · answer: {answer}",
                    attempt.trial,
                    *at_ms as f64 / 1e3,
                    attempt.usage.completion_tokens
                ))?;
                if let Some(thinking) = &attempt.thinking {
                    out::line(format!("{}\n", console::style(thinking.trim()).dim()))?;
                }
                out::line(attempt.text.trim())?;
            }
            TraceEvent::TrialFailed { trial, error } => {
                out::line(format!("\nattempt {trial} failed: {error}"))?
            }
            TraceEvent::Finished {
                status,
                selection,
                usage,
                wall_ms,
                error,
                ..
            } => {
                out::line("")?;
                for vote in selection.iter().flat_map(|s| &s.votes) {
                    out::line(format!("{:>4} votes  {}", vote.votes, vote.answer.text))?;
                }
                if let Some(error) = error {
                    out::line(format!("error: {error}"))?;
                }
                out::line(format!(
                    "{} · chosen attempt {} · {} tokens · {} samples · {:.1} s",
                    status.as_str(),
                    selection
                        .as_ref()
                        .map_or("none".to_owned(), |s| s.trial.to_string()),
                    usage.completion_tokens,
                    usage.samples,
                    *wall_ms as f64 / 1e3
                ))?;
            }
        }
    }
    Ok(())
}

async fn export(store: &dyn TraceStore, id: Option<&str>) -> Result<(), CliError> {
    let ids = match id {
        Some(id) => vec![id.to_owned()],
        None => store
            .list(u32::MAX)
            .await
            .map_err(CliError::failure)?
            .into_iter()
            .map(|r| r.id.0)
            .collect(),
    };
    for id in ids {
        let (run, events) = store.load(&id).await.map_err(CliError::failure)?;
        for (seq, event) in events.iter().enumerate() {
            let mut row = serde_json::to_value(event)?;
            row["run"] = run.0.clone().into();
            row["seq"] = seq.into();
            out::json_line(&row)?;
        }
    }
    Ok(())
}

async fn replayed(store: &dyn TraceStore, id: &str, json: bool) -> Result<(), CliError> {
    let (run, events) = store.load(id).await.map_err(CliError::failure)?;
    let replay = replay::replay(&events, &*open::verifier()).map_err(CliError::failure)?;
    if json {
        out::json(&replay)?;
    } else {
        let text = |s: &Option<strawberry_core::Selection>| match s {
            Some(s) => format!(
                "attempt {} ({})",
                s.trial,
                s.answer.as_ref().map_or("no answer", |a| a.text.as_str())
            ),
            None => "nothing".to_owned(),
        };
        out::line(format!("run {run}: {} attempts replayed", replay.attempts))?;
        out::line(format!(
            "recorded: {}\nreplayed: {}",
            text(&replay.recorded),
            text(&replay.replayed)
        ))?;
    }
    if replay.same {
        Ok(())
    } else {
        Err(CliError::failure("the replay chose differently"))
    }
}

async fn revoted(store: &dyn TraceStore, id: &str, json: bool) -> Result<(), CliError> {
    let (run, events) = store.load(id).await.map_err(CliError::failure)?;
    let revote = revote::revote(&events, &*open::verifier()).map_err(CliError::failure)?;
    if json {
        return out::json(&revote);
    }
    out::line(format!("run {run}: {} attempts", revote.attempts))?;
    let mut rows = vec![
        ["aggregation", "answer", "share", "attempt", "verdict"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for a in &revote.aggregates {
        rows.push(vec![
            a.name.clone(),
            out::head(a.answer.as_deref().unwrap_or("-"), 30),
            a.share.map_or("-".to_owned(), |s| format!("{:.0} %", 100.0 * s)),
            a.trial.to_string(),
            a.verdict.map_or("-", |v| v.as_str()).to_owned(),
        ]);
    }
    out::table(&rows)?;
    match revote.oracle {
        Some(right) => out::line(format!("any attempt right: {}", if right { "yes" } else { "no" })),
        None => Ok(()),
    }
}
