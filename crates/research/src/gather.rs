//! Searching and reading: rounds of steps that collect passages for the parts of a plan.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt;
use serde::{Deserialize, Serialize};

use crate::ask;
use crate::extract;
use crate::passage::Passage;
use crate::plan::{Depth, Plan, cut};
use crate::run::{ResearchError, Run};
use crate::source::{Page, Source, fuse};

/// Steps in flight at once.
const AT_ONCE: usize = 4;
/// Pages read for one query at most.
const PAGES: usize = 3;
/// What the best sentence must reach for a part not to be a gap.
const ENOUGH: f64 = 0.75;

/// What a search or a reading gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Gathered {
    pub passages: Vec<Passage>,
    pub pages: Vec<Page>,
    /// Why there is nothing.
    pub error: Option<String>,
}

/// The passages for one part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// Best first.
    pub passages: Vec<Passage>,
    /// Name of the source of each.
    pub sources: Vec<String>,
}

/// One thing to do.
#[derive(Clone)]
enum Task {
    Search(String),
    Read(Page),
}

/// A ranked list that a step gave for a part.
struct List {
    part: usize,
    source: usize,
    passages: Vec<Passage>,
}

/// Carries out the plan's searches, round by round.
pub(crate) async fn gather(
    run: &mut Run<'_>,
    plan: &Plan,
    depth: &Depth,
) -> Result<Vec<Evidence>, ResearchError> {
    let mut lists: Vec<List> = Vec::new();
    let mut tried: Vec<Vec<String>> = plan.parts.iter().map(|p| p.queries.clone()).collect();
    let mut open: Vec<(usize, Vec<String>)> = plan
        .parts
        .iter()
        .enumerate()
        .map(|(i, p)| (i, p.queries.clone()))
        .collect();
    for round in 0..depth.rounds {
        let mut tasks = Vec::new();
        for (part, queries) in &open {
            for query in queries {
                tasks.extend((0..run.sources().len()).map(|s| (*part, s, Task::Search(query.clone()))));
            }
        }
        let found = steps(run, tasks, plan, depth).await?;
        // Pages that search engines name are read, each once, as long as the budget lasts.
        let mut seen = BTreeSet::new();
        let mut reading = Vec::new();
        for (part, source, gathered) in &found {
            let pages = gathered
                .pages
                .iter()
                .take(PAGES)
                .filter(|p| seen.insert(p.address.clone()));
            reading.extend(pages.map(|p| (*part, *source, Task::Read(p.clone()))));
        }
        let read = steps(run, reading, plan, depth).await?;
        for (part, source, gathered) in found.into_iter().chain(read) {
            if !gathered.passages.is_empty() {
                lists.push(List {
                    part,
                    source,
                    passages: gathered.passages,
                });
            }
        }
        if round + 1 == depth.rounds {
            break;
        }
        open = gaps(run, plan, depth, &lists, &mut tried).await?;
        if open.is_empty() {
            break;
        }
    }
    Ok((0..plan.parts.len())
        .map(|part| evidence(run.sources(), part, &lists, depth.passages))
        .collect())
}

/// Other queries for the parts that found too little.
async fn gaps(
    run: &mut Run<'_>,
    plan: &Plan,
    depth: &Depth,
    lists: &[List],
    tried: &mut [Vec<String>],
) -> Result<Vec<(usize, Vec<String>)>, ResearchError> {
    let mut open = Vec::new();
    for (index, part) in plan.parts.iter().enumerate() {
        let have = evidence(run.sources(), index, lists, depth.passages);
        if extract::covered(&part.question, &have.passages) >= ENOUGH {
            continue;
        }
        let mut queries = run.rephrase(&part.question, &tried[index]).await?;
        if queries.is_empty() {
            // Without a model: the part's words with what the best passage is called.
            queries.extend(
                have.passages
                    .first()
                    .map(|p| cut(&format!("{} {} {}", part.question, p.title, p.section))),
            );
        }
        queries.retain(|q| !q.is_empty() && !tried[index].contains(q));
        queries.truncate(3);
        if !queries.is_empty() {
            tried[index].extend(queries.iter().cloned());
            open.push((index, queries));
        }
    }
    Ok(open)
}

/// Does tasks, several at once, as long as the budget lasts; the results come in the order of the tasks.
async fn steps(
    run: &mut Run<'_>,
    tasks: Vec<(usize, usize, Task)>,
    plan: &Plan,
    depth: &Depth,
) -> Result<Vec<(usize, usize, Gathered)>, ResearchError> {
    let questions: Vec<String> = plan.parts.iter().map(|p| p.question.clone()).collect();
    let mut numbered = Vec::new();
    for (part, source, task) in tasks {
        if !run.take_tool_call() {
            run.remark(
                "The budget of searches and readings was used up; not everything planned was looked at.",
            );
            break;
        }
        numbered.push((run.next_number(), part, source, task));
    }
    let (shared, questions) = (&*run, &questions);
    let mut results = futures::stream::iter(numbered)
        .map(|(number, part, source, task)| async move {
            let at = shared.sources()[source].clone();
            let what = match &task {
                Task::Search(query) => format!("search {}: {query}", at.name()),
                Task::Read(page) => format!("read {}", page.address),
            };
            let mut gathered = shared
                .step(number, &what, do_task(at, &task, depth.passages))
                .await?;
            if let Task::Read(_) = task {
                gathered.passages = extract::ranked(&questions[part], gathered.passages);
                gathered.passages.truncate(depth.passages);
            }
            Ok::<_, ResearchError>((part, source, gathered))
        })
        .buffered(AT_ONCE);
    let mut done = Vec::new();
    while let Some(result) = results.next().await {
        done.push(result?);
    }
    drop(results);
    for (_, _, gathered) in &done {
        if let Some(error) = &gathered.error {
            run.remark(error);
        }
    }
    Ok(done)
}

async fn do_task(source: Arc<dyn Source>, task: &Task, most: usize) -> Result<Gathered, ResearchError> {
    let result = match task {
        Task::Search(query) => source.search(query, most).await.map(|found| Gathered {
            passages: found.passages,
            pages: found.pages,
            error: None,
        }),
        Task::Read(page) => source.read(page).await.map(|passages| Gathered {
            passages,
            ..Gathered::default()
        }),
    };
    // A source that fails is a result: the report says so, and does without it.
    Ok(result.unwrap_or_else(|error| Gathered {
        error: Some(error.to_string()),
        ..Gathered::default()
    }))
}

/// The best passages for a part, from all lists.
fn evidence(sources: &[Arc<dyn Source>], part: usize, lists: &[List], most: usize) -> Evidence {
    let mine: Vec<&List> = lists.iter().filter(|l| l.part == part).collect();
    let passages =
        crate::similar::distinct(fuse(mine.iter().map(|l| l.passages.clone()).collect(), most * 2));
    let passages: Vec<Passage> = passages.into_iter().take(most).collect();
    let of = |id: &str| {
        let list = mine.iter().find(|l| l.passages.iter().any(|p| p.id == id));
        list.map_or_else(String::new, |l| sources[l.source].name())
    };
    Evidence {
        sources: passages.iter().map(|p| of(&p.id)).collect(),
        passages,
    }
}

/// The queries in a model's reply.
pub(crate) fn queries(reply: &ask::Reply) -> Vec<String> {
    #[derive(Deserialize)]
    struct Queries {
        queries: Vec<String>,
    }
    let parsed = reply
        .text
        .as_deref()
        .and_then(|t| serde_json::from_str::<Queries>(t.trim()).ok());
    parsed.map_or_else(Vec::new, |q| q.queries.iter().map(|q| cut(q)).collect())
}
