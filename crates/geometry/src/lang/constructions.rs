//! The table of constructions (`data/constructions.txt`): names, arguments, facts, conditions.

use super::atom::{Arity, Atom, Frac, PREDICATES, Pred, parse_number};
use rustc_hash::FxHashMap;
use std::sync::OnceLock;

/// A fact of a construction, with points as indices into `params` and `@` standing for the number argument.
#[derive(Clone, Debug)]
struct Template {
    pred: Pred,
    pts: Vec<usize>,
    num: Option<Option<Frac>>,
}

/// A group of points drawn together.
#[derive(Clone, Debug)]
pub struct Group {
    new: Vec<usize>,
    facts: Vec<Template>,
}

/// One construction.
#[derive(Clone, Debug)]
pub struct Construction {
    /// Its name.
    pub name: String,
    /// How many of the parameters are new points (they come first).
    pub new: usize,
    /// Number of point parameters, new points included.
    pub points: usize,
    /// Whether a number follows the points.
    pub takes_number: bool,
    /// Whether the new points are written last (`parallelogram a b c x`).
    pub new_last: bool,
    groups: Vec<Group>,
    conditions: Vec<Template>,
}

/// The facts of one group with the points filled in.
pub struct Placed {
    /// Positions (in the argument list) of the points this group introduces.
    pub new: Vec<usize>,
    /// Facts about them.
    pub facts: Vec<Atom>,
}

impl Construction {
    /// The groups with `args` (point ids, new points first) and the number filled in.
    pub fn place(&self, args: &[u8], number: Option<Frac>) -> (Vec<Placed>, Vec<Atom>) {
        let fill = |t: &Template| Atom {
            pred: t.pred,
            pts: t.pts.iter().map(|&i| args[i]).collect(),
            nums: match t.num {
                None => vec![],
                Some(Some(q)) => vec![q],
                Some(None) => number.into_iter().collect(),
            },
        };
        let groups = self
            .groups
            .iter()
            .map(|g| Placed {
                new: g.new.clone(),
                facts: g.facts.iter().map(fill).collect(),
            })
            .collect();
        (groups, self.conditions.iter().map(fill).collect())
    }
}

/// All constructions by name.
pub fn table() -> &'static FxHashMap<String, Construction> {
    static TABLE: OnceLock<FxHashMap<String, Construction>> = OnceLock::new();
    TABLE.get_or_init(|| {
        include_str!("../../data/constructions.txt")
            .lines()
            .filter(|l| !l.trim().is_empty() && !l.starts_with('#'))
            .map(|l| {
                let c = parse_line(l).unwrap_or_else(|| panic!("constructions.txt: bad line: {l}"));
                (c.name.clone(), c)
            })
            .collect()
    })
}

fn parse_line(line: &str) -> Option<Construction> {
    let (head, body) = line.split_once('=')?;
    let (new, old) = head.split_once(':')?;
    let mut new = new.split_whitespace();
    let name = new.next()?.to_string();
    let new_last = new.clone().next() == Some("~");
    if new_last {
        new.next();
    }
    let mut params: Vec<&str> = new.collect();
    let count_new = params.len();
    let mut takes_number = false;
    for p in old.split_whitespace() {
        if p == "@" {
            takes_number = true;
        } else {
            params.push(p);
        }
    }
    let template = |text: &str| -> Option<Template> {
        let mut words = text.split_whitespace();
        let word = words.next()?;
        let (_, pred, arity) = *PREDICATES.iter().find(|(n, _, _)| *n == word)?;
        let (mut pts, mut num) = (Vec::new(), None);
        for w in words {
            if w == "@" {
                num = Some(None);
            } else if let Some(i) = params.iter().position(|p| *p == w) {
                pts.push(i);
            } else {
                num = Some(Some(parse_number(w)?.0));
            }
        }
        let fits = match arity {
            Arity::Exact(p, n) => pts.len() == p && usize::from(num.is_some()) == n,
            Arity::AtLeast(p) => pts.len() >= p && num.is_none(),
            Arity::Linear | Arity::LinearConst => false,
        };
        fits.then_some(Template { pred, pts, num })
    };
    let list = |text: &str| -> Option<Vec<Template>> {
        text.split(',')
            .map(str::trim)
            .filter(|t| !t.is_empty())
            .map(template)
            .collect()
    };
    let (facts, conditions) = body.split_once('!').unwrap_or((body, ""));
    let mut groups = Vec::new();
    let mut introduced = 0;
    for part in facts.split('|') {
        let (names, facts) = match part.split_once("->") {
            Some((n, f)) => (n.split_whitespace().collect::<Vec<_>>(), f),
            None => (params[..count_new].to_vec(), part),
        };
        let new = names
            .iter()
            .map(|n| params.iter().position(|p| p == n))
            .collect::<Option<Vec<usize>>>()?;
        introduced += new.len();
        groups.push(Group {
            new,
            facts: list(facts)?,
        });
    }
    // a group without new points (`a b c -> | x -> …`) only orders the drawing
    if introduced > count_new {
        return None;
    }
    if introduced < count_new {
        let drawn: Vec<usize> = groups.iter().flat_map(|g| g.new.clone()).collect();
        groups
            .last_mut()?
            .new
            .extend((0..count_new).filter(|i| !drawn.contains(i)));
    }
    Some(Construction {
        name,
        new: count_new,
        points: params.len(),
        takes_number,
        new_last,
        groups,
        conditions: list(conditions)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_table_reads() {
        let t = table();
        assert!(t.len() > 85);
        let sq = &t["square"];
        assert_eq!((sq.new, sq.points), (2, 4));
        let (groups, _) = sq.place(&[2, 3, 0, 1], None);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0].new, vec![0]);
    }
}
