//! Plugins published to many hosts at once, and what those say of themselves.

use std::time::Duration;

use serde_json::Value as Json;

use crate::scene::{PARTITIONS, Scene, digest, variant};
use crate::support::program::{Running, Seen};

/// Hosts that follow one name.
struct Fleet {
    scene: Scene,
    topic: String,
}

impl Fleet {
    fn new(name: &str) -> Self {
        let scene = Scene::new(name);
        let topic = format!("{}-plugins", scene.job.topic);
        Self { scene, topic }
    }

    fn write(&self, name: &str, component: &[u8]) -> String {
        let path = self.scene.job.path(&format!("{name}.wasm"));
        std::fs::write(&path, component).unwrap();
        path
    }

    fn publish(&self, name: &str, component: &[u8]) -> Seen {
        let file = self.write(name, component);
        let verb = ["plugin", "publish", &file, "--topic", &self.topic];
        self.scene.job.host(&verb)
    }

    fn address(&self) -> String {
        format!("kafka:///{}/variants", self.topic)
    }

    fn start(&self, number: usize, arguments: &[&str]) -> Running {
        let (plugin, status) = (self.address(), self.scene.job.path(&format!("status-{number}.json")));
        let all = ["run", "--plugin", &plugin, "--status", &status, "--admin", "off"];
        self.scene.job.start(&[&all, arguments].concat())
    }

    fn said(&self) -> Json {
        let verb = ["plugin", "status", "--fleet", "--topic", &self.topic, "--json"];
        serde_json::from_str(&self.scene.job.host(&verb).succeeded().stdout).unwrap()
    }

    /// The reports, once they are so many and each as it should be.
    fn until(&self, count: usize, is_wanted: impl Fn(&Json) -> bool) -> Vec<Json> {
        self.scene.until(|| {
            let said = self.said();
            let members = said["members"].as_array().unwrap();
            if members.len() == count && members.iter().all(&is_wanted) {
                Ok(members.clone())
            } else {
                Err(format!("{said:#}"))
            }
        })
    }
}

