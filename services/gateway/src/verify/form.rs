//! The file that a browser's form carries (multipart/form-data, RFC 7578): the first part that is not empty.

/// The file in `body`, by the form's content type. A body of any other type is the file itself.
pub(super) fn file<'a>(content_type: &str, body: &'a [u8]) -> &'a [u8] {
    let Some(boundary) = boundary(content_type) else { return body };
    // A part lives as long as the body, the boundary need not.
    let mut parts = parts(body, boundary.as_bytes());
    parts.find(|part| !part.iter().all(u8::is_ascii_whitespace)).unwrap_or_default()
}

fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let named = parameters.split(';').filter_map(|p| p.trim().split_once('='));
    let (_, value) = named.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    let value = value.trim_matches('"');
    (!value.is_empty() && value.len() <= 70).then(|| format!("--{value}"))
}

fn parts<'a, 'b>(body: &'a [u8], boundary: &'b [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a, 'b> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let begins = find(rest, boundary)? + boundary.len();
        let after = rest.get(begins..)?;
        let ends = find(after, boundary)?;
        let part = after.get(..ends)?;
        rest = after.get(ends..)?;
        let head = find(part, b"\r\n\r\n")?;
        let content = part.get(head + 4..)?;
        Some(content.strip_suffix(b"\r\n").unwrap_or(content))
    })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_form_is_found_and_a_bare_body_is_the_file() {
        let kind = "multipart/form-data; boundary=\"xyz\"";
        let empty = "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\r\n";
        let full =
            "--xyz\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n{\"a\":\r\n1}\r\n--xyz--\r\n";
        assert_eq!(file(kind, format!("{empty}{full}").as_bytes()), b"{\"a\":\r\n1}");
        assert_eq!(file("application/json", b"{}"), b"{}");
        for broken in ["", "--xyz", "--xyz\r\nno end", "xyz--xyz--xyz"] {
            assert_eq!(file(kind, broken.as_bytes()), b"", "{broken}");
        }
    }
}
