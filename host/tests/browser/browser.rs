//! Chromium without a window, driven over `WebDriver`: `host/tests/needs browser` says how to get both.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};

/// Far more than a page takes.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Browser {
    pub client: Client,
    driver: Child,
    port: u16,
    _profile: tempfile::TempDir,
}

/// How the page is looked at.
#[derive(Debug, Clone, Copy)]
pub struct View {
    pub name: &'static str,
    pub width: u32,
    pub height: u32,
    pub scheme: &'static str,
}

pub const VIEWS: [View; 4] = [
    View {
        name: "light",
        width: 1280,
        height: 900,
        scheme: "light",
    },
    View {
        name: "dark",
        width: 1280,
        height: 900,
        scheme: "dark",
    },
    View {
        name: "phone",
        width: 390,
        height: 844,
        scheme: "light",
    },
    View {
        name: "phone-dark",
        width: 390,
        height: 844,
        scheme: "dark",
    },
];

/// A command of Chromium's own.
#[derive(Debug)]
struct Own {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

impl Browser {
    pub async fn open() -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .unwrap()
            .port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver; `host/tests/needs browser` says how to get it");
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless=new".to_owned(),
            // The sandbox of Chromium wants rights that a container has not; only our own pages are opened.
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let wanted = json!({ "goog:chromeOptions": { "args": arguments }, "goog:loggingPrefs": { "browser": "ALL" } });
        let Value::Object(wanted) = wanted else { unreachable!() };
        let capabilities: Capabilities = wanted;
        let end = Instant::now() + PATIENCE;
        let client = loop {
            let mut builder = ClientBuilder::native();
            match builder
                .capabilities(capabilities.clone())
                .connect(&format!("http://127.0.0.1:{port}"))
                .await
            {
                Ok(client) => break client,
                Err(error) => assert!(Instant::now() < end, "no browser: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        Self {
            client,
            driver,
            port,
            _profile: profile,
        }
    }

    pub async fn text(&self, selector: &str) -> String {
        self.with(selector, async |found| found.text().await).await
    }

    pub async fn click(&self, selector: &str) {
        self.with(selector, async |found| found.click().await).await;
    }

    pub async fn type_into(&self, selector: &str, text: &str) {
        self.with(selector, async |found| found.send_keys(text).await).await;
    }

    /// Finds the element and uses it. The page may draw it anew in between; then it is found again.
    async fn with<T>(&self, selector: &str, action: impl AsyncFn(Element) -> Result<T, CmdError>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = self.client.find(Locator::Css(selector)).await.unwrap();
            match action(found).await {
                Err(error) if error.is_stale_element_reference() => {
                    assert!(Instant::now() < end, "{selector} is drawn anew again and again");
                }
                result => return result.unwrap(),
            }
        }
    }

    pub async fn script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Waits until the text of an element has these words in it.
    pub async fn until(&self, selector: &str, words: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            // An element that is drawn anew at this moment is asked for again.
            let found = match self.client.find(Locator::Css(selector)).await {
                Ok(found) => found.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if found.contains(words) {
                return;
            }
            assert!(Instant::now() < end, "{selector} never said {words:?} but {found:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn own(&self, path: &'static str, body: Value) -> Value {
        self.client.issue_cmd(Own { path, body }).await.unwrap()
    }

    pub async fn look(&self, view: View) {
        let features = json!([{ "name": "prefers-color-scheme", "value": view.scheme }]);
        let media = json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": features } });
        self.own("goog/cdp/execute", media).await;
        self.resize(view, view.height.into()).await;
        // Then the whole page, as far down as it goes.
        let height = self.script("return document.documentElement.scrollHeight").await;
        self.resize(view, height).await;
    }

    async fn resize(&self, view: View, height: Value) {
        let size = json!({ "width": view.width, "height": height, "deviceScaleFactor": 1, "mobile": view.width < 500 });
        let size = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": size });
        self.own("goog/cdp/execute", size).await;
        // A question of the page later, its charts are drawn at the new width.
        tokio::time::sleep(Duration::from_millis(1200)).await;
    }

    /// Keeps what it looks like under `target/screenshots`.
    pub async fn keep(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let png = self.client.screenshot().await.unwrap();
        std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }

    /// What the browser itself complained of: scripts that fail, policies that are broken.
    pub async fn complaints(&self) -> Vec<String> {
        let lines = self.own("se/log", json!({ "type": "browser" })).await;
        let lines = lines.as_array().cloned().unwrap_or_default();
        lines
            .iter()
            .filter_map(|line| Some(line["message"].as_str()?.to_owned()))
            .collect()
    }

    pub async fn close(mut self) {
        self.client.clone().close().await.unwrap();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// A test that failed has not closed the session, and a killed driver leaves its browser running: it is asked to end
/// both.
impl Drop for Browser {
    fn drop(&mut self) {
        if let Ok(mut driver) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = driver.write_all(b"GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
            let _ = driver.set_read_timeout(Some(PATIENCE));
            let _ = driver.read(&mut [0; 512]);
        }
        std::thread::sleep(Duration::from_secs(1));
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
