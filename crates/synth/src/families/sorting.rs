//! Sorting numbers and words.

use crate::facts;
use crate::families::strings::vocabulary;
use crate::families::{Simple, join, say};
use crate::item::{Check, Item, ReadFacts, Steps};
use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "number-sorting",
        about: "numbers in ascending or descending order",
        generate: numbers,
        resolve: numbers_again,
    },
    Simple {
        name: "word-sorting",
        about: "words in alphabetical order",
        generate: words,
        resolve: words_again,
    },
];

fn numbers(rng: &mut Rng, difficulty: u8) -> Item {
    let n = 3 + usize::from(difficulty.clamp(1, 5));
    let top = [20, 50, 100, 200, 1000][difficulty.clamp(1, 5) as usize - 1];
    let low = if difficulty >= 3 && rng.chance(40) {
        -top
    } else {
        1
    };
    let mut values: Vec<i64> = Vec::new();
    while values.len() < n {
        let v = rng.range(low, top);
        if !values.contains(&v) {
            values.push(v);
        }
    }
    let up = rng.chance(60);
    let mut sorted = values.clone();
    sorted.sort_unstable();
    if !up {
        sorted.reverse();
    }
    let mut steps = Steps::new();
    steps.note(format!(
        "The {} is {} and the {} is {}.",
        if up { "smallest" } else { "largest" },
        sorted[0],
        if up { "largest" } else { "smallest" },
        sorted[n - 1]
    ));
    let order = if up { "ascending" } else { "descending" };
    let plain = if up {
        "from smallest to largest"
    } else {
        "from largest to smallest"
    };
    let question = say(
        rng,
        &[
            "Sort these numbers in {o} order: {l}",
            "Arrange the numbers {l} {p}.",
            "Put {l} in {o} order.",
            "Order these {p}: {l}",
        ],
        &[
            ("o", order.to_owned()),
            ("p", plain.to_owned()),
            ("l", join(&values, ", ")),
        ],
    );
    Item::new(
        "number-sorting",
        question,
        steps,
        join(&sorted, ", "),
        Check::List,
        facts! { "values" => values, "up" => i64::from(up) },
    )
    .needing(values)
}

fn numbers_again(item: &Item) -> Option<String> {
    // Insertion sort.
    let (values, up) = (item.facts.ints("values")?, item.facts.int("up")? == 1);
    let mut out: Vec<i64> = Vec::new();
    for v in values {
        let at = out
            .iter()
            .position(|o| if up { *o > v } else { *o < v })
            .unwrap_or(out.len());
        out.insert(at, v);
    }
    Some(join(&out, ", "))
}

fn words(rng: &mut Rng, difficulty: u8) -> Item {
    let n = 2 + usize::from(difficulty.clamp(1, 5));
    let list: Vec<String> = rng
        .sample(vocabulary(), n)
        .into_iter()
        .map(str::to_owned)
        .collect();
    let mut sorted = list.clone();
    sorted.sort_unstable();
    let mut steps = Steps::new();
    steps.note(format!(
        "First letters in order: {}",
        join(
            &sorted.iter().map(|w| w[..1].to_owned()).collect::<Vec<_>>(),
            ", "
        )
    ));
    let question = say(
        rng,
        &[
            "Sort these words alphabetically: {l}",
            "Put the following words in alphabetical order: {l}",
            "Sort the words {l} from A to Z.",
            "Sort the following words alphabetically. List: {s}",
        ],
        &[("l", join(&list, ", ")), ("s", join(&list, " "))],
    );
    Item::new(
        "word-sorting",
        question,
        steps,
        join(&sorted, ", "),
        Check::List,
        facts! { "words" => list },
    )
    .needing(list)
}

fn words_again(item: &Item) -> Option<String> {
    // Selection by letter-by-letter comparison.
    let mut rest = item.facts.texts("words")?;
    let before = |a: &str, b: &str| {
        let (mut x, mut y) = (a.chars(), b.chars());
        loop {
            match (x.next(), y.next()) {
                (Some(p), Some(q)) if p == q => {}
                (Some(p), Some(q)) => return p < q,
                (None, _) => return true,
                (_, None) => return false,
            }
        }
    };
    let mut out = Vec::new();
    while !rest.is_empty() {
        let at = (0..rest.len()).reduce(|i, j| if before(&rest[j], &rest[i]) { j } else { i })?;
        out.push(rest.remove(at));
    }
    Some(join(&out, ", "))
}
