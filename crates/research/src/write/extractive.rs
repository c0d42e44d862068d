//! Sentences chosen word by word. A small model may choose which of equally good ones comes first, and which of
//! several pieces of a long one is shown; it can't put in a word of its own.

use crate::ask;
use crate::extract::{self, Note};
use crate::gather::Evidence;
use crate::plan::{Depth, Plan};
use crate::run::{ResearchError, Run};
use crate::support::{Support, locate};
use crate::words::stem_set;

use super::Draft;

/// Sentences whose scores differ by less are equally good.
const EQUAL: f64 = 0.1;
/// Sentences longer than this may be shortened, in bytes.
const LONG: usize = 180;
/// Tokens of a choice.
const CHOICE_TOKENS: u32 = 16;

/// The chosen sentences of every part.
pub(super) async fn drafts(
    run: &mut Run<'_>,
    plan: &Plan,
    evidence: &[Evidence],
    depth: &Depth,
) -> Result<Vec<Vec<Draft>>, ResearchError> {
    let mut chosen: Vec<Vec<Note>> = plan
        .parts
        .iter()
        .zip(evidence)
        .map(|(part, evidence)| extract::notes(&part.question, &evidence.passages, depth.sentences))
        .collect();
    let questions: Vec<&str> = plan.parts.iter().map(|p| p.question.as_str()).collect();
    arrange(run, &questions, &mut chosen).await?;
    shorten(run, &questions, evidence, &mut chosen).await?;
    let draft = |n: &Note| Draft {
        text: n.text.clone(),
        cites: vec![(n.passage, n.span)],
        support: Support::Quoted,
    };
    Ok(chosen
        .iter()
        .map(|notes| notes.iter().map(draft).collect())
        .collect())
}

/// Lets the model choose which of the equally good sentences comes first.
async fn arrange(
    run: &mut Run<'_>,
    questions: &[&str],
    chosen: &mut [Vec<Note>],
) -> Result<(), ResearchError> {
    let mut calls = Vec::new();
    let mut which = Vec::new();
    for (part, notes) in chosen.iter().enumerate() {
        let equal = notes
            .iter()
            .take_while(|n| n.score + EQUAL > notes[0].score)
            .count();
        if equal > 1 {
            let texts: Vec<&str> = notes[..equal].iter().map(|n| n.text.as_str()).collect();
            let (messages, grammar) = ask::pick(questions[part], &texts);
            calls.push((
                format!("arrange: {}", questions[part]),
                messages,
                grammar,
                CHOICE_TOKENS,
            ));
            which.push((part, equal));
        }
    }
    for ((part, equal), reply) in which.into_iter().zip(run.ask_all(calls).await?) {
        if let Some(first) = reply.and_then(|r| ask::picked(&r, equal)) {
            chosen[part][..=first].rotate_right(1);
        }
    }
    Ok(())
}

/// Lets the model choose how much of a long first sentence is shown.
async fn shorten(
    run: &mut Run<'_>,
    questions: &[&str],
    evidence: &[Evidence],
    chosen: &mut [Vec<Note>],
) -> Result<(), ResearchError> {
    let mut calls = Vec::new();
    let mut which = Vec::new();
    for (part, notes) in chosen.iter().enumerate() {
        let Some(first) = notes.first().filter(|n| n.text.len() > LONG) else {
            continue;
        };
        let ways = extract::shorter(&first.text, &stem_set(questions[part]));
        if ways.len() > 1 {
            let texts: Vec<&str> = ways.iter().map(String::as_str).collect();
            let (messages, grammar) = ask::pick(questions[part], &texts);
            calls.push((
                format!("shorten: {}", questions[part]),
                messages,
                grammar,
                CHOICE_TOKENS,
            ));
            which.push((part, ways));
        }
    }
    for ((part, ways), reply) in which.into_iter().zip(run.ask_all(calls).await?) {
        let note = &mut chosen[part][0];
        if let Some(way) = reply.and_then(|r| ask::picked(&r, ways.len()))
            && let Some(span) = locate(&ways[way], &evidence[part].passages[note.passage].text)
        {
            note.text.clone_from(&ways[way]);
            note.span = span;
        }
    }
    Ok(())
}
