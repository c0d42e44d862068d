//! What names, commands and special characters mean.

use crate::expr::RelOp;
use crate::lex::Tok;
use crate::units;

/// What a LaTeX command stands for.
pub enum Command {
    /// Nothing (sizing, style).
    Skip,
    /// White space.
    Space,
    /// Nothing, with its argument.
    SkipArgument,
    /// Its argument is words, not variables.
    Upright,
    /// A relation.
    Rel(RelOp),
    /// One of the lexer's symbols.
    Sym(char),
    /// A variable.
    Letter(&'static str),
    /// A command the parser knows.
    Is(&'static str),
    /// A word.
    Word(&'static str),
    /// Not known.
    Unknown,
}

/// The meaning of `\name`.
pub fn command(name: &str) -> Command {
    use Command as C;
    if let Some(f) = function_name(name) {
        return C::Is(f);
    }
    if let Some(letter) = greek(name) {
        return C::Letter(letter);
    }
    match name {
        "left" | "right" | "middle" | "big" | "Big" | "bigg" | "Bigg" | "bigl" | "bigr" | "Bigl" | "Bigr"
        | "biggl" | "biggr" | "Biggl" | "Biggr" | "bigm" | "displaystyle" | "textstyle" | "scriptstyle"
        | "scriptscriptstyle" | "limits" | "nolimits" | "bf" | "it" | "rm" | "cal" | "large" | "Large"
        | "LARGE" | "huge" | "Huge" | "small" | "tiny" | "normalsize" | "centering" | "boxed" | "fbox"
        | "noindent" | "mathop" | "mathrel" | "mathbin" | "mathord" | "ensuremath" | "bm" | "boldsymbol"
        | "pmb" | "mathit" | "mathnormal" | "underline" | "overrightarrow" | "mathstrut" | "strut"
        | "protect" | "nonumber" | "allowbreak" | "hline" | "dotsb" | "relax" => C::Skip,
        "quad" | "qquad" | "enspace" | "thinspace" | "medspace" | "thickspace" | "space" | "nobreakspace"
        | "negthinspace" | "hfill" | "par" | "newline" => C::Space,
        "hspace" | "vspace" | "phantom" | "hphantom" | "vphantom" | "label" | "tag" | "color"
        | "textcolor" | "kern" | "rule" | "fontsize" => C::SkipArgument,
        "text" | "textrm" | "textbf" | "textit" | "textsf" | "texttt" | "textup" | "textnormal"
        | "textsc" | "mbox" | "hbox" | "mathrm" | "operatorname" | "mathsf" | "mathtt" | "emph" | "unit"
        | "si" => C::Upright,
        "frac" | "dfrac" | "tfrac" | "cfrac" | "sfrac" | "nicefrac" | "flatfrac" => C::Is("frac"),
        "binom" | "dbinom" | "tbinom" => C::Is("binom"),
        "sqrt" => C::Is("sqrt"),
        "choose" => C::Is("choose"),
        "over" => C::Is("over"),
        "pi" => C::Is("pi"),
        "infty" | "infinity" => C::Is("infty"),
        "imath" => C::Letter("i"),
        "jmath" => C::Letter("j"),
        "ell" => C::Letter("l"),
        "hbar" => C::Letter("hbar"),
        "cdot" | "times" | "ast" | "star" | "cdotp" | "bullet" => C::Sym('*'),
        "div" => C::Sym('/'),
        "pm" => C::Is("pm"),
        "mp" => C::Is("mp"),
        "cup" | "bigcup" => C::Is("cup"),
        "cap" | "bigcap" => C::Is("cap"),
        "setminus" | "smallsetminus" | "backslash" => C::Is("setminus"),
        "emptyset" | "varnothing" => C::Is("emptyset"),
        "ldots" | "dots" | "cdots" | "dotsc" | "vdots" | "ddots" => C::Is("dots"),
        "lfloor" => C::Is("lfloor"),
        "rfloor" => C::Is("rfloor"),
        "lceil" => C::Is("lceil"),
        "rceil" => C::Is("rceil"),
        "langle" | "lang" => C::Is("langle"),
        "rangle" | "rang" => C::Is("rangle"),
        "lvert" | "rvert" | "vert" | "mid" | "lVert" | "rVert" | "Vert" => C::Sym('|'),
        "lbrace" => C::Is("lbrace"),
        "rbrace" => C::Is("rbrace"),
        "lbrack" => C::Sym('['),
        "rbrack" => C::Sym(']'),
        "lparen" => C::Sym('('),
        "rparen" => C::Sym(')'),
        "colon" => C::Sym(':'),
        "circ" | "degree" | "textdegree" => C::Is("degree"),
        "prime" => C::Sym('\''),
        "percent" => C::Sym('%'),
        "begin" => C::Is("begin"),
        "end" => C::Is("end"),
        "sum" => C::Is("sum"),
        "prod" => C::Is("prod"),
        "overline" | "bar" => C::Is("overline"),
        "mathbf" => C::Is("bold"),
        "vec" => C::Is("vec"),
        "hat" | "widehat" => C::Is("hat"),
        "tilde" | "widetilde" => C::Is("tilde"),
        "dot" => C::Is("dot"),
        "mathbb" | "Bbb" | "mathcal" | "mathfrak" | "mathscr" => C::Is("mathbb"),
        "R" | "Reals" => C::Word("ℝ"),
        "N" => C::Word("ℕ"),
        "Z" => C::Word("ℤ"),
        "Q" => C::Word("ℚ"),
        "C" => C::Word("ℂ"),
        "land" | "wedge" => C::Word("∧"),
        "lor" | "vee" => C::Word("∨"),
        "lnot" | "neg" => C::Word("¬"),
        "dollar" | "textdollar" => C::Sym('$'),
        "euro" => C::Word("euro"),
        "pounds" | "textsterling" => C::Word("£"),
        "pmod" | "mod" | "bmod" | "pod" => C::Is("mod"),
        "angle" | "measuredangle" => C::Word("angle"),
        "triangle" => C::Word("triangle"),
        "le" | "leq" | "leqslant" | "leqq" => C::Rel(RelOp::Le),
        "ge" | "geq" | "geqslant" | "geqq" => C::Rel(RelOp::Ge),
        "lt" => C::Rel(RelOp::Lt),
        "gt" => C::Rel(RelOp::Gt),
        "ne" | "neq" => C::Rel(RelOp::Ne),
        "approx" | "simeq" | "doteq" => C::Rel(RelOp::Approx),
        "equiv" => C::Rel(RelOp::Congruent),
        "cong" | "sim" | "propto" => C::Rel(RelOp::Similar),
        "parallel" => C::Rel(RelOp::Parallel),
        "perp" => C::Rel(RelOp::Perpendicular),
        "in" => C::Rel(RelOp::In),
        "notin" => C::Rel(RelOp::NotIn),
        "subset" | "subseteq" | "subsetneq" => C::Rel(RelOp::Subset),
        "implies" | "Rightarrow" | "Longrightarrow" => C::Rel(RelOp::Implies),
        "iff" | "Leftrightarrow" | "Longleftrightarrow" => C::Rel(RelOp::Iff),
        "to" | "rightarrow" | "longrightarrow" | "mapsto" => C::Rel(RelOp::To),
        _ => C::Unknown,
    }
}

/// The one name of a function, for its command or plain-text spelling.
pub fn function_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "sin" => "sin",
        "cos" => "cos",
        "tan" | "tg" => "tan",
        "cot" | "ctg" | "cotg" => "cot",
        "sec" => "sec",
        "csc" | "cosec" => "csc",
        "arcsin" | "asin" => "arcsin",
        "arccos" | "acos" => "arccos",
        "arctan" | "atan" | "arctg" => "arctan",
        "arccot" | "acot" => "arccot",
        "arcsec" | "asec" => "arcsec",
        "arccsc" | "acsc" => "arccsc",
        "sinh" => "sinh",
        "cosh" => "cosh",
        "tanh" => "tanh",
        "ln" => "ln",
        "log" | "lg" => "log",
        "exp" => "exp",
        "gcd" => "gcd",
        "lcm" => "lcm",
        "min" => "min",
        "max" => "max",
        "det" => "det",
        "arg" => "arg",
        "Re" => "Re",
        "Im" => "Im",
        "sgn" => "sgn",
        _ => return None,
    })
}

