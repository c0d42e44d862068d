//! Readers: text in, [`Problem`]s out. Three dialects, told apart by their shape:
//!
//! - AlphaGeometry: `a b c = triangle; h = orthocenter a b c ? perp a h b c` (one statement a line, a name line above it);
//! - AlphaGeometry 2: every point with coordinates, then predicates: `a@0_0 = ; … c@0_1 = perp a b a c ? …`;
//! - line form: `point a 0 0`, `let h = orthocenter a b c`, `assume …`, `prove …`, one statement a line
//!   (relations may be written as people write them: `A B ∥ C D`, `M midpoint of A B`).
//!
//! Every reader is bounded (points, atoms, name lengths) and reports line, column and a suggestion.

use super::atom::{Arity, Atom, Frac, MAX_POINTS, PREDICATES, Pred, Pt, parse_number};
use super::constructions;
use super::problem::{Clause, Problem};
use super::relation;
use super::suggest::nearest;
use serde::Serialize;

/// Why a text was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("line {line}, column {column}: {message}")]
pub struct ParseError {
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// A problem of a file, or why it could not be read.
pub type Entry = (String, Result<Problem, ParseError>);

/// The most characters one file may have.
pub const MAX_FILE: usize = 4 << 20;
const MAX_STATEMENT: usize = 20_000;
const MAX_ATOMS: usize = 2_000;
const MAX_NAME: usize = 24;

/// A piece of text with its place in the file.
#[derive(Clone, Copy)]
pub(crate) struct Span<'a> {
    pub text: &'a str,
    line: usize,
    column: usize,
}

impl<'a> Span<'a> {
    pub(crate) fn error(&self, message: impl Into<String>) -> ParseError {
        ParseError {
            line: self.line,
            column: self.column,
            message: message.into(),
        }
    }

    fn at(&self, byte: usize, text: &'a str) -> Span<'a> {
        Span {
            text,
            line: self.line,
            column: self.column + self.text[..byte].chars().count(),
        }
    }

    fn split(&self, sep: char) -> Vec<Span<'a>> {
        let mut out = Vec::new();
        let mut start = 0;
        for part in self.text.split(sep) {
            out.push(self.at(start, part).trim());
            start += part.len() + sep.len_utf8();
        }
        out
    }

    fn trim(&self) -> Span<'a> {
        let t = self.text.trim_start();
        self.at(self.text.len() - t.len(), t.trim_end())
    }

    fn split_once(&self, sep: char) -> Option<(Span<'a>, Span<'a>)> {
        let i = self.text.find(sep)?;
        let after = i + sep.len_utf8();
        Some((
            self.at(0, &self.text[..i]).trim(),
            self.at(after, &self.text[after..]).trim(),
        ))
    }

    pub(crate) fn words(&self) -> Vec<Span<'a>> {
        self.text
            .split_whitespace()
            .map(|w| self.at(w.as_ptr() as usize - self.text.as_ptr() as usize, w))
            .collect()
    }
}

/// Reads a whole file. Problems that cannot be read are listed with their error; the others are not affected.
pub fn read_file(text: &str) -> Result<Vec<Entry>, ParseError> {
    if text.len() > MAX_FILE {
        return Err(ParseError {
            line: 1,
            column: 1,
            message: format!("the file is longer than {MAX_FILE} bytes"),
        });
    }
    let lines: Vec<Span> = text
        .lines()
        .enumerate()
        .map(|(i, l)| {
            Span {
                text: l,
                line: i + 1,
                column: 1,
            }
            .trim()
        })
        .filter(|s| !s.text.is_empty() && !s.text.starts_with('#'))
        .collect();
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    const LINE_FORM: [&str; 6] = ["problem", "point", "points", "let", "assume", "prove"];
    let word = |s: &Span| s.text.split_whitespace().next().unwrap_or("").to_string();
    let mut out = Vec::new();
    if lines
        .iter()
        .take(2)
        .any(|l| LINE_FORM.contains(&word(l).as_str()) && !l.text.contains('?'))
    {
        let mut start = 0;
        for i in 1..=lines.len() {
            if i == lines.len() || word(&lines[i]) == "problem" {
                out.push(read_lines(&lines[start..i]));
                start = i;
            }
        }
        return Ok(out);
    }
    let mut name: Option<&str> = None;
    for line in lines {
        if line.text.contains('=') {
            let n = name
                .take()
                .map_or_else(|| format!("problem {}", out.len() + 1), str::to_string);
            let problem = read_statement(line, &n);
            out.push((n, problem));
        } else if line.text.contains('?') {
            out.push((
                name.take().unwrap_or("?").to_string(),
                Err(line.error("a statement needs `points = construction` before `?`")),
            ));
        } else {
            name = Some(line.text);
        }
    }
    Ok(out)
}

