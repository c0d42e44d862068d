//! The typed expression every answer is parsed into.

use dashu_int::IBig;
use dashu_ratio::RBig;

use crate::units::Unit;

/// A constant with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Const {
    /// π.
    Pi,
    /// Euler's number.
    E,
    /// The imaginary unit.
    I,
    /// Positive infinity.
    Infinity,
}

/// A function with a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // The names are the mathematical ones.
pub enum Func {
    Sin,
    Cos,
    Tan,
    Cot,
    Sec,
    Csc,
    Asin,
    Acos,
    Atan,
    Acot,
    Asec,
    Acsc,
    Sinh,
    Cosh,
    Tanh,
    Ln,
    /// Logarithm to base 10, or to the base given as second argument.
    Log,
    Exp,
    Abs,
    Floor,
    Ceil,
    Sign,
    Factorial,
    DoubleFactorial,
    Binomial,
    Permutations,
    Gcd,
    Lcm,
    Min,
    Max,
    Mod,
    Re,
    Im,
    Arg,
    Conj,
    Det,
}

/// The brackets around a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Brackets {
    /// None: `1, 2`.
    Bare,
    /// `(1, 2)`: a tuple, or an open interval.
    Paren,
    /// `[1, 2]`: a list, or a closed interval.
    Square,
    /// `[1, 2)`.
    ClosedOpen,
    /// `(1, 2]`.
    OpenClosed,
    /// `\langle 1, 2 \rangle`: a vector.
    Angle,
    /// `\{1, 2\}`: a set.
    Brace,
}

/// A relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // The names are the mathematical ones.
pub enum RelOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Approx,
    In,
    NotIn,
    Subset,
    Congruent,
    Similar,
    Parallel,
    Perpendicular,
    Divides,
    Implies,
    Iff,
    To,
}

/// An operation on sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // The names are the mathematical ones.
pub enum SetOp {
    Union,
    Intersection,
    Difference,
}

/// A set with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // The names are the mathematical ones.
pub enum NamedSet {
    Empty,
    Reals,
    Integers,
    Naturals,
    Rationals,
    Complexes,
}

/// A logical connective.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // The names are the mathematical ones.
pub enum LogicOp {
    And,
    Or,
    Not,
}

/// A parsed answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// An exact rational number.
    Num(RBig),
    /// A decimal: its exact value, and how many digits stand after the point.
    Decimal(RBig, u32),
    /// A named constant.
    Const(Const),
    /// A variable.
    Var(String),
    /// A sum.
    Add(Vec<Expr>),
    /// A product.
    Mul(Vec<Expr>),
    /// A quotient.
    Div(Box<Expr>, Box<Expr>),
    /// A negation.
    Neg(Box<Expr>),
    /// A power.
    Pow(Box<Expr>, Box<Expr>),
    /// The `n`-th root.
    Root(Box<Expr>, u32),
    /// A function with a meaning.
    Call(Func, Vec<Expr>),
    /// A function of which only the name is known.
    Apply(String, Vec<Expr>),
    /// `±x` (true) or `∓x` (false).
    PlusMinus(bool, Box<Expr>),
    /// `Σ` (true) or `Π` (false) over an index with bounds.
    Big {
        /// Sum or product.
        sum: bool,
        /// The index.
        index: String,
        /// First value.
        from: Box<Expr>,
        /// Last value.
        to: Box<Expr>,
        /// What is added or multiplied.
        body: Box<Expr>,
    },
    /// Degrees of an angle.
    Degrees(Box<Expr>),
    /// Per cent.
    Percent(Box<Expr>),
    /// Digits in a base other than ten: the value, the base, and the value the digits have in base ten
    /// (where they are decimal digits).
    InBase(RBig, u32, Option<IBig>),
    /// A sequence in brackets or without.
    Seq(Brackets, Vec<Expr>),
    /// A matrix, by rows.
    Matrix(Vec<Vec<Expr>>),
    /// An operation on sets.
    SetOp(SetOp, Box<Expr>, Box<Expr>),
    /// A set with a name.
    Named(NamedSet),
    /// The set of all values of the variable for which the condition holds.
    Builder(String, Box<Expr>),
    /// A chain of relations: one operator fewer than operands.
    Rel(Vec<Expr>, Vec<RelOp>),
    /// Statements joined by a connective.
    Logic(LogicOp, Vec<Expr>),
    /// A number with a unit.
    Quantity(Box<Expr>, Unit),
    /// A ratio such as `1:2`.
    Ratio(Vec<Expr>),
    /// A time of day: minutes after midnight, and whether am/pm (or a 24-hour form) was given.
    Clock(u32, bool),
    /// A multiple-choice letter, with what stood beside it.
    Choice(char, Option<Box<Expr>>),
    /// Words.
    Text(String),
}

impl Expr {
    /// An integer.
    pub fn int(n: i64) -> Expr {
        Expr::Num(RBig::from(IBig::from(n)))
    }

