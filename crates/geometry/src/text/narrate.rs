//! A proof in numbered sentences.

use super::Language;
use super::words::{Relation, point, predicate, relation};
use crate::proof::certificate::{Certificate, Combination, RowText, Step};
use num_rational::BigRational as Q;
use num_traits::Zero;
use serde::Serialize;
use std::collections::BTreeMap;

/// One numbered sentence.
#[derive(Clone, Debug, Serialize)]
pub struct Sentence {
    /// Its number; 0 for hypotheses, which are cited as (h1), (h2), ….
    pub label: String,
    /// What holds.
    pub claim: String,
    /// Why: the theorem and the facts it uses.
    pub reason: String,
    /// Points of the step, to highlight.
    pub points: Vec<String>,
    /// Segments of the claim, to highlight.
    pub segments: Vec<(String, String)>,
}

/// A whole proof in words.
#[derive(Clone, Debug, Serialize)]
pub struct Narration {
    /// Language.
    pub language: Language,
    /// Title.
    pub title: String,
    /// Statement: hypotheses in words.
    pub given: Vec<String>,
    /// What is to be shown.
    pub goals: Vec<String>,
    /// Auxiliary points: name and construction.
    pub auxiliary: Vec<(String, String)>,
    /// Hypotheses and facts the proof cites.
    pub facts: Vec<Sentence>,
    /// Steps.
    pub steps: Vec<Sentence>,
    /// Conclusions.
    pub end: Vec<Sentence>,
}

fn parse(text: &RowText) -> Relation {
    let mut r = Relation {
        table: text.table.clone(),
        ..Relation::default()
    };
    for t in &text.terms {
        match t.as_slice() {
            [x, v, y, c] => {
                let angle = [x.clone(), v.clone(), y.clone()];
                *r.sines.entry(angle).or_default() += c.parse::<Q>().unwrap_or_default();
            }
            [a, b, c] => {
                *r.pairs.entry((a.clone(), b.clone())).or_default() += c.parse::<Q>().unwrap_or_default()
            }
            [k, c] => *r.constants.entry(k.clone()).or_default() += c.parse::<Q>().unwrap_or_default(),
            _ => {}
        }
    }
    r
}

/// The sum of cited rows.
fn sum(c: &Certificate, combination: &Combination) -> Relation {
    let mut out = Relation::default();
    for (step, row, lambda) in combination {
        let Some(text) = c.steps.get(*step).and_then(|s| s.rows.get(*row)) else {
            continue;
        };
        let r = parse(text);
        let k = lambda.parse::<Q>().unwrap_or_default();
        out.table = r.table;
        r.pairs
            .into_iter()
            .for_each(|(p, x)| *out.pairs.entry(p).or_default() += x * &k);
        r.sines
            .into_iter()
            .for_each(|(p, x)| *out.sines.entry(p).or_default() += x * &k);
        r.constants
            .into_iter()
            .for_each(|(p, x)| *out.constants.entry(p).or_default() += x * &k);
    }
    out.pairs.retain(|_, x| !x.is_zero());
    out.sines.retain(|_, x| !x.is_zero());
    out.constants.retain(|_, x| !x.is_zero());
    out
}

