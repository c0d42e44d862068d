use strawberry_synth::families;
use strawberry_synth::item::{Check, step_holds};
use strawberry_synth::rational;
use strawberry_synth::rng::Rng;
use strawberry_synth::words::{Words, draw, library};

/// Every generated item is solved again from its facts, and its steps and question are checked.
#[test]
fn every_family_solves_its_problems_in_two_ways() {
    for family in families::all() {
        for difficulty in 1..=5 {
            for seed in 0..60 {
                let mut rng = Rng::new(Rng::derive(seed, &[u64::from(difficulty)]));
                let item = family.generate(&mut rng, difficulty);
                let again = family.resolve(&item);
                let context = || format!("{} {difficulty} {seed}: {item:#?}", family.name());
                let same = match item.check {
                    Check::Number => {
                        again.as_deref().and_then(rational::parse) == rational::parse(&item.answer)
                            && again.is_some()
                    }
                    _ => again.as_deref() == Some(item.answer.as_str()),
                };
                assert!(same, "solved again: {again:?}, {}", context());
                for step in &item.steps {
                    assert!(
                        step.ok && (step.expr.is_empty() || step_holds(&step.expr, &step.value)),
                        "{}",
                        context()
                    );
                }
                for needed in &item.needed {
                    assert!(
                        item.question.contains(needed),
                        "'{needed}' is missing: {}",
                        context()
                    );
                }
                assert_eq!(item.answerable(), item.reason.is_empty(), "{}", context());
                assert!(
                    !item.question.contains(['{', '['])
                        || family.name() == "countdown"
                        || family.name() == "fraction-simplify",
                    "{}",
                    context()
                );
            }
        }
    }
}

/// Every question of every template can be satisfied quickly, tells its numbers, and has its answer confirmed by its equation.
#[test]
fn every_template_is_solvable_and_unique() {
    let library = library();
    assert!(library.templates.len() >= 200, "{}", library.templates.len());
    let family = families::find("words").unwrap();
    let mut ids = std::collections::BTreeSet::new();
    let mut problems = Vec::new();
    for (t, template) in library.templates.iter().enumerate() {
        assert!(
            ids.insert(&template.id),
            "two templates are called '{}'",
            template.id
        );
        for (a, ask) in template.asks.iter().enumerate() {
            let mut rng = Rng::new(t as u64);
            let mut draws = 0;
            for _ in 0..20 {
                match draw(template, ask, &mut rng) {
                    Some(d) => draws += d.draws,
                    None => {
                        problems.push(format!("{} #{a}: can't be satisfied", template.id));
                        break;
                    }
                }
            }
            if draws > 20 * 2000 {
                problems.push(format!("{} #{a}: {} draws per problem", template.id, draws / 20));
            }
            if draws == 0 {
                continue;
            }
            for seed in 0..30 {
                let result = std::panic::catch_unwind(|| {
                    library.instantiate(t, a, &mut Rng::new(seed), seed % 2 == 0)
                });
                let Ok(item) = result else {
                    problems.push(format!("{} #{a}: panics", template.id));
                    break;
                };
                if family.resolve(&item).as_deref() != Some(item.answer.as_str()) {
                    problems.push(format!(
                        "{} #{a}: {:?} is not {} in {}",
                        template.id,
                        family.resolve(&item),
                        item.answer,
                        item.question
                    ));
                    break;
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn unanswerable_variants_lack_what_they_say() {
    use strawberry_synth::families::Family;
    use strawberry_synth::item::ReadFacts;
    let family = Words { unanswerable: true };
    let mut flaws = std::collections::BTreeMap::new();
    for seed in 0..2000 {
        let item = family.generate(&mut Rng::new(seed), 1 + (seed % 5) as u8);
        let flaw = item.facts.text("flaw").unwrap().to_owned();
        let template = library()
            .templates
            .iter()
            .find(|t| t.id == item.facts.text("template").unwrap())
            .unwrap();
        let missing = item.facts.text("missing").unwrap();
        let index = template.vars.iter().position(|v| v.name == missing).unwrap();
        let value = rational::parse(&item.facts.texts("values").unwrap()[index]).unwrap();
        let told = item
            .question
            .split(|c: char| !c.is_ascii_digit())
            .filter(|n| *n == rational::show(value))
            .count();
        if flaw == "contradiction" {
            let other = item.facts.rat("other").unwrap();
            assert_ne!(other, value);
        } else {
            // The value may stand there only as the value of another number.
            let others = item
                .facts
                .texts("values")
                .unwrap()
                .iter()
                .filter(|v| **v == rational::show(value))
                .count()
                - 1;
            assert!(told <= others + 1, "{}", item.question);
        }
        *flaws.entry(flaw).or_insert(0) += 1;
    }
    assert_eq!(flaws.len(), 3, "{flaws:?}");
    assert!(flaws.values().all(|n| *n > 200), "{flaws:?}");
}
