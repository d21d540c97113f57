//! A swapped-in plugin that turns out worse.

use crate::scene::{Scene, digest, variant};
use crate::support::collector::Collector;

/// It passes the sample, which has none of the records that it rejects.
#[test]
fn a_plugin_that_rejects_a_fifth_is_rolled_back_and_its_rejects_come_back_by_a_replay() {
    let scene = Scene::new("swap_probation");
    let (one, fussy) = (variant("one", ""), variant("fussy", "reject=20"));
    scene.place(&one);
    let collector = Collector::start();
    let running = scene.start(&["--otlp", &collector.address]);
    scene.produce(3000, 20);
    scene.until_rows(3000);
    scene.place(&fussy);
    let swap = scene.until_swaps(1);
    assert_eq!(swap["outcome"], "swapped", "{swap}");
    assert_eq!(scene.status()["plugin"]["on_probation"], true);

    // Waits until the new one has all partitions, then the others come.
    scene.produce(150, 20);
    scene.until_rows(3150);
    for _ in 0..20 {
        scene.produce(300, 0);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let rolled_back = scene.until_swaps(2);
    assert_eq!(rolled_back["outcome"], "rolled_back", "{rolled_back}");
    let reason = rolled_back["reason"].as_str().unwrap();
    assert!(reason.contains("too-fussy"), "{reason}");
    let example = &rolled_back["examples"][0];
    assert!(
        example["record"].as_str().unwrap().starts_with(&scene.job.topic),
        "{example}"
    );
    assert_eq!(scene.status()["plugin"]["digest"], digest(&one).as_str());

    // All are settled: rows, and the dead letters of what the new one rejected before it was found out.
    scene.until(|| {
        let status = scene.status();
        if status["records"] == 9150 {
            Ok(())
        } else {
            Err(status["records"].to_string())
        }
    });
    let rows = scene.rows();
    let letters = 9150 - rows.len();
    assert!(
        (1..200).contains(&letters),
        "{letters} were rejected before it was found out"
    );
    running.signal("-TERM");
    running.finish().succeeded();
    let spans = collector.until("swap", 2);
    let outcomes = [&spans[0], &spans[1]].map(|span| (span.attribute("swap.outcome"), span.is_error()));
    assert_eq!(outcomes, [("swapped", false), ("rolled_back", true)]);
    assert_eq!(spans[1].attribute("swap.asked_by"), "probation");

    let before = rows;
    let file = scene.job.path("plugin.wasm");
    scene.place(&one);
    scene
        .job
        .host(&["dlq", "replay", "--plugin", &file, "--where", "code=too-fussy"])
        .succeeded()
        .says(&format!("letters taken: {letters}"));
    let after = scene.rows();
    assert_eq!(after.len(), 9150);
    for (place, row) in &before {
        assert_eq!(&after[place], row, "nothing else changed");
    }
    let replayed = after.iter().filter(|(place, _)| !before.contains_key(place));
    assert!(
        replayed
            .into_iter()
            .all(|(_, row)| row.made_by == "one" && row.id % 100 < 20)
    );
}

#[test]
fn a_plugin_that_traps_is_rolled_back_and_one_that_is_slow_too() {
    let scene = Scene::new("swap_worse");
    let one = variant("one", "");
    scene.place(&one);
    let running = scene.start(&[]);
    // None of these traps: 7 by 50.
    scene.produce(900, 60);
    scene.until_rows(900);
    scene.place(&variant("slow", "slow"));
    assert_eq!(scene.until_swaps(1)["outcome"], "swapped");
    scene.produce(6000, 60);
    let back = scene.until_swaps(2);
    assert_eq!(back["outcome"], "rolled_back", "{back}");
    assert!(back["reason"].as_str().unwrap().contains("us a record"), "{back}");
    scene.until_rows(6900);
    scene.place(&variant("traps", "trap"));
    assert_eq!(scene.until_swaps(3)["outcome"], "swapped");
    scene.produce(3000, 0);
    let back = scene.until_swaps(4);
    assert_eq!(back["outcome"], "rolled_back", "{back}");
    assert!(back["reason"].as_str().unwrap().contains("broke it: trap"), "{back}");
    running.signal("-TERM");
    running.finish().succeeded();
}

/// Then no batch comes through by which it could be judged.
#[test]
fn a_plugin_that_breaks_on_every_record_is_rolled_back_and_nothing_is_rejected() {
    let scene = Scene::new("swap_broken");
    let one = variant("one", "");
    scene.place(&one);
    let running = scene.start(&[]);
    scene.produce(900, 0);
    scene.until_rows(900);
    scene.place(&variant("broken", "break=900"));
    assert_eq!(scene.until_swaps(1)["outcome"], "swapped");
    // So that whole batches come, and not first a few records that would be rejected one by one: the fetch that is under
    // way is answered, without records, before there are any.
    running.signal("-STOP");
    std::thread::sleep(std::time::Duration::from_millis(500));
    scene.produce(900, 0);
    running.signal("-CONT");
    let back = scene.until_swaps(2);
    assert_eq!(back["outcome"], "rolled_back", "{back}");
    let reason = back["reason"].as_str().unwrap();
    assert!(reason.contains("breaks on every record"), "{reason}");
    assert_eq!(scene.status()["plugin"]["digest"], digest(&one).as_str());
    let rows = scene.until_rows(1800);
    assert!(
        rows.values().all(|row| row.made_by == "one"),
        "each is of the earlier one"
    );
    let status = scene.status();
    assert_eq!(status["plugin"]["history"].as_array().unwrap().len(), 2, "{status}");

    // Its file is as it was. It does not come back by itself, not even under a new date, and that it is there is said.
    let held = &status["plugin"]["held"];
    let broken = digest(&variant("broken", "break=900"));
    assert_eq!(
        (&held["digest"], &held["runs"]),
        (&broken.as_str().into(), &false.into()),
        "{held}"
    );
    assert!(held["place"].as_str().unwrap().ends_with("plugin.wasm"), "{held}");
    scene.place(&variant("broken", "break=900"));
    std::thread::sleep(std::time::Duration::from_secs(2));
    let status = scene.status();
    assert_eq!(status["plugin"]["history"].as_array().unwrap().len(), 2, "{status}");
    assert_eq!(status["plugin"]["digest"], digest(&one).as_str());
    running.signal("-TERM");
    running.finish().succeeded();
    // Nor does a start hide that it comes back then.
    let mut running = scene.start(&[]);
    scene.produce(3, 0);
    running.until("began with another plugin than the one that took the records before");
    running.signal("-TERM");
    running.finish();
}

/// Nor is the second one compared with the first, through which nothing has come.
#[test]
fn of_two_broken_plugins_swapped_in_at_once_neither_stays() {
    let scene = Scene::new("swap_broken_twice");
    let one = variant("one", "");
    scene.place(&one);
    let running = scene.start(&[]);
    scene.produce(900, 0);
    scene.until_rows(900);
    for (number, name) in [(1, "broken"), (2, "broken-too")] {
        scene.place(&variant(name, "break=900"));
        assert_eq!(scene.until_swaps(number)["outcome"], "swapped");
    }
    running.signal("-STOP");
    std::thread::sleep(std::time::Duration::from_millis(500));
    scene.produce(900, 0);
    running.signal("-CONT");
    let back = scene.until_swaps(3);
    assert_eq!(back["outcome"], "rolled_back", "{back}");
    assert_eq!(
        (&back["from"]["version"], &back["to"]["version"]),
        (&"broken-too".into(), &"one".into())
    );
    let rows = scene.until_rows(1800);
    assert!(rows.values().all(|row| row.made_by == "one"));
    running.signal("-TERM");
    running.finish().succeeded();
}

#[test]
fn without_probation_nothing_is_rolled_back() {
    let scene = Scene::new("swap_unwatched");
    scene.place(&variant("one", ""));
    let running = scene.start(&["--probation", "off"]);
    scene.produce(900, 20);
    scene.until_rows(900);
    scene.place(&variant("fussy", "reject=20"));
    assert_eq!(scene.until_swaps(1)["outcome"], "swapped");
    scene.produce(3000, 0);
    scene.until(|| {
        let status = scene.status();
        if status["records"] == 3900 {
            Ok(())
        } else {
            Err(status["records"].to_string())
        }
    });
    assert_eq!(scene.status()["plugin"]["history"].as_array().unwrap().len(), 1);
    assert_eq!(scene.status()["plugin"]["on_probation"], false);
    assert_eq!(scene.rows().len(), 3300, "600 rejected");
    running.signal("-TERM");
    running.finish().succeeded();
}
