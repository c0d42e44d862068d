//! Word problems from templates: `words`, the largest family.
//!
//! | file | what to change there |
//! |---|---|
//! | `templates/*.txt` | the problems themselves, and `lexicon.txt`, the names and things in them |
//! | [`library`] | all templates with the lexicon; filling one in, and making it unanswerable |
//! | [`template`] | the template language and its reader |
//! | [`text`] | references and alternatives inside text |
//! | [`render`] | how numbers, nouns and pronouns are written |
//! | [`lexicon`] | nouns, plurals, names |

pub mod lexicon;
pub mod library;
pub mod render;
pub mod template;
pub mod text;

pub use library::{Library, draw, library};

use crate::families::Family;
use crate::item::{ABSTENTION, Item, ReadFacts};
use crate::rational::{self, Rat};
use crate::rng::Rng;

/// Word problems; `unanswerable` makes only problems that can't be answered.
pub struct Words {
    /// Whether the problems lack something, or contradict themselves.
    pub unanswerable: bool,
}

impl Words {
    fn choose(&self, rng: &mut Rng, difficulty: u8) -> (usize, usize) {
        let library = library();
        let level = usize::from(difficulty.clamp(1, 5));
        // Mostly as many steps as the difficulty says, sometimes one less.
        let level = if level > 1 && rng.chance(25) {
            level - 1
        } else {
            level
        };
        let list = (0..level)
            .rev()
            .map(|i| &library.by_steps[i])
            .find(|l| !l.is_empty());
        *rng.pick(list.map_or(&library.by_steps[0], |l| l))
    }
}

impl Family for Words {
    fn name(&self) -> &'static str {
        if self.unanswerable {
            "words-unanswerable"
        } else {
            "words"
        }
    }

    fn about(&self) -> &'static str {
        if self.unanswerable {
            "word problems in which a needed number is missing or contradicted"
        } else {
            "word problems of one to six steps from templates"
        }
    }

    fn generate(&self, rng: &mut Rng, difficulty: u8) -> Item {
        loop {
            let (t, a) = self.choose(rng, difficulty);
            if !self.unanswerable {
                let aside = rng.chance(10 + 10 * u32::from(difficulty.min(5)));
                return library().instantiate(t, a, rng, aside);
            }
            if let Some(item) = library().unanswerable(t, a, rng) {
                return item;
            }
        }
    }

    fn resolve(&self, item: &Item) -> Option<String> {
        let template = library()
            .templates
            .iter()
            .find(|t| item.facts.text("template") == Some(&t.id))?;
        let ask = template.asks.get(usize::try_from(item.facts.int("ask")?).ok()?)?;
        let values: Vec<Rat> = item
            .facts
            .texts("values")?
            .iter()
            .map(|v| rational::parse(v))
            .collect::<Option<_>>()?;
        let answer = ask.solve(&values)?;
        let Some(missing) = item.facts.text("missing") else {
            return Some(rational::show(answer));
        };
        // Undetermined: two values of the missing number, both possible, give two answers.
        let index = template.vars.iter().position(|v| v.name == missing)?;
        let mut changed = values.clone();
        changed[index] = item.facts.rat("other")?;
        (ask.needed.contains(&index) && ask.solve(&changed)? != answer).then(|| ABSTENTION.to_owned())
    }
}
