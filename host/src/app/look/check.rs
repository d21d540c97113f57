//! `host check`: compares the plugin with everything around it and changes nothing: the topic and its dead-letter
//! topic, the schema of the records with the plugin's inputs, and the plugin's outputs with the columns of tables and
//! with topics.
//!
//! It prints a line for each comparison. A mismatch names both sides, and leads to exit code 2.

use std::io::Write;

use crate::app::failure::Failure;
use crate::app::wire::Settings;
use crate::app::wire::finding::Finding;
use crate::app::wire::services::kafka_failure;
use crate::app::wire::topic_fit::{self, Flaw};
use crate::app::wire::topics::{self, partitions_text};
use crate::app::wire::{component, lifetimes};
use crate::config::settings::PluginFrom;
use crate::kafka::admin;
use crate::record::descriptor::Descriptor;

/// Compares what the plugin says of itself with everything around it.
pub async fn run(settings: &Settings, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let plugin = component::load(&settings.plugin)?;
    let descriptor = plugin.descriptor();
    let mut findings = settings.from.check(settings, descriptor).await?;
    findings.extend(settings.to.check(settings, descriptor).await?);
    findings.extend(lifetimes::remarks(settings, descriptor).into_iter().map(Finding::Note));
    output_topics(settings, descriptor, &mut findings).await?;
    topic_settings(settings, descriptor, &mut findings).await?;
    report(&findings, out)
}

fn report(findings: &[Finding], out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let mut mismatches = 0;
    for finding in findings {
        let (mark, text) = match finding {
            Finding::Fits(text) => ("fits", text),
            Finding::Note(text) => ("note", text),
            Finding::Mismatch(text) => {
                mismatches += 1;
                ("MISMATCH", text)
            }
        };
        writeln!(out, "{mark:<8}  {text}").map_err(|error| Failure::Failed(error.into()))?;
    }
    match mismatches {
        0 => Ok(()),
        1 => Err(Failure::Usage(anyhow::anyhow!("1 mismatch"))),
        count => Err(Failure::Usage(anyhow::anyhow!("{count} mismatches"))),
    }
}

/// Checks that the topics of outputs exist and that rows may go to them.
async fn output_topics(
    settings: &Settings,
    descriptor: &Descriptor,
    findings: &mut Vec<Finding>,
) -> Result<(), Failure> {
    if !topics::are_produced(settings, descriptor) {
        let printed = descriptor.topic_outputs().map(|(_, output, topic)| {
            Finding::Note(format!(
                "output {}: printed, and nothing goes to topic {topic}",
                output.name
            ))
        });
        findings.extend(printed);
        return Ok(());
    }
    let cluster = admin::cluster(&settings.kafka).await.map_err(kafka_failure)?;
    for (_, output, topic) in descriptor.topic_outputs() {
        let what = format!("output {}: topic {topic}", output.name);
        findings.push(match (topics::taken(settings, topic), cluster.topics.get(topic)) {
            (Some(taken), _) => Finding::Mismatch(format!("{what}, {taken}")),
            (None, Some(partitions)) => Finding::Fits(format!("{what}, {}", partitions_text(*partitions))),
            (None, None) => Finding::Mismatch(format!("{what} is not there; `host setup --plugin FILE` creates it")),
        });
    }
    Ok(())
}

/// Checks the settings of the topics that exist. A topic with a flaw is not reported as fitting.
async fn topic_settings(
    settings: &Settings,
    descriptor: &Descriptor,
    findings: &mut Vec<Finding>,
) -> Result<(), Failure> {
    let is_with_topics = settings.from.topic().is_some()
        || topics::are_produced(settings, descriptor)
        || matches!(settings.plugin.from, PluginFrom::Published { .. });
    if !is_with_topics {
        return Ok(());
    }
    let cluster = admin::cluster(&settings.kafka).await.map_err(kafka_failure)?;
    let there = topic_fit::topics(settings, Some(descriptor), &cluster);
    let there = there.await.map_err(kafka_failure)?;
    for topic in &there {
        let flaws = topic_fit::flaws(&settings.kafka.brokers, &there, topic);
        if !flaws.is_empty() {
            doubt(findings, &topic.name);
        }
        findings.extend(flaws.into_iter().map(|flaw| match flaw {
            Flaw::Note(text) => Finding::Note(text),
            Flaw::Mismatch(text) => Finding::Mismatch(text),
        }));
    }
    Ok(())
}

/// Turns the finding that this topic fits into a note.
fn doubt(findings: &mut [Finding], topic: &str) {
    for finding in findings {
        if let Finding::Fits(text) = finding
            && text.split([' ', ':', ',']).any(|word| word == topic)
        {
            *finding = Finding::Note(std::mem::take(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_with_a_flaw_is_not_said_to_fit() {
        let fits = |text: &str| Finding::Fits(text.to_owned());
        let mut findings = [
            fits("topic orders: 3 partitions"),
            fits("topic orders-dlq: 3 partitions"),
        ];
        doubt(&mut findings, "orders");
        let expected = [
            Finding::Note("topic orders: 3 partitions".to_owned()),
            fits("topic orders-dlq: 3 partitions"),
        ];
        assert_eq!(findings, expected);
    }

    #[test]
    fn one_mismatch_among_fits_and_notes_is_wrong_usage() {
        let findings = [
            Finding::Fits("topic orders: 3 partitions".into()),
            Finding::Note("schema orders-value is not there".into()),
            Finding::Mismatch("topic orders-dlq is not there".into()),
        ];
        let mut out = Vec::new();
        let failure = report(&findings, &mut out).unwrap_err();
        assert!(matches!(failure, Failure::Usage(_)), "{failure}");
        assert_eq!(failure.to_string(), "1 mismatch");
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "fits      topic orders: 3 partitions\n\
             note      schema orders-value is not there\n\
             MISMATCH  topic orders-dlq is not there\n"
        );
        assert!(report(&findings[..2], &mut Vec::new()).is_ok());
    }
}
