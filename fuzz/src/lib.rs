//! What the fuzz targets share: an allocator that counts, and the bound on memory.
//!
//! A target is one file in `fuzz_targets/` with a `[[bin]]` in `Cargo.toml`; `scripts/fuzz.sh` finds it
//! there. `scripts/fuzz_seeds.py` writes its seeds.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts this thread's live bytes and refuses to pass the armed limit.
pub struct Counting;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static LIMIT: Cell<usize> = const { Cell::new(usize::MAX) };
}

fn grow(bytes: usize) {
    let live = LIVE.get().saturating_add(bytes);
    LIVE.set(live);
    let limit = LIMIT.get();
    if live > limit {
        LIMIT.set(usize::MAX);
        eprintln!("memory bound broken: an allocation of {bytes} bytes makes {live} live, the bound is {limit}");
        std::process::abort();
    }
}

fn shrink(bytes: usize) {
    LIVE.set(LIVE.get().saturating_sub(bytes));
}

// SAFETY: every request goes to the system allocator unchanged; only counters in constant-initialised
// thread-local cells, which do not allocate, are touched beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        shrink(layout.size());
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        grow(new_size);
        shrink(layout.size());
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `work` on an input of `len` bytes and aborts when it has more than `2 * len` + 64 MiB allocated at
/// one time.
pub fn bounded<T>(len: usize, work: impl FnOnce() -> T) -> T {
    LIMIT.set(LIVE.get() + 2 * len + (64 << 20));
    let result = work();
    LIMIT.set(usize::MAX);
    result
}
