//! Requests that another site's page could make a browser send, or that show no token: they change nothing.

use crate::stage::{Stage, TOKEN};
use crate::support::http::Answer;
use crate::support::plugin;

const WASM: (&str, &str) = ("Content-Type", "application/wasm");
const JSON: (&str, &str) = ("Content-Type", "application/json");

fn put(stage: &Stage, headers: &[(&str, &str)]) -> Answer {
    let component = std::fs::read(plugin()).expect("the plugin");
    stage.ask("PUT", "/plugin", headers, &component)
}

fn roll_back(stage: &Stage, headers: &[(&str, &str)]) -> Answer {
    stage.ask("POST", "/plugin/rollback", headers, b"{}")
}

#[test]
fn forged_requests_change_nothing() {
    let mut stage = Stage::started("forged", &[]);
    stage.lock();
    let before = stage.json("/plugin");
    let origin = format!("http://{}", stage.address);
    let other_port = ("Origin", "http://127.0.0.1:3000");
    let forged: [(&[(&str, &str)], u16); 12] = [
        (&[WASM, ("Host", "evil.example:7171")], 421),
        (&[WASM, ("Host", "192.168.0.7:7171")], 421),
        (&[WASM, ("Origin", "http://evil.example")], 403),
        (&[WASM, ("Origin", "null")], 403),
        (&[WASM, other_port], 403),
        (&[WASM, ("Sec-Fetch-Site", "cross-site")], 403),
        (&[WASM, ("Origin", &origin), ("Sec-Fetch-Site", "same-site")], 403),
        (&[], 415),
        (&[("Content-Type", "text/plain")], 415),
        (&[("Content-Type", "multipart/form-data; boundary=x")], 415),
        (&[("Content-Type", "application/x-www-form-urlencoded")], 415),
        (&[("Content-Type", "application/octet-stream")], 415),
    ];
    for (headers, status) in forged {
        let swap = put(&stage, headers);
        assert_eq!(swap.status, status, "PUT {headers:?}: {}", swap.body);
        let back = roll_back(&stage, headers);
        assert_eq!(back.status, status, "POST {headers:?}: {}", back.body);
    }
    assert_eq!(roll_back(&stage, &[WASM]).status, 415);
    assert_eq!(put(&stage, &[JSON]).status, 415);
    let huge = (64 << 20) + 1;
    let too_large = stage.ask("PUT", "/plugin", &[WASM, ("Content-Length", &huge.to_string())], b"");
    assert_eq!(too_large.status, 413, "{}", too_large.body);
    let long = vec![b' '; 5000];
    assert_eq!(stage.ask("POST", "/plugin/rollback", &[JSON], &long).status, 413);
    for method in ["POST", "DELETE", "PATCH"] {
        assert_eq!(stage.ask(method, "/plugin", &[WASM], b"x").status, 405, "{method}");
    }
    assert_eq!(
        stage.get("/plugin/rollback").status,
        405,
        "an image or a link rolls nothing back"
    );
    let preflight = [
        ("Origin", "http://evil.example"),
        ("Access-Control-Request-Method", "PUT"),
    ];
    let preflight = stage.ask("OPTIONS", "/plugin", &preflight, b"");
    assert_eq!(
        (preflight.status, preflight.header("access-control-allow-origin")),
        (403, "")
    );
    assert_eq!(stage.json("/plugin"), before);
    stage.unlock();
    let seen = stage.goes_to_its_end();
    seen.says("asked to change the plugin, which was not done");
}

#[test]
fn without_the_token_nothing_changes() {
    let mut stage = Stage::started("forged_token", &[("HOST_ADMIN_TOKEN", TOKEN)]);
    stage.lock();
    let shown = format!("Bearer {TOKEN}");
    let wrong = format!("Bearer {TOKEN}x");
    let ask = |headers: &[_]| {
        (
            put(&stage, &[&[WASM], headers].concat()),
            roll_back(&stage, &[&[JSON], headers].concat()),
        )
    };
    for headers in [
        &[][..],
        &[("Authorization", wrong.as_str())],
        &[("Authorization", TOKEN)],
        &[("Authorization", "Bearer")],
    ] {
        let (swap, back) = ask(headers);
        assert_eq!((swap.status, back.status), (401, 401), "{headers:?}");
    }
    let foreign = [("Authorization", shown.as_str()), ("Origin", "http://evil.example")];
    let (swap, back) = ask(&foreign);
    assert_eq!(
        (swap.status, back.status),
        (403, 403),
        "a token is no excuse for another origin"
    );
    stage.unlock();
    stage.goes_to_its_end();
}
