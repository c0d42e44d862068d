//! Thinking as it is seen: a dim region that collapses when the answer comes, or plain lines in a pipe.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::{Duration, Instant};

use console::{Term, style};
use strawberry_core::{Effort, TrialId, Usage, Vote};
use strawberry_think::{RunReport, ThinkEvent};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::out;

/// Lines of thinking on screen at once.
const REGION: usize = 10;
/// Time between two redraws.
const FRAME: Duration = Duration::from_millis(66);
/// Only this much of the shown attempt's end is kept for drawing.
const KEEP: usize = 8192;

/// Draws events on standard error until the run ends. The answer itself goes to standard output, by others.
pub struct View {
    term: Term,
    live: bool,
    start: Instant,
    drawn: usize,
    last_frame: Option<Instant>,
    running: BTreeSet<TrialId>,
    shown: Option<TrialId>,
    text: String,
    tokens: u64,
    started: u32,
    leader: Option<(String, u32)>,
    /// Plain mode: lines about other attempts wait until the streaming one has ended its own.
    waiting: Vec<String>,
}

impl View {
    /// A view on standard error: live in a terminal, plain otherwise.
    pub fn new() -> Self {
        let term = Term::stderr();
        View {
            live: term.is_term(),
            term,
            start: Instant::now(),
            drawn: 0,
            last_frame: None,
            running: BTreeSet::new(),
            shown: None,
            text: String::new(),
            tokens: 0,
            started: 0,
            leader: None,
            waiting: Vec::new(),
        }
    }

    /// Shows events until the sender is dropped, then clears the region.
    pub async fn follow(mut self, mut events: UnboundedReceiver<ThinkEvent>) {
        while let Some(event) = events.recv().await {
            self.take(event);
            if self.live && self.last_frame.is_none_or(|t| t.elapsed() >= FRAME) {
                self.draw();
            }
        }
        if self.live {
            self.clear();
        }
    }

    fn take(&mut self, event: ThinkEvent) {
        match event {
            ThinkEvent::Started { trial } => {
                self.started += 1;
                self.running.insert(trial);
                if self.shown.is_none() {
                    self.show(trial);
                }
            }
            ThinkEvent::Text {
                trial, text, tokens, ..
            } => {
                self.tokens += u64::from(tokens);
                if self.shown == Some(trial) {
                    self.text.push_str(&text);
                    if self.live {
                        self.cut();
                    } else {
                        let _ = self.term.write_str(&text);
                    }
                }
            }
            ThinkEvent::Ended { attempt } => {
                self.end(attempt.trial, || {
                    let answer = attempt.answer.as_ref().map_or("no answer", |a| a.text.as_str());
                    format!(
                        "attempt {}: {} ({} tokens)",
                        attempt.trial,
                        out::head(answer, 60),
                        attempt.usage.completion_tokens
                    )
                });
            }
            ThinkEvent::Failed { trial, error } => {
                self.end(trial, || format!("attempt {trial} failed: {error}"))
            }
            ThinkEvent::Votes(votes) => {
                self.leader = votes.first().map(|v| (out::head(&v.answer.text, 40), v.votes));
            }
        }
    }

    /// One attempt streams at a time; when it ends, the first of those still running takes its place.
    fn end(&mut self, trial: TrialId, line: impl Fn() -> String) {
        self.running.remove(&trial);
        let streaming = self.shown == Some(trial);
        if !self.live {
            self.waiting.push(line());
        }
        if streaming {
            let _ = self.term.write_str(if self.live { "" } else { "\n" });
            self.shown = None;
            self.text.clear();
            if let Some(&next) = self.running.first().filter(|_| self.live) {
                self.show(next);
            }
        }
        if self.shown.is_none() {
            for line in self.waiting.drain(..) {
                let _ = writeln!(self.term, "{}", style(line).dim());
            }
        }
    }

    fn show(&mut self, trial: TrialId) {
        self.shown = Some(trial);
        self.text.clear();
        if !self.live {
            let _ = writeln!(
                self.term,
                "{}",
                style(format!("thinking (attempt {trial}):")).dim()
            );
        }
    }

    fn cut(&mut self) {
        if self.text.len() > 2 * KEEP {
            let mut at = self.text.len() - KEEP;
            while !self.text.is_char_boundary(at) {
                at += 1;
            }
            self.text.drain(..at);
        }
    }

