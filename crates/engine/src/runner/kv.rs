//! The key/value cache: pages of 32 positions, counted references, copied only when written while shared.
//!
//! A page holds its positions' keys and values of every layer, so a sequence is a list of page numbers and a
//! fork copies that list. Sequences that share a prefix share its pages; the tree of prefixes exists only in
//! the reference counts. A page is free again as
//! soon as nobody refers to it; its memory waits for the next use.

use std::io;
use std::marker::PhantomData;
use std::ops::Range;

use memmap2::MmapMut;

use crate::kernels::attention::{KvFormat, PAGE};

/// A sequence of tokens in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeqId {
    slot: u32,
    generation: u32,
}

/// The cache has too few free pages for what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the key/value cache is full: {needed} more pages of {PAGE} tokens are needed, {free} of {total} are free"
)]
pub struct KvFull {
    /// Pages needed.
    pub needed: usize,
    /// Pages free.
    pub free: usize,
    /// Pages in the budget.
    pub total: usize,
}

/// How full the cache is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KvUsage {
    /// Bytes in use, shared pages counted once.
    pub bytes: usize,
    /// Pages that can still be had.
    pub pages_free: usize,
    /// Pages in the budget.
    pub pages_total: usize,
    /// Tokens of a page.
    pub page_tokens: usize,
}

/// Sizes of the cached heads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub layers: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
}

impl Shape {
    /// Units of a page.
    fn page_units<F: KvFormat>(self) -> usize {
        self.layers * self.kv_heads * F::units(self.head_dim)
    }
    /// Where a head's keys and values lie in the storage.
    pub fn head_range<F: KvFormat>(self, page: u32, layer: usize, head: usize) -> Range<usize> {
        let len = F::units(self.head_dim);
        let start = page as usize * self.page_units::<F>() + (layer * self.kv_heads + head) * len;
        start..start + len
    }
    /// Bytes of a page.
    pub fn page_bytes<F: KvFormat>(self) -> usize {
        self.page_units::<F>() * size_of::<F::Unit>()
    }
}

/// All pages' storage, reserved at once and given memory by the system when first written. A head's part of a
/// page is small and far from the next page's, so ordinary 4 KiB pages would make every visit wait for address
/// translation: huge ones are asked for.
struct Region<U> {
    map: MmapMut,
    unit: PhantomData<U>,
}

impl<U: Copy> Region<U> {
    fn new(units: usize) -> io::Result<Self> {
        let map = MmapMut::map_anon(units * size_of::<U>())?;
        #[cfg(target_os = "linux")]
        // Without huge pages it works all the same.
        let _ = map.advise(memmap2::Advice::HugePage);
        Ok(Region {
            map,
            unit: PhantomData,
        })
    }

    fn units(&self) -> &[U] {
        let len = self.map.len() / size_of::<U>();
        // SAFETY: the mapping is aligned to a system page, holds `len` units, and starts as zeros, which are
        // units of every format (see `KvFormat`).
        unsafe { std::slice::from_raw_parts(self.map.as_ptr().cast(), len) }
    }

    fn units_mut(&mut self) -> &mut [U] {
        let len = self.map.len() / size_of::<U>();
        // SAFETY: as above, and borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.map.as_mut_ptr().cast(), len) }
    }
}

struct Sequence {
    pages: Vec<u32>,
    len: usize,
}

/// Pages and the sequences that refer to them.
pub(crate) struct Cache<F: KvFormat> {
    shape: Shape,
    /// Page after page; in a page, for each layer and head, what the format makes of it.
    region: Region<F::Unit>,
    /// How many sequences refer to each page.
    references: Vec<u32>,
    /// Pages that none refers to.
    free: Vec<u32>,
    sequences: Vec<(u32, Option<Sequence>)>,
    vacant: Vec<u32>,
}

impl<F: KvFormat> Cache<F> {
    /// A cache of at most `bytes`, but at least one page.
    pub fn new(shape: Shape, bytes: usize) -> io::Result<Self> {
        let count = (bytes / shape.page_bytes::<F>()).clamp(1, 1 << 24);
        #[allow(clippy::cast_possible_truncation, reason = "at most 2^24 pages")]
        let free = (0..count as u32).rev().collect();
        Ok(Cache {
            shape,
            region: Region::new(count * shape.page_units::<F>())?,
            references: vec![0; count],
            free,
            sequences: Vec::new(),
            vacant: Vec::new(),
        })
    }