/// Functions only plain text writes by name with brackets.
fn plain_function(name: &str) -> Option<&'static str> {
    Some(match name {
        "sqrt" => "sqrt",
        "cbrt" => "cbrt",
        "abs" => "abs",
        "floor" => "floor",
        "ceil" | "ceiling" => "ceil",
        "factorial" => "factorial",
        "binom" | "binomial" | "comb" | "nCr" => "binom",
        "conj" => "conj",
        "pi" | "Pi" => "pi",
        "inf" | "infinity" | "oo" | "Infinity" | "infty" => "infty",
        _ => return None,
    })
}

/// The one name of a Greek letter.
pub fn greek(name: &str) -> Option<&'static str> {
    const LETTERS: &[&str] = &[
        "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda",
        "mu", "nu", "xi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta",
        "Theta", "Lambda", "Xi", "Sigma", "Upsilon", "Phi", "Psi", "Omega", "Pi",
    ];
    let name = match name {
        "varepsilon" => "epsilon",
        "vartheta" => "theta",
        "varphi" => "phi",
        "varrho" => "rho",
        "varsigma" => "sigma",
        other => other,
    };
    LETTERS.iter().find(|l| **l == name).copied()
}

/// A token out of a run of letters, and how many of the run's bytes it takes.
pub struct Piece {
    /// The token.
    pub tok: Tok,
    /// Bytes.
    pub len: usize,
}

