//! A plugin that is replaced while records flow: only what a trusted key has signed is swapped in.

use crate::support::plugin;
use crate::support::program::Job;

/// The same component with another digest: it has one more custom section, which is never read.
fn rebuilt(component: &[u8], note: &str) -> Vec<u8> {
    let short = |length: usize| u8::try_from(length).expect("a short note");
    let mut section = vec![0, short(note.len() + 1), short(note.len())];
    section.extend_from_slice(note.as_bytes());
    [component, &section].concat()
}

#[test]
fn a_changed_file_is_swapped_in_once_it_is_signed() {
    let job = Job::set_up("signing");
    let component = std::fs::read(plugin()).unwrap();
    let put = |bytes: &[u8]| {
        std::fs::write(job.path("new"), bytes).unwrap();
        std::fs::rename(job.path("new"), job.path("p.wasm")).unwrap();
    };
    let sign = |key: &str| job.host(&["plugin", "sign", "p.wasm", "--key", key]).succeeded();
    for key in ["release", "other"] {
        job.host(&["plugin", "keygen", key]).succeeded();
    }
    put(&component);
    sign("release");
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "300",
        "--seed",
        "91",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    job.host(&["produce", "orders.csv"]).succeeded();

    let mut running = job.start(&["run", "--plugin", "p.wasm", "--trusted-keys", "release.pub"]);
    running.until("the plugin's signature holds");
    running.until("running");
    put(&rebuilt(&component, "two"));
    running.until("does not fit it: the file was changed");
    sign("other");
    running.until("which is not trusted");
    sign("release");
    running.until("swapped order_enrich");
    running.signal("-TERM");
    running.finish().succeeded().says("300 rows written");
}
