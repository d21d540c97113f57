//! The page in a real browser: what it shows, how it looks in light, dark and on a phone, what it changes, and what a
//! page of another site cannot.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

#[path = "../support/mod.rs"]
mod support;

#[allow(dead_code, reason = "only the run from a file is used here")]
#[path = "../admin/stage.rs"]
mod stage;

mod browser;
mod stranger;

use browser::{Browser, VIEWS};
use serde_json::json;
use stage::{Stage, TOKEN, variant};

#[tokio::test(flavor = "multi_thread")]
async fn it_shows_what_flows_what_is_waited_for_and_what_was_rejected_in_every_view() {
    let mut stage = Stage::started("page_views", &[]);
    stage.lock();
    let browser = Browser::open().await;
    browser
        .client
        .goto(&format!("http://{}/", stage.address))
        .await
        .unwrap();
    browser.until("#state", "Waiting").await;
    browser.until("#waiting h2", "Waiting for the sink").await;
    browser.until("#waiting p", "locked").await;
    browser.until("#plugin-name", "order_enrich").await;
    browser.until("#rejects summary", "bad-").await;
    let stages = "return [...document.querySelectorAll('#stages dt')].map((name) => name.textContent)";
    browser.until("#stages", "decode").await;
    assert_eq!(
        browser.script(stages).await,
        json!(["decode", "transform", "write", "dead letters"])
    );
    browser.until("#partitions", "orders.csv").await;
    browser.click("#rejects summary").await;
    browser.until("#rejects .examples", "orders.csv:").await;
    for view in VIEWS {
        browser.look(view).await;
        assert_eq!(
            browser.script("return document.querySelector('details').open").await,
            true,
            "stays open"
        );
        let wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.script(wide).await, 0, "{}: no scrolling sideways", view.name);
        let ground = "return getComputedStyle(document.body).backgroundColor";
        let is_dark = browser.script(ground).await == "rgb(14, 17, 22)";
        assert_eq!(is_dark, view.scheme == "dark", "{}", view.name);
        let drawn = "return [...document.querySelectorAll('.chart svg:not([hidden])')].every((svg) => svg.querySelectorAll('text').length > 3)";
        assert_eq!(browser.script(drawn).await, true, "{}", view.name);
        browser.keep(&format!("waiting-{}", view.name)).await;
    }
    stage.unlock();
    browser.until("#state", "Running").await;
    let banner = "return document.getElementById('waiting').hidden";
    assert_eq!(browser.script(banner).await, true);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
    stage.goes_to_its_end();
}

