//! A few threads that stay awake between the many small parallel loops of one model step.
//!
//! A layer at N = 1 is five matrix products of tens of microseconds, so handing over a loop must cost less
//! than one. The workers spin for a short while after each loop and park only when none follows. A worker
//! that is late (another program has its core) is not waited for unless it has begun to work.

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{JoinHandle, Thread};

/// Runs parallel loops on a fixed number of threads, the caller's among them.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    handles: Vec<Thread>,
}

/// `state` of the loop on offer: its number shifted by 16, [`OPEN`] while workers may join, and how many have.
struct Shared {
    state: AtomicU64,
    job: UnsafeCell<Option<Job>>,
    next: AtomicUsize,
    parked: Vec<AtomicBool>,
    panicked: AtomicBool,
    stop: AtomicBool,
}

const OPEN: u64 = 1 << 15;
const JOINED: u64 = OPEN - 1;

#[derive(Clone, Copy)]
struct Job {
    body: *const (dyn Fn(usize, usize) + Sync),
    tasks: usize,
}

// SAFETY: `job` is written only by the thread that owns the pool while no loop is open and none has joined
// (see `run`), and read only by workers that have joined an open loop; `state` orders the two.
unsafe impl Sync for Shared {}
// SAFETY: as above; the pointer in `job` is to a `Sync` closure.
unsafe impl Send for Shared {}

const SPINS: usize = 20_000;

impl Pool {
    /// A pool of `threads` threads (at least 1), which counts the caller of [`Pool::run`].
    pub fn new(threads: usize) -> Pool {
        let threads = threads.clamp(1, 1024);
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            job: UnsafeCell::new(None),
            next: AtomicUsize::new(0),
            parked: (1..threads).map(|_| AtomicBool::new(false)).collect(),
            panicked: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        });
        let workers: Vec<_> = (1..threads)
            .filter_map(|index| {
                let shared = Arc::clone(&shared);
                std::thread::Builder::new()
                    .name(format!("kernel-{index}"))
                    .spawn(move || work(&shared, index))
                    .ok()
            })
            .collect();
        let handles = workers.iter().map(|worker| worker.thread().clone()).collect();
        Pool {
            shared,
            workers,
            handles,
        }
    }

    /// Threads that take part, the caller's included.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `body(task, thread)` once for each task in `0..tasks`, in any order, `thread` in
    /// `0..self.threads()` being different for calls that overlap; returns when all are done.
    ///
    /// # Panics
    /// If `body` panicked.
    pub fn run(&mut self, tasks: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        if self.workers.is_empty() || tasks <= 1 {
            for task in 0..tasks {
                body(task, 0);
            }
            return;
        }
        let shared = &*self.shared;
        let round = (shared.state.load(Ordering::Relaxed) >> 16).wrapping_add(1) << 16;
        // SAFETY: only the lifetime is changed; no worker uses the closure after this function returns, since
        // it closes the loop and waits until every worker that joined has left.
        let body_static: *const (dyn Fn(usize, usize) + Sync) =
            unsafe { std::mem::transmute(std::ptr::from_ref(body)) };
        // SAFETY: the previous loop was closed and everyone left it; `&mut self` keeps other callers out.
        unsafe {
            *shared.job.get() = Some(Job {
                body: body_static,
                tasks,
            })
        };
        shared.next.store(0, Ordering::Relaxed);
        shared.state.store(round | OPEN, Ordering::SeqCst);
        for (parked, thread) in shared.parked.iter().zip(&self.handles) {
            if parked.load(Ordering::SeqCst) {
                thread.unpark();
            }
        }
        let result = catch_unwind(AssertUnwindSafe(|| take_tasks(shared, body, tasks, 0)));
        if result.is_err() {
            shared.next.store(usize::MAX / 2, Ordering::Relaxed); // nobody starts another task
        }
        shared.state.fetch_and(!OPEN, Ordering::AcqRel);
        let mut spins = 0;
        while shared.state.load(Ordering::Acquire) & JOINED != 0 {
            pause(&mut spins);
        }
        if let Err(panic) = result {
            resume_unwind(panic);
        }
        assert!(
            !shared.panicked.swap(false, Ordering::Relaxed),
            "a task of a parallel loop panicked"
        );
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            // A worker catches panics of the tasks, so joining cannot fail.
            let _ = worker.join();
        }
    }
}

