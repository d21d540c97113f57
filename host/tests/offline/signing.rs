//! Signed plugins: a host that trusts keys loads what they signed, and nothing else.

use std::os::unix::fs::PermissionsExt as _;

use super::support::plugin;
use super::support::program::{Job, Seen};
use super::{HEADER, ID, job};

/// A job with a plugin of its own, one record, and two keys.
fn signing() -> Job {
    let job = job();
    std::fs::copy(plugin(), job.path("p.wasm")).expect("copied");
    job.write(
        "orders.csv",
        &format!("{HEADER}\n{ID},{ID},shipped,2017-10-02 10:56:33,,,,\n"),
    );
    for key in ["release", "other"] {
        job.host(&["plugin", "keygen", key]).succeeded().says("SHA256:");
    }
    job
}

fn run(job: &Job, plugin: &str) -> Seen {
    let trusting = ["--trusted-keys", "trusted_keys"];
    job.host(
        &[
            &["run", "--plugin", plugin, "--from", "orders.csv", "--to", "-"],
            &trusting[..],
        ]
        .concat(),
    )
}

fn id(job: &Job, key: &str) -> String {
    let said = job
        .host(&["plugin", "sign", "orders.csv", "--key", key])
        .succeeded()
        .stdout;
    let id = said.split_whitespace().find(|word| word.starts_with("SHA256:"));
    id.expect("the key's id").to_owned()
}

#[test]
fn a_private_key_is_its_owners_and_never_written_over() {
    let job = signing();
    let mode = |name: &str| {
        let metadata = std::fs::metadata(job.path(name)).expect("it is there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("release"), 0o600);
    assert!(job.read("release.pub").starts_with("ssh-ed25519 AAAA"));
    let before = (job.read("release"), job.read("release.pub"));
    job.host(&["plugin", "keygen", "release"])
        .failed(2, &["is there already"]);
    std::fs::remove_file(job.path("other")).expect("removed");
    job.host(&["plugin", "keygen", "other"])
        .failed(2, &["other.pub is there already"]);
    assert_eq!((job.read("release"), job.read("release.pub")), before);
}

#[test]
fn what_a_trusted_key_signed_runs_and_nothing_else_does() {
    let job = signing();
    let (release, other) = (id(&job, "release"), id(&job, "other"));
    job.write("trusted_keys", &format!("# ours\n{}", job.read("release.pub")));
    run(&job, "p.wasm").failed(2, &["plugin p.wasm: it is not signed", &release, "(release)"]);

    job.host(&["plugin", "sign", "p.wasm", "--key", "other"]).succeeded();
    run(&job, "p.wasm").failed(2, &["p.wasm: it is signed with", &other, "not trusted", &release]);

    job.host(&["plugin", "sign", "p.wasm", "--key", "release"]).succeeded();
    let seen = run(&job, "p.wasm").succeeded();
    assert!(seen.stdout.contains("Monday"), "{}", seen.stdout);
    seen.says(&release);
    // Every verb that loads a plugin asks, where the settings say so.
    job.host(&["try", "--plugin", "p.wasm", "orders.csv"]).succeeded();

    let mut bytes = std::fs::read(job.path("p.wasm")).expect("read");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(job.path("p.wasm"), &bytes).expect("written");
    run(&job, "p.wasm").failed(2, &["p.wasm: its signature with", &release, "does not fit"]);
}

#[test]
fn what_is_not_signed_is_not_even_looked_at() {
    let job = signing();
    job.write("trusted_keys", &job.read("release.pub"));
    job.write("text.wasm", "not a plugin");
    let seen = run(&job, "text.wasm");
    seen.failed(2, &["text.wasm: it is not signed"]);
    assert!(!seen.stderr.contains("a text file"), "{}", seen.stderr);
    job.host(&["plugin", "sign", "text.wasm", "--key", "release"])
        .succeeded();
    run(&job, "text.wasm").failed(2, &["a text file"]);
}

#[test]
fn keys_are_exchanged_with_both_trusted_and_the_setting_counts_everywhere() {
    let mut job = signing();
    job.more_settings = "[plugin]\ntrusted_keys = \"trusted_keys\"\n".to_owned();
    let tried = || job.host(&["try", "--plugin", "p.wasm", "orders.csv"]);
    tried().failed(2, &["cannot read the trusted keys trusted_keys"]);
    job.write("trusted_keys", "# none yet\n");
    tried().failed(2, &["trusted_keys", "no key in it"]);
    job.write("trusted_keys", "ssh-ed25519 rubbish\n");
    tried().failed(2, &["trusted_keys", "line 1 is not a public key"]);
    job.write("trusted_keys", &(job.read("other.pub") + &job.read("release.pub")));
    tried().failed(2, &["not signed", "(other)", "(release)"]);
    for key in ["release", "other"] {
        job.host(&["plugin", "sign", "p.wasm", "--key", key]).succeeded();
        tried().succeeded().says("Monday");
    }
    job.host(&["plugin", "sign", "p.wasm", "--key", "release.pub"])
        .failed(2, &["key release.pub", "not a private key"]);
    job.host(&["plugin", "sign", "none.wasm", "--key", "release"])
        .failed(2, &["cannot read none.wasm"]);
}
