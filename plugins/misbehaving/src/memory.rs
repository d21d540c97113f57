//! What a guest does with its memory over many records: keeps some of it with each, as the runtimes of other languages do,
//! or needs much of it at once.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that each record leaves behind.
static LEAK: AtomicUsize = AtomicUsize::new(0);

/// From now on each record leaves so many bytes behind.
pub fn leak_with_each_record(bytes: usize) {
    LEAK.store(bytes, Ordering::Relaxed);
}

pub fn leak(records: usize) {
    let bytes = LEAK.load(Ordering::Relaxed);
    if bytes > 0 {
        (0..records).for_each(|_| keep(bytes));
    }
}

/// Takes so many bytes for ever.
pub fn keep(bytes: usize) {
    black_box(vec![1_u8; bytes].leak());
}

/// Takes so many bytes for a moment.
pub fn use_and_free(bytes: usize) {
    black_box(vec![1_u8; bytes]);
}