/// Splits a run of ASCII letters in mathematics or plain text: a function, a Greek name, a word, a unit after
/// a number, or single variables.
pub fn split_run(run: &str, operand_before: bool, separated: bool, latex: bool) -> Vec<Piece> {
    let one = |tok| vec![Piece { tok, len: run.len() }];
    if run.len() == 1 {
        return one(Tok::Letter(run.to_owned()));
    }
    if operand_before && separated && units::is_abbreviation(run) {
        return one(Tok::Word(run.to_owned()));
    }
    if let Some(f) = function_name(run).or_else(|| plain_function(run)) {
        return one(Tok::Cmd(f));
    }
    if let Some(letter) = greek(run).filter(|l| l.len() > 2 || !latex) {
        return one(Tok::Letter(letter.to_owned()));
    }
    if let Some(tok) = keyword(run) {
        return one(tok);
    }
    // sinx, cosx, lnx, xsin; pix, rpi.
    for (name, tok) in [
        "arcsin", "arccos", "arctan", "sin", "cos", "tan", "log", "ln", "sqrt",
    ]
    .iter()
    .filter_map(|n| {
        function_name(n)
            .or_else(|| plain_function(n))
            .map(|f| (*n, Tok::Cmd(f)))
    }) {
        let (head, tail) = if let Some(tail) = run.strip_prefix(name) {
            ("", tail)
        } else if let Some(head) = run.strip_suffix(name) {
            (head, "")
        } else {
            continue;
        };
        let rest = head.len() + tail.len();
        if rest == 1 || (rest == 2 && !is_word(run)) {
            let mut out: Vec<Piece> = letters(head);
            out.push(Piece { tok, len: name.len() });
            out.extend(letters(tail));
            return out;
        }
    }
    if run.len() == 3 && run.starts_with("pi") && !is_word(run) {
        return vec![
            Piece {
                tok: Tok::Cmd("pi"),
                len: 2,
            },
            Piece {
                tok: Tok::Letter(run[2..].to_owned()),
                len: 1,
            },
        ];
    }
    let roman = run.bytes().all(|b| matches!(b, b'I' | b'V' | b'X'))
        || matches!(run, "ii" | "iii" | "iv" | "vi" | "vii" | "viii" | "ix");
    if roman || is_word(run) {
        one(Tok::Word(run.to_owned()))
    } else {
        letters(run)
    }
}

