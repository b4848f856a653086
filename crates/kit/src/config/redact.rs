//! URLs without what they hide: passwords, tokens, and parameters that carry one.

/// What stands in a secret's place.
pub(super) const HIDDEN: &str = "***";

/// A PostgreSQL URL without its password; the user's name stays.
pub(super) fn database(url: &str) -> String {
    hide(url, |user| match user.split_once(':') {
        Some((name, _)) => format!("{name}:{HIDDEN}"),
        None => user.to_owned(),
    })
}

/// Any other URL: whatever stands before the `@` goes, because a token may stand there alone.
pub(super) fn url(url: &str) -> String {
    let each = url.split(',').map(|one| hide(one, |_| HIDDEN.to_owned()));
    each.collect::<Vec<_>>().join(",")
}

fn hide(url: &str, user: impl Fn(&str) -> String) -> String {
    if url.is_empty() {
        return String::new();
    }
    // What is no URL may be a password in the wrong place.
    let Some((scheme, rest)) = url.split_once("://") else { return HIDDEN.to_owned() };
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    // A password may hold a slash or an at sign that should have been escaped.
    let rest = match rest.rsplit_once('@') {
        Some((before, after)) => format!("{}@{after}", user(before)),
        None => rest.to_owned(),
    };
    let query = query.map(|query| format!("?{}", parameters(query))).unwrap_or_default();
    format!("{scheme}://{rest}{query}")
}

fn parameters(query: &str) -> String {
    let each = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
        _ => pair.to_owned(),
    });
    each.collect::<Vec<_>>().join("&")
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "token", "secret", "passfile", "key"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_shows_and_the_rest_stays() {
        let shown = database("postgres://u:geheim@db:5432/d?sslmode=require&password=geheim");
        assert_eq!(shown, "postgres://u:***@db:5432/d?sslmode=require&password=***");
        assert_eq!(database("postgres://u@db/d"), "postgres://u@db/d");
        assert_eq!(database("postgres://u:ge@he/im@db/d"), "postgres://u:***@db/d");
        assert_eq!(url("nats://geheim@n:4222"), "nats://***@n:4222");
        assert_eq!(url("http://a:1,http://u:geheim@b:2"), "http://a:1,http://***@b:2");
        assert_eq!(url("geheim"), "***");
        assert_eq!(url(""), "");
    }
}
