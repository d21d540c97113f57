//! What a guest may take: time, memory, stack; each fault by its name, and the next instance works.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use host::plugin::limits::Limits;
use host::plugin::{Plugin, PluginEngine};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use crate::built::{batch, call, chain, configured, misbehaving, plugin};

fn limits() -> Limits {
    Limits {
        deadline: Duration::from_millis(100),
        memory_bytes: 16 << 20,
        ..Limits::default()
    }
}

#[test]
fn a_record_that_traps_is_a_trap() {
    let error = call(&plugin(limits()), &["ok", "trap"]).expect_err("a trap");
    assert_eq!(error.code(), "trap");
    assert!(chain(&error).starts_with("the plugin trapped: "), "{}", chain(&error));
}

#[test]
fn a_record_that_never_ends_is_stopped_at_the_deadline() {
    let plugin = plugin(limits());
    let begun = Instant::now();
    let error = call(&plugin, &["loop", "ok"]).expect_err("the deadline");
    let took = begun.elapsed();
    assert_eq!(error.code(), "deadline");
    assert_eq!(
        chain(&error),
        "the plugin did not return within 100 ms of processor time (plugin.limits.deadline_ms)"
    );
    // Processor time is counted, so a busy machine takes longer, and none takes less.
    assert!(took >= Duration::from_millis(90), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// Rows that take some time, and the time of the rest of the test.
const MANY: usize = 20_000;

#[test]
fn a_call_that_waits_for_a_processor_is_not_cut_off() {
    let many = vec!["ok"; MANY];
    let unhurried = plugin(Limits::default());
    let begun = processor_time();
    call(&unhurried, &many).expect("an outcome");
    // Of processor time, so that a machine that is busy already counts for nothing.
    let deadline = (processor_time().saturating_sub(begun) * 4).max(Duration::from_millis(100));
    let plugin = plugin(Limits {
        deadline,
        ..Limits::default()
    });
    let is_over = AtomicBool::new(false);
    let took = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                to_the_first_processor();
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let call = move || {
            lower_priority();
            to_the_first_processor();
            let begun = Instant::now();
            let outcome = call(&plugin, &many);
            (begun.elapsed(), outcome)
        };
        let called = scope.spawn(call).join();
        is_over.store(true, Ordering::Relaxed);
        let (took, outcome) = called.expect("no panic");
        outcome.expect("an outcome");
        took
    });
    assert!(took > deadline, "it had to wait: {took:?} of {deadline:?}");
}

/// Of this thread.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).expect("nanoseconds"),
    )
}

/// Where this thread runs from now on, beside all others that were sent there, however many processors there are.
fn to_the_first_processor() {
    let allowed = sched_getaffinity(None).expect("the processors of this thread");
    let first = (0..CpuSet::MAX_CPU).find(|&one| allowed.is_set(one));
    let mut only = CpuSet::new();
    only.set(first.expect("a processor"));
    sched_setaffinity(None, &only).expect("one of them");
}

/// So that everybody else's threads come first.
fn lower_priority() {
    let thread = rustix::thread::gettid();
    rustix::process::setpriority_process(Some(thread), 19).expect("a lower priority");
}

#[test]
fn the_deadline_begins_anew_with_each_call() {
    let mut instance = plugin(limits()).instantiate().expect("an instance");
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(60));
        instance.transform(&batch(&["ok"])).expect("an outcome");
    }
}

#[test]
fn a_record_that_eats_memory_is_told_the_limit() {
    let error = call(&plugin(limits()), &["memory"]).expect_err("the memory limit");
    assert_eq!(error.code(), "memory");
    assert_eq!(
        chain(&error),
        "the plugin wanted more than 16 MiB of memory (plugin.limits.memory_mib)"
    );
}

#[test]
fn a_batch_that_does_not_fit_into_the_guests_memory_is_told_the_limit() {
    let long = "x".repeat(20 << 20);
    let error = call(&plugin(limits()), &[&long]).expect_err("the memory limit");
    assert_eq!(error.code(), "memory");
}

#[test]
fn a_record_that_recurses_for_ever_is_a_trap() {
    let error = call(&plugin(limits()), &["stack"]).expect_err("a trap");
    assert_eq!(error.code(), "trap");
    assert!(chain(&error).contains("stack"), "{}", chain(&error));
}

#[test]
fn after_any_fault_a_new_instance_works() {
    let plugin = plugin(limits());
    for fault in ["trap", "loop", "memory", "stack", "bad-utf8", "aliased-lists"] {
        call(&plugin, &[fault]).expect_err(fault);
        let outcome = call(&plugin, &["ok", "ok"]).expect("an outcome");
        assert_eq!(outcome.rows[0].source, [0, 1], "after {fault}");
    }
}

#[test]
fn configure_is_bounded_as_a_call_is() {
    for (configure, said) in [
        ("trap", "it fails in `configure`: the plugin trapped"),
        (
            "loop",
            "it fails in `configure`: the plugin did not return within 100 ms of processor time",
        ),
        ("memory", "it fails in `configure`: the plugin wanted more than 16 MiB"),
        ("refuse", "it refuses its settings: refused as asked"),
    ] {
        let Err(error) = configured(configure, limits()) else {
            panic!("configure={configure} was accepted")
        };
        assert!(chain(&error).starts_with(said), "{}", chain(&error));
    }
}

/// As a member of the group with too many partitions finds out.
#[test]
fn where_there_is_no_room_for_one_more_instance_it_is_said_what_to_do() {
    // An engine of its own, since the other tests share one.
    let engine = PluginEngine::new(limits()).expect("the engine is made");
    let plugin = Plugin::load(&engine, misbehaving(), &[], limits()).expect("misbehaving loads");
    let mut held = Vec::new();
    let error = loop {
        match plugin.instantiate() {
            Ok(instance) => held.push(instance),
            Err(error) => break error,
        }
    };
    assert_eq!(held.len(), 256);
    let said = chain(&error);
    assert!(
        said.starts_with("256 instances run already") && said.contains("start another member of the group"),
        "{said}"
    );
    held.pop();
    plugin.instantiate().expect("the place of the one that was dropped");
}

/// More faults than the pool has places: each instance that is dropped gives its place back.
#[test]
fn places_of_dropped_instances_are_used_again() {
    let plugin = plugin(limits());
    for _ in 0..600 {
        call(&plugin, &["trap"]).expect_err("a trap");
    }
    call(&plugin, &["ok"]).expect("an outcome");
}
