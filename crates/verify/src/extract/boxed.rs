//! `\boxed{…}`.

use memchr::memmem;

use crate::parse::ParseError;

/// A box: where its command begins, where it ends, and what is in it.
struct Box<'a> {
    start: usize,
    end: usize,
    inside: &'a str,
}

/// The content of the last box; of several boxes, when nothing but connectives (and labels such as `x =`)
/// stands between them. `None` without a box.
pub fn last(response: &str, max: usize) -> Result<Option<String>, ParseError> {
    let Some(mut first) = before(response, response.len(), max)? else {
        return Ok(None);
    };
    let mut boxes = vec![first.inside];
    let mut labels = vec![label(&response[..first.start])];
    while boxes.len() < 32 {
        let Some(earlier) = before(response, first.start, max)? else {
            break;
        };
        if earlier.end > first.start {
            break;
        }
        let between = &response[earlier.end..first.start];
        if !is_connective(between, labels.last().is_some_and(Option::is_some)) {
            break;
        }
        boxes.push(earlier.inside);
        labels.push(label(&response[..earlier.start]));
        first = earlier;
    }
    if boxes.len() == 1 {
        return Ok(Some(boxes[0].trim().to_owned()));
    }
    let labelled = labels.iter().all(Option::is_some);
    let parts: Vec<String> = boxes
        .iter()
        .zip(&labels)
        .rev()
        .map(|(inside, name)| match name {
            Some(c) if labelled => format!("{c} = {inside}"),
            _ => (*inside).to_owned(),
        })
        .collect();
    // A list of two integers of three digits must not become one number.
    Ok(Some(parts.join(" , ")))
}

/// The last complete box whose command begins before `limit`.
fn before(response: &str, limit: usize, max: usize) -> Result<Option<Box<'_>>, ParseError> {
    let mut limit = limit;
    for _ in 0..64 {
        let bytes = &response.as_bytes()[..limit];
        let boxed = memmem::rfind(bytes, b"\\boxed");
        let fbox = memmem::rfind(bytes, b"\\fbox");
        let Some(start) = boxed.max(fbox) else {
            return Ok(None);
        };
        let command = if boxed == Some(start) { 6 } else { 5 };
        match content(&response[start + command..], max)? {
            Some((inside, len)) => {
                return Ok(Some(Box {
                    start,
                    end: start + command + len,
                    inside,
                }));
            }
            None => limit = start,
        }
    }
    Ok(None)
}

/// The argument at the start of `s`, and how many bytes it takes with its braces.
fn content(s: &str, max: usize) -> Result<Option<(&str, usize)>, ParseError> {
    let t = s.trim_start_matches([' ', '\n']);
    let lead = s.len() - t.len();
    if !t.starts_with('{') {
        // \boxed 5
        let end = t.find(|c: char| c.is_whitespace() || c == '$').unwrap_or(t.len());
        let word = t[..end].trim_end_matches(['.', ',']);
        return Ok((!word.is_empty() && end <= max && !word.starts_with('}')).then_some((word, lead + end)));
    }
    let mut depth = 0usize;
    let mut escaped = false;
    for (i, b) in t.bytes().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Ok(Some((&t[1..i], lead + i + 1)));
                }
            }
            _ => {}
        }
        if i > 2 * max {
            return Err(ParseError::TooComplex(format!(
                "a box of more than {} bytes",
                2 * max
            )));
        }
    }
    Ok(None)
}

fn is_connective(between: &str, labelled: bool) -> bool {
    if between.len() > 60 {
        return false;
    }
    let mut s = between.to_owned();
    for word in [
        "\\text", "\\quad", "\\qquad", "\\mbox", "\\;", "\\ ", "\\,", "\\(", "\\)", "\\[", "\\]",
    ] {
        s = s.replace(word, " ");
    }
    if labelled && let Some(i) = s.trim_end_matches(['$', ' ']).strip_suffix('=').map(str::len) {
        let head = s[..i].trim_end();
        if head.ends_with(|c: char| c.is_ascii_alphabetic()) {
            s.truncate(head.len() - 1);
        }
    }
    let rest: Vec<&str> = s
        .split(|c: char| c.is_whitespace() || matches!(c, '$' | ',' | ';' | '{' | '}' | '、' | '，' | '&'))
        .filter(|w| !w.is_empty())
        .collect();
    let joined = between.contains([',', ';', '、', '，', '&']) || !rest.is_empty();
    joined
        && rest
            .iter()
            .all(|w| matches!(*w, "and" | "or" | "和" | "或" | "或者" | "以及" | "与"))
}

/// The single letter of `x =` at the end of `head`.
fn label(head: &str) -> Option<char> {
    let s = head.trim_end_matches([' ', '$']).strip_suffix('=')?.trim_end();
    let c = s.chars().next_back()?;
    let alone = s[..s.len() - c.len_utf8()]
        .chars()
        .next_back()
        .is_none_or(|d| !d.is_alphanumeric() && d != '\\');
    (c.is_ascii_alphabetic() && alone).then_some(c)
}

#[cfg(test)]
mod tests {
    fn last(s: &str) -> Option<String> {
        super::last(s, 100).unwrap()
    }

    #[test]
    fn takes_the_last_box_with_balanced_braces() {
        assert_eq!(
            last("\\boxed{1} then \\boxed{\\frac{1}{2}}.").as_deref(),
            Some("\\frac{1}{2}")
        );
        assert_eq!(last("$\\boxed 5$ is it").as_deref(), Some("5"));
        assert_eq!(last("\\fbox{7}").as_deref(), Some("7"));
        assert_eq!(last("\\boxed{3} but then \\boxed{4").as_deref(), Some("3"));
        assert_eq!(last("none"), None);
    }

    #[test]
    fn joins_boxes_that_belong_together() {
        assert_eq!(last("$\\boxed{2}$ and $\\boxed{3}$").as_deref(), Some("2 , 3"));
        assert_eq!(
            last("$x = \\boxed{2}$, $y = \\boxed{3}$").as_deref(),
            Some("x = 2 , y = 3")
        );
        assert_eq!(last("first \\boxed{2} hence \\boxed{3}").as_deref(), Some("3"));
    }

    #[test]
    fn long_boxes_are_refused() {
        assert!(super::last(&format!("\\boxed{{{}", "{".repeat(1000)), 100).is_err());
    }
}
