//! The text of templates: alternatives in brackets, references in braces.

/// A piece of template text.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Plain text.
    Text(String),
    /// `[a|b]`: one of several texts.
    Choice(Vec<Vec<Node>>),
    /// `{n}`, `{n.times}`, …: a number.
    Number(usize, NumberForm),
    /// `{A}`: a person's name.
    Person(usize),
    /// `{he}`, `{His.B}`, …: a pronoun (its lower-case `he` form, whether it starts upper-case) for a person.
    Pronoun(&'static str, bool, usize),
    /// `{o}`, `{o.1}`, `{o.a}`: a noun.
    Noun(usize, NounForm),
    /// `{7..15}`: a number that plays no part.
    Any(i64, i64),
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberForm {
    /// `12`, `1,200`, now and then `twelve`.
    Plain,
    /// `twice`, `three times`, `12 times`.
    Times,
    /// `half`, `a third`, `one quarter`, …: the part of one over the number.
    Part,
    /// `3rd`.
    Ordinal,
    /// `a double`-style words for 2 to 4 (`double`, `triple`, `four times`).
    Double,
}

/// How a noun is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NounForm {
    /// Several.
    Many,
    /// One.
    One,
    /// One, with its article.
    Article,
}

const PRONOUNS: [&str; 4] = ["he", "him", "his", "himself"];
const PEOPLE: [&str; 4] = ["A", "B", "C", "D"];

/// Resolves names while text is read.
pub struct Names<'a> {
    /// Number variables, by index.
    pub numbers: &'a [String],
    /// Noun slots, by index.
    pub nouns: &'a [String],
}

/// Splits at `|` outside brackets and reads each part.
pub fn alternatives(text: &str, names: &Names) -> Result<Vec<Vec<Node>>, String> {
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    let alternatives = choices(&chars, &mut at, false, names)?;
    if at < chars.len() {
        return Err(format!("unmatched ']' in '{text}'"));
    }
    Ok(alternatives)
}

fn choices(chars: &[char], at: &mut usize, inside: bool, names: &Names) -> Result<Vec<Vec<Node>>, String> {
    let mut all = Vec::new();
    let mut nodes = Vec::new();
    let mut text = String::new();
    fn flush(nodes: &mut Vec<Node>, text: &mut String) {
        if !text.is_empty() {
            nodes.push(Node::Text(std::mem::take(text)));
        }
    }
    while *at < chars.len() {
        let c = chars[*at];
        match c {
            '[' => {
                *at += 1;
                flush(&mut nodes, &mut text);
                nodes.push(Node::Choice(choices(chars, at, true, names)?));
                if chars.get(*at) != Some(&']') {
                    return Err("unmatched '['".to_owned());
                }
            }
            ']' if inside => break,
            ']' => return Err("unmatched ']'".to_owned()),
            '|' => {
                // White space around a separator belongs to it, outside brackets.
                if !inside {
                    text.truncate(text.trim_end().len());
                    while chars.get(*at + 1) == Some(&' ') {
                        *at += 1;
                    }
                }
                flush(&mut nodes, &mut text);
                all.push(std::mem::take(&mut nodes));
            }
            '{' => {
                let end = chars[*at..]
                    .iter()
                    .position(|&c| c == '}')
                    .ok_or("unmatched '{'")?
                    + *at;
                let inner: String = chars[*at + 1..end].iter().collect();
                flush(&mut nodes, &mut text);
                nodes.push(reference(&inner, names)?);
                *at = end;
            }
            _ => text.push(c),
        }
        *at += 1;
    }
    flush(&mut nodes, &mut text);
    all.push(nodes);
    Ok(all)
}

fn reference(inner: &str, names: &Names) -> Result<Node, String> {
    if let Some((low, high)) = inner.split_once("..") {
        let bound = |t: &str| {
            t.parse::<i64>()
                .map_err(|_| format!("'{{{inner}}}': bounds must be whole numbers"))
        };
        return Ok(Node::Any(bound(low)?, bound(high)?));
    }
    let (head, form) = inner.split_once('.').unwrap_or((inner, ""));
    if let Some(who) = PEOPLE.iter().position(|&p| p == head) {
        return Ok(Node::Person(who));
    }
    let lower = head.to_lowercase();
    if let Some(pronoun) = PRONOUNS.into_iter().find(|&p| p == lower) {
        let who = PEOPLE.iter().position(|&p| p == form).unwrap_or(0);
        return Ok(Node::Pronoun(pronoun, head != lower, who));
    }
    if let Some(index) = names.numbers.iter().position(|n| n == head) {
        let form = match form {
            "" => NumberForm::Plain,
            "times" => NumberForm::Times,
            "part" => NumberForm::Part,
            "ord" => NumberForm::Ordinal,
            "double" => NumberForm::Double,
            _ => return Err(format!("unknown form of a number in '{{{inner}}}'")),
        };
        return Ok(Node::Number(index, form));
    }
    if let Some(index) = names.nouns.iter().position(|n| n == head) {
        let form = match form {
            "" => NounForm::Many,
            "1" => NounForm::One,
            "a" => NounForm::Article,
            _ => return Err(format!("unknown form of a noun in '{{{inner}}}'")),
        };
        return Ok(Node::Noun(index, form));
    }
    Err(format!("unknown reference '{{{inner}}}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_choices_and_references() {
        let numbers = vec!["n".to_owned()];
        let nouns = vec!["o".to_owned()];
        let names = Names {
            numbers: &numbers,
            nouns: &nouns,
        };
        let all = alternatives("{A} [has|owns] {n} {o.1} | x{2..3}", &names).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0][0], Node::Person(0));
        assert!(matches!(&all[0][2], Node::Choice(c) if c.len() == 2));
        assert_eq!(all[1], vec![Node::Text("x".into()), Node::Any(2, 3)]);
        for bad in ["{q}", "{n", "a [b", "a ] b", "{n.x}", "{1..z}"] {
            assert!(alternatives(bad, &names).is_err(), "{bad}");
        }
    }
}
