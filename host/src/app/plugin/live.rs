//! `host plugin swap`, `rollback`, `shadow`, `promote`, `status` and `history`: asks a running host at its admin
//! endpoint.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value as Json, json};
use tokio::time::timeout;

use crate::app::failure::Failure;
use crate::app::look::diff::show;
use crate::app::say::OutputFormat;
use crate::app::wire::Settings;
use crate::app::wire::trust;
use crate::connection::Secret;
use crate::pipeline::watch::shadowing::ShadowReport;
use crate::pipeline::watch::share::Share;
use crate::pipeline::watch::swapping::Swapping;
use crate::pipeline::watch::swaps::Named;
use crate::pipeline::watch::swaps::Swap;
use crate::pipeline::watch::swaps::SwapOutcome;
use crate::record::display::printable;

/// How long an answer may take. The host compiles the component and tries it on records before it answers.
const PATIENCE: Duration = Duration::from_mins(5);

/// How often the progress of a swap is printed.
const TELL: Duration = Duration::from_secs(1);

/// The request to the host.
#[derive(Debug)]
pub enum Asked {
    Swap(PathBuf),
    RollBack,
    Shadow { file: PathBuf, share: Share },
    ShadowReport,
    StopShadow,
    Promote,
    Status(OutputFormat),
    History(OutputFormat),
}

struct Endpoint {
    client: Client,
    url: String,
    token: Option<Secret>,
}

/// Asks the host and prints its answer. The exit code is 1 for a refusal and 3 if no host answers.
pub async fn run(settings: &Settings, asked: Asked, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let endpoint = Endpoint::of(settings)?;
    match asked {
        Asked::Swap(file) => {
            let request = endpoint.with_component(Method::PUT, "/plugin", &file)?;
            say_swap(endpoint.swapping(request, out).await?, out)
        }
        Asked::RollBack => roll_back(&endpoint, out).await,
        Asked::Promote => {
            let request = endpoint.post("/plugin/promote", &json!({}));
            say_swap(endpoint.swapping(request, out).await?, out)
        }
        Asked::Shadow { file, share } => {
            let path = format!("/shadow?share={}", u8::from(share));
            let request = endpoint.with_component(Method::PUT, &path, &file)?;
            let named = endpoint.send(request).await?.good()?;
            let text = |key: &str| named[key].as_str().unwrap_or_default().to_owned();
            print(
                out,
                &format!("shadowing {} {} ({})", text("name"), text("version"), text("digest")),
            )
        }
        Asked::ShadowReport => say_shadow(endpoint.get("/shadow").await?, out),
        Asked::StopShadow => {
            let request = endpoint.request(Method::DELETE, "/shadow");
            let request = request.header("content-type", "application/json");
            say_shadow(endpoint.send(request).await?, out)
        }
        Asked::Status(form) => {
            let status = endpoint.get("/status.json").await?.good()?;
            match form {
                OutputFormat::Json => print_json(out, &status),
                OutputFormat::Text => say_status(&status, out)
                    .context("cannot write")
                    .map_err(Failure::Failed),
            }
        }
        Asked::History(form) => {
            let plugin = endpoint.get("/plugin").await?.good()?;
            let history = &plugin["history"];
            match form {
                OutputFormat::Json => print_json(out, history),
                OutputFormat::Text => say_history(history, out),
            }
        }
    }
}

/// The host's answer.
struct Answer {
    status: StatusCode,
    body: Json,
}

impl Endpoint {
    fn of(settings: &Settings) -> Result<Self, Failure> {
        let Some(admin) = &settings.admin else {
            let message = "no endpoint to ask: --admin ADDR (admin.address) says where the host answers";
            return Err(Failure::Usage(anyhow::Error::msg(message)));
        };
        let client = Client::builder().no_proxy().timeout(PATIENCE).build();
        Ok(Self {
            client: client.context("cannot make a client").map_err(Failure::Failed)?,
            url: format!("http://{}", admin.address),
            token: admin.token.clone(),
        })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        }
    }

    /// A request with the component as its body, and with its signature if there is a `FILE.sig`.
    fn with_component(&self, method: Method, path: &str, file: &Path) -> Result<RequestBuilder, Failure> {
        let read = || -> anyhow::Result<_> {
            let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            Ok((bytes, trust::beside(file)?))
        };
        let (bytes, signature) = read().map_err(Failure::Usage)?;
        let request = self
            .request(method, path)
            .header("content-type", "application/wasm")
            .body(bytes);
        Ok(match signature {
            Some(text) => request.header("host-signature", BASE64_STANDARD.encode(text)),
            None => request,
        })
    }

    async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.send(self.request(Method::GET, path)).await
    }

    fn post(&self, path: &str, body: &Json) -> RequestBuilder {
        let request = self.request(Method::POST, path);
        let request = request.header("content-type", "application/json");
        request.body(body.to_string())
    }

    /// Sends a request for a swap, and prints how far the swap is until the answer comes.
    async fn swapping(&self, request: RequestBuilder, out: &mut (dyn Write + Send)) -> Result<Answer, Failure> {
        let mut sending = pin!(self.send(request));
        let mut said = None;
        loop {
            if let Ok(answer) = timeout(TELL, &mut sending).await {
                return answer;
            }
            let Ok(plugin) = self.get("/plugin").await else {
                continue;
            };
            let now = serde_json::from_value::<Swapping>(plugin.body["swapping"].clone()).ok();
            if let Some(now) = now.filter(|now| said.as_ref() != Some(now)) {
                print(out, &now.to_string())?;
                said = Some(now);
            }
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let nobody = || {
            format!(
                "no host answers at {}; does `host run` run there? (--admin names another address)",
                self.url
            )
        };
        let answer = request
            .send()
            .await
            .with_context(nobody)
            .map_err(Failure::Unreachable)?;
        let status = answer.status();
        let text = answer.text().await.with_context(nobody).map_err(Failure::Unreachable)?;
        let body = serde_json::from_str(&text).unwrap_or(Json::String(text));
        Ok(Answer { status, body })
    }
}

