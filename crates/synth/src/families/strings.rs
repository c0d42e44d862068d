//! Counting and rearranging letters and words.

use std::sync::LazyLock;

use crate::facts;

use crate::families::{Simple, join, say};

use crate::item::{Check, Item, ReadFacts, Steps};

use crate::rational::int;

use crate::rng::Rng;

use crate::words::library;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "letter-counting",
        about: "how often a letter, a vowel or a word occurs",
        generate: letters,
        resolve: letters_again,
    },
    Simple {
        name: "string-edit",
        about: "reversing, first and last letters, positions, replacing, joining",
        generate: edit,
        resolve: edit_again,
    },
    Simple {
        name: "caesar",
        about: "shifting letters along the alphabet",
        generate: caesar,
        resolve: caesar_again,
    },
];

/// Single lower-case words from the lexicon.
static VOCABULARY: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut all: Vec<&str> = library()
        .lexicon
        .nouns
        .values()
        .flatten()
        .flat_map(|n| [n.one.as_str(), n.many.as_str()])
        .filter(|w| w.len() >= 3 && w.bytes().all(|b| b.is_ascii_lowercase()))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
});

pub(crate) fn vocabulary() -> &'static [&'static str] {
    &VOCABULARY
}

fn letters(rng: &mut Rng, difficulty: u8) -> Item {
    let n = usize::from(difficulty.clamp(1, 5));
    let text = rng.sample(vocabulary(), n).join(" ");
    let mut steps = Steps::new();
    let kind = rng.below(3);
    let (question, value) = match kind {
        0 => {
            let all: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
            let letter = *rng.pick(&all);
            let mut counts = Vec::new();
            for word in text.split(' ') {
                let c = word.matches(letter).count();
                counts.push(c);
                steps.note(format!("{word}: {c}"));
            }
            let value = if counts.len() > 1 {
                steps.calc("Total", join(&counts, "+"))
            } else {
                int(counts[0] as i64)
            };
            let q = say(
                rng,
                &[
                    "How many times does the letter \"{c}\" appear in \"{t}\"?",
                    "Count the letter {c} in \"{t}\".",
                    "How many {c}'s are there in \"{t}\"?",
                ],
                &[("c", letter.to_string()), ("t", text.clone())],
            );
            return Item::number(
                "letter-counting",
                q,
                steps,
                value,
                facts! { "text" => text, "letter" => letter.to_string(), "kind" => 0 },
            )
            .needing([text]);
        }
        1 => {
            let vowels: Vec<String> = text
                .chars()
                .filter(|c| "aeiou".contains(*c))
                .map(|c| c.to_string())
                .collect();
            steps.note(format!("Vowels in order: {}", vowels.join(", ")));
            (
                say(
                    rng,
                    &[
                        "How many vowels (a, e, i, o, u) are in \"{t}\"?",
                        "Count the vowels (a, e, i, o, u) in \"{t}\".",
                    ],
                    &[("t", text.clone())],
                ),
                vowels.len(),
            )
        }
        _ => {
            let counts: Vec<usize> = text.split(' ').map(str::len).collect();
            for (w, c) in text.split(' ').zip(&counts) {
                steps.note(format!("{w}: {c}"));
            }
            if counts.len() > 1 {
                steps.calc("Total", join(&counts, "+"));
            }
            (
                say(
                    rng,
                    &[
                        "How many letters are in \"{t}\", not counting spaces?",
                        "Count all letters in \"{t}\" (without spaces).",
                    ],
                    &[("t", text.clone())],
                ),
                counts.iter().sum(),
            )
        }
    };
    Item::number(
        "letter-counting",
        question,
        steps,
        int(value as i64),
        facts! { "text" => text, "letter" => "", "kind" => kind },
    )
    .needing([text])
}

fn letters_again(item: &Item) -> Option<String> {
    let (text, letter) = (item.facts.text("text")?, item.facts.text("letter")?);
    let kind = item.facts.int("kind")?;
    let mut count = 0;
    for b in text.bytes() {
        let counts = match kind {
            0 => Some(&b) == letter.as_bytes().first(),
            1 => matches!(b, b'a' | b'e' | b'i' | b'o' | b'u'),
            _ => b != b' ',
        };
        count += i32::from(counts);
    }
    Some(count.to_string())
}

