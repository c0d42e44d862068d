//! A page of its own: the text on the left, the passage of the claim under the pointer on the right. It loads nothing
//! and runs no script but its own few lines.

use std::fmt::Write;

use strawberry_core::date;

use crate::report::{Citation, Claim, Report};
use crate::support::Support;

use super::{is_link, name};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// The report as a page. All text of sources is escaped.
pub fn html(report: &Report) -> String {
    let title = escaped(&report.question);
    let mut main = format!("<h1>{title}</h1>\n");
    let many = report.sections.len() > 1;
    for section in &report.sections {
        if many {
            let _ = writeln!(main, "<h2>{}</h2>", escaped(&section.question));
        }
        if section.claims.is_empty() {
            main.push_str("<p class=none>Nothing was found that answers this.</p>\n");
        } else {
            let claims: Vec<String> = section.claims.iter().map(|c| claim(c, report)).collect();
            let _ = writeln!(main, "<p>{}</p>", claims.join("\n"));
        }
    }
    if !report.disagreements.is_empty() {
        main.push_str("<h2>Where sources may disagree</h2>\n");
        for pair in &report.disagreements {
            let _ = writeln!(
                main,
                "<p>{}<br>{}</p>",
                claim(&pair.one, report),
                claim(&pair.other, report)
            );
        }
    }
    main.push_str("<h2>Sources</h2>\n<ol>\n");
    for source in &report.sources {
        let document = escaped(&source.document);
        let document = if is_link(&source.document) {
            format!("<a href=\"{document}\" rel=\"noreferrer nofollow\">{document}</a>")
        } else {
            format!("<code>{document}</code>")
        };
        let _ = writeln!(
            main,
            "<li id=\"source-{}\">{}. {document}, bytes {}–{}, read {}. <code>{}</code></li>",
            source.number,
            escaped(&name(source)),
            source.start,
            source.end,
            date::of_ms(source.retrieved_ms),
            source.id
        );
    }
    let _ = write!(
        main,
        "</ol>\n<h2>How this was made</h2>\n<p class=method>{} Effort {}: {} searches and readings, {} passages looked at; \
         model calls {}, tokens {}.</p>\n<ul class=method>",
        escaped(&report.method()),
        report.effort,
        report.tool_calls,
        report.passages_seen,
        report.usage.samples,
        report.usage.completion_tokens
    );
    report.remarks.iter().for_each(|r| {
        let _ = writeln!(main, "<li>{}</li>", escaped(r));
    });
    main.push_str("</ul>");
    let legend: String = [
        Support::Quoted,
        Support::Supported,
        Support::Partly,
        Support::Unsupported,
    ]
    .into_iter()
    .map(|s| {
        format!(
            "<span class=\"claim {0}\">{0}</span> {1} ",
            s.as_str(),
            report.count(s)
        )
    })
    .collect();
    format!(
        "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n\
         <meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <meta name=viewport content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n<main>\n{main}\n</main>\n<aside>\n<div class=legend>{legend}</div>\n<div id=panel>\n\
         <p class=hint>Point at a sentence, or tap it, to see the passage it rests on.</p>\n</div>\n</aside>\n{}\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n",
        passages(report)
    )
}

fn claim(claim: &Claim, report: &Report) -> String {
    let rests: Vec<String> = claim
        .citations
        .iter()
        .map(|c| {
            format!(
                "{}:{}:{}",
                c.source,
                place(c, report, c.start),
                place(c, report, c.end)
            )
        })
        .collect();
    let numbers: String = claim
        .citations
        .iter()
        .map(|c| format!("<a href=\"#source-{0}\">{0}</a> ", c.source))
        .collect();
    format!(
        "<span class=\"claim {}\" tabindex=0 data-rests=\"{}\" title=\"{}\">{}</span><sup>{}</sup>",
        claim.support.as_str(),
        rests.join(" "),
        claim.support.as_str(),
        escaped(&claim.text),
        numbers.trim_end()
    )
}

/// Byte offsets as the browser counts: in UTF-16 units.
fn place(citation: &Citation, report: &Report, byte: usize) -> usize {
    let text = report
        .sources
        .get(citation.source - 1)
        .map_or("", |s| s.text.as_str());
    text.get(..byte.min(text.len()))
        .map_or(0, |t| t.encode_utf16().count())
}

/// The passages, hidden until they are pointed at.
fn passages(report: &Report) -> String {
    report
        .sources
        .iter()
        .map(|s| {
            format!(
                "<template id=\"passage-{}\" data-name=\"{}\" data-document=\"{}\"><pre>{}</pre></template>\n",
                s.number,
                escaped(&name(s)),
                escaped(&s.document),
                // A line break at the very beginning of <pre> would be dropped.
                if s.text.starts_with('\n') { format!("\n{}", escaped(&s.text)) } else { escaped(&s.text) }
            )
        })
        .collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