/// Reads one statement in the AlphaGeometry or AlphaGeometry 2 language.
pub fn read_one(text: &str, name: &str) -> Result<Problem, ParseError> {
    read_statement(
        Span {
            text,
            line: 1,
            column: 1,
        }
        .trim(),
        name,
    )
}

/// What is gathered while reading.
pub(crate) struct Builder {
    pub problem: Problem,
    atoms: usize,
    /// The statement is in AlphaGeometry 2's language.
    raw: bool,
}

impl Builder {
    fn new(name: &str, source: &str) -> Self {
        Builder {
            problem: Problem {
                name: name.into(),
                source: source.into(),
                ..Problem::default()
            },
            atoms: 0,
            raw: false,
        }
    }

    fn add_point(&mut self, word: Span, pin: Option<[f64; 2]>) -> Result<Pt, ParseError> {
        let name = word.text;
        let fine = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '\'');
        if name.is_empty() || name.len() > MAX_NAME || !fine {
            return Err(word.error(format!(
                "`{}` is not a point name: use letters, digits, `_` or `'`, at most {MAX_NAME} bytes",
                name.chars().take(30).collect::<String>()
            )));
        }
        if self.problem.points.iter().any(|p| p == name) {
            return Err(word.error(format!("point `{name}` is defined twice")));
        }
        if self.problem.points.len() >= MAX_POINTS {
            return Err(word.error(format!("more than {MAX_POINTS} points")));
        }
        self.problem.points.push(name.into());
        self.problem.pins.push(pin);
        Ok((self.problem.points.len() - 1) as Pt)
    }

    pub(crate) fn point(&self, word: Span) -> Result<Pt, ParseError> {
        if let Some(i) = self.problem.points.iter().position(|p| p == word.text) {
            return Ok(i as Pt);
        }
        let hint = nearest(word.text, self.problem.points.iter().map(String::as_str));
        Err(word.error(match hint {
            Some(h) => format!("unknown point `{}`; did you mean `{h}`?", word.text),
            None => format!(
                "unknown point `{}`; points must be defined before they are used",
                word.text
            ),
        }))
    }

    fn count_atom(&mut self, span: Span) -> Result<(), ParseError> {
        self.atoms += 1;
        if self.atoms > MAX_ATOMS {
            Err(span.error(format!("more than {MAX_ATOMS} facts")))
        } else {
            Ok(())
        }
    }

    /// `name points… numbers…`
    pub(crate) fn predicate(&mut self, span: Span) -> Result<Atom, ParseError> {
        self.count_atom(span)?;
        let words = span.words();
        let Some((head, args)) = words.split_first() else {
            return Err(span.error("a predicate is missing here"));
        };
        let Some(&(_, pred, arity)) = PREDICATES.iter().find(|(n, _, _)| *n == head.text) else {
            let hint = nearest(head.text, PREDICATES.iter().map(|p| p.0));
            return Err(head.error(match hint {
                Some(h) => format!("unknown predicate `{}`; did you mean `{h}`?", head.text),
                None => format!("unknown predicate `{}`", head.text),
            }));
        };
        let n = args.len();
        let wrong = |want: String| {
            head.error(format!(
                "`{}` takes {want}, but {n} argument(s) are given",
                head.text
            ))
        };
        let six_point_angle = pred == Pred::EqAngle && n == 6;
        let (points, numbers) = match arity {
            _ if six_point_angle => (6, 0),
            Arity::Exact(p, q) if n == p + q => (p, q),
            Arity::Exact(p, 0) => return Err(wrong(format!("{p} points"))),
            Arity::Exact(p, q) => return Err(wrong(format!("{p} points and {q} number"))),
            Arity::AtLeast(p) if n >= p => (n, 0),
            Arity::AtLeast(p) => return Err(wrong(format!("at least {p} points"))),
            Arity::Linear if n >= 3 && n % 3 == 0 => (n / 3 * 2, n / 3),
            Arity::Linear => return Err(wrong("pairs of points, then one coefficient a pair".into())),
            Arity::LinearConst if n >= 4 && n % 3 == 1 => (n / 3 * 2, n / 3 + 1),
            Arity::LinearConst => {
                return Err(wrong(
                    "pairs of points, one coefficient a pair, then a constant".into(),
                ));
            }
        };
        let mut pts = Vec::with_capacity(points);
        for w in &args[..points] {
            pts.push(self.point(*w)?);
        }
        if six_point_angle {
            let [a, p, b, c, q, d] = pts[..] else {
                unreachable!("six points")
            };
            pts = vec![p, a, p, b, q, c, q, d];
        }
        let mut nums = Vec::with_capacity(numbers);
        for (i, w) in args[points..].iter().enumerate() {
            let Some((value, is_angle)) = parse_number(w.text) else {
                return Err(w.error(format!(
                    "`{}` is not a number (write 3, 1/2, 60o for degrees, or 1pi/3)",
                    w.text
                )));
            };
            let wants_angle =
                matches!(pred, Pred::AConst | Pred::SAngle) || (pred == Pred::AngEq && i + 1 == numbers);
            if is_angle && !wants_angle {
                return Err(w.error(format!("`{}` takes a plain number, not an angle", head.text)));
            }
            let degrees = wants_angle && !is_angle;
            nums.push(if degrees && self.raw && pred == Pred::AConst {
                // AlphaGeometry 2 measures from the second line to the first
                Frac::from_integer(1) - value / Frac::from_integer(180)
            } else if degrees {
                value / Frac::from_integer(180)
            } else {
                value
            });
        }
        let atom = Atom { pred, pts, nums };
        check_arguments(&atom, span)?;
        Ok(atom)
    }

    /// `new points = construction, construction`
    fn clause(&mut self, span: Span, raw: bool) -> Result<(), ParseError> {
        let Some((left, right)) = span.split_once('=') else {
            return Err(span.error("a clause needs `=`: `new points = construction arguments`"));
        };
        let mut new = Vec::new();
        let mut new_words = Vec::new();
        for w in left.words() {
            let (name, pin) = match w.split_once('@') {
                None => (w, None),
                Some((name, at)) => (name, Some(read_pin(at)?)),
            };
            new_words.push(name.text);
            new.push(self.add_point(name, pin)?);
        }
        if new.is_empty() {
            return Err(span.error("a clause needs at least one new point before `=`"));
        }
        let mut clause = Clause {
            new: new.clone(),
            ..Clause::default()
        };
        let parts: Vec<Span> = right
            .split(',')
            .into_iter()
            .filter(|s| !s.text.is_empty())
            .collect();
        if parts.is_empty() && !raw && new.iter().any(|&p| self.problem.pins[p as usize].is_none()) {
            return Err(span.error("a construction is missing after `=` (write `free` for a free point)"));
        }
        let mut staged = Vec::new();
        for part in &parts {
            let head = part.words()[0];
            let known = constructions::table().get(head.text);
            match known {
                Some(c) if !raw => self.construction(*part, c, &new, &new_words, &mut clause, &mut staged)?,
                _ if PREDICATES.iter().any(|p| p.0 == head.text) => {
                    let atom = self.predicate(*part)?;
                    if atom.pred.is_diagram_check() {
                        clause.conditions.push(atom);
                    } else {
                        clause.facts.push(atom);
                    }
                }
                _ => {
                    let names = constructions::table().keys().map(String::as_str);
                    let all = names.chain(PREDICATES.iter().map(|p| p.0));
                    let hint = nearest(head.text, all).map(|h| format!("; did you mean `{h}`?"));
                    return Err(head.error(format!(
                        "unknown construction `{}`{}",
                        head.text,
                        hint.unwrap_or_default()
                    )));
                }
            }
        }
        if parts.len() == 1 && !staged.is_empty() {
            let conditions = std::mem::take(&mut clause.conditions);
            self.problem.clauses.append(&mut staged);
            if let Some(last) = self.problem.clauses.last_mut() {
                last.conditions = conditions;
            }
        } else {
            clause.facts.extend(staged.into_iter().flat_map(|c| c.facts));
            self.problem.clauses.push(clause);
        }
        Ok(())
    }

    fn construction(
        &mut self,
        part: Span,
        c: &constructions::Construction,
        new: &[Pt],
        new_words: &[&str],
        clause: &mut Clause,
        staged: &mut Vec<Clause>,
    ) -> Result<(), ParseError> {
        let words = part.words();
        let mut args = &words[1..];
        let mut number = None;
        if c.takes_number {
            let Some((last, rest)) = args.split_last() else {
                return Err(words[0].error(format!("`{}` needs a number as its last argument", c.name)));
            };
            let Some((value, is_angle)) = parse_number(last.text) else {
                return Err(last.error(format!("`{}` is not a number", last.text)));
            };
            let degrees = c.name == "s_angle" && !is_angle;
            number = Some(if degrees {
                value / Frac::from_integer(180)
            } else {
                value
            });
            args = rest;
        }
        let mut pts: Vec<Pt> = Vec::new();
        if args.len() == c.points - c.new && new.len() == c.new && c.new != 0 {
            pts.extend(new);
            for w in args {
                pts.push(self.point(*w)?);
            }
        } else if args.len() == c.points {
            for w in args {
                pts.push(self.point(*w)?);
            }
            if c.new_last {
                let k = c.points - c.new;
                pts.rotate_left(k);
            }
        } else if c.name == "s_angle" && args.len() == 2 && new.len() == 1 {
            pts.push(new[0]);
            for w in args {
                pts.push(self.point(*w)?);
            }
        } else if c.name == "s_angle" && args.len() == 3 {
            for w in [args[2], args[0], args[1]] {
                pts.push(self.point(w)?);
            }
        } else {
            return Err(words[0].error(format!(
                "`{}` takes {} points (or {} with the new ones), but {} are given",
                c.name,
                c.points - c.new,
                c.points,
                args.len()
            )));
        }
        if c.name == "s_angle" && args.len() == 3 {
            // `s_angle a b x 63o`: the new point is written third
            let p = [self.point(args[2])?, self.point(args[0])?, self.point(args[1])?];
            pts = p.to_vec();
        }
        if !pts[..c.new].iter().all(|p| new.contains(p)) {
            return Err(words[0].error(format!(
                "the first {} point(s) of `{}` must be the new one(s): {}",
                c.new,
                c.name,
                new_words.join(" ")
            )));
        }
        if let Some(i) = (c.new..c.points).find(|&i| pts[..c.new].contains(&pts[i])) {
            let name = &self.problem.points[pts[i] as usize];
            return Err(part.error(format!("`{}` uses `{name}` to define `{name}`", c.name)));
        }
        let (groups, conditions) = c.place(&pts, number);
        let many = groups.len() > 1;
        for g in groups {
            for a in &g.facts {
                self.count_atom(part)?;
                check_arguments(a, part)?;
            }
            if many {
                let new = g.new.iter().map(|&i| pts[i]).collect();
                staged.push(Clause {
                    new,
                    facts: g.facts,
                    conditions: vec![],
                });
            } else {
                clause.facts.extend(g.facts);
            }
        }
        clause.conditions.extend(conditions);
        Ok(())
    }

    fn finish(self, end: Span) -> Result<Problem, ParseError> {
        if self.problem.points.is_empty() {
            return Err(end.error("the problem has no points"));
        }
        Ok(self.problem)
    }
}