fn edit(rng: &mut Rng, difficulty: u8) -> Item {
    let all = vocabulary();
    let short: Vec<&str> = all
        .iter()
        .copied()
        .filter(|w| w.len() <= 4 + usize::from(difficulty))
        .collect();
    let word = (*rng.pick(&short)).to_owned();
    let mut steps = Steps::new();
    let spelled = |w: &str| w.chars().map(|c| c.to_string()).collect::<Vec<_>>().join(" ");
    let kind = rng.below(6);
    let n = rng.range(1, word.len() as i64);
    let (question, answer, extra) = match kind {
        0 => {
            steps.note(format!("Letters: {}", spelled(&word)));
            (
                say(
                    rng,
                    &[
                        "Reverse the word \"{w}\".",
                        "Write \"{w}\" backwards.",
                        "Spell {w} in reverse.",
                    ],
                    &[("w", word.clone())],
                ),
                word.chars().rev().collect::<String>(),
                String::new(),
            )
        }
        1 => {
            steps.note(format!("Letters: {}", spelled(&word)));
            let c = word.chars().nth(n as usize - 1).unwrap_or('?');
            (
                say(
                    rng,
                    &[
                        "What is letter number {n} of the word \"{w}\"?",
                        "Which letter is at position {n} in \"{w}\", counting from 1?",
                    ],
                    &[("n", n.to_string()), ("w", word.clone())],
                ),
                c.to_string(),
                n.to_string(),
            )
        }
        2 => {
            let words: Vec<String> = rng
                .sample(all, 2 + usize::from(difficulty.clamp(1, 3)))
                .into_iter()
                .map(str::to_owned)
                .collect();
            let answer: String = words.iter().filter_map(|w| w.chars().last()).collect();
            for w in &words {
                steps.note(format!("{w} ends in {}", &w[w.len() - 1..]));
            }
            (
                say(
                    rng,
                    &[
                        "Take the last letter of each word in \"{w}\" and join them.",
                        "Concatenate the last letters of the words {w}.",
                    ],
                    &[("w", words.join(" "))],
                ),
                answer,
                words.join(" "),
            )
        }
        3 => {
            let words: Vec<String> = rng
                .sample(all, 2 + usize::from(difficulty.clamp(1, 3)))
                .into_iter()
                .map(str::to_owned)
                .collect();
            let mut back = words.clone();
            back.reverse();
            steps.note(format!("The last word is {}.", back[0]));
            (
                say(
                    rng,
                    &[
                        "Write the words \"{w}\" in reverse order.",
                        "Reverse the order of the words: {w}",
                    ],
                    &[("w", words.join(" "))],
                ),
                back.join(" "),
                words.join(" "),
            )
        }
        4 => {
            let answer: String = word.chars().filter(|c| !"aeiou".contains(*c)).collect();
            steps.note(format!("Letters: {}", spelled(&word)));
            if answer.is_empty() {
                return edit(rng, difficulty);
            }
            (
                say(
                    rng,
                    &[
                        "Remove all vowels (a, e, i, o, u) from \"{w}\".",
                        "Write \"{w}\" without its vowels (a, e, i, o, u).",
                    ],
                    &[("w", word.clone())],
                ),
                answer,
                String::new(),
            )
        }
        _ => {
            let flip = rng.chance(50);
            let palindrome = format!("{word}{}", word.chars().rev().skip(1).collect::<String>());
            let text = if flip { palindrome } else { word.clone() };
            let back: String = text.chars().rev().collect();
            steps.note(format!("Backwards: {back}"));
            let answer = if back == text { "yes" } else { "no" };
            let q = say(
                rng,
                &[
                    "Is \"{w}\" a palindrome? Answer yes or no.",
                    "Does \"{w}\" read the same backwards? Answer yes or no.",
                ],
                &[("w", text.clone())],
            );
            return Item::new(
                "string-edit",
                q,
                steps,
                answer.to_owned(),
                Check::Text,
                facts! { "word" => text.clone(), "extra" => "", "kind" => kind },
            )
            .needing([text]);
        }
    };
    let needed = if kind == 2 || kind == 3 {
        extra.clone()
    } else {
        word.clone()
    };
    Item::new(
        "string-edit",
        question,
        steps,
        answer,
        Check::Text,
        facts! { "word" => word, "extra" => extra, "kind" => kind },
    )
    .needing([needed])
}

