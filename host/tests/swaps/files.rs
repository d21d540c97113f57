//! The plugin's file, cut, written over and moved about while the program runs.

use std::time::Duration;

use crate::scene::{Scene, digest, variant};

/// A thousand times something else lies in the plugin's place, mostly for less time than the program waits for it to
/// stand still, sometimes for longer.
#[test]
fn half_written_and_replaced_files_are_never_a_wrong_load() {
    let scene = Scene::new("swap_files");
    let whole = [variant("one", ""), variant("two", "")];
    let digests = whole.each_ref().map(|component| digest(component));
    scene.place(&whole[0]);
    let running = scene.start(&[]);
    let mut choices = fastrand::Rng::with_seed(20_261_121);
    let mut cut_for_long = 0;
    for step in 0..1000 {
        let component = &whole[choices.usize(..2)];
        match choices.u32(..4) {
            0 => scene.place(component),
            1 => std::fs::write(scene.file(), component).unwrap(),
            2 => {
                let cut = choices.usize(..component.len());
                std::fs::write(scene.file(), &component[..cut]).unwrap();
                if choices.u32(..20) == 0 {
                    cut_for_long += 1;
                    std::thread::sleep(Duration::from_millis(700));
                }
            }
            _ => {
                let _ = std::fs::remove_file(scene.file());
            }
        }
        std::thread::sleep(Duration::from_millis(choices.u64(..60)));
        if step % 50 == 0 {
            scene.produce(30, 0);
        }
        let current = scene.status()["plugin"]["digest"].as_str().unwrap().to_owned();
        assert!(digests.contains(&current), "{current} is none of the two");
    }
    assert!(cut_for_long > 0, "some stood still long enough to be read");
    scene.place(&whole[0]);
    scene.until(|| {
        let current = scene.status()["plugin"]["digest"].to_string();
        if current.contains(&digests[0]) {
            Ok(())
        } else {
            Err(current)
        }
    });
    let history = scene.status()["plugin"]["history"].clone();
    for swap in history.as_array().unwrap() {
        match swap["outcome"].as_str().unwrap() {
            "swapped" => assert!(
                digests.iter().any(|digest| swap["to"]["digest"] == digest.as_str()),
                "{swap}"
            ),
            "refused" => assert!(
                swap["reasons"].to_string().contains("cut off") || swap["reasons"].to_string().contains("empty"),
                "{swap}"
            ),
            outcome => assert_eq!(outcome, "unchanged", "{swap}"),
        }
    }
    let rows = scene.until_rows(600);
    assert_eq!(rows.len(), 600);
    running.signal("-TERM");
    running.finish().succeeded();
}