impl Answer {
    /// Returns the body of an answer that reports success, and an error for any other.
    fn good(self) -> Result<Json, Failure> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        let reasons = self.body["reasons"].as_array().map(|reasons| {
            let texts = reasons.iter().filter_map(Json::as_str);
            format!("refused: {}", texts.collect::<Vec<_>>().join("; "))
        });
        let said = reasons.or_else(|| self.body["error"].as_str().map(str::to_owned));
        let said = said.unwrap_or_else(|| format!("the endpoint answers {}: {}", self.status, self.body));
        let error = anyhow::Error::msg(said);
        Err(match self.status {
            StatusCode::UNAUTHORIZED => {
                Failure::Usage(error.context("HOST_ADMIN_TOKEN (admin.token) is not the host's"))
            }
            _ => Failure::Failed(error),
        })
    }
}

/// Prints where the rollback leads, then asks for exactly that. If it would lead elsewhere by then, the host refuses.
async fn roll_back(endpoint: &Endpoint, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let plugin = endpoint.get("/plugin").await?.good()?;
    let named = |value: &Json| serde_json::from_value::<Named>(value.clone()).ok();
    let mut body = json!({});
    if let (Some(from), Some(to)) = (named(&plugin), named(&plugin["back"])) {
        print(out, &format!("going back from {from} to {to}"))?;
        body["to"] = to.digest.into();
    }
    let request = endpoint.post("/plugin/rollback", &body);
    say_swap(endpoint.swapping(request, out).await?, out)
}

fn say_swap(answer: Answer, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let Ok(swap) = serde_json::from_value::<Swap>(answer.body.clone()) else {
        return answer.good().map(drop);
    };
    match swap.outcome {
        SwapOutcome::Refused { .. } => Err(Failure::Failed(anyhow::Error::msg(swap.to_string()))),
        SwapOutcome::Swapped | SwapOutcome::Unchanged | SwapOutcome::RolledBack { .. } => print(out, &swap.to_string()),
    }
}

fn say_shadow(answer: Answer, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let Ok(report) = serde_json::from_value::<ShadowReport>(answer.body.clone()) else {
        return answer.good().map(drop);
    };
    show::shadow(&report, out)
        .context("cannot write")
        .map_err(Failure::Failed)
}

fn say_status(status: &Json, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let plugin = &status["plugin"];
    writeln!(out, "state      {}", text(&status["state"]))?;
    let on_probation = if plugin["on_probation"] == true {
        ", on probation"
    } else {
        ""
    };
    writeln!(
        out,
        "plugin     {} {} {}{on_probation}",
        text(&plugin["name"]),
        text(&plugin["version"]),
        text(&plugin["digest"])
    )?;
    if let Ok(back) = serde_json::from_value::<Named>(plugin["back"].clone()) {
        writeln!(out, "rollback   leads to {back}")?;
    }
    if plugin["held"]["runs"] == false {
        let (place, digest) = (text(&plugin["held"]["place"]), text(&plugin["held"]["digest"]));
        writeln!(out, "a restart  runs another one: {place} holds {digest}")?;
    }
    if let Ok(swapping) = serde_json::from_value::<Swapping>(plugin["swapping"].clone()) {
        writeln!(out, "swap       {swapping}")?;
    }
    for waiting in status["waiting"].as_array().into_iter().flatten() {
        writeln!(
            out,
            "waiting    for {} since {} s: {}",
            text(&waiting["for"]),
            waiting["seconds"],
            text(&waiting["error"])
        )?;
    }
    writeln!(
        out,
        "records    {}, rows written {}\n",
        status["records"], status["rows_written"]
    )?;
    let mut table = table(["partition", "committed", "lag", "plugin", "from"]);
    for (name, partition) in status["partitions"].as_object().into_iter().flatten() {
        let number = |key: &str| {
            partition[key]
                .as_i64()
                .map_or("-".to_owned(), |number| number.to_string())
        };
        let fence = partition["fences"].as_array().and_then(|fences| fences.last());
        let digest = fence.and_then(|fence| fence["digest"].as_str()).unwrap_or("-");
        let from = fence
            .and_then(|fence| fence["from"].as_i64())
            .map_or("-".to_owned(), |from| from.to_string());
        table.add_row([name.clone(), number("committed"), number("lag"), short(digest), from]);
    }
    writeln!(out, "{}", table.trim_fmt())
}

pub(super) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(header);
    table
}

/// The beginning of a digest, which is enough to distinguish it from others.
pub(super) fn short(digest: &str) -> String {
    printable(digest).chars().take(19).collect()
}

fn say_history(history: &Json, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let swaps: Vec<Swap> = serde_json::from_value(history.clone())
        .context("the endpoint's answer is not understood; is the host of another version?")
        .map_err(Failure::Failed)?;
    if swaps.is_empty() {
        return print(out, "nothing was swapped since the start");
    }
    swaps
        .iter()
        .try_for_each(|swap| print(out, &format!("{}  {swap} [{}]", swap.at, swap.asked_by)))
}

fn print(out: &mut (dyn Write + Send), line: &str) -> Result<(), Failure> {
    writeln!(out, "{line}").context("cannot write").map_err(Failure::Failed)
}

fn print_json(out: &mut (dyn Write + Send), value: &Json) -> Result<(), Failure> {
    print(out, &format!("{value:#}"))
}
