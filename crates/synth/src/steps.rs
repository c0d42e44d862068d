//! Finding the arithmetic in other people's solutions.

use crate::expr::Expr;
use crate::item::{Step, step_holds};

/// A solution's text taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The steps, one for each equation.
    pub steps: Vec<Step>,
    /// The text in the step language.
    pub marked: String,
    /// The text without marks.
    pub natural: String,
}

/// Characters of an expression as people write it.
fn arithmetic(c: char) -> bool {
    c.is_ascii_digit()
        || matches!(
            c,
            '+' | '-' | '*' | '/' | '×' | '÷' | 'x' | '(' | ')' | '.' | ',' | '%' | '$' | ' ' | '\u{2212}'
        )
}

/// The expression at the end of a text, and the text before it.
fn trailing(text: &str) -> (&str, &str) {
    let start = text
        .char_indices()
        .rev()
        .take_while(|(_, c)| arithmetic(*c))
        .last()
        .map_or(text.len(), |(i, _)| i);
    let tail = &text[start..];
    let skip = tail.len()
        - tail
            .trim_start_matches([' ', ',', '.', 'x', ')', '/', '*', '+'])
            .len();
    (&text[..start + skip], &tail[skip..])
}

/// Takes apart a solution whose arithmetic is marked as `<<expr=value>>value` (GSM8K, arXiv 2110.14168). In the marked text, an expression that
/// the mark only repeats (`12/60 = $<<12/60=0.2>>`) is left out.
pub fn marked(solution: &str) -> Found {
    let mut found = Found::default();
    for line in solution.lines() {
        let mut rest = line;
        let (mut marked, mut natural) = (String::new(), String::new());
        while let Some(open) = rest.find("<<") {
            let Some(close) = rest[open..].find(">>").map(|i| open + i) else {
                break;
            };
            let before = &rest[..open];
            let mark = &rest[open + 2..close];
            rest = &rest[close + 2..];
            natural.push_str(before);
            let (expr, value) = mark.rsplit_once('=').unwrap_or((mark, ""));
            let expr = expr.trim();
            marked.push_str(&without_repeat(before, expr));
            marked.push_str(&format!("<<{expr}={value}>>"));
            found.steps.push(Step {
                text: line_text(line),
                expr: expr.to_owned(),
                value: value.to_owned(),
                ok: step_holds(expr, value),
                marked: String::new(),
            });
        }
        marked.push_str(rest);
        natural.push_str(rest);
        push_line(&mut found.marked, &marked);
        push_line(&mut found.natural, &natural);
    }
    found
}

fn push_line(out: &mut String, line: &str) {
    if !line.trim().is_empty() {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(line.trim_end());
    }
}

/// A line without its marks.
fn line_text(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let (Some(open), Some(close)) = (rest.find("<<"), rest.find(">>")) {
        if close < open {
            break;
        }
        out.push_str(&rest[..open]);
        rest = &rest[close + 2..];
    }
    out.push_str(rest);
    out
}

fn without_repeat(before: &str, expr: &str) -> String {
    let trimmed = before.trim_end();
    let (dollar, trimmed) = match trimmed.strip_suffix('$') {
        Some(rest) => ("$", rest.trim_end()),
        None => ("", trimmed),
    };
    let Some(left) = trimmed.strip_suffix('=') else {
        return before.to_owned();
    };
    let (kept, repeated) = trailing(left.trim_end());
    let key = |t: &str| Expr::parse(t).map(|e| e.key()).ok();
    if key(repeated).is_some() && key(repeated) == key(expr) {
        format!("{kept}{dollar}")
    } else {
        before.to_owned()
    }
}

/// The equations in free text: marks where there are any, else every `expression = number` with at least one operation.
pub fn equations(text: &str) -> Vec<Step> {
    if text.contains("<<") {
        return marked(text).steps;
    }
    let mut steps = Vec::new();
    for line in text.lines() {
        let mut parts = line.split('=');
        let Some(mut left) = parts.next() else { continue };
        for right in parts {
            let (_, expr) = trailing(left.trim_end());
            let value: String = right
                .trim_start()
                .trim_start_matches('$')
                .chars()
                .take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '/'))
                .collect();
            let value = value.trim_end_matches(['.', ',']);
            let expr = expr.trim();
            if Expr::parse(expr).is_ok_and(|e| e.operations() > 0) && !value.is_empty() {
                steps.push(Step {
                    text: line.trim().to_owned(),
                    expr: expr.to_owned(),
                    value: value.to_owned(),
                    ok: step_holds(expr, value),
                    marked: String::new(),
                });
            }
            left = right;
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_and_repetition_is_dropped() {
        let found = marked(
            "She earns 12/60 = $<<12/60=0.2>>0.2 a minute.\nIn all 2 x 3 = <<3*2=6>>6 and <<6+1=8>>8.",
        );
        assert_eq!(
            found.marked,
            "She earns $<<12/60=0.2>>0.2 a minute.\nIn all <<3*2=6>>6 and <<6+1=8>>8."
        );
        assert_eq!(
            found.natural,
            "She earns 12/60 = $0.2 a minute.\nIn all 2 x 3 = 6 and 8."
        );
        assert_eq!(
            found.steps.iter().map(|s| s.ok).collect::<Vec<_>>(),
            [true, true, false]
        );
        assert_eq!(marked("broken <<3+4").marked, "broken <<3+4");
    }

    #[test]
    fn plain_equations_are_found() {
        let steps = equations("Tom buys 3 * 4 = 12 eggs, and 12 - 5 = 8.\nSo x = 4.\nChain: 2+2 = 4 = 4");
        let all: Vec<(&str, &str, bool)> = steps
            .iter()
            .map(|s| (s.expr.as_str(), s.value.as_str(), s.ok))
            .collect();
        assert_eq!(
            all,
            [("3 * 4", "12", true), ("12 - 5", "8", false), ("2+2", "4", true)]
        );
    }
}
