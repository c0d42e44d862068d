//! The full-text index of a corpus.

use std::path::Path;
use std::time::Duration;

use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, DisjunctionMaxQuery, Occur, Query, TermQuery};
use tantivy::schema::{
    Field, IndexRecordOption, STORED, STRING, Schema, TantivyDocument, TextFieldIndexing, TextOptions, Value,
};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyError, Term};

use crate::passage::Passage;
use crate::words;

/// The name under which the analyzer is registered.
const ANALYZER: &str = "english";
/// Memory of the writer before it writes a segment, in bytes, over all its threads.
const WRITER_BYTES: usize = 160 << 20;
const WRITER_THREADS: usize = 2;
/// Terms of a query that are searched for; more are cut off.
const MOST_TERMS: usize = 64;
/// How much a term counts in text, title, heading and path. The best of the four counts, the others add a little: a
/// word in a short heading is rare there, and would else outweigh a whole text that answers.
const BOOSTS: [f32; 4] = [1.0, 1.0, 0.6, 0.4];
/// How much of the lesser fields is added.
const TIE: f32 = 0.2;
/// How much a passage of a change log or a licence counts for a query that asks for neither: they name everything and
/// explain nothing.
const LOG: f32 = 0.7;
/// What share of the score does not depend on how many of the query's terms a passage has.
const REGARDLESS: f32 = 0.4;

/// Index, reader and fields.
pub(crate) struct PassageIndex {
    index: Index,
    reader: IndexReader,
    fields: Fields,
}

#[derive(Clone, Copy)]
struct Fields {
    id: Field,
    file: Field,
    document: Field,
    title: Field,
    section: Field,
    path: Field,
    text: Field,
    start: Field,
    retrieved: Field,
}

impl PassageIndex {
    /// Opens the index in `folder`, or makes an empty one.
    pub(crate) fn open(folder: &Path) -> tantivy::Result<PassageIndex> {
        let words_only = TextFieldIndexing::default()
            .set_tokenizer(ANALYZER)
            .set_index_option(IndexRecordOption::WithFreqs);
        let searched = TextOptions::default().set_indexing_options(words_only);
        let kept = searched.clone().set_stored();
        let mut schema = Schema::builder();
        let fields = Fields {
            id: schema.add_text_field("id", STRING | STORED),
            file: schema.add_text_field("file", STRING),
            document: schema.add_text_field("document", STORED),
            title: schema.add_text_field("title", kept.clone()),
            section: schema.add_text_field("section", kept.clone()),
            path: schema.add_text_field("path", searched),
            text: schema.add_text_field("text", kept),
            start: schema.add_u64_field("start", STORED),
            retrieved: schema.add_u64_field("retrieved", STORED),
        };
        let index = match Index::open_in_dir(folder) {
            Ok(index) => index,
            Err(TantivyError::OpenReadError(_) | TantivyError::OpenDirectoryError(_)) => {
                Index::create_in_dir(folder, schema.build())?
            }
            Err(error) => return Err(error),
        };
        index.tokenizers().register(ANALYZER, words::analyzer());
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        Ok(PassageIndex {
            index,
            reader,
            fields,
        })
    }

    /// The only writer, waiting a little for another process that holds it.
    pub(crate) fn writer(&self) -> tantivy::Result<IndexWriter> {
        for _ in 0..50 {
            match self.index.writer_with_num_threads(WRITER_THREADS, WRITER_BYTES) {
                Err(TantivyError::LockFailure(..)) => std::thread::sleep(Duration::from_millis(100)),
                other => return other,
            }
        }
        self.index.writer_with_num_threads(WRITER_THREADS, WRITER_BYTES)
    }

    /// Makes searches see what was committed.
    pub(crate) fn reload(&self) -> tantivy::Result<()> {
        self.reader.reload()
    }

    /// Forgets all passages of a file.
    pub(crate) fn forget(&self, writer: &IndexWriter, file: &str) {
        writer.delete_term(Term::from_field_text(self.fields.file, file));
    }

    /// Adds a passage of a file.
    pub(crate) fn add(&self, writer: &IndexWriter, file: &str, passage: &Passage) -> tantivy::Result<()> {
        let f = &self.fields;
        let mut row = TantivyDocument::default();
        row.add_text(f.id, &passage.id);
        row.add_text(f.file, file);
        row.add_text(f.document, &passage.document);
        row.add_text(f.title, &passage.title);
        row.add_text(f.section, &passage.section);
        row.add_text(f.path, &passage.document);
        row.add_text(f.text, &passage.text);
        row.add_u64(f.start, passage.start);
        row.add_u64(f.retrieved, passage.retrieved_ms);
        writer.add_document(row).map(|_| ())
    }

