//! A process that is killed while it swaps.

use std::time::Duration;

use crate::scene::{Scene, digest, variant};

/// Of the records in flight at a kill some have rows of one plugin and some of the other, and the next process reads
/// them again with either. No row may be half of one and half of the other (each look at the rows checks that), and
/// none may be missing.
#[test]
fn killed_in_the_middle_of_a_swap_it_goes_on_with_a_plugin_that_it_can_name() {
    let scene = Scene::new("swap_kills");
    let whole = [variant("one", ""), variant("two", "")];
    let digests = whole.each_ref().map(|component| digest(component));
    let mut choices = fastrand::Rng::with_seed(20_261_121);
    let mut produced = 0;
    scene.place(&whole[0]);
    // Each round may raise the write timestamps by one, and they can be raised 15 times before a commit point is reached.
    for round in 0..14 {
        let mut running = scene.start(&["--group-instance", "one"]);
        std::thread::scope(|scope| {
            let flowing = scope.spawn(|| {
                for _ in 0..15 {
                    scene.produce(90, 0);
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
            std::thread::sleep(Duration::from_millis(100));
            scene.place(&whole[(round + 1) % 2]);
            // A swap by the file comes about half a second later.
            std::thread::sleep(Duration::from_millis(choices.u64(300..900)));
            running.signal("-KILL");
            flowing.join().unwrap();
        });
        produced += 15 * 90;
        running.ended();
    }
    let running = scene.start(&["--group-instance", "one"]);
    let named = scene.status()["plugin"]["digest"].as_str().unwrap().to_owned();
    assert!(digests.contains(&named), "{named}");
    let rows = scene.until_rows(produced);
    assert_eq!(rows.len(), produced);
    running.signal("-TERM");
    running.finish().succeeded();
    assert_eq!(scene.rows(), rows, "nothing changes any more");
}