fn read_pin(at: Span) -> Result<[f64; 2], ParseError> {
    let coordinate = |s: &str| s.parse::<f64>().ok().filter(|v| v.is_finite() && v.abs() < 1e9);
    at.text
        .split_once('_')
        .and_then(|(x, y)| Some([coordinate(x)?, coordinate(y)?]))
        .ok_or_else(|| at.error("coordinates are written `name@x_y`"))
}

/// Rejects atoms that speak of the direction or ratio of a point with itself.
pub(crate) fn check_arguments(atom: &Atom, span: Span) -> Result<(), ParseError> {
    use Pred::*;
    let pairs = matches!(
        atom.pred,
        Para | Perp
            | EqAngle
            | AConst
            | Cong
            | EqRatio
            | RConst
            | R2Const
            | LConst
            | L2Const
            | AngEq
            | DistMEq
            | DistSEq
            | SqSEq
            | ACompute
            | RCompute
            | NPara
            | NPerp
    );
    if pairs && atom.pts.chunks(2).any(|p| p[0] == p[1]) {
        return Err(span.error(format!(
            "`{}` has a segment whose two ends are the same point",
            atom.pred.name()
        )));
    }
    let distinct = matches!(
        atom.pred,
        Coll | Cyclic | Circle | Midp | SAngle | Between | Diff | Same
    );
    if distinct && (1..atom.pts.len()).any(|i| atom.pts[..i].contains(&atom.pts[i])) {
        return Err(span.error(format!("`{}` names the same point twice", atom.pred.name())));
    }
    let triangles = matches!(
        atom.pred,
        SimTri | SimTriR | ConTri | ConTriR | SameClock | SameSide | NSameSide
    );
    if triangles
        && atom
            .pts
            .chunks(3)
            .any(|t| t[0] == t[1] || t[1] == t[2] || t[0] == t[2])
    {
        return Err(span.error(format!(
            "`{}` has a triangle with a repeated point",
            atom.pred.name()
        )));
    }
    let zero = Frac::from_integer(0);
    let positive = matches!(atom.pred, RConst | R2Const | LConst | L2Const);
    if positive && atom.nums.iter().any(|q| *q <= zero) {
        return Err(span.error(format!("`{}` needs a positive number", atom.pred.name())));
    }
    Ok(())
}