    pub fn usage(&self) -> KvUsage {
        KvUsage {
            bytes: (self.references.len() - self.free.len()) * self.shape.page_bytes::<F>(),
            pages_free: self.free.len(),
            pages_total: self.references.len(),
            page_tokens: PAGE,
        }
    }

    /// A new sequence of the first `len` tokens of `parent`.
    ///
    /// # Panics
    /// If the parent is not alive or shorter.
    pub fn fork(&mut self, parent: Option<SeqId>, len: usize) -> SeqId {
        let pages = match parent {
            None => {
                assert!(len == 0, "a sequence without a parent starts empty");
                Vec::new()
            }
            Some(parent) => {
                let parent = self.sequence(parent);
                assert!(
                    len <= parent.len,
                    "a fork at {len} of a sequence of {}",
                    parent.len
                );
                parent.pages[..len.div_ceil(PAGE)].to_vec()
            }
        };
        for &page in &pages {
            self.references[page as usize] += 1;
        }
        let sequence = Some(Sequence { pages, len });
        if let Some(slot) = self.vacant.pop() {
            let (generation, place) = &mut self.sequences[slot as usize];
            *place = sequence;
            SeqId {
                slot,
                generation: *generation,
            }
        } else {
            self.sequences.push((0, sequence));
            #[allow(
                clippy::cast_possible_truncation,
                reason = "far fewer than 2^32 live sequences"
            )]
            SeqId {
                slot: self.sequences.len() as u32 - 1,
                generation: 0,
            }
        }
    }

    /// Forgets a sequence. One that is not alive is ignored.
    pub fn free(&mut self, id: SeqId) {
        let Some((generation, place)) = self.sequences.get_mut(id.slot as usize) else {
            return;
        };
        if *generation != id.generation {
            return;
        }
        if let Some(sequence) = place.take() {
            *generation = generation.wrapping_add(1);
            self.vacant.push(id.slot);
            for page in sequence.pages {
                self.release(page);
            }
        }
    }

    fn release(&mut self, id: u32) {
        let references = &mut self.references[id as usize];
        *references -= 1;
        if *references == 0 {
            self.free.push(id);
        }
    }

    /// Shortens a sequence to `len` tokens.
    ///
    /// # Panics
    /// If it is not alive or shorter.
    pub fn truncate(&mut self, id: SeqId, len: usize) {
        let sequence = self.sequence_mut(id);
        assert!(
            len <= sequence.len,
            "truncation to {len} of a sequence of {}",
            sequence.len
        );
        sequence.len = len;
        let dropped = sequence.pages.split_off(len.div_ceil(PAGE));
        for page in dropped {
            self.release(page);
        }
    }

    fn find(&self, id: SeqId) -> Option<&Sequence> {
        let (generation, sequence) = self.sequences.get(id.slot as usize)?;
        if *generation == id.generation {
            sequence.as_ref()
        } else {
            None
        }
    }

    pub fn is_alive(&self, id: SeqId) -> bool {
        self.find(id).is_some()
    }

    #[allow(
        clippy::expect_used,
        reason = "documented: ids of freed sequences must not be used"
    )]
    fn sequence(&self, id: SeqId) -> &Sequence {
        self.find(id).expect("the sequence was freed")
    }

    #[allow(clippy::expect_used, reason = "as above")]
    fn sequence_mut(&mut self, id: SeqId) -> &mut Sequence {
        assert!(self.is_alive(id), "the sequence was freed");
        self.sequences[id.slot as usize]
            .1
            .as_mut()
            .expect("the sequence was freed")
    }

    /// Tokens in a sequence.
    ///
    /// # Panics
    /// If it is not alive.
    pub fn len(&self, id: SeqId) -> usize {
        self.sequence(id).len
    }

    /// Pages that appending `tokens` to a sequence takes: new ones, and a copy of a shared last one.
    pub fn pages_needed(&self, id: SeqId, tokens: usize) -> usize {
        let sequence = self.sequence(id);
        let new = (sequence.len + tokens).div_ceil(PAGE) - sequence.pages.len();
        new + usize::from(tokens > 0 && self.shared_tail(sequence).is_some())
    }

    /// The last page, when it is partly filled and others refer to it.
    fn shared_tail(&self, sequence: &Sequence) -> Option<u32> {
        let &last = sequence.pages.last()?;
        let partial = !sequence.len.is_multiple_of(PAGE);
        (partial && self.references[last as usize] > 1).then_some(last)
    }

    /// Makes room for `tokens` more and counts them as there; their keys and values must be stored
    /// in [`Cache::storage`].
    ///
    /// # Panics
    /// If there are fewer free pages than [`Cache::pages_needed`].
    pub fn extend(&mut self, id: SeqId, tokens: usize) {
        let sequence = self.sequence(id);
        let len = sequence.len + tokens;
        if tokens > 0
            && let Some(shared) = self.shared_tail(sequence)
        {
            let copy = self.take_page();
            let len = self.shape.page_units::<F>();
            let from = shared as usize * len;
            self.region
                .units_mut()
                .copy_within(from..from + len, copy as usize * len);
            self.release(shared);
            if let Some(last) = self.sequence_mut(id).pages.last_mut() {
                *last = copy;
            }
        }
        while self.sequence(id).pages.len() < len.div_ceil(PAGE) {
            let page = self.take_page();
            self.sequence_mut(id).pages.push(page);
        }
        self.sequence_mut(id).len = len;
    }

    #[allow(clippy::expect_used, reason = "documented")]
    fn take_page(&mut self) -> u32 {
        let page = self.free.pop().expect("no free page: callers check first");
        self.references[page as usize] = 1;
        page
    }

    /// A sequence's pages by position.
    pub fn pages(&self, id: SeqId) -> &[u32] {
        &self.sequence(id).pages
    }

    /// A head's part of a page.
    pub fn head(&self, page: u32, layer: usize, head: usize) -> &[F::Unit] {
        &self.region.units()[self.shape.head_range::<F>(page, layer, head)]
    }

    /// The sizes, and every page's storage (see [`Shape::head_range`]).
    pub fn storage(&mut self) -> (Shape, &mut [F::Unit]) {
        (self.shape, self.region.units_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        layers: 1,
        kv_heads: 1,
        head_dim: 4,
    };

    fn cache(pages: usize) -> Cache<f32> {
        Cache::new(SHAPE, pages * SHAPE.page_bytes::<f32>()).unwrap()
    }

    #[test]
    fn forks_share_pages_and_copy_a_partial_one_when_they_write() {
        let mut cache = cache(10);
        let parent = cache.fork(None, 0);
        assert_eq!(cache.pages_needed(parent, 40), 2);
        cache.extend(parent, 40);
        let children: Vec<_> = (0..3).map(|_| cache.fork(Some(parent), 40)).collect();
        assert_eq!(cache.usage().pages_free, 8);
        for &child in &children {
            assert_eq!(cache.pages_needed(child, 1), 1);
            cache.extend(child, 1);
            assert_eq!(cache.pages(child)[0], cache.pages(parent)[0]);
            assert_ne!(cache.pages(child)[1], cache.pages(parent)[1]);
        }
        assert_eq!(cache.pages_needed(children[0], 1), 0);
        cache.free(parent);
        assert_eq!(cache.usage().pages_free, 6);
        for child in children {
            cache.free(child);
            cache.free(child);
        }
        assert_eq!(
            cache.usage(),
            KvUsage {
                bytes: 0,
                pages_free: 10,
                pages_total: 10,
                page_tokens: PAGE
            }
        );
    }

    #[test]
    fn a_copy_keeps_what_was_written() {
        let mut cache = cache(4);
        let parent = cache.fork(None, 0);
        cache.extend(parent, 2);
        let page = cache.pages(parent)[0];
        let (shape, storage) = cache.storage();
        let head = &mut storage[shape.head_range::<f32>(page, 0, 0)];
        head[3].0[1] = 4.0;
        let child = cache.fork(Some(parent), 2);
        cache.extend(child, 1);
        assert_ne!(cache.pages(child)[0], page);
        assert_eq!(cache.head(cache.pages(child)[0], 0, 0)[3].0[..3], [0.0, 4.0, 0.0]);
    }

    #[test]
    fn truncation_gives_pages_back() {
        let mut cache = cache(4);
        let id = cache.fork(None, 0);
        cache.extend(id, 97);
        assert_eq!(cache.usage().pages_free, 0);
        cache.truncate(id, 32);
        assert_eq!((cache.len(id), cache.usage().pages_free), (32, 3));
        cache.truncate(id, 0);
        assert_eq!(cache.usage().pages_free, 4);
        assert!(cache.is_alive(id));
        cache.free(id);
        assert!(!cache.is_alive(id));
    }
}
