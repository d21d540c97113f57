//! A page of another site: a server of its own, and what its script tries.

use std::io::{Read, Write};
use std::net::TcpListener;

/// Gives an object of what was tried and what came of it: `failed` where the browser gave nothing, `opaque` where the
/// script learns nothing of the answer, else what it learnt.
pub const TRIES: &str = r#"
const done = arguments[arguments.length - 1];
const at = `http://${arguments[0]}`;
const wasm = { method: "PUT", headers: { "Content-Type": "application/wasm" }, body: "x" };
const json = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
const tries = {
  "read status": () => fetch(`${at}/status.json`),
  "read plugin": () => fetch(`${at}/plugin`),
  "put": () => fetch(`${at}/plugin`, wasm),
  "roll back": () => fetch(`${at}/plugin/rollback`, json),
  "roll back as text": () => fetch(`${at}/plugin/rollback`, { method: "POST", mode: "no-cors", body: "{}" }),
  "roll back by beacon": async () => { navigator.sendBeacon(`${at}/plugin/rollback`, new Blob(["{}"], { type: "text/plain" })); return { type: "opaque" }; },
  "frame": () => new Promise((resolve, reject) => {
    const frame = document.createElement("iframe");
    frame.src = `${at}/`;
    frame.onload = () => { try { resolve({ type: frame.contentDocument ? "readable" : "opaque" }); } catch { reject(); } };
    document.body.append(frame);
  }),
};
(async () => {
  const came = {};
  for (const [what, attempt] of Object.entries(tries)) {
    try { came[what] = (await attempt()).type; } catch { came[what] = "failed"; }
  }
  done(came);
})();
"#;

/// Serves an empty page to everybody; the port.
pub fn serve() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let _ = stream.read(&mut [0; 4096]);
            let page = "<!doctype html><title>stranger</title><body>stranger</body>";
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
            let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{page}", page.len());
        }
    });
    port
}