fn read_statement(span: Span, name: &str) -> Result<Problem, ParseError> {
    if span.text.len() > MAX_STATEMENT {
        return Err(span.error(format!("the statement is longer than {MAX_STATEMENT} bytes")));
    }
    let (body, goals) = span
        .split_once('?')
        .unwrap_or((span, span.at(span.text.len(), "")));
    // clauses after `|` are somebody's auxiliary points: never used
    let body = body.split_once('|').map_or(body, |(before, _)| before);
    let clauses: Vec<Span> = body
        .split(';')
        .into_iter()
        .filter(|c| !c.text.is_empty())
        .collect();
    let raw = clauses
        .iter()
        .any(|c| c.split_once('=').is_some_and(|(_, r)| r.text.is_empty()));
    let mut b = Builder::new(name, span.text);
    b.raw = raw;
    for c in clauses {
        b.clause(c, raw)?;
    }
    for part in goals.split(';') {
        for goal in part.split(',') {
            if !goal.text.is_empty() {
                let atom = b.predicate(goal)?;
                b.problem.goals.push(atom);
            }
        }
    }
    b.finish(span)
}

fn read_lines(lines: &[Span]) -> Entry {
    let first = lines[0];
    let title = first
        .text
        .strip_prefix("problem")
        .map(str::trim)
        .filter(|t| !t.is_empty());
    let name = title.unwrap_or("problem").to_string();
    let result = read_line_form(lines, &name);
    (name, result)
}

