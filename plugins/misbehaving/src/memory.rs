//! Uses memory as guests do over many records. Some is kept with each record, as the runtimes of other languages do, or
//! much is needed at once.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that each record leaves behind.
static LEAK: AtomicUsize = AtomicUsize::new(0);

/// From now on each record leaves this many bytes behind.
pub fn leak_with_each_record(bytes: usize) {
    LEAK.store(bytes, Ordering::Relaxed);
}

pub fn leak(records: usize) {
    let bytes = LEAK.load(Ordering::Relaxed);
    if bytes > 0 {
        (0..records).for_each(|_| keep(bytes));
    }
}

/// Takes this many bytes and never frees them.
pub fn keep(bytes: usize) {
    black_box(vec![1_u8; bytes].leak());
}

/// Takes this many bytes and frees them at once.
pub fn use_and_free(bytes: usize) {
    black_box(vec![1_u8; bytes]);
}
