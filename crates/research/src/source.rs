//! Where passages come from: the trait of sources, and how the findings of several become one list.

use std::collections::HashMap;

use futures::future::BoxFuture;

use crate::passage::Passage;

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Passages, best first.
    pub passages: Vec<Passage>,
    /// Pages that have to be read first, best first.
    pub pages: Vec<Page>,
}

/// A page that a search engine names.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Page {
    /// Its address.
    pub address: String,
    /// Its title, as the search engine has it.
    pub title: String,
}

/// Why a source has nothing to give. The text is for people; it ends up in the report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

/// Something that can be searched.
pub trait Source: Send + Sync {
    /// Its name, for people.
    fn name(&self) -> String;

    /// What decides its answers, as far as it can be known: the same fingerprint, the same findings.
    fn fingerprint(&self) -> String;

    /// The best `most` findings for `query`.
    fn search<'a>(&'a self, query: &'a str, most: usize) -> BoxFuture<'a, Result<Found, SourceError>>;

    /// The passages of a page that this source named. A source whose searches give passages has no pages.
    fn read<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<Vec<Passage>, SourceError>> {
        Box::pin(async move { Err(SourceError(format!("{} has no pages", page.address))) })
    }
}

/// How much later ranks count in reciprocal-rank fusion.
const RANK_OFFSET: f64 = 60.0;

/// One list from several, by reciprocal-rank fusion (Cormack, Clarke, Büttcher 2009, "Reciprocal rank fusion
/// outperforms Condorcet and individual rank learning methods", k = 60): a passage scores
/// the sum of 1 / (60 + rank) over the lists that have it. Ties go to the smaller id.
pub fn fuse(lists: Vec<Vec<Passage>>, most: usize) -> Vec<Passage> {
    let mut scores: HashMap<String, f64> = HashMap::new();
    let mut all: Vec<Passage> = Vec::new();
    for list in lists {
        for (rank, passage) in list.into_iter().enumerate() {
            let score = scores.entry(passage.id.clone()).or_insert_with(|| {
                all.push(passage);
                0.0
            });
            *score += 1.0 / (RANK_OFFSET + rank as f64 + 1.0);
        }
    }
    all.sort_by(|a, b| {
        scores[&b.id]
            .total_cmp(&scores[&a.id])
            .then_with(|| a.id.cmp(&b.id))
    });
    all.truncate(most);
    all
}
