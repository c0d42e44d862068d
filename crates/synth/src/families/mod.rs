//! Problem families: one small generator each, with an independent second way to solve its problems.
//!
//! A new family is a type that implements [`Family`] in the file of its group, plus one line in [`all`].

pub mod arithmetic;
pub mod chances;
pub mod countdown;
pub mod decimals;
pub mod equations;
pub mod fractions;
pub mod graphs;
pub mod logic;
pub mod number_theory;
pub mod numerals;
pub mod parts;
pub mod programs;
pub mod quantities;
pub mod rates;
pub mod sequences;
pub mod shapes;
pub mod sorting;
pub mod statistics;
pub mod strings;
pub mod tables;
pub mod time;
pub mod truth;

use std::sync::LazyLock;

use crate::item::Item;
use crate::rng::Rng;

/// A family of problems.
pub trait Family: Send + Sync {
    /// Its name, as given on the command line.
    fn name(&self) -> &'static str;

    /// What is in it, in one line.
    fn about(&self) -> &'static str;

    /// A problem. `difficulty` goes from 1 to 5; the same state of `rng` gives the same problem.
    fn generate(&self, rng: &mut Rng, difficulty: u8) -> Item;

    /// Solves the structured problem (`item.facts`) by another method than the one that made the answer, and without
    /// reading the answer, except where the answer is one of many (then: the answer if it satisfies the problem).
    /// `None` when the facts can't be read or no answer exists.
    fn resolve(&self, item: &Item) -> Option<String>;
}

/// A family made of two functions.
pub(crate) struct Simple {
    pub name: &'static str,
    pub about: &'static str,
    pub generate: fn(&mut Rng, u8) -> Item,
    pub resolve: fn(&Item) -> Option<String>,
}

impl Family for Simple {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn generate(&self, rng: &mut Rng, difficulty: u8) -> Item {
        (self.generate)(rng, difficulty)
    }

    fn resolve(&self, item: &Item) -> Option<String> {
        (self.resolve)(item)
    }
}

static ALL: LazyLock<Vec<Box<dyn Family>>> = LazyLock::new(|| {
    let mut all: Vec<Box<dyn Family>> = vec![
        Box::new(crate::words::Words { unanswerable: false }),
        Box::new(crate::words::Words { unanswerable: true }),
    ];
    let groups: [&[Simple]; 22] = [
        arithmetic::FAMILIES,
        decimals::FAMILIES,
        fractions::FAMILIES,
        parts::FAMILIES,
        quantities::FAMILIES,
        rates::FAMILIES,
        time::FAMILIES,
        statistics::FAMILIES,
        chances::FAMILIES,
        shapes::FAMILIES,
        number_theory::FAMILIES,
        numerals::FAMILIES,
        equations::FAMILIES,
        sequences::FAMILIES,
        countdown::FAMILIES,
        truth::FAMILIES,
        logic::FAMILIES,
        sorting::FAMILIES,
        strings::FAMILIES,
        tables::FAMILIES,
        programs::FAMILIES,
        graphs::FAMILIES,
    ];
    for family in groups.into_iter().flatten() {
        all.push(Box::new(Simple { ..*family }));
    }
    all
});

/// Every family, in a fixed order.
pub fn all() -> &'static [Box<dyn Family>] {
    &ALL
}

/// The family of this name.
pub fn find(name: &str) -> Option<&'static dyn Family> {
    all().iter().find(|f| f.name() == name).map(|f| &**f)
}

/// Picks a wording and fills `{name}` places.
pub(crate) fn say(rng: &mut Rng, wordings: &[&str], fills: &[(&str, String)]) -> String {
    let wording = *rng.pick(wordings);
    let mut out = String::with_capacity(wording.len() + 32);
    let mut rest = wording;
    while let Some(open) = rest.find('{') {
        let close = rest[open..].find('}').map_or(rest.len(), |i| open + i);
        out.push_str(&rest[..open]);
        let name = &rest[open + 1..close];
        match fills.iter().find(|(n, _)| *n == name) {
            Some((_, value)) => out.push_str(value),
            None => panic!("nothing fills '{{{name}}}' in '{wording}'"),
        }
        rest = &rest[(close + 1).min(rest.len())..];
    }
    out.push_str(rest);
    out
}

/// Joins texts as a list: `a`, `a and b`, `a, b and c`.
pub(crate) fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}

/// Joins anything that can be shown with a separator.
pub(crate) fn join<T: ToString>(items: &[T], separator: &str) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(separator)
}

/// Some of the people in the lexicon, by name.
pub(crate) fn people(rng: &mut Rng, count: usize) -> Vec<String> {
    let names: Vec<&str> = crate::words::library()
        .lexicon
        .names
        .iter()
        .map(|n| n.name.as_str())
        .collect();
    rng.sample(&names, count).into_iter().map(str::to_owned).collect()
}

/// Some of the nouns of a list of the lexicon: (one, many).
pub(crate) fn nouns(rng: &mut Rng, list: &str, count: usize) -> Vec<(String, String)> {
    let all = crate::words::library()
        .lexicon
        .nouns
        .get(list)
        .map_or(&[][..], Vec::as_slice);
    rng.sample(all, count)
        .into_iter()
        .map(|n| (n.one, n.many))
        .collect()
}
