//! New problems by rewriting: a model changes a problem, and the result stays only if its answer, found in two different ways, is the same:
//! step by step by majority (self-consistency, Wang et al. 2022, arXiv 2203.11171), and as one arithmetic expression that is evaluated exactly.
//! The rewriting prompts follow the idea of Evol-Instruct (arXiv 2304.12244).

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use strawberry_core::{Finish, Message, Model, ModelError};

use crate::error::SynthError;
use crate::expr::Expr;
use crate::facts;
use crate::item::Check;
use crate::judge;
use crate::quality::banlist::{BanList, Overlap};
use crate::quality::dedup::Seen;
use crate::rational::{self, Rat, int};
use crate::record::{Origin, Record};
use crate::rng::Rng;
use crate::sample::{Asking, respond};
use crate::sink::Journal;
use crate::steps;

/// How a problem is to be changed.
const CHANGES: [&str; 6] = [
    "it has other names, things and numbers, but needs the same calculation",
    "it tells the same calculation as a completely different everyday story",
    "it needs one more step to be solved",
    "it contains one more number that is not needed",
    "it asks for another quantity of the same story",
    "it is told in shorter and plainer words, with other numbers",
];

/// The longest new question, in characters.
const MAX_QUESTION: usize = 1000;

/// What came of rewriting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvolveReport {
    /// Rewritings asked for (those already in the journal not counted).
    pub tried: usize,
    /// New problems kept.
    pub kept: usize,
    /// Responses that are no question, or too long, or repeat a known question.
    pub malformed: usize,
    /// New questions that overlap with the ban list.
    pub banned: usize,
    /// New questions for which one of the two ways gave no answer.
    pub unsolved: usize,
    /// New questions on which the two ways disagreed.
    pub disagreed: usize,
}

/// What became of one rewriting.
enum Outcome {
    Kept(Box<Record>),
    Malformed,
    Banned,
    Unsolved,
    Disagreed,
}

fn ask(text: String) -> Vec<Message> {
    vec![Message::user(text)]
}

