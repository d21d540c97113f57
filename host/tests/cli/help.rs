//! `--help` of the program and of each verb.

use crate::program::Program;

#[test]
fn help_names_every_verb() {
    Program::new().snapshot("help", &["--help"]);
}

#[test]
fn help_of_each_verb() {
    for verb in [
        "run", "try", "diff", "explain", "produce", "generate", "setup", "check", "verify",
    ] {
        Program::new().snapshot(&format!("help-{verb}"), &[verb, "--help"]);
    }
}

#[test]
fn help_of_the_plugin_verbs() {
    Program::new().snapshot("help-plugin", &["plugin", "--help"]);
    for verb in [
        "new", "build", "inspect", "keygen", "sign", "swap", "rollback", "shadow", "promote", "publish", "status",
        "history",
    ] {
        Program::new().snapshot(&format!("help-plugin-{verb}"), &["plugin", verb, "--help"]);
    }
}

#[test]
fn help_of_the_bench_verb() {
    Program::new().snapshot("help-bench", &["bench", "--help"]);
    Program::new().snapshot("help-bench-plugin", &["bench", "plugin", "--help"]);
}

#[test]
fn help_of_the_dead_letter_verbs() {
    Program::new().snapshot("help-dlq", &["dlq", "--help"]);
    for verb in ["list", "show", "replay"] {
        Program::new().snapshot(&format!("help-dlq-{verb}"), &["dlq", verb, "--help"]);
    }
}

#[test]
fn help_shows_nothing_from_the_environment() {
    let program = Program::new()
        .env("CASSANDRA_SECRET", "hunter2")
        .env("KAFKA_SASL_PASSWORD", "hunter2")
        .env("SCHEMA_REGISTRY_AUTH", "key:hunter2");
    for arguments in [["--help", "--log=text"], ["run", "--help"], ["setup", "--help"]] {
        let output = program.run(&arguments);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
        assert!(said.contains("Usage") && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn version_is_on_stdout() {
    let output = Program::new().run(&["--version"]);
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        concat!("host ", env!("CARGO_PKG_VERSION"), "\n")
    );
}
