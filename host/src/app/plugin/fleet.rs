//! `host plugin publish` and `host plugin status --fleet`: publishes a plugin for all hosts that follow its name, and
//! shows which host runs what.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Error};
use chrono::{DateTime, SecondsFormat};
use serde::Serialize;

use super::live::{short, table};
use crate::app::failure::Failure;
use crate::app::say::OutputFormat;
use crate::app::wire::Settings;
use crate::app::wire::services::fleet_failure;
use crate::app::wire::{component, fleet, trust};
use crate::config::address;
use crate::config::settings::PluginFrom;
use crate::fleet::members::{self, MemberReport};
use crate::fleet::published::{self, Published};
use crate::fleet::{Fleet, FleetError};
use crate::pipeline::commit::write_time::now_ms;
use crate::pipeline::swap::swapper::Candidate;
use crate::record::descriptor::PluginIdentity;
use crate::record::display::printable;

/// The options of `host plugin publish`.
#[derive(Debug)]
pub struct Publish {
    pub file: PathBuf,
    /// The name to publish it under; `None` means the plugin's own.
    pub name: Option<String>,
    pub topic: String,
}

/// Checks the component as far as that goes without the hosts' tables, and publishes it with its signature.
pub async fn publish(settings: &Settings, asked: Publish, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let Publish { file, name, topic } = asked;
    let (candidate, identity) = checked(settings, &file)?;
    let name = name.unwrap_or_else(|| identity.name.to_string());
    address::topic(&name).map_err(|_| {
        Failure::Usage(Error::msg(format!(
            "`{name}` cannot stand in kafka://BROKERS/TOPIC/NAME; --name gives one of letters, digits, `.`, `_` and `-`"
        )))
    })?;
    let Candidate { bytes, signature } = candidate;
    let fleet = of(settings, &topic)?;
    let created = fleet.create_topics().await.map_err(fleet_failure)?;
    let offset = published::publish(&fleet, &name, &bytes, signature.as_deref(), &identity)
        .await
        .map_err(fleet_failure)?;
    let say = |out: &mut (dyn Write + Send)| -> io::Result<()> {
        for topic in created {
            writeln!(out, "topic {topic}: created")?;
        }
        let signed = if signature.is_some() { ", signed" } else { "" };
        let (plugin, version, digest) = (&identity.name, &identity.version, &identity.digest);
        writeln!(
            out,
            "published {plugin} {version} ({digest}{signed}) at offset {offset}"
        )?;
        writeln!(out, "run it with  host run --plugin {fleet}/{name}")
    };
    say(out).context("cannot write").map_err(Failure::Failed)
}

/// The component with its signature, and its identity, once it has passed the checks of `host run`.
fn checked(settings: &Settings, file: &Path) -> Result<(Candidate, PluginIdentity), Failure> {
    let mut setting = settings.plugin.clone();
    setting.from = PluginFrom::File(file.to_owned());
    let mut candidate = component::find(&setting)?.candidate;
    // The hosts may ask for a signature even if the settings here do not.
    candidate.signature = trust::beside(file).map_err(|error| Failure::Usage(error.into()))?;
    let engine = component::engine(&setting)?;
    let plugin = component::ready(&engine, &setting, candidate.clone())?;
    Ok((candidate, plugin.identity().clone()))
}

/// A fleet as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    /// The latest publications, by name.
    newest: BTreeMap<String, Newest>,
    members: Vec<Member>,
}

#[derive(Debug, Serialize)]
struct Newest {
    plugin: String,
    version: String,
    digest: String,
    signed: bool,
    offset: i64,
    /// RFC 3339.
    published: Option<String>,
}

#[derive(Debug, Serialize)]
struct Member {
    #[serde(flatten)]
    report: MemberReport,
    /// Seconds since its last report. A member reports every five seconds.
    seconds: i64,
    /// Whether it has not reported for so long that it has probably died.
    silent: bool,
    /// Whether it runs the latest publication of the name that it follows.
    newest: bool,
}

