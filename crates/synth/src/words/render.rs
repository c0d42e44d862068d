//! Turns template text into sentences.

use crate::rational::{self, Rat};
use crate::rng::Rng;
use crate::words::lexicon::{Name, Noun, article};
use crate::words::text::{Node, NounForm, NumberForm};

/// What a text is filled with.
pub struct Scene {
    /// Values of the numbers.
    pub values: Vec<Rat>,
    /// Nouns of the slots.
    pub nouns: Vec<Noun>,
    /// People A to D.
    pub people: Vec<Name>,
    /// Whether small numbers are written as words.
    pub words: bool,
    /// Whether thousands get commas.
    pub grouped: bool,
    /// A number that is not to be told.
    pub hidden: Option<usize>,
}

/// Writes text, and remembers which numbers it told.
pub struct Writer<'a> {
    /// What the text is filled with.
    pub scene: &'a Scene,
    /// The numbers told so far, by index.
    pub told: Vec<usize>,
    /// The hidden number came where "some" can't stand for it.
    pub stuck: bool,
    /// Whether "some" stands for the hidden number.
    pub vague: bool,
    /// Which people were named so far.
    named: [bool; 4],
}

const SMALL: [&str; 13] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
];
const PARTS: [&str; 13] = [
    "", "", "half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth",
];
/// Words after which "some" would not be English.
const NOT_BEFORE_SOME: [&str; 34] = [
    "the", "these", "those", "each", "every", "all", "only", "exactly", "his", "her", "their", "another",
    "other", "first", "last", "next", "of", "a", "than", "most", "least", "about", "to", "from", "at", "is",
    "was", "are", "were", "by", "be", "into", "every", "and",
];

impl<'a> Writer<'a> {
    /// A writer that has told nothing yet.
    pub fn new(scene: &'a Scene) -> Self {
        Writer {
            scene,
            told: Vec::new(),
            stuck: false,
            vague: false,
            named: [false; 4],
        }
    }

    /// Writes one of several wordings.
    pub fn sentence(&mut self, wordings: &[Vec<Node>], rng: &mut Rng) -> String {
        let wording = rng.pick(wordings);
        self.phrase(wording, rng)
    }

    /// Writes text as it stands.
    pub fn phrase(&mut self, nodes: &[Node], rng: &mut Rng) -> String {
        let mut out = String::new();
        self.write(nodes, rng, &mut out);
        out
    }

