//! Files that are not what the plugin takes, or are written in an unusual way.

use crate::{HEADER, ID, job, plugin};

const TIME: &str = "2017-10-02 10:56:33";

/// The rows that a run prints of a file of this name and content.
fn printed(name: &str, content: &str) -> String {
    let job = job();
    job.write(name, content);
    job.run(&["--from", name, "--to", "-"]).succeeded().stdout
}

#[test]
fn a_file_with_carriage_returns_alone_gives_the_rows_of_one_with_line_feeds() {
    let csv = format!("{HEADER}\n{ID},{ID},\"a\"\"b\",{TIME},,,,\n\n{ID},{ID},c,{TIME},,,,\n");
    let expected = printed("orders.csv", &csv);
    assert_eq!(expected.lines().count(), 2);
    assert_eq!(printed("orders.csv", &csv.replace('\n', "\r")), expected);
    let mixed = csv.replacen('\n', "\r", 1).replacen("\n\n", "\r\n\r", 1);
    assert_eq!(printed("orders.csv", &mixed), expected);
    let record = format!("{{\"order_id\":\"{ID}\",\"customer_id\":\"{ID}\",\"order_purchase_timestamp\":\"{TIME}\"}}");
    let expected = printed("orders.ndjson", &format!("{record}\n{record}\n"));
    assert_eq!(expected.lines().count(), 2);
    assert_eq!(printed("orders.ndjson", &format!("{record}\r{record}\r")), expected);
    // The line in an error is the one that an editor shows.
    let job = job();
    job.write(
        "orders.csv",
        &format!("{HEADER}\r{ID},{ID},,{TIME},,,,\rbad,{ID},,{TIME},,,,\r"),
    );
    let seen = job.host(&["try", "--plugin", &plugin(), "orders.csv"]).succeeded();
    seen.says("orders.csv:3: ");
}

#[test]
fn a_file_whose_records_are_all_refused_fails_and_says_which_fields_are_missed() {
    let job = job();
    let csv = format!("Order ID,Customer-Id,order_purchase_time\n{ID},{ID},{TIME}\n{ID},{ID},{TIME}\n");
    job.write("orders.csv", &csv);
    let missed = "none of the 2 records of orders.csv came through: 2 rejected (missing-key 2); no record has these fields of \
                  the plugin: order_id (the file has \"Order ID\"), customer_id (the file has \"Customer-Id\"), \
                  order_status, order_purchase_timestamp (the file has \"order_purchase_time\")";
    for verb in [
        vec!["run", "--from", "orders.csv", "--to", "orders.db"],
        vec!["run", "--from", "orders.csv", "--to", "-"],
        vec!["try", "orders.csv"],
        vec!["verify", "orders.csv", "--to", "orders.db"],
    ] {
        let plugin = plugin();
        job.host(&[&verb[..], &["--plugin", &plugin]].concat())
            .failed(1, &[missed]);
    }
    let plugin = plugin();
    let nothing = "both plugins reject all 2 records, so nothing was compared; no record has these fields";
    job.host(&["diff", &plugin, &plugin, "orders.csv"])
        .failed(2, &[nothing]);
    // JSON lines: what no record has, though another one has the rest.
    let json = format!("{{\"order_id\":\"bad\"}}\n{{\"orderId\":\"{ID}\",\"customer_id\":\"{ID}\"}}\n");
    job.write("orders.ndjson", &json);
    let missed = "no record has these fields of the plugin: order_status, order_purchase_timestamp,";
    job.host(&["try", "--plugin", &plugin, "orders.ndjson"])
        .failed(1, &[missed]);
    // Where nothing is missed, the codes say it all.
    job.write("orders.csv", &format!("{HEADER}\nbad,{ID},,{TIME},,,,\n"));
    let seen = job.host(&["try", "--plugin", &plugin, "orders.csv"]);
    seen.failed(
        1,
        &["none of the 1 records of orders.csv came through: 1 rejected (bad-uuid 1)"],
    );
    assert!(!seen.stderr.contains("no record has"), "{}", seen.stderr);
}

#[test]
fn a_file_without_records_is_said_and_an_empty_csv_refused() {
    let job = job();
    let plugin = plugin();
    job.write("orders.csv", &format!("{HEADER}\n"));
    job.write("orders.ndjson", "\n");
    for file in ["orders.csv", "orders.ndjson"] {
        for verb in [vec!["run", "--to", "-", "--from", file], vec!["try", file]] {
            let seen = job.host(&[&verb[..], &["--plugin", &plugin]].concat()).succeeded();
            seen.says(&format!("{file} holds no records"));
        }
    }
    job.write("orders.csv", "");
    job.run(&["--from", "orders.csv", "--to", "-"])
        .failed(2, &["orders.csv is empty"]);
}
