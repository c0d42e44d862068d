//! What counts as the same answer, and how much work a check may do.

use serde::{Deserialize, Serialize};

/// How much a response may leave out or round.
///
/// | | `strict` | `standard` | `lenient` |
/// |---|---|---|---|
/// | `0.33` for `1/3`, `3.14` for `\pi` | differs | differs | equal when it is the correct rounding (two significant digits or more) |
/// | `5` for `x = 5`, `2x` for `y = 2x` | differs | equal | equal |
/// | `5` for `5 cm`, `$5`, `30` for `30^\circ` | differs | equal | equal |
/// | `50` for `50%` | differs | equal | equal |
/// | `60 min` for `1 hour`, `\pi/6` for `30^\circ` | equal | equal | equal |
/// | `5 kg` for `5 cm`, `8 apples` for `8 pears` | differs | differs | differs |
/// | order of a bare list `1, 2` | matters | free | free |
/// | order of a set `\{1, 2\}` | free | free | free |
/// | order of a tuple `(1, 2)` | matters | matters | matters |
/// | `1, 2` for `(1, 2)` or `[1, 2]` | differs | differs | equal, in order |
/// | `1, 2` for `\{1, 2\}` | differs | equal | equal |
/// | `123` for `123_5` | differs | differs | equal |
/// | `yes` for `true`, letter case of words | differs | equal | equal |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing may be left out; an equivalence relation.
    Strict,
    /// Labels, units and brackets of sets may be left out, as graders of competitions allow.
    #[default]
    Standard,
    /// Also accepts correctly rounded decimals and missing brackets.
    Lenient,
}

/// Upper bounds on one check. Beyond them the verdict is `too_complex`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fuel {
    /// Bytes of one answer (not of the response it stands in).
    pub answer_bytes: usize,
    /// Elementary steps: products of terms, evaluations of nodes.
    pub steps: u64,
    /// Bits of any one integer (20,000 bits are about 6,000 decimal digits).
    pub bits: usize,
    /// Nesting of brackets, fractions, powers.
    pub depth: usize,
}

impl Default for Fuel {
    fn default() -> Self {
        Fuel {
            answer_bytes: 8192,
            steps: 200_000,
            bits: 20_000,
            depth: 64,
        }
    }
}

/// The options of a verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How much a response may leave out or round.
    pub mode: Mode,
    /// How much work one check may do.
    pub fuel: Fuel,
    /// Whether the last number of a response that marks no answer is taken as its answer, as a last resort.
    pub last_number: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            mode: Mode::Standard,
            fuel: Fuel::default(),
            last_number: true,
        }
    }
}