/// The theorem behind a rule.
fn theorem(rule: &str, p: &[String], l: Language) -> String {
    let t = |i: usize| p[i..(i + 3).min(p.len())].concat();
    let (en, zh) = match rule {
        "sim_aa" => (
            format!("triangles {} and {} are similar (AA)", t(0), t(3)),
            format!("△{} ∼ △{}(AA)", t(0), t(3)),
        ),
        "sim_sss" => (
            format!("triangles {} and {} are similar (SSS)", t(0), t(3)),
            format!("△{} ∼ △{}(SSS)", t(0), t(3)),
        ),
        "sim_sas" => (
            format!("triangles {} and {} are similar (SAS)", t(0), t(3)),
            format!("△{} ∼ △{}(SAS)", t(0), t(3)),
        ),
        "sim_ssa" => (
            format!(
                "triangles {} and {} are similar (two sides and the angle opposite the longer)",
                t(0),
                t(3)
            ),
            format!("△{} ∼ △{}(两边及大边对角)", t(0), t(3)),
        ),
        "ssa_other" => (
            "two sides and the angle opposite one fix the other angle up to its supplement".into(),
            "两边及一边对角:另一角相等或互补".into(),
        ),
        "trapezoid" => ("isosceles trapezoid".into(), "等腰梯形".into()),
        "iso_angles" => (
            format!("triangle {} is isosceles", t(0)),
            format!("△{} 等腰", t(0)),
        ),
        "iso_sides" => (
            format!("triangle {} has equal base angles", t(0)),
            format!("△{} 底角相等", t(0)),
        ),
        "collinear" => ("points on a line".into(), "共线点".into()),
        "length_sum" => ("the lengths add up".into(), "线段长度相加".into()),
        "concyclic" => (
            format!("{} are concyclic (equal angles over a chord)", p.join(", ")),
            format!("{} 共圆(同弦等角)", p.join("、")),
        ),
        "centre" => (
            format!("tangent and inscribed angles of the circle about {}", p[0]),
            format!("以 {} 为圆心的圆的圆周角与弦切角", p[0]),
        ),
        "on_circle" => (
            format!("{} is on the circle about {} (inscribed angle)", p[3], p[0]),
            format!("{} 在以 {} 为圆心的圆上(圆周角)", p[3], p[0]),
        ),
        "centre_of_chords" => (
            format!("{} is on the bisectors of two chords, so it is the centre", p[0]),
            format!("{} 在两弦的中垂线上,故为圆心", p[0]),
        ),
        "equal_arcs" => (
            "equal inscribed angles, equal chords".into(),
            "等圆周角对等弦".into(),
        ),
        "equal_chords" => (
            "equal chords, equal inscribed angles".into(),
            "等弦对等圆周角".into(),
        ),
        "perp_squares" | "squares_perp" => (
            "perpendiculars and squares (Pythagoras)".into(),
            "垂直与平方差(勾股定理)".into(),
        ),
        "ratio_m" | "ratio_m2" | "ratio_l" | "ratio_s" => ("the same ratio".into(), "同一比值".into()),
        "flat_ratio" => ("equal divisions of two segments".into(), "线段的相同分比".into()),
        "stewart" => ("Stewart's theorem".into(), "斯图尔特定理".into()),
        "bisector_ratio" => ("angle bisector theorem".into(), "角平分线定理".into()),
        "ratio_bisector" => (
            "converse of the angle bisector theorem".into(),
            "角平分线定理的逆定理".into(),
        ),
        "intercept" => ("intercept theorem".into(), "平行线分线段成比例".into()),
        "intercept_para" => (
            "converse of the intercept theorem".into(),
            "平行线分线段成比例的逆定理".into(),
        ),
        "menelaus" => ("Menelaus' theorem".into(), "梅涅劳斯定理".into()),
        "menelaus_line" => (
            "converse of Menelaus' theorem".into(),
            "梅涅劳斯定理的逆定理".into(),
        ),
        "ceva" => ("Ceva's theorem".into(), "塞瓦定理".into()),
        "ceva_line" => ("converse of Ceva's theorem".into(), "塞瓦定理的逆定理".into()),
        "isogonal" => (
            "isogonal lines at two vertices are isogonal at the third".into(),
            "两顶点处等角线,则第三顶点处亦然".into(),
        ),
        "foot_midline" => (
            "the foot of a vertex on a bisector lies on the midline".into(),
            "顶点在角平分线上的垂足位于中位线上".into(),
        ),
        "two_feet" => (
            "the feet of a vertex on two bisectors lie on the midline".into(),
            "顶点在两条角平分线上的垂足位于中位线上".into(),
        ),
        "law_of_sines" => (
            format!("law of sines in triangle {}", t(0)),
            format!("△{} 中的正弦定理", t(0)),
        ),
        "sine_equal" => (
            "equal or supplementary angles have one sine".into(),
            "相等或互补的角正弦相等".into(),
        ),
        "sine_angle" => ("equal sines, equal angles".into(), "正弦相等,角相等".into()),
        "sine_ratio" => (
            "equal angles divided with one ratio of sines are divided alike".into(),
            "等角被分成正弦之比相同的两部分,则对应角相等".into(),
        ),
        "sine_30" | "sine_45" | "sine_60" | "sine_90" => ("value of the sine".into(), "正弦值".into()),
        _ if rule.starts_with("same_") => (
            format!("{} and {} are the same intersection", p[0], p[1]),
            format!("{} 与 {} 是同一交点", p[0], p[1]),
        ),
        other => (other.to_string(), other.to_string()),
    };
    if l == Language::English { en } else { zh }
}

