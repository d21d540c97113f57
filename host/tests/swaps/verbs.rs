//! The plugin of a host that runs, changed and looked at from the command line.

use serde_json::Value as Json;

use crate::scene::{Scene, digest, variant};
use crate::support::program::{Running, Seen};

/// A host with an endpoint, and what asks it.
struct Asked<'a> {
    scene: &'a Scene,
    running: Running,
    address: String,
}

impl<'a> Asked<'a> {
    fn start(scene: &'a Scene, arguments: &[&str]) -> Self {
        let mut running = scene.start(&[&["--admin", "127.0.0.1:0"], arguments].concat());
        let line = running.until("page, metrics and status at http://");
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        Self {
            scene,
            running,
            address: address.unwrap().to_owned(),
        }
    }

    fn ask(&self, verb: &[&str]) -> Seen {
        let all = [&["plugin"], verb, &["--admin", &self.address]].concat();
        self.scene.job.host(&all)
    }

    fn history(&self) -> Vec<String> {
        let history: Json = serde_json::from_str(&self.ask(&["history", "--json"]).succeeded().stdout).unwrap();
        let outcomes = history.as_array().unwrap().iter();
        outcomes
            .map(|swap| swap["outcome"].as_str().unwrap().to_owned())
            .collect()
    }

    fn component(&self, name: &str, what: &str) -> String {
        let path = self.scene.job.path(&format!("{name}.wasm"));
        std::fs::write(&path, variant(name, what)).unwrap();
        path
    }
}

#[test]
fn shadowed_promoted_rolled_back_and_swapped_from_the_command_line() {
    let scene = Scene::new("swap_verbs");
    scene.place(&variant("one", ""));
    let host = Asked::start(&scene, &[]);
    scene.produce(300, 0);
    scene.until_rows(300);
    host.ask(&["history"])
        .succeeded()
        .says("nothing was swapped since the start");
    host.ask(&["shadow"]).failed(1, &["nothing is shadowed"]);
    host.ask(&["promote"]).failed(1, &["nothing is shadowed"]);
    host.ask(&["rollback"]).failed(1, &["no plugin to go back to"]);

    let two = host.component("two", "");
    host.ask(&["shadow", &two, "--share", "100%"])
        .succeeded()
        .says("shadowing variants");
    scene.produce(300, 0);
    scene.until_rows(600);
    // The shadow comes after the rows.
    let report = scene.until(|| {
        let seen = host.ask(&["shadow"]).succeeded();
        if seen.stdout.contains("they differ") {
            Ok(seen)
        } else {
            Err(seen.stdout)
        }
    });
    report.says("column made_by:");
    report.says("100% of the batches");
    assert!(
        scene.rows().values().all(|row| row.made_by == "one"),
        "a shadow writes nothing"
    );

    host.ask(&["promote"]).succeeded().says("swapped variants");
    scene.produce(300, 0);
    let rows = scene.until_rows(900);
    assert_eq!(rows.values().filter(|row| row.made_by == "two").count(), 300);
    host.ask(&["shadow"]).failed(1, &["nothing is shadowed"]);
    // It is renewed once a second.
    let two_digest = digest(&variant("two", ""));
    let status = scene.until(|| {
        let seen = host.ask(&["status"]).succeeded();
        if seen.stdout.contains(&two_digest) {
            Ok(seen)
        } else {
            Err(seen.stdout)
        }
    });
    status.says("on probation");
    status.says(&format!("{}/0", scene.job.topic));

    let renamed = host.component("renamed", "rename");
    host.ask(&["swap", &renamed])
        .failed(1, &["refused", "field maker has no column"]);
    host.ask(&["shadow", &renamed]).failed(1, &["refused"]);
    let back = host.ask(&["rollback"]).succeeded();
    let (said, done) = back.stdout.split_once('\n').unwrap();
    assert!(
        said.starts_with("going back from variants two (sha256:") && said.contains(" to variants one (sha256:"),
        "{said}"
    );
    assert!(done.starts_with("rolled back from variants two (sha256:"), "{done}");
    host.ask(&["swap", &two]).succeeded().says("swapped variants");
    host.ask(&["swap", &two]).succeeded().says("unchanged");
    let outcomes = [
        "refused",
        "refused",
        "swapped",
        "refused",
        "rolled_back",
        "swapped",
        "unchanged",
    ];
    assert_eq!(host.history(), outcomes);
    host.ask(&["history"]).succeeded().says("[admin 127.0.0.1:");

    host.running.signal("-TERM");
    host.running.finish().succeeded();
    let nobody = ["plugin", "status", "--admin", &host.address];
    scene
        .job
        .host(&nobody)
        .failed(3, &["no host answers at", &host.address]);
}

