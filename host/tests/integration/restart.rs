//! Stopping and starting again: nothing is lost, nothing is read twice that was committed.

use crate::support::kafka;
use crate::support::program::Job;

#[test]
fn restart_resumes_at_the_committed_offset() {
    let job = Job::set_up("resume");
    job.host(&[
        "generate",
        "orders",
        "--rows",
        "500",
        "--seed",
        "14",
        "--out",
        "orders.csv",
    ])
    .succeeded();
    job.host(&["produce", "orders.csv", "--limit", "300"]).succeeded();
    job.run(&["--exit-at-end"]).succeeded().says("read 300 records");
    assert_eq!(kafka::committed(&job.servers.kafka, &job.group, &job.topic, 3), 300);
    job.run(&["--exit-at-end"]).succeeded().says("read 0 records");
    job.host(&["produce", "orders.csv", "--limit", "50"]).succeeded();
    job.run(&["--exit-at-end"]).succeeded().says("read 50 records");
}

#[test]
fn a_signal_drains_commits_and_ends_well() {
    for signal in ["-INT", "-TERM"] {
        let job = Job::set_up("signal");
        job.host(&[
            "generate",
            "orders",
            "--rows",
            "400",
            "--seed",
            "15",
            "--out",
            "orders.csv",
        ])
        .succeeded();
        job.host(&["produce", "orders.csv"]).succeeded();
        let mut running = job.start_run(&[]);
        running.until("running");
        // Everything is committed within the commit interval after it is written.
        for _ in 0..200 {
            if kafka::committed(&job.servers.kafka, &job.group, &job.topic, 3) == 400 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        running.signal(signal);
        running.finish().succeeded().says("read 400 records");
        assert_eq!(kafka::committed(&job.servers.kafka, &job.group, &job.topic, 3), 400);
    }
}