/// A custom section more than a topic takes by default.
fn padded(component: &[u8]) -> Vec<u8> {
    let mut length = 3 << 20;
    let content = vec![0; length];
    let mut section = vec![0];
    while length >= 0x80 {
        section.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    section.push(u8::try_from(length).unwrap());
    [component, &section, &content].concat()
}

#[test]
fn what_is_published_reaches_every_member_and_their_reports_are_true() {
    let fleet = Fleet::new("fleet");
    let (one, two) = (variant("one", ""), padded(&variant("two", "")));
    fleet.publish("one", &one).succeeded().says("published variants");
    let mut members: Vec<_> = (0..3).map(|number| fleet.start(number, &[])).collect();
    for member in &mut members {
        member.until("running plugin=variants");
    }
    fleet.until(3, |member| {
        member["partitions"].as_object().unwrap().len() == 1 && member["digest"] == digest(&one).as_str()
    });
    fleet.scene.produce(600, 0);
    fleet.scene.until_rows(600);

    let reports = std::thread::scope(|scope| {
        let flowing = scope.spawn(|| {
            for _ in 0..60 {
                fleet.scene.produce(30, 0);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        fleet.publish("two", &two).succeeded();
        fleet.until(3, |member| member["digest"] == digest(&two).as_str());
        flowing.join().unwrap();
        fleet.scene.until_rows(2400);
        fleet.scene.produce(30, 0);
        let rows = fleet.scene.until_rows(2430);
        // Once the reports name the new one's first records.
        let reports = fleet.until(3, |member| {
            let places = member["partitions"].as_object().unwrap();
            places.values().all(|place| place["digest"] == digest(&two).as_str())
        });
        let mut seen = 0;
        for report in &reports {
            for (name, place) in report["partitions"].as_object().unwrap() {
                let number: i32 = name.rsplit('/').next().unwrap().parse().unwrap();
                let from = place["from"].as_i64().unwrap();
                seen += 1;
                for ((_, offset), row) in rows.range((number, 0)..(number, i64::MAX)) {
                    assert_eq!(
                        row.made_by,
                        if *offset < from { "one" } else { "two" },
                        "{number}@{offset}"
                    );
                }
            }
        }
        assert_eq!(seen, PARTITIONS, "{reports:?}");
        reports
    });
    assert!(
        reports
            .iter()
            .all(|member| member["newest"] == true && member["last_swap"] == "swapped")
    );

    let mut late = fleet.start(3, &[]);
    assert!(late.until("running plugin=variants").contains(&digest(&two)));
    fleet.until(4, |member| member["newest"] == true && member["silent"] == false);

    // Who dies stays in the reports, silent; who ends takes its report back.
    members[0].signal("-KILL");
    members[0].ended();
    fleet.scene.until(|| {
        let said = fleet.said();
        let members = said["members"].as_array().unwrap().iter();
        let silent = members.filter(|member| member["silent"] == true).count();
        if silent == 1 { Ok(()) } else { Err(said.to_string()) }
    });
    let verb = ["plugin", "status", "--fleet", "--topic", &fleet.topic];
    fleet.scene.job.host(&verb).succeeded().says("silent for");
    for member in members.into_iter().skip(1).chain([late]) {
        member.signal("-TERM");
        member.finish().succeeded();
    }
    assert_eq!(fleet.said()["members"].as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_published_or_found_is_said() {
    let fleet = Fleet::new("fleet_wrong");
    let run = ["run", "--plugin", &fleet.address(), "--admin", "off"];
    fleet
        .scene
        .job
        .host(&run)
        .failed(2, &[&fleet.topic, "is not there", "host plugin publish"]);
    fleet.publish("none", b"no component").failed(2, &["none.wasm"]);

    let other = fleet.write("other", &variant("one", ""));
    let publish = ["plugin", "publish", &other, "--topic", &fleet.topic, "--name"];
    let job = &fleet.scene.job;
    job.host(&[&publish[..], &["a/b"]].concat())
        .failed(2, &["`a/b`", "--name"]);
    let seen = job.host(&[&publish[..], &["other"]].concat()).succeeded();
    seen.says(&format!("topic {}-members: created", fleet.topic));
    job.host(&run)
        .failed(2, &["holds no plugin variants", "published there: other"]);
    let away = [
        "run",
        "--plugin",
        "kafka://127.0.0.1:1/host-plugins/clean",
        "--admin",
        "off",
    ];
    job.host(&away).failed(3, &["127.0.0.1:1"]);
    let half = ["run", "--plugin", "kafka://127.0.0.1:1/host-plugins", "--admin", "off"];
    job.host(&half).failed(2, &["kafka://BROKERS/TOPIC/NAME"]);
}

#[test]
fn a_member_refuses_what_is_not_signed_and_says_so_to_the_others() {
    let fleet = Fleet::new("fleet_signed");
    let job = &fleet.scene.job;
    let (one, key) = (fleet.write("one", &variant("one", "")), job.path("release"));
    job.host(&["plugin", "keygen", &key]).succeeded();
    job.host(&["plugin", "sign", &one, "--key", &key]).succeeded();
    let keys = format!("{key}.pub");
    fleet.publish("one", &variant("one", "")).succeeded().says("signed");
    let mut member = fleet.start(0, &["--trusted-keys", &keys]);
    member.until("running plugin=variants");
    fleet.publish("two", &variant("two", "")).succeeded();
    let reports = fleet.until(1, |member| member["last_swap"] != "");
    let refused = reports[0]["last_swap"].as_str().unwrap();
    assert!(
        refused.starts_with("refused: ") && refused.contains("sign"),
        "{refused}"
    );
    assert_eq!(reports[0]["newest"], false);
    member.signal("-TERM");
    member.finish().succeeded();
    let run = [
        "run",
        "--plugin",
        &fleet.address(),
        "--admin",
        "off",
        "--trusted-keys",
        &keys,
    ];
    job.host(&run).failed(2, &["sign"]);
}