fn edit_again(item: &Item) -> Option<String> {
    // Byte by byte.
    let (word, extra) = (item.facts.text("word")?, item.facts.text("extra")?);
    let mut out = Vec::new();
    let bytes = word.as_bytes();
    match item.facts.int("kind")? {
        0 => (0..bytes.len()).for_each(|i| out.insert(0, bytes[i])),
        1 => out.push(*bytes.get(extra.parse::<usize>().ok()?.checked_sub(1)?)?),
        2 => {
            let padded = format!("{extra} ");
            let p = padded.as_bytes();
            (1..p.len())
                .filter(|i| p[*i] == b' ')
                .for_each(|i| out.push(p[i - 1]));
        }
        3 => {
            return Some(extra.rsplit(' ').fold(String::new(), |s, w| {
                if s.is_empty() { w.to_owned() } else { s + " " + w }
            }));
        }
        4 => out.extend(
            bytes
                .iter()
                .filter(|b| !matches!(b, b'a' | b'e' | b'i' | b'o' | b'u')),
        ),
        _ => {
            let same = (0..bytes.len() / 2).all(|i| bytes[i] == bytes[bytes.len() - 1 - i]);
            return Some(if same { "yes" } else { "no" }.to_owned());
        }
    }
    String::from_utf8(out).ok()
}

fn caesar(rng: &mut Rng, difficulty: u8) -> Item {
    let all = vocabulary();
    let short: Vec<&str> = all
        .iter()
        .copied()
        .filter(|w| w.len() <= 3 + usize::from(difficulty))
        .collect();
    let word = (*rng.pick(&short)).to_owned();
    let k = rng.range(1, if difficulty <= 2 { 3 } else { 12 });
    let shift = |c: char, k: i64| char::from(b'a' + (i64::from(c as u8 - b'a') + k).rem_euclid(26) as u8);
    let coded: String = word.chars().map(|c| shift(c, k)).collect();
    let encode = rng.chance(50);
    let (from, to) = if encode { (&word, &coded) } else { (&coded, &word) };
    let mut steps = Steps::new();
    for (a, b) in from.chars().zip(to.chars()) {
        steps.note(format!("{a} -> {b}"));
    }
    let fills = [
        ("w", from.clone()),
        ("k", k.to_string()),
        ("s", if k == 1 { "" } else { "s" }.to_owned()),
    ];
    let question = if encode {
        say(
            rng,
            &[
                "Shift each letter of \"{w}\" forward by {k} place{s} in the alphabet (after z comes a).",
                "Encrypt \"{w}\" with a Caesar cipher that moves every letter {k} place{s} forward.",
            ],
            &fills,
        )
    } else {
        say(
            rng,
            &[
                "\"{w}\" was encrypted by shifting each letter forward by {k} place{s}. What was the original word?",
                "Decrypt the Caesar cipher text \"{w}\", in which every letter was moved {k} place{s} forward.",
            ],
            &fills,
        )
    };
    Item::new(
        "caesar",
        question,
        steps,
        to.clone(),
        Check::Text,
        facts! { "text" => from.as_str(), "by" => if encode { k } else { -k } },
    )
    .needing([from.clone(), k.to_string()])
}

fn caesar_again(item: &Item) -> Option<String> {
    // One place at a time along the alphabet.
    let by = item.facts.int("by")?;
    let mut text: Vec<u8> = item.facts.text("text")?.bytes().collect();
    for _ in 0..by.abs() {
        for b in &mut text {
            *b = match (*b, by > 0) {
                (b'z', true) => b'a',
                (b'a', false) => b'z',
                (b, true) => b + 1,
                (b, false) => b - 1,
            };
        }
    }
    String::from_utf8(text).ok()
}