    fn status(&self) -> String {
        let seconds = self.start.elapsed().as_secs_f64();
        let mut status = format!(
            "thinking · {} attempt{} · {} tokens · {seconds:.1} s · {:.0} tok/s",
            self.started,
            if self.started == 1 { "" } else { "s" },
            self.tokens,
            self.tokens as f64 / seconds.max(1e-3)
        );
        if let Some((answer, votes)) = &self.leader {
            status.push_str(&format!(
                " · leading: {answer} ({votes} vote{})",
                if *votes == 1 { "" } else { "s" }
            ));
        }
        status
    }

    fn draw(&mut self) {
        self.last_frame = Some(Instant::now());
        let (rows, columns) = self.term.size();
        let width = usize::from(columns).saturating_sub(4).max(20);
        let room = REGION.min(usize::from(rows).saturating_sub(3)).max(1);
        // Control characters of the model never reach the terminal.
        let safe: String = self
            .text
            .chars()
            .filter(|c| !c.is_control() || *c == '\n')
            .collect();
        let wrapped = textwrap::wrap(safe.trim_end(), width);
        let tail = &wrapped[wrapped.len().saturating_sub(room)..];
        let mut frame = String::new();
        for line in tail {
            frame.push_str(&format!("{}\n", style(format!("  {line}")).dim()));
        }
        let status = console::truncate_str(&self.status(), width, "…").into_owned();
        frame.push_str(&format!("{}\n", style(status).cyan().dim()));
        self.clear();
        let _ = self.term.write_str(&frame);
        self.drawn = tail.len() + 1;
    }

    fn clear(&mut self) {
        if self.drawn > 0 {
            let _ = self.term.clear_last_lines(self.drawn);
            self.drawn = 0;
        }
    }
}

/// The answer to standard output, then the vote table and what it cost to standard error.
pub fn show_result(report: &RunReport) -> Result<(), crate::error::CliError> {
    out::line(printable(&report.answer().unwrap_or_default()))?;
    let mut err = Term::stderr();
    if let Some(judgement) = &report.judgement {
        writeln!(
            err,
            "{}",
            style(format!("{}: {}", judgement.verdict.as_str(), judgement.evidence)).dim()
        )?;
    }
    if report.attempts.len() > 1 {
        votes(&mut err, &report.selection.votes)?;
    }
    writeln!(err, "{}", style(usage_line(report)).dim())?;
    Ok(())
}

/// The text without control characters (but for line breaks and tabs): models don't drive the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

fn votes(err: &mut Term, votes: &[Vote]) -> std::io::Result<()> {
    if votes.is_empty() {
        return writeln!(
            err,
            "{}",
            style("no attempt gave an answer that could be compared").dim()
        );
    }
    let cells: Vec<String> = votes
        .iter()
        .take(8)
        .map(|v| printable(&out::head(&v.answer.text, 40)))
        .collect();
    let width = cells
        .iter()
        .map(|c| console::measure_text_width(c))
        .max()
        .unwrap_or(0)
        .max("answer".len());
    let pad = |text: &str| console::pad_str(text, width, console::Alignment::Left, None).into_owned();
    writeln!(
        err,
        "\n{}",
        style(format!("{}  votes  share", pad("answer"))).bold()
    )?;
    for (vote, cell) in votes.iter().zip(&cells) {
        let bar = "█".repeat((vote.share * 20.0).round() as usize);
        writeln!(
            err,
            "{}  {:>5}  {:>4.0}%  {}",
            pad(cell),
            vote.votes,
            vote.share * 100.0,
            style(bar).green()
        )?;
    }
    if votes.len() > cells.len() {
        writeln!(err, "… and {} more", votes.len() - cells.len())?;
    }
    writeln!(err)
}

/// What a run cost, in one line.
pub fn usage_line(report: &RunReport) -> String {
    let Usage {
        prompt_tokens,
        prompt_evaluated,
        reasoning_tokens,
        completion_tokens,
        samples,
        estimated,
        ..
    } = report.usage;
    let seconds = report.wall_ms as f64 / 1e3;
    format!(
        "{} · {} · prompt {prompt_tokens} ({prompt_evaluated} evaluated) · thinking {reasoning_tokens} · answer {}{} tokens · {samples} sample{} · {seconds:.1} s · {:.0} tok/s · {}",
        report.strategy,
        report.effort.map_or("own budget", Effort::as_str),
        completion_tokens - reasoning_tokens,
        if estimated { " (counted in pieces)" } else { "" },
        if samples == 1 { "" } else { "s" },
        completion_tokens as f64 / seconds.max(1e-3),
        report.model,
    )
}