/// The question in a response that was to contain nothing else.
fn question_in(response: &str) -> Option<String> {
    let text = response
        .trim()
        .trim_start_matches("New problem:")
        .trim()
        .trim_matches('"')
        .trim();
    let fits = text.len() <= MAX_QUESTION && text.ends_with('?') && text.chars().any(|c| c.is_ascii_digit());
    fits.then(|| text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The numbers a text mentions, as digits or as words up to twelve, with the constants anyone may use.
fn usable_numbers(question: &str) -> Vec<Rat> {
    const WORDS: [&str; 12] = [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    ];
    let mut all: Vec<Rat> = [1, 2, 3, 4, 7, 10, 12, 24, 60, 100, 1000].map(int).to_vec();
    for word in question
        .to_lowercase()
        .split(|c: char| !(c.is_alphanumeric() || c == '.' || c == ',' || c == '/'))
    {
        let word = word.trim_matches(['.', ',', '/']);
        all.extend(rational::parse(word));
        all.extend(WORDS.iter().position(|w| *w == word).map(|i| int(i as i64 + 1)));
    }
    all
}

/// The value of a response that was to be one expression over numbers of the question; `None` otherwise.
fn expression_value(response: &str, question: &str) -> Option<Rat> {
    let line = response.lines().find(|l| !l.trim().is_empty())?;
    let line = line.trim().trim_matches(['`', '*', '"']);
    let left = line.split('=').next()?;
    let expr = Expr::parse(left.trim_end_matches(['.', ' '])).ok()?;
    let usable = usable_numbers(question);
    let mut known = true;
    expr.numbers(&mut |n| known &= usable.contains(&n));
    (known && expr.operations() > 0)
        .then(|| expr.eval(&[]).ok())
        .flatten()
}

/// The answer that most sound solutions give, with the first such solution; `None` without a majority of at least two.
async fn by_steps(
    model: &dyn Model,
    question: &str,
    asking: &Asking,
    seed: u64,
) -> Result<Option<(Rat, String)>, ModelError> {
    let mut votes: BTreeMap<Rat, (u32, String)> = BTreeMap::new();
    let mut total = 0;
    for sample in 0..asking.samples.max(2) {
        let prompt = format!(
            "{question}\n\nSolve this step by step. Write every calculation as 'expression = value', and end with the line '#### answer'."
        );
        let (text, finish) = respond(
            model,
            ask(prompt),
            asking,
            Rng::derive(seed, &[2, u64::from(sample)]),
        )
        .await?;
        let steps = steps::equations(&text);
        let answer = judge::extract(&text)
            .filter(|a| a.marked)
            .and_then(|a| judge::number(&a.text));
        if let Some(answer) =
            answer.filter(|_| finish == Finish::Stop && !steps.is_empty() && steps.iter().all(|s| s.ok))
        {
            total += 1;
            votes.entry(answer).or_insert((0, text)).0 += 1;
        }
    }
    let best = votes.into_iter().max_by_key(|(_, (n, _))| *n);
    Ok(best
        .filter(|(_, (n, _))| *n >= 2 && *n * 2 > total)
        .map(|(answer, (_, text))| (answer, text)))
}

async fn rewrite(
    record: &Record,
    round: u32,
    model: &dyn Model,
    asking: &Asking,
    banned: &BanList,
) -> Result<Outcome, ModelError> {
    let seed = Rng::derive(
        asking.seed,
        &[crate::record::question_hash(record.question()), u64::from(round)],
    );
    let change = Rng::new(seed).pick(&CHANGES).to_owned();
    let prompt = format!(
        "Rewrite this problem so that {change}. Write only the new problem and nothing else.\n\nProblem: {}",
        record.question()
    );
    let (text, finish) = respond(model, ask(prompt), asking, Rng::derive(seed, &[1])).await?;
    let Some(question) = question_in(&text).filter(|_| finish == Finish::Stop) else {
        return Ok(Outcome::Malformed);
    };
    if banned.texts > 0 && banned.overlap(&question) == Overlap::Banned {
        return Ok(Outcome::Banned);
    }
    let Some((answer, solution)) = by_steps(model, &question, asking, seed).await? else {
        return Ok(Outcome::Unsolved);
    };
    let prompt = format!(
        "{question}\n\nWrite one arithmetic expression, with numbers and + - * / only, whose value is the answer. Write only the expression."
    );
    let (text, _) = respond(model, ask(prompt), asking, Rng::derive(seed, &[3])).await?;
    let Some(value) = expression_value(&text, &question) else {
        return Ok(Outcome::Unsolved);
    };
    if value != answer {
        return Ok(Outcome::Disagreed);
    }
    let steps = steps::equations(&solution);
    let origin = Origin {
        family: "evolved".to_owned(),
        difficulty: steps.len().clamp(1, 5) as u8,
        seed,
        source: format!("evolved from {}", record.source),
        license: record.license.clone(),
    };
    let facts = facts! { "parent" => record.id, "expression" => text.trim() };
    Ok(Outcome::Kept(Box::new(Record::new(
        &question,
        solution,
        steps,
        rational::show(answer),
        Check::Number,
        &facts,
        origin,
    ))))
}

/// Rewrites each problem `rounds` times. Each rewriting is one unit in the journal.
pub async fn evolve(
    problems: &[Record],
    rounds: u32,
    model: &dyn Model,
    asking: &Asking,
    banned: &BanList,
    journal: &mut Journal,
) -> Result<EvolveReport, SynthError> {
    let mut report = EvolveReport::default();
    let mut seen = Seen::default();
    for record in problems.iter().chain(&journal.results::<Record>()?) {
        // Repeats among what is known already don't matter here.
        let _ = seen.take_text(record.question());
    }
    let mut work = Vec::new();
    for record in problems.iter().filter(|r| r.answerable) {
        for round in 0..rounds {
            let key = format!("{}#{round}", record.id);
            if !journal.is_done(&key) {
                work.push(async move {
                    rewrite(record, round, model, asking, banned)
                        .await
                        .map(|o| (key, o))
                });
            }
        }
    }
    let mut outcomes = stream::iter(work).buffered(asking.concurrency.max(1));
    while let Some(result) = outcomes.next().await {
        let (key, outcome) = result?;
        report.tried += 1;
        let mut kept = Vec::new();
        match outcome {
            Outcome::Kept(record) if seen.take_text(record.question()).is_err() => report.malformed += 1,
            Outcome::Kept(record) => {
                report.kept += 1;
                kept.push(*record);
            }
            Outcome::Malformed => report.malformed += 1,
            Outcome::Banned => report.banned += 1,
            Outcome::Unsolved => report.unsolved += 1,
            Outcome::Disagreed => report.disagreed += 1,
        }
        journal.append(&key, kept)?;
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_may_use_only_what_the_question_tells() {
        let question = "Tom buys three boxes of 12 eggs for $4.50. How many eggs?";
        assert_eq!(expression_value("3 * 12 = 36", question), Some(int(36)));
        assert_eq!(expression_value("`4.5*3`", question), Some(Rat::new(27, 2)));
        assert_eq!(expression_value("36", question), None);
        assert_eq!(expression_value("17 * 12", question), None);
        assert_eq!(
            question_in("New problem: \"A  has 3. How many?\"").as_deref(),
            Some("A has 3. How many?")
        );
        assert_eq!(question_in("Sure! Here it is."), None);
    }
}