fn letters(run: &str) -> Vec<Piece> {
    run.chars()
        .map(|c| Piece {
            tok: Tok::Letter(c.to_string()),
            len: 1,
        })
        .collect()
}

fn keyword(run: &str) -> Option<Tok> {
    Some(match run {
        "and" | "or" | "AND" | "OR" | "And" | "Or" => Tok::Word(run.to_lowercase()),
        "mod" => Tok::Cmd("mod"),
        "union" => Tok::Cmd("cup"),
        "div" => Tok::Sym('/'),
        _ => return None,
    })
}

/// Whether a run of letters is a word of a language rather than a product of variables.
pub fn is_word(run: &str) -> bool {
    const SHORT: &[&str] = &[
        "yes", "no", "odd", "one", "two", "six", "ten", "the", "is", "are", "red", "not", "for", "of", "to",
        "in", "at", "by", "on", "if", "it", "its", "am", "pm", "day", "all", "any", "sum", "set", "men",
        "way", "yen", "sun", "mon", "tue", "wed", "thu", "fri", "sat", "tie", "win", "bag", "box", "car",
        "cat", "cow", "dog", "egg", "hat", "hen", "pen", "pig", "pie", "toy", "out", "per", "as", "we", "so",
        "let", "get", "has", "had", "but", "was", "can", "may", "who", "how", "new", "old", "big", "low",
        "top", "end", "few", "her", "his", "him", "she", "he", "you", "be", "up", "us", "go", "do", "an",
        "my", "or", "ans", "DNE", "dne", "NaN", "nan", "nor", "kid", "boy", "men", "ice", "oak", "row",
        "cup", "mug", "jar", "can", "lap", "pea", "nut", "fan", "bus", "van", "bed", "rug", "mat", "net",
        "jam", "ham", "bar", "tip", "fee", "tax", "age", "won", "ate", "bit", "cut", "sad",
    ];
    let lower_tail = run.bytes().skip(1).all(|b| b.is_ascii_lowercase());
    if run.len() <= 3 {
        return SHORT.contains(&run) || (lower_tail && SHORT.contains(&run.to_lowercase().as_str()));
    }
    let bytes = run.as_bytes();
    let vowels = run
        .bytes()
        .any(|b| matches!(b.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y'));
    let in_order = bytes.windows(2).all(|w| w[1] == w[0] + 1 || w[1] == w[0]);
    vowels && !in_order
}

/// Splits a run of non-ASCII letters where a Chinese connective or unit stands in it.
pub fn split_chinese(run: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    for (i, c) in run.char_indices() {
        if matches!(c, '和' | '或' | '且' | '与' | '、') {
            if i > start {
                out.push(&run[start..i]);
            }
            out.push(&run[i..i + c.len_utf8()]);
            start = i + c.len_utf8();
        }
    }
    if start < run.len() {
        out.push(&run[start..]);
    }
    out
}

/// The ASCII letter or digit that a full-width or styled character stands for.
pub fn ascii_of(c: char) -> Option<char> {
    let n = u32::from(c);
    let letter = |i: u32| {
        char::from_u32(if i < 26 {
            u32::from('A') + i
        } else {
            u32::from('a') + i - 26
        })
    };
    match n {
        0xFF10..=0xFF19 => char::from_u32(n - 0xFF10 + u32::from('0')),
        0xFF21..=0xFF3A | 0xFF41..=0xFF5A => char::from_u32(n - 0xFEE0),
        0x1D400..=0x1D6A3 => letter((n - 0x1D400) % 52),
        0x1D7CE..=0x1D7FF => char::from_u32((n - 0x1D7CE) % 10 + u32::from('0')),
        0x210E => Some('h'),
        0x2147 => Some('e'),
        0x2148 => Some('i'),
        0x2113 => Some('l'),
        _ => None,
    }
}

/// The plain character of a superscript (`^`) or subscript (`_`).
pub fn script_of(c: char) -> Option<(char, char)> {
    const UP: &str = "⁰0¹1²2³3⁴4⁵5⁶6⁷7⁸8⁹9⁺+⁻-⁽(⁾)ⁿnⁱiˣxᵏkᵐmᵃaᵇbᶜcᵈdᵗtʸy";
    const DOWN: &str = "₀0₁1₂2₃3₄4₅5₆6₇7₈8₉9₊+₋-₍(₎)ₙnₖkₘmᵢiⱼjₓx";
    let find = |table: &str| {
        let mut it = table.chars();
        while let (Some(from), Some(to)) = (it.next(), it.next()) {
            if from == c {
                return Some(to);
            }
        }
        None
    };
    if c.is_ascii() {
        return None;
    }
    find(UP)
        .map(|p| ('^', p))
        .or_else(|| find(DOWN).map(|p| ('_', p)))
}

/// Numerator and denominator of a vulgar fraction character.
pub fn vulgar(c: char) -> Option<(u8, u8)> {
    Some(match c {
        '½' => (1, 2),
        '⅓' => (1, 3),
        '⅔' => (2, 3),
        '¼' => (1, 4),
        '¾' => (3, 4),
        '⅕' => (1, 5),
        '⅖' => (2, 5),
        '⅗' => (3, 5),
        '⅘' => (4, 5),
        '⅙' => (1, 6),
        '⅚' => (5, 6),
        '⅐' => (1, 7),
        '⅛' => (1, 8),
        '⅜' => (3, 8),
        '⅝' => (5, 8),
        '⅞' => (7, 8),
        '⅑' => (1, 9),
        '⅒' => (1, 10),
        _ => return None,
    })
}

/// The token of a Unicode operator, bracket, relation or Greek letter.
pub fn unicode_token(c: char) -> Option<Tok> {
    let letter = |n: &str| Some(Tok::Letter(n.to_owned()));
    let word = |n: &str| Some(Tok::Word(n.to_owned()));
    Some(match c {
        '−' | '–' | '—' | '－' | '‐' | '‑' | '﹣' => Tok::Sym('-'),
        '＋' => Tok::Sym('+'),
        '×' | '·' | '⋅' | '∙' | '•' | '∗' | '＊' | '✕' | '⨯' | '・' => Tok::Sym('*'),
        '÷' | '∕' | '⁄' | '／' => Tok::Sym('/'),
        '（' => Tok::Sym('('),
        '）' => Tok::Sym(')'),
        '［' | '【' => Tok::Sym('['),
        '］' | '】' => Tok::Sym(']'),
        '｛' => Tok::Cmd("lbrace"),
        '｝' => Tok::Cmd("rbrace"),
        '，' | '、' => Tok::Sym(','),
        '；' => Tok::Sym(';'),
        '：' | '∶' => Tok::Sym(':'),
        '。' | '．' => Tok::Sym('.'),
        '！' => Tok::Sym('!'),
        '％' => Tok::Sym('%'),
        '＄' => Tok::Sym('$'),
        '｜' | '∣' | '│' => Tok::Sym('|'),
        '′' | '’' | '‘' => Tok::Sym('\''),
        '″' | '”' | '“' => Tok::Sym('"'),
        '＝' => Tok::Rel(RelOp::Eq),
        '＜' => Tok::Rel(RelOp::Lt),
        '＞' => Tok::Rel(RelOp::Gt),
        '≤' | '⩽' | '≦' => Tok::Rel(RelOp::Le),
        '≥' | '⩾' | '≧' => Tok::Rel(RelOp::Ge),
        '≠' => Tok::Rel(RelOp::Ne),
        '≈' | '≃' | '≒' => Tok::Rel(RelOp::Approx),
        '≡' => Tok::Rel(RelOp::Congruent),
        '≅' | '∼' | '∽' | '∝' => Tok::Rel(RelOp::Similar),
        '∥' | '‖' => Tok::Rel(RelOp::Parallel),
        '⊥' => Tok::Rel(RelOp::Perpendicular),
        '∈' => Tok::Rel(RelOp::In),
        '∉' => Tok::Rel(RelOp::NotIn),
        '⊂' | '⊆' => Tok::Rel(RelOp::Subset),
        '→' | '⟶' => Tok::Rel(RelOp::To),
        '⇒' | '⟹' => Tok::Rel(RelOp::Implies),
        '⇔' | '⟺' => Tok::Rel(RelOp::Iff),
        '∧' => return word("∧"),
        '∨' => return word("∨"),
        '¬' => return word("¬"),
        '√' => Tok::Cmd("sqrt"),
        '∛' => Tok::Cmd("cbrt"),
        '∞' => Tok::Cmd("infty"),
        'π' | '𝜋' | '𝛑' | '𝝅' => Tok::Cmd("pi"),
        '∪' | '⋃' => Tok::Cmd("cup"),
        '∩' | '⋂' => Tok::Cmd("cap"),
        '∖' => Tok::Cmd("setminus"),
        '∅' | '⌀' | 'Ø' => Tok::Cmd("emptyset"),
        '±' => Tok::Cmd("pm"),
        '∓' => Tok::Cmd("mp"),
        '⌊' => Tok::Cmd("lfloor"),
        '⌋' => Tok::Cmd("rfloor"),
        '⌈' => Tok::Cmd("lceil"),
        '⌉' => Tok::Cmd("rceil"),
        '⟨' | '〈' => Tok::Cmd("langle"),
        '⟩' | '〉' => Tok::Cmd("rangle"),
        '…' | '⋯' => Tok::Cmd("dots"),
        '∑' | 'Σ' => Tok::Cmd("sum"),
        '∏' => Tok::Cmd("prod"),
        '°' | 'º' | '˚' => Tok::Cmd("degree"),
        '℃' => return word("°C"),
        '℉' => return word("°F"),
        '€' | '£' | '¥' | '￥' | '¢' | '₹' => {
            return word(if c == '¥' { "￥".into() } else { c.to_string() }.as_str());
        }
        'ℝ' | 'ℤ' | 'ℕ' | 'ℚ' | 'ℂ' => return word(&c.to_string()),
        '∠' => return word("angle"),
        '△' => return word("triangle"),
        'α' => return letter("alpha"),
        'β' => return letter("beta"),
        'γ' => return letter("gamma"),
        'δ' => return letter("delta"),
        'ε' | 'ϵ' => return letter("epsilon"),
        'ζ' => return letter("zeta"),
        'η' => return letter("eta"),
        'θ' | 'ϑ' => return letter("theta"),
        'ι' => return letter("iota"),
        'κ' => return letter("kappa"),
        'λ' => return letter("lambda"),
        'μ' | 'µ' => return letter("mu"),
        'ν' => return letter("nu"),
        'ξ' => return letter("xi"),
        'ρ' => return letter("rho"),
        'σ' => return letter("sigma"),
        'τ' => return letter("tau"),
        'υ' => return letter("upsilon"),
        'φ' | 'ϕ' => return letter("phi"),
        'χ' => return letter("chi"),
        'ψ' => return letter("psi"),
        'ω' => return letter("omega"),
        'Δ' | '∆' => return letter("Delta"),
        'Ω' => return letter("Omega"),
        'Φ' => return letter("Phi"),
        'Θ' => return letter("Theta"),
        'Λ' => return letter("Lambda"),
        'Γ' => return letter("Gamma"),
        _ => return None,
    })
}