/// One step back after another, along what ran well. What was rolled back, by its probation or by hand, is never what is
/// gone back to.
#[test]
fn a_rollback_says_where_it_leads_and_never_leads_to_what_was_rolled_back() {
    let scene = Scene::new("swap_back");
    scene.place(&variant("one", ""));
    let host = Asked::start(&scene, &["--probation", "200"]);
    scene.produce(300, 0);
    scene.until_rows(300);
    for (name, rows) in [("two", 600), ("three", 900)] {
        host.ask(&["swap", &host.component(name, "")]).succeeded();
        scene.produce(300, 0);
        scene.until_rows(rows);
    }
    // It passes the sample.
    host.ask(&["swap", &host.component("broken", "break=900")]).succeeded();
    scene.produce(300, 0);
    let rows = scene.until_rows(1200);
    assert_eq!(rows.values().filter(|row| row.made_by == "three").count(), 600);
    for (from, to) in [("three", "two"), ("two", "one")] {
        host.ask(&["rollback"])
            .succeeded()
            .says(&format!("going back from variants {from} (sha256:"));
        let status = host.ask(&["history"]).succeeded().stdout;
        let last = status.lines().last().unwrap();
        assert!(last.contains(&format!("rolled back from variants {from} (")), "{last}");
        assert!(last.contains(&format!(" to variants {to} (")), "{last}");
    }
    host.ask(&["rollback"]).failed(
        1,
        &[
            "there is no plugin to go back to",
            "what was rolled back is not offered",
        ],
    );
    scene.produce(30, 0);
    let rows = scene.until_rows(1230);
    assert_eq!(rows.values().filter(|row| row.made_by == "one").count(), 330);
    host.running.signal("-TERM");
    host.running.finish().succeeded();
}

#[test]
fn a_signature_travels_with_the_component() {
    let scene = Scene::new("swap_verbs_signed");
    let (one, key) = (scene.job.path("plugin.wasm"), scene.job.path("release"));
    scene.place(&variant("one", ""));
    scene.job.host(&["plugin", "keygen", &key]).succeeded();
    scene.job.host(&["plugin", "sign", &one, "--key", &key]).succeeded();
    let host = Asked::start(&scene, &["--trusted-keys", &format!("{key}.pub")]);

    let two = host.component("two", "");
    for verb in ["swap", "shadow"] {
        host.ask(&[verb, &two]).failed(1, &["refused", "sign"]);
    }
    scene.job.host(&["plugin", "sign", &two, "--key", &key]).succeeded();
    host.ask(&["shadow", &two]).succeeded().says("shadowing");
    host.ask(&["shadow", "--stop"]).succeeded().says("nothing was compared");
    host.ask(&["swap", &two]).succeeded().says("swapped");
    // The signature of one is none of the other.
    host.component("two", "reject=1");
    host.ask(&["swap", &two]).failed(1, &["refused", "sign"]);
    assert_eq!(host.history(), ["refused", "swapped", "refused"]);
    host.running.signal("-TERM");
    host.running.finish().succeeded();
}