/// Writes the certificate's proof in words.
pub fn narrate(c: &Certificate, l: Language) -> Narration {
    let english = l == Language::English;
    let mut label = vec![String::new(); c.steps.len()];
    let (mut facts, mut steps) = (Vec::new(), Vec::new());
    let all_facts: Vec<&String> = c
        .header
        .hypotheses
        .iter()
        .chain(c.auxiliary.iter().flat_map(|a| &a.facts))
        .collect();
    let mut fact_label: BTreeMap<usize, String> = BTreeMap::new();
    let mut number = 0;
    for (i, s) in c.steps.iter().enumerate() {
        let segments = segments(&s.rows);
        if let Some(f) = s.fact {
            let name = format!("h{}", fact_label.len() + 1);
            label[i] = fact_label.entry(f).or_insert(name).clone();
            facts.push(Sentence {
                label: label[i].clone(),
                claim: all_facts.get(f).map_or(String::new(), |t| predicate(t, l)),
                reason: if f < c.header.hypotheses.len() {
                    if english { "given" } else { "已知" }.into()
                } else {
                    if english { "construction" } else { "作图" }.into()
                },
                points: ends(&segments),
                segments,
            });
            continue;
        }
        number += 1;
        label[i] = number.to_string();
        let claims: Vec<String> = s.rows.iter().map(|r| relation(&parse(r), l)).collect();
        let mut points: Vec<String> = s.points.clone();
        points.dedup();
        steps.push(Sentence {
            label: label[i].clone(),
            claim: claims.join(if english { ", " } else { "," }),
            reason: reason(c, s, &label, l),
            points,
            segments,
        });
    }
    let end = c
        .goals
        .iter()
        .map(|g| {
            let text = c.header.goals.get(g.goal).cloned().unwrap_or_default();
            let cited: Vec<String> = g.premises.iter().filter_map(|p| citation(p, &label)).collect();
            let segments = {
                let rows: Vec<Relation> = g.premises.iter().map(|p| sum(c, p)).collect();
                let mut all: Vec<_> = rows.iter().flat_map(|r| r.pairs.keys().cloned()).collect();
                all.dedup();
                all
            };
            Sentence {
                label: "∎".into(),
                claim: predicate(&text, l),
                reason: if cited.is_empty() {
                    if english {
                        "seen on the figure"
                    } else {
                        "由图可见"
                    }
                    .into()
                } else if english {
                    format!("from {}", cited.join("; "))
                } else {
                    format!("由 {}", cited.join(";"))
                },
                points: ends(&segments),
                segments,
            }
        })
        .collect();
    Narration {
        language: l,
        title: c.header.name.clone(),
        given: c.header.hypotheses.iter().map(|h| predicate(h, l)).collect(),
        goals: c.header.goals.iter().map(|h| predicate(h, l)).collect(),
        auxiliary: c
            .auxiliary
            .iter()
            .map(|a| {
                let facts: Vec<String> = a.facts.iter().map(|f| predicate(f, l)).collect();
                let words = if english {
                    format!("{} ({})", a.construction, facts.join("; "))
                } else {
                    facts.join(";")
                };
                (point(&a.point), words)
            })
            .collect(),
        facts,
        steps,
        end,
    }
}

fn segments(rows: &[RowText]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = rows
        .iter()
        .flat_map(|r| parse(r).pairs.into_keys().collect::<Vec<_>>())
        .collect();
    all.sort();
    all.dedup();
    all
}

fn ends(segments: &[(String, String)]) -> Vec<String> {
    let mut all: Vec<String> = segments.iter().flat_map(|s| [s.0.clone(), s.1.clone()]).collect();
    all.sort();
    all.dedup();
    all
}

fn citation(p: &Combination, label: &[String]) -> Option<String> {
    let mut cited: Vec<&String> = p.iter().filter_map(|(s, _, _)| label.get(*s)).collect();
    cited.dedup();
    (!cited.is_empty()).then(|| {
        cited
            .iter()
            .map(|c| format!("({c})"))
            .collect::<Vec<_>>()
            .join(", ")
    })
}

fn reason(c: &Certificate, s: &Step, label: &[String], l: Language) -> String {
    let english = l == Language::English;
    let names: Vec<String> = s.points.iter().map(|p| point(p)).collect();
    let mut because = Vec::new();
    for p in &s.premises {
        let Some(cited) = citation(p, label) else { continue };
        let said = relation(&sum(c, p), l);
        because.push(if english {
            format!("{said} by {cited}")
        } else {
            format!("{said}(由 {cited})")
        });
    }
    let theorem = theorem(&s.rule, &names, l);
    if because.is_empty() {
        return theorem;
    }
    if english {
        format!("{theorem}, as {}", because.join(" and "))
    } else {
        format!("{theorem}:{}", because.join(","))
    }
}

impl Narration {
    /// Plain text.
    pub fn to_text(&self) -> String {
        let english = self.language == Language::English;
        let mut out = String::new();
        let mut line = |s: String| {
            out.push_str(&s);
            out.push('\n');
        };
        line(self.title.clone());
        line(String::new());
        line(format!(
            "{}{}",
            if english { "Given: " } else { "已知:" },
            self.given.join("; ")
        ));
        line(format!(
            "{}{}",
            if english { "To show: " } else { "求证:" },
            self.goals.join("; ")
        ));
        for (name, words) in &self.auxiliary {
            line(if english {
                format!("Auxiliary point {name}: {words}")
            } else {
                format!("作辅助点 {name}:{words}")
            });
        }
        line(String::new());
        line(
            if english {
                "Proof (angles are directed, modulo 180°)"
            } else {
                "证明(角为有向角,模 180°)"
            }
            .into(),
        );
        for s in self.facts.iter().chain(&self.steps).chain(&self.end) {
            line(format!("  ({}) {}  — {}", s.label, s.claim, s.reason));
        }
        out
    }
}