/// Whatever a record holds, it is shown as text.
#[tokio::test(flavor = "multi_thread")]
async fn markup_from_a_record_is_shown_and_not_drawn() {
    let markup = "<img src=x onerror=document.title='taken'>";
    // The page shows the latest few of a code: most of the ids that are none are replaced.
    let ids = [
        "not-an-id",
        "zz00112233445566778899aabbccddee",
        "0123456789abcdef0123456789abcde",
    ];
    let change = |csv: &str| ids.iter().fold(csv.to_owned(), |csv, id| csv.replace(id, markup));
    let mut stage = Stage::started_with("page_markup", &[], change);
    stage.lock();
    let browser = Browser::open().await;
    browser
        .client
        .goto(&format!("http://{}/", stage.address))
        .await
        .unwrap();
    browser.until("#rejects", "bad-uuid").await;
    let open = "document.querySelectorAll('#rejects details').forEach((details) => { details.open = true; })";
    browser.script(open).await;
    browser.until("#rejects", "<img src=x").await;
    assert_eq!(
        browser
            .script("return document.querySelectorAll('#rejects img').length")
            .await,
        0
    );
    assert!(browser.client.title().await.unwrap().contains("order_enrich"));
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
    stage.unlock();
    stage.goes_to_its_end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_is_swapped_in_and_rolled_back_with_the_token_that_only_this_tab_keeps() {
    let mut stage = Stage::started("page_swap", &[("HOST_ADMIN_TOKEN", TOKEN)]);
    stage.lock();
    let browser = Browser::open().await;
    browser
        .client
        .goto(&format!("http://{}/", stage.address))
        .await
        .unwrap();
    browser.until("#ask-title", "Token").await;
    browser.type_into("#ask-input", "a-wrong-token-of-16").await;
    browser.click("#ask-yes").await;
    browser.until("#ask-text", "was not accepted").await;
    browser.type_into("#ask-input", TOKEN).await;
    browser.click("#ask-yes").await;
    browser.until("#plugin-name", "order_enrich").await;
    assert_eq!(
        browser.script("return [localStorage.length, document.cookie]").await,
        json!([0, ""])
    );
    let before = browser.text("#plugin-digest").await;
    let is_off = "return document.getElementById('rollback').disabled";
    browser.until("#rollback", "Nothing to roll back to").await;
    assert_eq!(browser.script(is_off).await, true);

    let good = stage.job.path("other.wasm");
    std::fs::write(&good, variant("other")).unwrap();
    browser.type_into("#plugin-file", &good).await;
    browser.until("#ask-title", "Swap the plugin?").await;
    browser.click("#ask-yes").await;
    browser.until("#plugin-answer", "Swapped.").await;
    browser.until("#history", "swapped").await;
    assert_ne!(browser.text("#plugin-digest").await, before);

    let bad = stage.job.write("bad.wasm", "no component at all");
    browser.type_into("#plugin-file", &bad).await;
    browser.until("#ask-title", "Swap the plugin?").await;
    browser.click("#ask-yes").await;
    browser.until("#plugin-answer", "Refused.").await;
    browser.until("#history", "refused").await;

    // It leads to what ran first, and says so before anything is done.
    let target = before.trim_start_matches("sha256 ").get(..7).unwrap().to_owned();
    browser.until("#rollback", &target).await;
    browser.until("#plugin-held", "A restart runs another one").await;
    browser.click("#rollback").await;
    browser.until("#ask-title", "Roll back?").await;
    browser.until("#ask-text", &format!("({target})")).await;
    browser.click("#ask-yes").await;
    browser.until("#plugin-answer", "Rolled back.").await;
    browser.until("#plugin-digest", &before).await;
    browser.until("#rollback", "Nothing to roll back to").await;
    assert_eq!(
        browser.script(is_off).await,
        true,
        "what was rolled back is not offered"
    );
    browser.until("#history", "→").await;
    for view in VIEWS {
        browser.look(view).await;
        browser.keep(&format!("rolled-back-{}", view.name)).await;
    }
    browser.close().await;
    stage.unlock();
    stage.goes_to_its_end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_learns_and_changes_nothing() {
    let mut stage = Stage::started("page_forged", &[]);
    stage.lock();
    let before = stage.json("/plugin");
    let browser = Browser::open().await;
    let stranger = stranger::serve();
    // Another origin of the same site, and another site.
    for name in ["127.0.0.1", "localhost"] {
        browser
            .client
            .goto(&format!("http://{name}:{stranger}/"))
            .await
            .unwrap();
        let tried = browser
            .client
            .execute_async(stranger::TRIES, vec![json!(stage.address)])
            .await
            .unwrap();
        for (what, came) in tried.as_object().unwrap() {
            assert!(came == "failed" || came == "opaque", "{name}: {what} came to {came}");
        }
        assert_eq!(tried.as_object().unwrap().len(), 7);
        let form = format!(
            "const form = document.createElement('form'); form.method = 'POST'; form.enctype = 'text/plain'; \
             form.action = 'http://{}/plugin/rollback'; document.body.append(form); form.submit();",
            stage.address
        );
        browser.script(&form).await;
        browser.until("body", "error").await;
        assert_eq!(stage.json("/plugin"), before, "{name}");
    }
    browser.close().await;
    stage.unlock();
    stage.goes_to_its_end();
}
