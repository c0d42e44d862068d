//! Passages as vectors of a model, beside the full-text index: what is alike in meaning without a word in common.
//!
//! The file is a list of records (passage id, components as signed bytes), appended to in whole batches; what a kill cut
//! off at its end is left out and made again. Search compares with every vector, which for 100,000 passages of 576
//! components takes about 20 ms on one core.

use std::collections::{HashMap, HashSet};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;
use sha2::{Digest, Sha256};
use strawberry_core::{Model, ModelError};

use crate::passage::Passage;

/// Texts embedded at once.
const BATCH: usize = 16;
/// Bytes of a passage that are embedded: what comes behind says little more about its subject.
const BYTES: usize = 800;

/// The vectors of a corpus under one model.
pub(crate) struct Vectors {
    model: Arc<dyn Model>,
    size: usize,
    ids: Vec<u64>,
    components: Vec<i8>,
}

impl Vectors {
    /// Reads the vectors in `folder` and makes those that `passages` lack. `progress` is told done and to do.
    ///
    /// # Errors
    /// The model does not embed, or the file can't be written.
    pub(crate) fn complete(
        folder: &Path,
        model: Arc<dyn Model>,
        passages: &[Passage],
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Vectors, String> {
        let embed = |texts: &[String]| model.embed(texts).map_err(|e: ModelError| e.to_string());
        let size = embed(&["size".to_owned()])?.vectors.first().map_or(0, Vec::len);
        let info = model.info();
        let name: String = Sha256::digest(format!("{:?} {} {size}", info.hash, info.name))[..8]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let path = folder.join(format!("vectors-{name}.bin"));
        let record = 8 + size;
        let mut bytes = std::fs::read(&path).unwrap_or_default();
        bytes.truncate(bytes.len() / record * record);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| e.to_string())?;
        file.set_len(bytes.len() as u64).map_err(|e| e.to_string())?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).map_err(|e| e.to_string())?;
        let mut all = Vectors {
            model: model.clone(),
            size,
            ids: Vec::new(),
            components: Vec::new(),
        };
        bytes.chunks_exact(record).for_each(|r| all.push(r));
        let known: HashSet<u64> = all.ids.iter().copied().collect();
        let missing: Vec<&Passage> = passages
            .iter()
            .filter(|p| !known.contains(&number(&p.id)))
            .collect();
        for (batch, passages) in missing.chunks(BATCH).enumerate() {
            progress(batch * BATCH, missing.len());
            let texts: Vec<String> = passages
                .iter()
                .map(|p| format!("{}\n{}", p.title, &p.text[..p.text.floor_char_boundary(BYTES)]))
                .collect();
            let vectors = embed(&texts)?.vectors;
            let mut out = Vec::with_capacity(record * BATCH);
            for (passage, vector) in passages.iter().zip(vectors) {
                out.extend(number(&passage.id).to_le_bytes());
                out.extend(quantised(&vector).map(|c| c as u8));
            }
            file.write_all(&out).map_err(|e| e.to_string())?;
            out.chunks_exact(record).for_each(|r| all.push(r));
        }
        // Vectors of passages that are gone are not searched.
        let present: HashSet<u64> = passages.iter().map(|p| number(&p.id)).collect();
        Ok(all.retained(&present))
    }

    /// The ids of the `most` passages that are most like `query`, best first.
    pub(crate) fn search(&self, query: &str, most: usize) -> Result<Vec<String>, ModelError> {
        let vector = self
            .model
            .embed(&[query.to_owned()])?
            .vectors
            .into_iter()
            .next()
            .unwrap_or_default();
        let query: Vec<i8> = quantised(&vector).collect();
        let mut likeness: Vec<(i32, u64)> = self
            .components
            .par_chunks_exact(self.size.max(1))
            .zip(&self.ids)
            .map(|(row, id)| {
                (
                    row.iter()
                        .zip(&query)
                        .map(|(a, b)| i32::from(*a) * i32::from(*b))
                        .sum(),
                    *id,
                )
            })
            .collect();
        likeness.par_sort_unstable_by(|a, b| b.cmp(a));
        Ok(likeness
            .into_iter()
            .take(most)
            .map(|(_, id)| format!("{id:016x}"))
            .collect())
    }

    fn push(&mut self, record: &[u8]) {
        let (id, components) = record.split_at(8);
        self.ids
            .push(u64::from_le_bytes(id.try_into().unwrap_or_default()));
        self.components.extend(components.iter().map(|&c| c as i8));
    }

    fn retained(self, present: &HashSet<u64>) -> Vectors {
        let places: HashMap<u64, usize> = self
            .ids
            .iter()
            .enumerate()
            .filter(|(_, id)| present.contains(id))
            .map(|(i, id)| (*id, i))
            .collect();
        if places.len() == self.ids.len() {
            return self;
        }
        let mut kept = Vectors {
            ids: Vec::new(),
            components: Vec::new(),
            model: self.model.clone(),
            size: self.size,
        };
        for (i, id) in self.ids.iter().enumerate() {
            if places.get(id) == Some(&i) {
                kept.ids.push(*id);
                kept.components
                    .extend_from_slice(&self.components[i * self.size..(i + 1) * self.size]);
            }
        }
        kept
    }
}

/// The id as a number.
fn number(id: &str) -> u64 {
    u64::from_str_radix(id, 16).unwrap_or_default()
}

/// Components of a vector of length 1 as signed bytes.
fn quantised(vector: &[f32]) -> impl Iterator<Item = i8> {
    vector
        .iter()
        .map(|c| (c * 127.0).round().clamp(-127.0, 127.0) as i8)
}
