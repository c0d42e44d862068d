//! What several tests need.

use std::path::Path;
use std::sync::Arc;

use strawberry_core::{Control, Model};
use strawberry_research::corpus::Corpus;
use strawberry_research::passage::Passage;
use strawberry_research::source::Source;
use strawberry_research::support::{Support, locate};
use strawberry_research::{Mode, Report, Researcher};
use strawberry_store::Store;

pub fn open(root: &Path, home: &Path) -> Corpus {
    Corpus::open(root, home, &|_, _| {}).unwrap().0
}

pub fn researcher(
    source: Arc<dyn Source>,
    model: Option<Arc<dyn Model>>,
    store: Option<Arc<Store>>,
) -> Researcher {
    Researcher {
        model,
        sources: vec![source],
        store,
        approve: None,
        control: Control::new(),
    }
}

/// What must hold of every report: nothing cited that is not in the corpus, nothing quoted that does not stand there,
/// no address that is not in a passage cited.
pub fn check(report: &Report, passage: impl Fn(&str) -> Option<Passage>) {
    for source in &report.sources {
        let kept = passage(&source.id).unwrap_or_else(|| panic!("{} was invented", source.id));
        assert_eq!((&kept.text, &kept.document), (&source.text, &source.document));
    }
    let all = report
        .claims()
        .chain(report.disagreements.iter().flat_map(|d| [&d.one, &d.other]));
    for claim in all {
        let texts: Vec<&str> = claim
            .citations
            .iter()
            .map(|c| report.sources[c.source - 1].text.as_str())
            .collect();
        for citation in &claim.citations {
            assert!(
                report.sources[citation.source - 1]
                    .text
                    .get(citation.start..citation.end)
                    .is_some()
            );
        }
        if report.mode == Mode::Extractive || claim.support == Support::Quoted {
            assert!(
                texts.iter().any(|t| locate(&claim.text, t).is_some()),
                "not verbatim: {}",
                claim.text
            );
        } else {
            assert!(
                !claim.text.contains("://") && !claim.text.contains("javascript:"),
                "address: {}",
                claim.text
            );
        }
        for quotation in claim
            .text
            .split('"')
            .skip(1)
            .step_by(2)
            .filter(|q| q.split_whitespace().count() >= 3)
        {
            assert!(
                texts
                    .iter()
                    .any(|t| locate(quotation.trim_end_matches(['.', ',']), t).is_some()),
                "quote: {quotation}"
            );
        }
    }
}