    /// Passages in all.
    pub(crate) fn len(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// The `most` passages that match best, by BM25 (Robertson and Zaragoza 2009, k1 = 1.2, b = 0.75) over text,
    /// title, heading and path, then by how many of the query's terms they have; best first, ties by id.
    pub(crate) fn search(&self, query: &str, most: usize) -> tantivy::Result<Vec<(f32, Passage)>> {
        let wanted = words::stem_set(query);
        let wants_log = [
            "chang",
            "changelog",
            "version",
            "releas",
            "fix",
            "licens",
            "copyright",
        ]
        .iter()
        .any(|w| wanted.contains(*w));
        let Some(query) = self.query(query) else {
            return Ok(Vec::new());
        };
        let searcher = self.reader.searcher();
        let top = searcher.search(&query, &TopDocs::with_limit(most.max(1)).order_by_score())?;
        let mut found = Vec::with_capacity(top.len());
        for (score, address) in top {
            let passage = self.passage(&searcher.doc(address)?);
            let has = words::stem_set(&format!("{} {} {}", passage.title, passage.section, passage.text));
            let share = wanted.intersection(&has).count() as f32 / wanted.len().max(1) as f32;
            let log = is_log(&passage.document) && !wants_log;
            let weight = if log { LOG } else { 1.0 };
            found.push((
                score * weight * (REGARDLESS + (1.0 - REGARDLESS) * share),
                passage,
            ));
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.id.cmp(&b.1.id)));
        Ok(found)
    }

    /// Every passage.
    pub(crate) fn all(&self) -> tantivy::Result<Vec<Passage>> {
        let searcher = self.reader.searcher();
        let mut all = Vec::new();
        for segment in searcher.segment_readers() {
            let store = segment.get_store_reader(8)?;
            for row in store.iter::<TantivyDocument>(segment.alive_bitset()) {
                all.push(self.passage(&row?));
            }
        }
        Ok(all)
    }

    /// The passage with this id.
    pub(crate) fn get(&self, id: &str) -> tantivy::Result<Option<Passage>> {
        let searcher: Searcher = self.reader.searcher();
        let query = TermQuery::new(
            Term::from_field_text(self.fields.id, id),
            IndexRecordOption::Basic,
        );
        let top = searcher.search(&query, &TopDocs::with_limit(1).order_by_score())?;
        match top.first() {
            Some((_, address)) => Ok(Some(self.passage(&searcher.doc(*address)?))),
            None => Ok(None),
        }
    }

    fn query(&self, text: &str) -> Option<BooleanQuery> {
        let mut terms: Vec<String> = Vec::new();
        for stem in words::stems(text) {
            if !terms.contains(&stem) && terms.len() < MOST_TERMS {
                terms.push(stem);
            }
        }
        let f = &self.fields;
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for term in &terms {
            let of = |field| {
                Box::new(TermQuery::new(
                    Term::from_field_text(field, term),
                    IndexRecordOption::WithFreqs,
                ))
            };
            let fields = [f.text, f.title, f.section, f.path].into_iter().zip(BOOSTS);
            let each =
                fields.map(|(field, boost)| Box::new(BoostQuery::new(of(field), boost)) as Box<dyn Query>);
            let best = DisjunctionMaxQuery::with_tie_breaker(each.collect(), TIE);
            clauses.push((Occur::Should, Box::new(best)));
        }
        (!clauses.is_empty()).then(|| BooleanQuery::new(clauses))
    }

    fn passage(&self, row: &TantivyDocument) -> Passage {
        let f = &self.fields;
        let text = |field| {
            row.get_first(field)
                .and_then(|v| v.as_str().map(str::to_owned))
                .unwrap_or_default()
        };
        let number = |field| row.get_first(field).and_then(|v| v.as_u64()).unwrap_or_default();
        Passage {
            id: text(f.id),
            document: text(f.document),
            title: text(f.title),
            section: text(f.section),
            start: number(f.start),
            text: text(f.text),
            retrieved_ms: number(f.retrieved),
        }
    }
}

/// Whether a document is a log of changes or a licence, by its name.
fn is_log(document: &str) -> bool {
    let name = document.rsplit('/').next().unwrap_or(document).to_lowercase();
    ["changelog", "changes", "news", "copyright", "license", "copying"]
        .iter()
        .any(|n| name.starts_with(n))
}
