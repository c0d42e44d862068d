//! All templates with their lexicon, and filling them in.

use std::sync::LazyLock;

use num_traits::Signed;

use crate::item::{ABSTENTION, Check, Facts, Item, Steps};
use crate::rational::{self, Rat};
use crate::rng::Rng;
use crate::words::lexicon::{Lexicon, Noun};
use crate::words::render::{Scene, Writer, capitalise, paragraph};
use crate::words::template::{self, Ask, Draw, Sentence, Template};
use crate::words::text;

/// How many draws of the numbers are tried before a template counts as unsatisfiable.
const MAX_DRAWS: usize = 20_000;

/// All templates with the lexicon they draw from.
pub struct Library {
    /// The templates, in file order.
    pub templates: Vec<Template>,
    /// The lists.
    pub lexicon: Lexicon,
    /// Sentences with irrelevant numbers that fit any problem about a person.
    asides: Vec<Vec<text::Node>>,
    /// (template, question) by number of steps minus one, from 1 step to 5 or more.
    pub(crate) by_steps: [Vec<(usize, usize)>; 5],
}

const FILES: [(&str, &str); 8] = [
    ("change.txt", include_str!("../../templates/change.txt")),
    ("groups.txt", include_str!("../../templates/groups.txt")),
    ("compare.txt", include_str!("../../templates/compare.txt")),
    ("money.txt", include_str!("../../templates/money.txt")),
    ("time.txt", include_str!("../../templates/time.txt")),
    ("parts.txt", include_str!("../../templates/parts.txt")),
    ("measure.txt", include_str!("../../templates/measure.txt")),
    ("stories.txt", include_str!("../../templates/stories.txt")),
];

static LIBRARY: LazyLock<Result<Library, String>> = LazyLock::new(|| {
    let lexicon = Lexicon::parse(include_str!("../../templates/lexicon.txt"))
        .map_err(|e| format!("lexicon.txt: {e}"))?;
    let mut templates = Vec::new();
    for (name, text) in FILES {
        templates.extend(template::parse_file(text).map_err(|e| format!("{name}: {e}"))?);
    }
    let names = text::Names {
        numbers: &[],
        nouns: &[],
    };
    let asides = include_str!("../../templates/asides.txt")
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .map(|l| text::alternatives(l, &names).map(|mut a| a.swap_remove(0)))
        .collect::<Result<_, _>>()
        .map_err(|e| format!("asides.txt: {e}"))?;
    let mut by_steps: [Vec<(usize, usize)>; 5] = Default::default();
    for (t, template) in templates.iter().enumerate() {
        for (_, list) in &template.slots {
            if lexicon.nouns.get(list).is_none_or(|l| l.len() < 2) {
                return Err(format!(
                    "template '{}': no list '{list}' in lexicon.txt",
                    template.id
                ));
            }
        }
        for (a, ask) in template.asks.iter().enumerate() {
            by_steps[ask.steps.len().min(5) - 1].push((t, a));
        }
    }
    Ok(Library {
        templates,
        lexicon,
        asides,
        by_steps,
    })
});

/// The built-in library. It is parsed once; a test guarantees that it can be.
///
/// # Panics
/// When the built-in files don't parse.
pub fn library() -> &'static Library {
    match &*LIBRARY {
        Ok(library) => library,
        Err(e) => panic!("built-in templates: {e}"),
    }
}

/// Numbers drawn for one question: all variables, then the values of the steps.
pub struct Drawn {
    /// Variables, then steps.
    pub values: Vec<Rat>,
    /// How many draws it took.
    pub draws: usize,
}

/// Draws numbers that satisfy the template's conditions, and under which every step of the question is
/// positive and whole (or has at most two decimals, where the template allows it). `None` if that can't be done.
pub fn draw(template: &Template, ask: &Ask, rng: &mut Rng) -> Option<Drawn> {
    let fits = |v: &Rat| {
        v.is_positive() && (v.is_integer() || template.decimals && (*v * rational::int(100)).is_integer())
    };
    'draws: for draws in 1..=MAX_DRAWS {
        let mut values: Vec<Rat> = Vec::with_capacity(template.vars.len() + ask.steps.len() + 1);
        for var in &template.vars {
            let value = match &var.value {
                Draw::Range(low, high, step) => {
                    let count = ((high - low) / step).to_integer();
                    low + step * rational::int(rng.range(0, i64::try_from(count).unwrap_or(0)))
                }
                Draw::Set(list) => *rng.pick(list),
                Draw::Computed(expr) => match expr.eval(&values) {
                    Ok(value) if fits(&value) => value,
                    _ => continue 'draws,
                },
            };
            values.push(value);
        }
        if !template.conditions.iter().all(|c| c.holds(&values)) {
            continue;
        }
        for (_, expr) in &ask.steps {
            match expr.eval(&values) {
                Ok(value) if fits(&value) => values.push(value),
                _ => continue 'draws,
            }
        }
        return Some(Drawn { values, draws });
    }
    None
}

