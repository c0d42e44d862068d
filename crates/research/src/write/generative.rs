//! Sentences written by a model. It knows passages by labels and can cite nothing else: the grammar has only these
//! labels on the local engine; what a server sends is validated, and repaired where it can be.

use serde::Deserialize;

use crate::ask;
use crate::extract;
use crate::gather::Evidence;
use crate::passage::Passage;
use crate::plan::{Depth, Plan};
use crate::run::{ResearchError, Run};
use crate::support::{Judged, Support, judge};

use super::{Draft, clean, quoted};

/// Tokens of one part's text.
const PART_TOKENS: u32 = 900;
/// Tokens of a verdict.
const VERDICT_TOKENS: u32 = 24;
/// Sources that one sentence may cite.
const MOST_CITES: usize = 4;

#[derive(Deserialize)]
struct Sentences {
    sentences: Vec<Sentence>,
}

#[derive(Deserialize)]
struct Sentence {
    text: String,
    #[serde(default)]
    cite: Vec<String>,
}

/// The sentences of every part.
pub(super) async fn drafts(
    run: &mut Run<'_>,
    plan: &Plan,
    evidence: &[Evidence],
    depth: &Depth,
) -> Result<Vec<Vec<Draft>>, ResearchError> {
    let mut parts: Vec<Option<Vec<Draft>>> = vec![None; plan.parts.len()];
    for attempt in 0..2 {
        let mut calls = Vec::new();
        let mut which = Vec::new();
        for (index, part) in plan.parts.iter().enumerate() {
            if parts[index].is_none() && !evidence[index].passages.is_empty() {
                let (shown, prompt) = packed(run, &part.question, &evidence[index].passages, depth.sentences);
                let again = if attempt == 0 { "write" } else { "write again" };
                calls.push((
                    format!("{again}: {}", part.question),
                    prompt.0,
                    prompt.1,
                    PART_TOKENS,
                ));
                which.push((index, shown));
            }
        }
        for ((index, shown), reply) in which.into_iter().zip(run.ask_all(calls).await?) {
            let parsed = reply.and_then(|r| read(&r.text?));
            if let Some(sentences) = parsed {
                let question = &plan.parts[index].question;
                parts[index] = Some(cited(
                    run,
                    question,
                    &sentences,
                    &evidence[index].passages[..shown],
                    depth.sentences,
                ));
            }
        }
    }
    let mut all = Vec::new();
    for ((part, drafts), evidence) in plan.parts.iter().zip(parts).zip(evidence) {
        all.push(match drafts {
            Some(drafts) => drafts,
            None => {
                if !evidence.passages.is_empty() {
                    run.remark("The model did not keep to the format for a part; its sentences are quoted from the sources instead.");
                }
                extract::notes(&part.question, &evidence.passages, depth.sentences).iter().map(quoted).collect()
            }
        });
    }
    verdicts(run, evidence, &mut all).await?;
    Ok(all)
}

/// The prompt with as many passages as fit the model's context, and how many these are.
fn packed(
    run: &Run<'_>,
    question: &str,
    passages: &[Passage],
    sentences: usize,
) -> (usize, (Vec<strawberry_core::Message>, strawberry_core::Grammar)) {
    let mut shown = passages.len();
    loop {
        let prompt = ask::write(question, &passages[..shown], sentences);
        if shown <= 1 || run.asker().is_none_or(|a| a.fits(&prompt.0, PART_TOKENS)) {
            return (shown, prompt);
        }
        shown -= 1;
    }
}

/// The sentences in a reply, also where text stands around the JSON.
fn read(text: &str) -> Option<Vec<Sentence>> {
    let json = &text[text.find('{')?..=text.rfind('}')?];
    serde_json::from_str::<Sentences>(json).ok().map(|s| s.sentences)
}

/// Sentences with their citations checked against the passages that were shown.
fn cited(
    run: &mut Run<'_>,
    question: &str,
    sentences: &[Sentence],
    shown: &[Passage],
    most: usize,
) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for sentence in sentences.iter().take(most) {
        let mut cites: Vec<usize> = sentence
            .cite
            .iter()
            .filter_map(|c| index(c, shown.len()))
            .collect();
        cites.dedup();
        cites.truncate(MOST_CITES);
        if cites.len() < sentence.cite.len().min(MOST_CITES) {
            run.remark("The model cited sources that it was not shown; these citations were removed.");
        }
        let mut text = clean::sentence(&sentence.text);
        let texts: Vec<&str> = cites.iter().map(|&i| shown[i].text.as_str()).collect();
        text = clean::quotations(&text, &texts);
        if text.split_whitespace().count() < 2 {
            continue;
        }
        let of = |i: usize| (i, judged(&text, question, &shown[i]));
        let mut verdicts: Vec<(usize, Judged)> = cites.iter().map(|&i| of(i)).collect();
        if verdicts.iter().all(|(_, j)| j.support == Support::Unsupported) {
            // The sentence may be right and its citation wrong: look for the passage that says so.
            let best = (0..shown.len())
                .map(of)
                .max_by(|a, b| a.1.support.cmp(&b.1.support).then(b.0.cmp(&a.0)));
            if let Some(best) = best.filter(|(_, j)| j.support >= Support::Supported) {
                run.remark("A citation was replaced by the passage that says what the sentence says.");
                verdicts = vec![best];
            }
        }
        let support = verdicts
            .iter()
            .map(|(_, j)| j.support)
            .max()
            .unwrap_or(Support::Unsupported);
        drafts.push(Draft {
            text,
            cites: verdicts.iter().map(|(i, j)| (*i, j.evidence)).collect(),
            support,
        });
    }
    drafts
}

fn judged(text: &str, question: &str, passage: &Passage) -> Judged {
    judge(
        text,
        &passage.text,
        &format!("{} {} {question}", passage.title, passage.section),
    )
}

/// The passage that a label names.
fn index(label: &str, shown: usize) -> Option<usize> {
    let number: usize = label
        .trim()
        .trim_matches(['[', ']'])
        .strip_prefix('S')?
        .parse()
        .ok()?;
    (1..=shown).contains(&number).then(|| number - 1)
}

/// Lets the model judge what stands nowhere word by word. Figures, names and denials that disagree it can't overrule.
async fn verdicts(
    run: &mut Run<'_>,
    evidence: &[Evidence],
    parts: &mut [Vec<Draft>],
) -> Result<(), ResearchError> {
    let mut calls = Vec::new();
    let mut which = Vec::new();
    for (part, drafts) in parts.iter().enumerate() {
        for (index, draft) in drafts.iter().enumerate() {
            let passages: Vec<&Passage> = draft
                .cites
                .iter()
                .map(|(i, _)| &evidence[part].passages[*i])
                .collect();
            let consistent = passages.iter().any(|p| judged(&draft.text, "", p).consistent);
            if draft.support != Support::Quoted && consistent {
                let texts: Vec<&str> = passages.iter().map(|p| p.text.as_str()).collect();
                let (messages, grammar) = ask::entails(&draft.text, &texts);
                calls.push((
                    format!("judge: {}", draft.text),
                    messages,
                    grammar,
                    VERDICT_TOKENS,
                ));
                which.push((part, index));
            }
        }
    }
    for ((part, index), reply) in which.into_iter().zip(run.ask_all(calls).await?) {
        if let Some(verdict) = reply.and_then(|r| ask::entailed(&r)) {
            parts[part][index].support = verdict;
        }
    }
    Ok(())
}
