//! The one place that builds and parses the names of streams, subjects, durables, messages and producers.
//!
//! ```text
//! stream    DENGBEI_<area>
//! subject   dengbei.<area>.<noun>.<verb>        few: an id in it would cost the server memory for each
//! durable   <service>
//! producer  <service>.<epoch, 8 hex digits>
//! message   <producer>:<sequence>
//! ```

use dengbei_chain::FactKind;
use dengbei_records::{AreaCode, Invalid};

/// The area's stream.
pub fn stream(area: &AreaCode) -> String {
    format!("DENGBEI_{area}")
}

/// All facts of the area: what a stream holds and what every consumer hears.
pub fn all(area: &AreaCode) -> String {
    format!("dengbei.{area}.>")
}

/// Where facts of one kind go.
pub fn subject(area: &AreaCode, kind: FactKind) -> String {
    format!("dengbei.{area}.{}", kind.name())
}

/// The area and the fact's name of a subject: of any fact, also of one this version does not know.
///
/// # Errors
/// [`Invalid`] when it is none of ours.
pub fn parse(subject: &str) -> Result<(AreaCode, &str), Invalid> {
    let invalid = || Invalid::new("subject", subject);
    let rest = subject.strip_prefix("dengbei.").ok_or_else(invalid)?;
    let (area, fact) = rest.split_once('.').ok_or_else(invalid)?;
    let (noun, verb) = fact.split_once('.').ok_or_else(invalid)?;
    if noun.is_empty() || verb.is_empty() || verb.contains('.') {
        return Err(invalid());
    }
    Ok((area.parse()?, fact))
}

/// A service's durable consumer.
pub fn durable(service: &str) -> &str {
    service
}

/// A producer's name.
pub fn producer(service: &str, epoch: &str) -> String {
    format!("{service}.{epoch}")
}

/// A message's id, for JetStream's duplicate window and CloudEvents.
pub fn message_id(producer: &str, sequence: u64) -> String {
    format!("{producer}:{sequence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_parses_to_what_built_it() {
        let area: AreaCode = "330382".parse().unwrap();
        for (kind, name, _) in FactKind::ALL {
            let built = subject(&area, kind);
            let (parsed, fact) = parse(&built).unwrap();
            assert_eq!((parsed, fact), (area.clone(), name));
        }
        assert_eq!(parse("dengbei.330382.pack.folded").unwrap().1, "pack.folded");
        for bad in ["dengbei.330382.pack", "x.330382.a.b", "dengbei.33.a.b", "dengbei.330382.a.b.c"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