    /// A sum; a single term stays as it is.
    pub fn sum(mut terms: Vec<Expr>) -> Expr {
        if terms.len() == 1 {
            terms.remove(0)
        } else {
            Expr::Add(terms)
        }
    }

    /// A product; a single factor stays as it is.
    pub fn product(mut factors: Vec<Expr>) -> Expr {
        if factors.len() == 1 {
            factors.remove(0)
        } else {
            Expr::Mul(factors)
        }
    }

    /// The direct children, left to right.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Num(_)
            | Expr::Decimal(..)
            | Expr::Const(_)
            | Expr::Var(_)
            | Expr::InBase(..)
            | Expr::Named(_)
            | Expr::Clock(..)
            | Expr::Text(_)
            | Expr::Choice(_, None) => Vec::new(),
            Expr::Add(v)
            | Expr::Mul(v)
            | Expr::Call(_, v)
            | Expr::Apply(_, v)
            | Expr::Seq(_, v)
            | Expr::Rel(v, _)
            | Expr::Logic(_, v)
            | Expr::Ratio(v) => v.iter().collect(),
            Expr::Div(a, b) | Expr::Pow(a, b) | Expr::SetOp(_, a, b) => vec![a, b],
            Expr::Neg(a)
            | Expr::Root(a, _)
            | Expr::PlusMinus(_, a)
            | Expr::Degrees(a)
            | Expr::Percent(a)
            | Expr::Builder(_, a)
            | Expr::Quantity(a, _)
            | Expr::Choice(_, Some(a)) => vec![a],
            Expr::Big { from, to, body, .. } => vec![from, to, body],
            Expr::Matrix(rows) => rows.iter().flatten().collect(),
        }
    }

    /// The same expression with every direct child replaced.
    pub fn map(&self, f: &mut dyn FnMut(&Expr) -> Expr) -> Expr {
        let mut many = |v: &[Expr]| v.iter().map(&mut *f).collect::<Vec<_>>();
        match self {
            Expr::Add(v) => Expr::Add(many(v)),
            Expr::Mul(v) => Expr::Mul(many(v)),
            Expr::Call(g, v) => Expr::Call(*g, many(v)),
            Expr::Apply(g, v) => Expr::Apply(g.clone(), many(v)),
            Expr::Seq(b, v) => Expr::Seq(*b, many(v)),
            Expr::Rel(v, ops) => Expr::Rel(many(v), ops.clone()),
            Expr::Logic(op, v) => Expr::Logic(*op, many(v)),
            Expr::Ratio(v) => Expr::Ratio(many(v)),
            Expr::Matrix(rows) => Expr::Matrix(rows.iter().map(|r| many(r)).collect()),
            Expr::Div(a, b) => Expr::Div(Box::new(f(a)), Box::new(f(b))),
            Expr::Pow(a, b) => Expr::Pow(Box::new(f(a)), Box::new(f(b))),
            Expr::SetOp(op, a, b) => Expr::SetOp(*op, Box::new(f(a)), Box::new(f(b))),
            Expr::Neg(a) => Expr::Neg(Box::new(f(a))),
            Expr::Root(a, n) => Expr::Root(Box::new(f(a)), *n),
            Expr::PlusMinus(s, a) => Expr::PlusMinus(*s, Box::new(f(a))),
            Expr::Degrees(a) => Expr::Degrees(Box::new(f(a))),
            Expr::Percent(a) => Expr::Percent(Box::new(f(a))),
            Expr::Builder(v, a) => Expr::Builder(v.clone(), Box::new(f(a))),
            Expr::Quantity(a, u) => Expr::Quantity(Box::new(f(a)), u.clone()),
            Expr::Choice(c, Some(a)) => Expr::Choice(*c, Some(Box::new(f(a)))),
            Expr::Big {
                sum,
                index,
                from,
                to,
                body,
            } => Expr::Big {
                sum: *sum,
                index: index.clone(),
                from: Box::new(f(from)),
                to: Box::new(f(to)),
                body: Box::new(f(body)),
            },
            leaf => leaf.clone(),
        }
    }

    /// Whether any node satisfies the predicate.
    pub fn any(&self, p: &dyn Fn(&Expr) -> bool) -> bool {
        p(self) || self.children().into_iter().any(|c| c.any(p))
    }

    /// The names of the free variables, sorted, without repetition.
    pub fn variables(&self) -> Vec<String> {
        fn walk(e: &Expr, bound: &mut Vec<String>, out: &mut Vec<String>) {
            match e {
                Expr::Var(name) if !bound.contains(name) => out.push(name.clone()),
                Expr::Big {
                    index,
                    from,
                    to,
                    body,
                    ..
                } => {
                    walk(from, bound, out);
                    walk(to, bound, out);
                    bound.push(index.clone());
                    walk(body, bound, out);
                    bound.pop();
                }
                _ => e.children().into_iter().for_each(|c| walk(c, bound, out)),
            }
        }
        let mut out = Vec::new();
        walk(self, &mut Vec::new(), &mut out);
        out.sort();
        out.dedup();
        out
    }
}
