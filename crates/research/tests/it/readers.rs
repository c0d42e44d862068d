//! Folders as people have them: broken, huge, foreign files; changes between runs.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use strawberry_research::corpus::Corpus;
use strawberry_research::{Brief, ResearchError};

use crate::support;

fn open(root: &Path, home: &Path) -> Result<(Corpus, strawberry_research::corpus::Crawl), String> {
    Corpus::open(root, home, &|_, _| {}).map_err(|e| e.to_string())
}

#[test]
fn broken_huge_and_foreign_files_are_said_and_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("c");
    std::fs::create_dir(&root).unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(root.join(name), bytes).unwrap();
    put("latin.txt", b"Das gr\xfcne Haus steht am Fluss.");
    put("binary.txt", b"\0\x01\x02");
    put("empty.md", b"");
    put(
        "broken.jsonl",
        b"{\"title\": \"Row\", \"text\": \"A good row about whales.\"}\nnot json\n",
    );
    put("cut.gz", b"\x1f\x8b\x08\x00\x00");
    put("bad.pdf", b"%PDF-1.4 nothing");
    put("picture.png", b"\x89PNG");
    // 500 MB of nothing but a hole, and a bomb that would unpack to 2 GB.
    let huge = std::fs::File::create(root.join("huge.txt")).unwrap();
    (&huge)
        .write_all("The huge file begins here.\n".repeat(400_000).as_bytes())
        .unwrap();
    huge.set_len(500 << 20).unwrap();
    let file = std::fs::File::create(root.join("bomb.txt.gz")).unwrap();
    let mut bomb = flate2::write::GzEncoder::new(file, flate2::Compression::best());
    let block = "boom ".repeat(200_000);
    (0..2000).for_each(|_| bomb.write_all(block.as_bytes()).unwrap());
    bomb.finish().unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&root, root.join("cycle")).unwrap();

    let (corpus, crawl) = open(&root, dir.path()).unwrap();
    assert_eq!(crawl.files, 9);
    let remark = |name: &str| {
        crawl
            .remarks
            .iter()
            .find(|(n, _)| n == name)
            .map_or_else(String::new, |(_, r)| r.clone())
    };
    assert_eq!(remark("binary.txt"), "no text");
    assert_eq!(remark("empty.md"), "empty");
    assert!(remark("broken.jsonl").contains("1 lines"));
    assert!(remark("cut.gz").contains("can't be read"));
    assert!(remark("bad.pdf").contains("PDF"));
    assert!(remark("huge.txt").contains("first 16 MiB") && remark("bomb.txt.gz").contains("first 16 MiB"));
    assert_eq!(
        corpus.find("grünes Haus Fluss", 3).unwrap()[0].document,
        "latin.txt"
    );
    assert_eq!(corpus.find("whales", 3).unwrap()[0].document, "broken.jsonl#L1");
}

#[test]
fn only_what_changed_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("c");
    std::fs::create_dir(&root).unwrap();
    for i in 0..5 {
        std::fs::write(
            root.join(format!("{i}.txt")),
            format!("Document number {i} speaks of otters."),
        )
        .unwrap();
    }
    let (corpus, crawl) = open(&root, dir.path()).unwrap();
    assert_eq!((crawl.read, corpus.len()), (5, 5));
    let first = corpus.find("otters", 5).unwrap();
    let print = strawberry_research::source::Source::fingerprint(&corpus);
    drop(corpus);
    std::fs::write(root.join("1.txt"), "This one speaks of badgers now.").unwrap();
    std::fs::remove_file(root.join("2.txt")).unwrap();
    std::fs::write(root.join("5.txt"), "A new one about otters.").unwrap();
    let (corpus, crawl) = open(&root, dir.path()).unwrap();
    assert_eq!((crawl.read, crawl.removed, corpus.len()), (2, 1, 5));
    assert_ne!(strawberry_research::source::Source::fingerprint(&corpus), print);
    let second = corpus.find("otters", 9).unwrap();
    assert_eq!(second.len(), 4);
    let kept = first.iter().find(|p| p.document == "3.txt").unwrap();
    assert_eq!(corpus.passage(&kept.id).unwrap().unwrap(), *kept);
    drop(corpus);
    let (_, crawl) = open(&root, dir.path()).unwrap();
    assert_eq!(crawl.read, 0);
}

#[tokio::test]
async fn nothing_to_search_and_nothing_asked_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("c");
    std::fs::create_dir(&root).unwrap();
    assert!(open(&root, dir.path()).err().unwrap().contains("has no text"));
    assert!(
        open(&dir.path().join("none"), dir.path())
            .err()
            .unwrap()
            .contains("can't read the corpus")
    );
    std::fs::write(root.join("a.txt"), "Words in a row.").unwrap();
    assert!(
        open(&root.join("a.txt"), dir.path())
            .err()
            .unwrap()
            .contains("no folder")
    );
    let researcher = support::researcher(Arc::new(support::open(&root, dir.path())), None, None);
    for question in ["", "???", &"x".repeat(9000)] {
        let brief = Brief {
            question: question.into(),
            ..Brief::default()
        };
        assert!(matches!(
            researcher.run(&brief, None).await,
            Err(ResearchError::Brief(_))
        ));
    }
}

/// A model whose vectors know that cars and automobiles are the same.
struct Meaning;

impl strawberry_core::Model for Meaning {
    fn info(&self) -> strawberry_core::ModelInfo {
        strawberry_core::ModelInfo {
            name: "meaning".into(),
            ..Default::default()
        }
    }

    fn sample(
        &self,
        _: strawberry_core::SampleRequest,
    ) -> futures::stream::BoxStream<'static, Result<strawberry_core::ModelEvent, strawberry_core::ModelError>>
    {
        Box::pin(futures::stream::empty())
    }

    fn count_tokens(&self, _: &[strawberry_core::Message]) -> Option<u64> {
        None
    }

    fn embed(&self, texts: &[String]) -> Result<strawberry_core::Embeddings, strawberry_core::ModelError> {
        let vector = |text: &String| {
            let wheels = ["automobile", "vehicle", "car "]
                .iter()
                .any(|w| text.to_lowercase().contains(w));
            if wheels { vec![1.0, 0.0] } else { vec![0.0, 1.0] }
        };
        Ok(strawberry_core::Embeddings {
            vectors: texts.iter().map(vector).collect(),
            prompt_tokens: 1,
        })
    }
}

#[test]
fn vectors_find_what_has_no_word_in_common_and_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("c");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("a.txt"), "Automobiles need a licence plate.").unwrap();
    std::fs::write(root.join("b.txt"), "Whales need water.").unwrap();
    let mut corpus = support::open(&root, dir.path());
    assert!(corpus.find("a car is what", 3).unwrap().is_empty());
    let made = std::sync::atomic::AtomicUsize::new(0);
    let count = |_: usize, all: usize| made.store(all, std::sync::atomic::Ordering::Relaxed);
    corpus.embed(Arc::new(Meaning), &count).unwrap();
    assert_eq!(corpus.find("a car is what", 3).unwrap()[0].document, "a.txt");
    assert_eq!(made.swap(0, std::sync::atomic::Ordering::Relaxed), 2);
    drop(corpus);
    let mut again = support::open(&root, dir.path());
    again.embed(Arc::new(Meaning), &count).unwrap();
    assert_eq!(
        made.load(std::sync::atomic::Ordering::Relaxed),
        0,
        "vectors were made twice"
    );
}