/// Prints which member runs which digest, and from which offset of its partitions on.
pub async fn status(
    settings: &Settings,
    topic: &str,
    form: OutputFormat,
    out: &mut (dyn Write + Send),
) -> Result<(), Failure> {
    let fleet = of(settings, topic)?;
    let read = move || Ok::<_, FleetError>((published::all(&fleet)?, members::read(&fleet)?));
    let read = tokio::task::spawn_blocking(read).await;
    let (all, reports) = read
        .context("asking the brokers failed")
        .map_err(Failure::Failed)?
        .map_err(fleet_failure)?;
    let now_ms = now_ms();
    let shown = Shown {
        members: reports
            .into_iter()
            .map(|report| Member::of(report, &all, now_ms))
            .collect(),
        newest: all.into_iter().map(|(name, found)| (name, found.into())).collect(),
    };
    let written = match form {
        OutputFormat::Json => serde_json::to_string_pretty(&shown)
            .map_err(io::Error::from)
            .and_then(|text| writeln!(out, "{text}")),
        OutputFormat::Text => say(&shown, out),
    };
    written.context("cannot write").map_err(Failure::Failed)
}

impl Member {
    fn of(report: MemberReport, all: &BTreeMap<String, Published>, now_ms: i64) -> Self {
        let seconds = (now_ms - report.at_ms).max(0) / 1000;
        Self {
            silent: seconds > 3 * i64::try_from(fleet::EVERY.as_secs()).unwrap_or(i64::MAX),
            newest: all
                .get(&report.follows)
                .is_some_and(|newest| newest.digest == report.digest),
            seconds,
            report,
        }
    }

    /// The state in words: `running`, and what is not as it should be.
    fn state(&self) -> String {
        let mut parts = vec![self.report.state.clone()];
        if self.silent {
            parts = vec![format!("silent for {} s", self.seconds)];
        }
        if self.report.on_probation {
            parts.push("on probation".to_owned());
        }
        if !self.newest {
            parts.push("not the newest".to_owned());
        }
        parts.join(", ")
    }
}

impl From<Published> for Newest {
    fn from(published: Published) -> Self {
        let at = published.at_ms.and_then(DateTime::from_timestamp_millis);
        Self {
            plugin: published.plugin,
            version: published.version,
            digest: published.digest,
            signed: published.signature.is_some(),
            offset: published.offset,
            published: at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
        }
    }
}

fn say(shown: &Shown, out: &mut dyn Write) -> io::Result<()> {
    let mut newest = table(["name", "newest", "version", "digest", "published"]);
    for (name, found) in &shown.newest {
        newest.add_row([
            printable(name),
            printable(&found.plugin),
            printable(&found.version),
            short(&found.digest),
            found.published.clone().unwrap_or_default(),
        ]);
    }
    writeln!(out, "{}\n", newest.trim_fmt())?;
    if shown.members.is_empty() {
        return writeln!(out, "no member reports");
    }
    let mut members = table([
        "member",
        "follows",
        "version",
        "digest",
        "state",
        "partition",
        "committed",
        "from",
    ]);
    for member in &shown.members {
        let report = &member.report;
        let mut first = [&report.member, &report.follows, &report.version]
            .map(printable)
            .to_vec();
        first.extend([short(&report.digest), printable(member.state())]);
        if report.partitions.is_empty() {
            members.add_row(first.iter().cloned().chain(["-", "-", "-"].map(str::to_owned)));
        }
        for (partition, place) in &report.partitions {
            let number = |number: Option<i64>| number.map_or("-".to_owned(), |number| number.to_string());
            let row = [printable(partition), number(place.committed), number(place.from)];
            members.add_row(first.iter().cloned().chain(row));
            first = vec![String::new(); first.len()];
        }
    }
    writeln!(out, "{}", members.trim_fmt())?;
    for member in &shown.members {
        let report = &member.report;
        if !member.newest && report.last_swap.contains(": ") {
            writeln!(out, "\n{}: {}", printable(&report.member), printable(&report.last_swap))?;
        }
    }
    Ok(())
}

fn of(settings: &Settings, topic: &str) -> Result<Fleet, Failure> {
    address::topic(topic).map_err(|error| Failure::Usage(Error::msg(format!("--topic: {error}"))))?;
    Ok(Fleet {
        kafka: settings.kafka.clone(),
        topic: topic.to_owned(),
    })
}