fn take_tasks(shared: &Shared, body: &(dyn Fn(usize, usize) + Sync), tasks: usize, thread: usize) {
    loop {
        let task = shared.next.fetch_add(1, Ordering::Relaxed);
        if task >= tasks {
            return;
        }
        body(task, thread);
    }
}

fn pause(spins: &mut usize) {
    *spins += 1;
    if *spins < SPINS {
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}

fn work(shared: &Shared, index: usize) {
    let mut seen = 0;
    let mut spins = 0;
    while !shared.stop.load(Ordering::Relaxed) {
        let state = shared.state.load(Ordering::Acquire);
        if state & OPEN == 0 || state >> 16 == seen {
            spins += 1;
            if spins < SPINS {
                std::hint::spin_loop();
            } else {
                park(shared, index, seen);
                spins = 0;
            }
            continue;
        }
        if shared
            .state
            .compare_exchange(state, state + 1, Ordering::AcqRel, Ordering::Relaxed)
            .is_err()
        {
            continue;
        }
        seen = state >> 16;
        spins = 0;
        // SAFETY: this worker has joined the open loop `seen`, whose job was written before it opened and
        // stays until every joined worker has left.
        let job = unsafe { *shared.job.get() };
        if let Some(job) = job {
            // SAFETY: as above: `run` does not return, so the closure lives, before this worker leaves.
            let body = unsafe { &*job.body };
            let done = catch_unwind(AssertUnwindSafe(|| take_tasks(shared, body, job.tasks, index)));
            if done.is_err() {
                shared.panicked.store(true, Ordering::Relaxed);
            }
        }
        shared.state.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Sleeps until a loop other than `seen` is on offer (or for no reason: the caller looks again).
fn park(shared: &Shared, index: usize, seen: u64) {
    let parked = &shared.parked[index - 1];
    parked.store(true, Ordering::SeqCst);
    let state = shared.state.load(Ordering::SeqCst);
    if (state & OPEN == 0 || state >> 16 == seen) && !shared.stop.load(Ordering::SeqCst) {
        std::thread::park();
    }
    parked.store(false, Ordering::SeqCst);
}

/// A slice that the tasks of one parallel loop write at different places.
pub(crate) struct SharedMut<'a, T> {
    start: *mut T,
    len: usize,
    _slice: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: access goes through `slice`, whose callers promise disjoint ranges.
unsafe impl<T: Send> Sync for SharedMut<'_, T> {}

impl<'a, T> SharedMut<'a, T> {
    pub fn new(slice: &'a mut [T]) -> Self {
        SharedMut {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            _slice: std::marker::PhantomData,
        }
    }

    /// `len` elements from `start`.
    ///
    /// # Safety
    /// While the result lives, no other live result may overlap it.
    #[allow(
        clippy::mut_from_ref,
        reason = "that the ranges are disjoint is the caller's promise"
    )]
    #[inline(always)]
    pub unsafe fn slice(&self, start: usize, len: usize) -> &mut [T] {
        assert!(
            start <= self.len && len <= self.len - start,
            "range outside the shared slice"
        );
        // SAFETY: within the borrowed slice (just checked); disjoint by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once() {
        for threads in 1..=4 {
            let mut pool = Pool::new(threads);
            for tasks in [0, 1, 2, 7, 100] {
                for _ in 0..20 {
                    let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                    pool.run(tasks, &|task, thread| {
                        assert!(thread < threads);
                        counts[task].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
                }
            }
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_goes_on() {
        let mut pool = Pool::new(3);
        for bad in 0..8 {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                pool.run(8, &|task, _| assert!(task != bad, "task {task}"));
            }));
            assert!(outcome.is_err());
        }
        let sum = AtomicUsize::new(0);
        pool.run(10, &|task, _| {
            sum.fetch_add(task, Ordering::Relaxed);
        });
        assert_eq!(sum.load(Ordering::Relaxed), 45);
    }
}
