//! Where one plugin ends and the next begins.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::scene::{Scene, digest, variant};

/// Every row is of the plugin that the fences say.
fn check_fences(scene: &Scene, names: &BTreeMap<String, &str>) {
    let fences = scene.fences();
    for ((partition, offset), row) in scene.rows() {
        let fence = fences[&partition].iter().rev().find(|(_, from)| *from <= offset);
        let (digest, _) = fence.unwrap_or_else(|| panic!("{partition}@{offset} is before every fence: {fences:?}"));
        assert_eq!(row.made_by, names[digest], "{partition}@{offset} of {fences:?}");
    }
}

#[test]
fn a_new_file_is_swapped_in_while_records_flow_and_rows_change_at_the_fence() {
    let scene = Scene::new("swap_file");
    let (one, two) = (variant("one", ""), variant("two", ""));
    scene.place(&one);
    let running = scene.start(&[]);
    scene.produce(900, 0);
    scene.until_rows(900);
    let is_swapped = AtomicBool::new(false);
    let (swapped, flowed) = std::thread::scope(|scope| {
        let flowing = scope.spawn(|| {
            let mut flowed = 0;
            while !is_swapped.load(Ordering::Relaxed) || flowed < 1200 {
                scene.produce(30, 0);
                flowed += 30;
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            // For the new plugin, however fast the others were.
            scene.produce(30, 0);
            flowed + 30
        });
        std::thread::sleep(std::time::Duration::from_millis(300));
        scene.place(&two);
        let swapped = scene.until_swaps(1);
        is_swapped.store(true, Ordering::Relaxed);
        (swapped, flowing.join().unwrap())
    });
    let total = 900 + flowed;
    assert_eq!(swapped["outcome"], "swapped", "{swapped}");
    assert_eq!(swapped["to"]["digest"], digest(&two).as_str());
    assert!(swapped["tried_records"].as_u64().unwrap() > 0, "{swapped}");
    let rows = scene.until_rows(total);
    assert!(rows.values().any(|row| row.made_by == "one") && rows.values().any(|row| row.made_by == "two"));
    scene.produce(3, 0);
    scene.until_rows(total + 3);
    scene.until_settled(total + 3);
    check_fences(&scene, &BTreeMap::from([(digest(&one), "one"), (digest(&two), "two")]));
    running.signal("-TERM");
    running
        .finish()
        .succeeded()
        .says(&format!("{} rows written", total + 3));

    // The next process finds the fence in what was committed.
    let running = scene.start(&[]);
    scene.produce(3, 0);
    scene.until_rows(total + 6);
    // The status is still the earlier process's for a moment.
    scene.until_settled(total + 6);
    let earlier = scene.fences();
    assert!(
        earlier
            .values()
            .all(|fences| fences.len() == 1 && fences[0].0 == digest(&two) && fences[0].1 > 0),
        "{earlier:?}"
    );
    running.signal("-TERM");
    running.finish().succeeded();
}
