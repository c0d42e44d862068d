//! BibTeX.

use strawberry_core::date;

use crate::report::Report;

use super::{is_link, name};

/// One `@misc` entry for each cited passage; its key is `passage-` and the passage's id.
pub fn bibtex(report: &Report) -> String {
    report
        .sources
        .iter()
        .map(|source| {
            let at = if is_link(&source.document) { "url" } else { "howpublished" };
            format!(
                "@misc{{passage-{},\n  title = {{{}}},\n  {at} = {{{}}},\n  note = {{bytes {}--{}, read {}}},\n}}\n",
                source.id,
                escaped(&name(source)),
                escaped(&source.document),
                source.start,
                source.end,
                date::of_ms(source.retrieved_ms)
            )
        })
        .collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\textbackslash{}"),
            '{' | '}' | '%' | '&' | '#' | '$' | '_' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