fn read_line_form(lines: &[Span], name: &str) -> Result<Problem, ParseError> {
    let source = lines.iter().map(|l| l.text).collect::<Vec<_>>().join("\n");
    if source.len() > MAX_STATEMENT {
        return Err(lines[0].error(format!("the statement is longer than {MAX_STATEMENT} bytes")));
    }
    let mut b = Builder::new(name, &source);
    for line in lines {
        let words = line.words();
        let head = words[0];
        let rest = line.at(head.text.len(), &line.text[head.text.len()..]).trim();
        match head.text {
            "problem" => {}
            "point" if words.len() == 4 => {
                let at = format!("{}_{}", words[2].text, words[3].text);
                let pin = read_pin(Span {
                    text: &at,
                    ..words[2]
                })?;
                let p = b.add_point(words[1], Some(pin))?;
                b.problem.clauses.push(Clause {
                    new: vec![p],
                    ..Clause::default()
                });
            }
            "point" | "points" => {
                for w in &words[1..] {
                    let p = b.add_point(*w, None)?;
                    b.problem.clauses.push(Clause {
                        new: vec![p],
                        ..Clause::default()
                    });
                }
            }
            "let" => b.clause(rest, false)?,
            "assume" => {
                let atom = relation::read(&mut b, rest)?;
                let last = match b.problem.clauses.last_mut() {
                    Some(c) => c,
                    None => return Err(rest.error("define the points before the assumptions")),
                };
                if atom.pred.is_diagram_check() {
                    last.conditions.push(atom);
                } else {
                    last.facts.push(atom);
                }
            }
            "prove" => {
                let goal = relation::read(&mut b, rest)?;
                b.problem.goals.push(goal);
            }
            other => {
                let hint = nearest(
                    other,
                    ["point", "points", "let", "assume", "prove", "problem"].into_iter(),
                );
                return Err(head.error(format!(
                    "a line starts with `point`, `points`, `let`, `assume`, `prove` or `problem`, not `{other}`{}",
                    hint.map(|h| format!("; did you mean `{h}`?")).unwrap_or_default()
                )));
            }
        }
    }
    b.finish(lines[0])
}
