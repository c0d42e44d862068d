//! What a site asks of robots: robots.txt (RFC 9309).

/// The name by which this robot goes.
pub const NAME: &str = "strawberry";

/// The rules of one site for this robot: (path pattern, allowed).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Robots {
    rules: Vec<(String, bool)>,
}

impl Robots {
    /// Rules that forbid everything: for a site whose robots.txt can't be had (RFC 9309, section 2.3.1.4).
    pub fn forbidding() -> Robots {
        Robots {
            rules: vec![("/".to_owned(), false)],
        }
    }

    /// Reads the rules of the groups for this robot, or else of those for all.
    pub fn parse(text: &str) -> Robots {
        let (mut ours, mut all): (Vec<_>, Vec<_>) = Default::default();
        let (mut named, mut any, mut in_rules, mut found) = (false, false, false, false);
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or("");
            let Some((key, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "user-agent" => {
                    if in_rules {
                        (named, any, in_rules) = (false, false, false);
                    }
                    named |= value.eq_ignore_ascii_case(NAME);
                    any |= value == "*";
                    found |= named;
                }
                key @ ("allow" | "disallow") => {
                    in_rules = true;
                    if value.is_empty() {
                        continue;
                    }
                    let rule = (value.to_owned(), key == "allow");
                    if named {
                        ours.push(rule.clone());
                    }
                    if any {
                        all.push(rule);
                    }
                }
                _ => {}
            }
        }
        Robots {
            rules: if found { ours } else { all },
        }
    }

    /// Whether a path (with its query) may be fetched: the longest rule that matches decides; of equals, the allowing one.
    pub fn allows(&self, path: &str) -> bool {
        let matching = self.rules.iter().filter(|(pattern, _)| matches(pattern, path));
        matching
            .max_by_key(|(pattern, allowed)| (pattern.len(), *allowed))
            .is_none_or(|(_, allowed)| *allowed)
    }
}

/// Whether a path begins as the pattern says; `*` is any text, `$` at the end is the end.
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, whole) = pattern.strip_suffix('$').map_or((pattern, false), |p| (p, true));
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or("");
    let Some(mut rest) = path.strip_prefix(first) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    if pieces.is_empty() {
        return !whole || rest.is_empty();
    }
    for (i, piece) in pieces.iter().enumerate() {
        if whole && i + 1 == pieces.len() {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_rule_of_our_group_decides() {
        let text = "User-agent: other\nDisallow: /\n\nUser-agent: *\nDisallow: /private # no\nAllow: /private/open\nDisallow: /*.cgi$\n";
        let robots = Robots::parse(text);
        assert!(robots.allows("/") && robots.allows("/private/open/x") && robots.allows("/a.cgi?x"));
        assert!(!robots.allows("/private/x") && !robots.allows("/a/b.cgi"));
        let robots = Robots::parse(&format!("{text}\nUser-agent: Strawberry\nDisallow: /only"));
        assert!(robots.allows("/private") && !robots.allows("/only/x"));
        assert!(!Robots::forbidding().allows("/x") && Robots::default().allows("/x"));
    }
}