/// How a problem is made unanswerable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flaw {
    /// A number is replaced by "some".
    Vague,
    /// An essential sentence is left out.
    LeftOut,
    /// A number is given twice, with different values.
    Contradiction,
}

impl Library {
    fn scene(&self, template: &Template, values: Vec<Rat>, rng: &mut Rng) -> Scene {
        let mut nouns: Vec<Noun> = Vec::new();
        for (_, list) in &template.slots {
            let all = &self.lexicon.nouns[list];
            let mut noun = rng.pick(all).clone();
            while nouns.contains(&noun) {
                noun = rng.pick(all).clone();
            }
            nouns.push(noun);
        }
        let mut people = Vec::new();
        while people.len() < 4 {
            let name = rng.pick(&self.lexicon.names);
            if !people.contains(name) {
                people.push(name.clone());
            }
        }
        Scene {
            values,
            nouns,
            people,
            words: rng.chance(15),
            grouped: rng.chance(50),
            hidden: None,
        }
    }

    /// An answerable problem from one question of one template.
    ///
    /// # Panics
    /// When the template can't be satisfied or leaves a needed number out; a test draws every one many times.
    pub fn instantiate(&self, t: usize, a: usize, rng: &mut Rng, aside: bool) -> Item {
        let template = &self.templates[t];
        let ask = &template.asks[a];
        let Some(drawn) = draw(template, ask, rng) else {
            panic!("template '{}': no numbers satisfy it", template.id);
        };
        let scene = self.scene(template, drawn.values, rng);
        let mut writer = Writer::new(&scene);
        let mut sentences = self.body(template, &mut writer, rng, aside, None);
        sentences.push(writer.sentence(&ask.wordings, rng));
        for &needed in &ask.needed {
            assert!(
                writer.told.contains(&needed),
                "template '{}': number '{}' is not told",
                template.id,
                template.vars[needed].name
            );
        }
        let mut steps = Steps::new();
        for (label, expr) in &ask.steps {
            let label = capitalise(&writer.phrase(label, rng));
            steps.calc(&label, expr.show(&scene.values));
        }
        let answer = scene.values[template.vars.len() + ask.steps.len() - 1];
        Item::number(
            &template.id,
            paragraph(&sentences),
            steps,
            answer,
            facts(template, a, &scene.values, None),
        )
    }

    fn body(
        &self,
        template: &Template,
        writer: &mut Writer,
        rng: &mut Rng,
        aside: bool,
        left_out: Option<usize>,
    ) -> Vec<String> {
        let mut sentences = Vec::new();
        for (i, sentence) in template.body.iter().enumerate() {
            if left_out == Some(i) || (sentence.extra && !rng.chance(if aside { 60 } else { 15 })) {
                continue;
            }
            sentences.push(writer.sentence(&sentence.wordings, rng));
        }
        let about_a_person = template.body[0].wordings[0].contains(&text::Node::Person(0));
        if aside && about_a_person && rng.chance(25) {
            let text = writer.sentence(std::slice::from_ref(rng.pick(&self.asides)), rng);
            let mut at = rng.range(1, sentences.len() as i64) as usize;
            while !sentences[at - 1].ends_with('.') && at < sentences.len() {
                at += 1;
            }
            sentences.insert(at, text);
        }
        sentences
    }

