//! Normal forms as text: equal texts mean equal forms.

use std::fmt::Write;

use super::poly::{Gen, Mono, Poly};
use super::ratio::Ratio;

fn write_generator(out: &mut String, g: &Gen) {
    let _ = match g {
        Gen::I => write!(out, "i"),
        Gen::Prime(p) => write!(out, "{p}"),
        Gen::E => write!(out, "e"),
        Gen::Pi => write!(out, "pi"),
        Gen::Log(p) => write!(out, "ln({p})"),
        Gen::Var(v) => write!(out, "<{v}>"),
        Gen::Power(base, m) => {
            write_generator(out, base);
            write!(out, "^[{m}]")
        }
        Gen::Opaque(s) => write!(out, "{{{s}}}"),
    };
}

fn write_mono(out: &mut String, m: &Mono) {
    for (g, e) in &m.0 {
        out.push('*');
        write_generator(out, g);
        if e.d != 1 {
            let _ = write!(out, "^({}/{})", e.n, e.d);
        } else if e.n != 1 {
            let _ = write!(out, "^{}", e.n);
        }
    }
}

/// A monomial as text.
pub(super) fn mono_key(m: &Mono) -> String {
    let mut out = String::new();
    write_mono(&mut out, m);
    out
}

/// A polynomial as text.
pub fn poly_key(p: &Poly) -> String {
    let mut out = String::new();
    for (m, c) in p.terms.iter().rev() {
        if !out.is_empty() {
            out.push('+');
        }
        let _ = write!(out, "{c}");
        write_mono(&mut out, m);
    }
    if out.is_empty() { "0".into() } else { out }
}

/// A quotient as text.
pub fn ratio_key(r: &Ratio) -> String {
    if r.is_poly() {
        poly_key(&r.num)
    } else {
        format!("({})/({})", poly_key(&r.num), poly_key(&r.den))
    }
}
