//! Markdown.

use strawberry_core::date;

use crate::report::{Claim, Report};
use crate::sentence::on_one_line;
use crate::support::Support;

use super::{is_link, name};

/// The report as Markdown. Text of sources can't become markup in it.
pub fn markdown(report: &Report) -> String {
    let mut out = format!("# {}\n\n", plain(&report.question));
    let many = report.sections.len() > 1;
    for section in &report.sections {
        if many {
            out.push_str(&format!("## {}\n\n", plain(&section.question)));
        }
        if section.claims.is_empty() {
            out.push_str("Nothing was found that answers this.\n\n");
        }
        for claim in &section.claims {
            out.push_str(&format!("- {}\n", sentence(claim)));
        }
        out.push('\n');
    }
    if !report.disagreements.is_empty() {
        out.push_str("## Where sources may disagree\n\n");
        for pair in &report.disagreements {
            out.push_str(&format!(
                "- {}\n  {}\n",
                sentence(&pair.one),
                sentence(&pair.other)
            ));
        }
        out.push('\n');
    }
    if !report.sources.is_empty() {
        out.push_str("## Sources\n\n");
        for source in &report.sources {
            let document = if is_link(&source.document) {
                format!("<{}>", source.document.replace(['<', '>', ' '], ""))
            } else {
                format!("`{}`", source.document.replace('`', "'"))
            };
            out.push_str(&format!(
                "{}. {}. {document}, bytes {}–{}, read {}. Passage `{}`\n",
                source.number,
                plain(&name(source)),
                source.start,
                source.end,
                date::of_ms(source.retrieved_ms),
                source.id
            ));
        }
        out.push('\n');
    }
    out.push_str("## How this was made\n\n");
    out.push_str(&plain(&report.method()));
    out.push_str(&format!(
        " Of {} sentences {} are quoted, {} supported, {} partly supported, {} unsupported. Effort {}: {} searches and \
         readings, {} passages looked at; model calls {}, tokens {}.\n",
        report.claims().count(),
        report.count(Support::Quoted),
        report.count(Support::Supported),
        report.count(Support::Partly),
        report.count(Support::Unsupported),
        report.effort,
        report.tool_calls,
        report.passages_seen,
        report.usage.samples,
        report.usage.completion_tokens,
    ));
    for remark in &report.remarks {
        out.push_str(&format!("- {}\n", plain(remark)));
    }
    out
}

/// One cited paragraph and its sources: the answer of a quick search.
pub fn paragraph(report: &Report) -> String {
    let claims: Vec<String> = report
        .claims()
        .map(|claim| {
            let numbers: String = claim
                .citations
                .iter()
                .map(|c| format!("[{}]", c.source))
                .collect();
            format!("{}{} {numbers}", visible(&claim.text), marked(claim.support))
        })
        .collect();
    let mut out = if claims.is_empty() {
        "Nothing was found that answers this.".to_owned()
    } else {
        claims.join(" ")
    };
    out.push('\n');
    for source in &report.sources {
        out.push_str(&format!(
            "\n[{}] {} — {}",
            source.number,
            visible(&name(source)),
            visible(&source.document)
        ));
    }
    out
}

fn sentence(claim: &Claim) -> String {
    let numbers: Vec<String> = claim.citations.iter().map(|c| c.source.to_string()).collect();
    let cites = if numbers.is_empty() {
        String::new()
    } else {
        format!(" \\[{}\\]", numbers.join(", "))
    };
    format!("{}{cites}{}", plain(&claim.text), marked(claim.support))
}

/// What is said of support that is less than full.
fn marked(support: Support) -> &'static str {
    match support {
        Support::Quoted | Support::Supported => "",
        Support::Partly => " (partly supported)",
        Support::Unsupported => " (unsupported)",
    }
}

/// The text with every sign that Markdown or HTML would read escaped.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in visible(&on_one_line(text)).chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '!' | '#' | '|' | '~' | '&'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    // A list's mark at the beginning.
    if out.starts_with(['-', '+']) {
        out.insert(0, '\\');
    }
    out
}

/// The text without control characters, which could act on a terminal.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_text_can_not_become_markup() {
        assert_eq!(
            plain("![x](http://e) <img src=y> `c` - a"),
            "\\!\\[x\\](http://e) \\<img src=y\\> \\`c\\` - a"
        );
        assert_eq!(plain("- item\u{1b}[31m"), "\\- item \\[31m");
    }
}