    /// A problem that can't be answered, from one question of one template; `None` where this template has
    /// no number that can be taken away.
    pub fn unanswerable(&self, t: usize, a: usize, rng: &mut Rng) -> Option<Item> {
        let template = &self.templates[t];
        let ask = &template.asks[a];
        let drawn = draw(template, ask, rng)?;
        let count = template.vars.len();
        let missing = *rng.pick(&ask.needed);
        let var = &template.vars[missing];
        let other = other_value(template, ask, missing, &drawn.values, rng)?;
        let mut scene = self.scene(template, drawn.values, rng);
        let flaw = *rng.pick(&[
            Flaw::Vague,
            Flaw::Vague,
            Flaw::LeftOut,
            Flaw::LeftOut,
            Flaw::Contradiction,
        ]);
        scene.hidden = (flaw == Flaw::Vague).then_some(missing);
        let left_out = match flaw {
            Flaw::LeftOut => {
                let holds = |s: &Sentence| s.essential && s.wordings.iter().any(|w| tells(w, missing));
                Some(
                    template
                        .body
                        .iter()
                        .position(holds)
                        .filter(|i| stands_alone(&template.body, *i))?,
                )
            }
            _ => None,
        };
        let mut writer = Writer::new(&scene);
        let mut sentences = self.body(template, &mut writer, rng, false, left_out);
        let meaning = writer.phrase(&var.meaning, rng);
        // "how many times as many …" can't be the subject of "is 3".
        let clause = meaning.starts_with("how ");
        if clause && flaw == Flaw::Contradiction {
            return None;
        }
        let tell = |value: Rat| match var.unit {
            "$" => format!("${}", rational::show_grouped(value)),
            "%" => format!("{}%", rational::show(value)),
            "/" => format!("1/{}", rational::show(value)),
            _ => rational::show(value),
        };
        let (first, second) = (tell(scene.values[missing]), tell(other));
        if flaw == Flaw::Contradiction {
            let text = match rng.below(3) {
                0 => format!("However, {meaning} is also said to be {second}."),
                1 => format!("Elsewhere, it is stated that {meaning} is {second}."),
                _ => format!("At the same time, {meaning} is {second}."),
            };
            sentences.push(text);
        }
        sentences.push(writer.sentence(&ask.wordings, rng));
        let told = writer.told.contains(&missing);
        if writer.stuck
            || told != (flaw == Flaw::Contradiction)
            || (flaw == Flaw::Vague && !writer.vague)
            || meaning.is_empty()
        {
            return None;
        }
        let reason = match (flaw, rng.below(3)) {
            (Flaw::Contradiction, _) => format!(
                "{} is given as both {first} and {second}, which contradict each other.",
                capitalise(&meaning)
            ),
            _ if clause => format!("The problem does not say {meaning}, and it is needed."),
            (_, 0) => format!("The problem does not say what {meaning} is, and it is needed."),
            (_, 1) => format!("To answer this, {meaning} is needed, but it is not given."),
            _ => format!(
                "{} is not given, so this can't be worked out.",
                capitalise(&meaning)
            ),
        };
        let mut facts = facts(template, a, &scene.values[..count], Some((&var.name, flaw)));
        facts.insert("other".into(), rational::show(other).into());
        let mut item = Item::new(
            &template.id,
            paragraph(&sentences),
            Steps::new(),
            ABSTENTION.to_owned(),
            Check::Abstain,
            facts,
        );
        item.reason = reason;
        Some(item)
    }
}

/// Another value of a variable under which the conditions hold and the answer differs.
fn other_value(template: &Template, ask: &Ask, index: usize, values: &[Rat], rng: &mut Rng) -> Option<Rat> {
    let count = template.vars.len();
    let answer = ask.solve(&values[..count])?;
    for _ in 0..50 {
        let mut changed = values[..count].to_vec();
        changed[index] = match &template.vars[index].value {
            Draw::Range(low, high, step) => {
                low + step
                    * rational::int(
                        rng.range(0, i64::try_from(((high - low) / step).to_integer()).unwrap_or(0)),
                    )
            }
            Draw::Set(list) => *rng.pick(list),
            Draw::Computed(_) => changed[index] + rational::int(rng.range(1, 9)),
        };
        if changed[index] != values[index] && ask.solve(&changed).is_some_and(|a| a != answer) {
            return Some(changed[index]);
        }
    }
    None
}

/// Whether a sentence can be left out without tearing another: it and the one before it end with a full stop in all wordings.
fn stands_alone(body: &[Sentence], at: usize) -> bool {
    let whole = |s: &Sentence| {
        s.wordings
            .iter()
            .all(|w| matches!(w.last(), Some(text::Node::Text(t)) if t.ends_with('.')))
    };
    whole(&body[at]) && at.checked_sub(1).is_none_or(|before| whole(&body[before]))
}

fn tells(nodes: &[text::Node], index: usize) -> bool {
    nodes.iter().any(|n| match n {
        text::Node::Number(i, _) => *i == index,
        text::Node::Choice(all) => all.iter().any(|c| tells(c, index)),
        _ => false,
    })
}

fn facts(template: &Template, ask: usize, values: &[Rat], flaw: Option<(&str, Flaw)>) -> Facts {
    let vars: Vec<String> = values
        .iter()
        .take(template.vars.len())
        .map(|v| rational::show(*v))
        .collect();
    let mut facts = crate::facts! { "template" => template.id, "ask" => ask, "values" => vars };
    if let Some((name, flaw)) = flaw {
        facts.insert("missing".into(), name.into());
        facts.insert("flaw".into(), format!("{flaw:?}").to_lowercase().into());
    }
    facts
}