    fn write(&mut self, nodes: &[Node], rng: &mut Rng, out: &mut String) {
        for (i, node) in nodes.iter().enumerate() {
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Choice(choices) => {
                    let choice = rng.pick(choices);
                    self.write(choice, rng, out);
                }
                Node::Any(low, high) => {
                    let n = rng.range(*low, *high);
                    out.push_str(&n.to_string());
                }
                Node::Person(who) => {
                    self.named[*who] = true;
                    out.push_str(&self.scene.people[*who].name);
                }
                // A person who was not named yet is named instead.
                Node::Pronoun(he, _, who) if !self.named[*who] => {
                    self.named[*who] = true;
                    out.push_str(&self.scene.people[*who].name);
                    if *he == "his" {
                        out.push_str("'s");
                    }
                }
                Node::Pronoun(he, capital, who) => {
                    let she = self.scene.people[*who].she;
                    let word = match (*he, she) {
                        ("he", true) => "she",
                        ("him" | "his", true) => "her",
                        ("himself", true) => "herself",
                        (same, _) => same,
                    };
                    out.push_str(&if *capital {
                        capitalise(word)
                    } else {
                        word.to_owned()
                    });
                }
                Node::Noun(slot, form) => {
                    let noun = &self.scene.nouns[*slot];
                    match form {
                        NounForm::Many => out.push_str(&noun.many),
                        NounForm::One => out.push_str(&noun.one),
                        NounForm::Article => {
                            out.push_str(article(&noun.one));
                            out.push(' ');
                            out.push_str(&noun.one);
                        }
                    }
                }
                Node::Number(index, form) if self.scene.hidden == Some(*index) => {
                    let before = out
                        .trim_end()
                        .rsplit([' ', '.', ','])
                        .next()
                        .unwrap_or_default()
                        .to_lowercase();
                    let spaced = out.is_empty() || out.ends_with(' ');
                    let fits = *form == NumberForm::Plain
                        && spaced
                        && !NOT_BEFORE_SOME.contains(&before.as_str())
                        && noun_follows(&nodes[i + 1..]);
                    if fits {
                        out.push_str(rng.pick::<&str>(&["some", "several", "a number of", "some"]));
                        self.vague = true;
                    } else {
                        self.stuck = true;
                    }
                }
                Node::Number(index, form) => {
                    if !self.told.contains(index) {
                        self.told.push(*index);
                    }
                    let next = match nodes.get(i + 1) {
                        Some(Node::Text(t)) => t.chars().next().unwrap_or(' '),
                        _ => ' ',
                    };
                    let text = self.number(self.scene.values[*index], *form, out, next);
                    out.push_str(&text);
                }
            }
        }
    }

    fn number(&self, value: Rat, form: NumberForm, before: &str, next: char) -> String {
        let small = value
            .is_integer()
            .then(|| *value.numer())
            .filter(|n| (0..=12).contains(n))
            .map(|n| n as usize);
        let word = |n: usize| SMALL[n].to_owned();
        match (form, small) {
            (NumberForm::Times, Some(2)) => "twice".to_owned(),
            (NumberForm::Times, Some(n)) => format!("{} times", word(n)),
            (NumberForm::Times, None) => format!("{} times", rational::show(value)),
            (NumberForm::Double, Some(2)) => "double".to_owned(),
            (NumberForm::Double, Some(3)) => "triple".to_owned(),
            (NumberForm::Double, Some(n)) => format!("{} times", word(n)),
            (NumberForm::Part, Some(2)) => "half".to_owned(),
            (NumberForm::Part, Some(n)) if n > 2 => format!("one {}", PARTS[n]),
            (NumberForm::Ordinal, _) => ordinal(value),
            (NumberForm::Plain, Some(n))
                if self.scene.words && next == ' ' && !before.ends_with(['$', '-', '/', ':']) =>
            {
                word(n)
            }
            _ if before.ends_with('$') && !value.is_integer() => {
                let cents = (value * rational::int(100)).to_integer();
                format!("{}.{:02}", cents / 100, cents % 100)
            }
            _ if self.scene.grouped => rational::show_grouped(value),
            _ => rational::show(value),
        }
    }
}

/// Whether what follows a number is a word that "some" can stand before.
fn noun_follows(rest: &[Node]) -> bool {
    let text = match rest.first() {
        Some(Node::Text(text)) => text,
        _ => return false,
    };
    if text == " " {
        return matches!(rest.get(1), Some(Node::Noun(_, NounForm::Many)));
    }
    let Some(text) = text.strip_prefix(' ') else {
        return false;
    };
    let word = text.split([' ', '.', ',', '?']).next().unwrap_or_default();
    let lower = word.starts_with(|c: char| c.is_ascii_lowercase());
    lower
        && word.len() > 2
        && ![
            "times", "percent", "degrees", "and", "for", "each", "per", "from", "years", "goes", "was",
        ]
        .contains(&word)
}

/// Joins sentences; each that begins after a full stop gets a capital. Gaps that empty alternatives leave are closed.
pub fn paragraph(sentences: &[String]) -> String {
    let mut out = String::new();
    for sentence in sentences {
        let capital = out.is_empty() || out.ends_with(['.', '?', '!']);
        let sentence = if capital {
            capitalise(sentence)
        } else {
            sentence.clone()
        };
        for word in sentence.split(' ').filter(|w| !w.is_empty()) {
            let glued = matches!(word, "." | "," | "?" | "!");
            if !out.is_empty() && !glued {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
    out
}

/// Writes the first letter upper-case.
pub fn capitalise(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// `1st`, `2nd`, `3rd`, `4th`, `11th`, …
pub fn ordinal(value: Rat) -> String {
    let n = value.to_integer();
    let end = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{end}")
}
