//! Lists of names, things and places that templates draw from.

use std::collections::BTreeMap;

/// A noun with its plural (equal for entries of lists that have none).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noun {
    /// One of it.
    pub one: String,
    /// Several of it.
    pub many: String,
}

/// A person's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub name: String,
    /// Whether the pronouns are "she" and "her" (else "he" and "him").
    pub she: bool,
}

/// All lists of a lexicon file.
#[derive(Clone, Debug, Default)]
pub struct Lexicon {
    /// Noun lists by name.
    pub nouns: BTreeMap<String, Vec<Noun>>,
    /// People.
    pub names: Vec<Name>,
}

impl Lexicon {
    /// Reads lines of the form `list: one; two/twos; …`. A list whose name ends in `!` has no plurals; the
    /// lists `he` and `she` are names. `#` starts a comment line.
    pub fn parse(text: &str) -> Result<Lexicon, String> {
        let mut lexicon = Lexicon::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (list, entries) = line
                .split_once(':')
                .ok_or_else(|| format!("line {}: expected 'list: entry; entry'", number + 1))?;
            let entries = entries.split(';').map(str::trim).filter(|e| !e.is_empty());
            match list {
                "he" | "she" => lexicon.names.extend(entries.map(|name| Name {
                    name: name.to_owned(),
                    she: list == "she",
                })),
                _ => {
                    let fixed = list.ends_with('!');
                    let nouns = entries.map(|e| noun(e, fixed)).collect();
                    lexicon.nouns.insert(list.trim_end_matches('!').to_owned(), nouns);
                }
            }
        }
        Ok(lexicon)
    }
}

fn noun(entry: &str, fixed: bool) -> Noun {
    let (one, many) = match entry.split_once('/') {
        Some((one, many)) => (one.to_owned(), many.to_owned()),
        None if fixed => (entry.to_owned(), entry.to_owned()),
        None => (entry.to_owned(), plural(entry)),
    };
    Noun { one, many }
}

/// The regular English plural.
pub fn plural(one: &str) -> String {
    let consonant_y = one.ends_with('y') && !["ay", "ey", "oy", "uy"].iter().any(|end| one.ends_with(end));
    if consonant_y {
        format!("{}ies", &one[..one.len() - 1])
    } else if ["s", "x", "z", "ch", "sh"].iter().any(|end| one.ends_with(end)) {
        format!("{one}es")
    } else {
        format!("{one}s")
    }
}

/// "a" or "an", whichever the next word takes.
pub fn article(word: &str) -> &'static str {
    let first = word.chars().next().unwrap_or('b').to_ascii_lowercase();
    let an = matches!(first, 'a' | 'e' | 'i' | 'o')
        || (first == 'u' && !word.starts_with("uni"))
        || word.starts_with("hour");
    if an { "an" } else { "a" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_and_articles() {
        for (one, many) in [
            ("box", "boxes"),
            ("berry", "berries"),
            ("toy", "toys"),
            ("peach", "peaches"),
        ] {
            assert_eq!(plural(one), many);
        }
        assert_eq!(
            (article("apple"), article("uniform"), article("hour")),
            ("an", "a", "an")
        );
        let lexicon = Lexicon::parse("he: Tom\n# note\nplace!: the park\nfruit: apple; leaf/leaves").unwrap();
        assert_eq!(lexicon.nouns["fruit"][1].many, "leaves");
        assert_eq!(lexicon.nouns["place"][0].many, "the park");
        assert!(Lexicon::parse("nothing").is_err());
    }
}
