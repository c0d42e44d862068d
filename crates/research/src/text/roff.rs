//! Manual pages: the text of roff sources that use the `man` or the `mdoc` macros.
//!
//! Macros are read as what they mean for a reader (man(7), mdoc(7)): headings, paragraphs, tagged items,
//! fonts dropped. It is no typesetter: conditionals, registers and drawing requests are left out.

/// Whether a text looks like the source of a manual page: it begins with a request or a comment, and has a page's title
/// (or refers to another page) near its beginning.
pub fn is(text: &str) -> bool {
    let begins = text.trim_start().starts_with(['.', '\'']);
    let title = |l: &str| [".TH ", ".Dd ", ".Dt ", ".so "].iter().any(|m| l.starts_with(m));
    begins && text.lines().take(300).any(title)
}

fn is_comment(line: &str) -> bool {
    line.starts_with(".\\\"") || line.starts_with("'\\\"") || line.trim_end() == "."
}

/// Title (`ls(1)`) and text of a manual page. Headings begin with `# `.
pub fn text(source: &str) -> (String, String) {
    let mut page = Page::default();
    let mut ignoring = false;
    for line in source.lines() {
        if ignoring {
            ignoring = line.trim_end() != "..";
        } else if line.starts_with(".de") || line.starts_with(".am ") || line.starts_with(".ig") {
            ignoring = true;
        } else if is_comment(line) {
            continue;
        } else if let Some(request) = line.strip_prefix(['.', '\'']) {
            page.request(request.trim_start());
        } else {
            page.line(line);
        }
    }
    let title = if page.section.is_empty() {
        page.name
    } else {
        format!("{}({})", page.name, page.section)
    };
    (title, page.text.trim().to_owned())
}

#[derive(Default)]
struct Page {
    name: String,
    section: String,
    /// What `.Nm` without arguments stands for.
    subject: String,
    text: String,
    /// The next line is the tag of an item.
    tag: bool,
}

impl Page {
    fn request(&mut self, request: &str) {
        let (name, rest) = request
            .split_once(|c: char| c.is_whitespace())
            .unwrap_or((request, ""));
        let words = arguments(rest);
        match name {
            "TH" => {
                self.name = words.first().cloned().unwrap_or_default().to_lowercase();
                self.section = words.get(1).cloned().unwrap_or_default();
            }
            "Dt" => {
                self.name = words.first().cloned().unwrap_or_default().to_lowercase();
                self.section = words.get(1).cloned().unwrap_or_default();
            }
            "SH" | "SS" | "Sh" | "Ss" => {
                self.paragraph();
                self.text.push_str("# ");
                self.text.push_str(&words.join(" "));
                self.paragraph();
            }
            "PP" | "P" | "LP" | "Pp" | "sp" | "br" | "HP" | "EX" | "nf" | "Bl" | "El" | "RS" | "RE"
            | "Bd" | "Ed" | "YS" | "UE" => self.paragraph(),
            "TP" | "TQ" => {
                self.paragraph();
                self.tag = true;
            }
            "IP" | "It" | "SY" => {
                self.paragraph();
                let words = if name == "IP" {
                    words.first().map(|w| vec![w.clone()]).unwrap_or_default()
                } else {
                    words
                };
                self.say(&mdoc(&words, &self.subject));
                self.newline();
            }
            // Alternating fonts: the words are joined without blanks.
            "BR" | "RB" | "BI" | "IB" | "IR" | "RI" => self.say_line(&words.concat()),
            "B" | "I" | "SM" | "SB" | "R" => self.say_line(&words.join(" ")),
            // Entries of an index, not text.
            "IX" | "AT" | "UC" => {}
            "UR" | "MT" | "URL" => self.say_line(&words.join(" ")),
            "OP" => self.say_line(&format!("[{}]", words.join(" "))),
            "Nd" => self.say_line(&format!("- {}", words.join(" "))),
            "Nm" => {
                if self.subject.is_empty() {
                    self.subject = words.first().cloned().unwrap_or_default();
                }
                let words = if words.is_empty() {
                    vec![self.subject.clone()]
                } else {
                    words
                };
                self.say_line(&words.join(" "));
            }
            _ if name.len() == 2 && name.starts_with(|c: char| c.is_ascii_uppercase()) => {
                let all: Vec<String> = std::iter::once(name.to_owned()).chain(words).collect();
                self.say_line(&mdoc(&all, &self.subject));
            }
            _ => {}
        }
    }

    fn line(&mut self, line: &str) {
        if line.trim().is_empty() {
            self.paragraph();
        } else {
            self.say_line(&unescape(line));
        }
    }

    fn say_line(&mut self, words: &str) {
        if words.trim().is_empty() {
            return;
        }
        self.say(words);
        self.newline();
        self.tag = false;
    }

    fn say(&mut self, words: &str) {
        self.text.push_str(words.trim_end());
    }

    fn newline(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    fn paragraph(&mut self) {
        self.newline();
        if !self.tag && !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }
}

/// The words of an mdoc line as a reader sees them.
fn mdoc(words: &[String], subject: &str) -> String {
    let mut line = String::new();
    let mut close = Vec::new();
    let mut dash = "";
    for word in words {
        match word.as_str() {
            "Fl" => dash = "-",
            "Op" => {
                space(&mut line);
                line.push('[');
                close.push("]");
            }
            "Pq" | "Po" => {
                space(&mut line);
                line.push('(');
                close.push(")");
            }
            "Dq" | "Qq" | "Sq" | "Ql" => close.push(""),
            "Nm" => {
                space(&mut line);
                line.push_str(subject);
            }
            "Ar" | "Cm" | "Ic" | "Pa" | "Ev" | "Va" | "Vt" | "Fa" | "Fn" | "Ft" | "Em" | "Sy" | "Li"
            | "Dv" | "Er" | "Xr" | "Sx" | "Ns" | "No" | "Ad" | "An" | "Aq" | "Brq" | "Bq" | "Bro" | "Brc"
            | "Pc" | "Tn" | "Ux" | "Xo" | "Xc" | "Oo" | "Oc" | "Lk" | "Mt" | "St" | "Rs" | "Re" | "In"
            | "Cd" => {}
            "." | "," | ";" | ":" | ")" | "]" => line.push_str(word),
            other => {
                if !line.ends_with(['[', '(']) {
                    space(&mut line);
                }
                line.push_str(std::mem::take(&mut dash));
                line.push_str(other);
            }
        }
    }
    line.push_str(dash);
    close.iter().rev().for_each(|c| line.push_str(c));
    line
}

fn space(line: &mut String) {
    if !line.is_empty() && !line.ends_with(' ') {
        line.push(' ');
    }
}

/// The arguments of a request; double quotes hold blanks together.
fn arguments(rest: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    let mut any = false;
    let mut chars = rest.trim().chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                word.push('"');
            }
            '"' => {
                quoted = !quoted;
                any = true;
            }
            '\\' => {
                word.push('\\');
                if let Some(next) = chars.next() {
                    word.push(next);
                }
            }
            c if c.is_whitespace() && !quoted => {
                if any || !word.is_empty() {
                    words.push(unescape(&std::mem::take(&mut word)));
                }
                any = false;
            }
            c => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(unescape(&word));
    }
    words
}

/// The characters that escapes stand for (groff_char(7)); fonts and sizes vanish.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('-') => out.push('-'),
            Some('e' | '\\') => out.push('\\'),
            Some('~' | ' ' | '0') => out.push(' '),
            Some('"' | '#') => break,
            Some('(') => {
                let name: String = chars.by_ref().take(2).collect();
                out.push_str(character(&name));
            }
            Some('[') => {
                let name: String = chars.by_ref().take_while(|&c| c != ']').collect();
                out.push_str(character(&name));
            }
            Some('f' | '*' | 'n' | 'k' | 'F' | 'm') => match chars.next() {
                Some('(') => {
                    let _ = chars.by_ref().take(2).count();
                }
                Some('[') => {
                    let _ = chars.by_ref().take_while(|&c| c != ']').count();
                }
                _ => {}
            },
            Some('s') => {
                let rest = chars.as_str();
                let signs = rest.len() - rest.trim_start_matches(['+', '-']).len();
                let digits = rest[signs..]
                    .bytes()
                    .take_while(u8::is_ascii_digit)
                    .count()
                    .min(2);
                chars = rest[signs + digits..].chars();
            }
            Some('h' | 'v' | 'w' | 'o' | 'D' | 'l' | 'L' | 'b' | 'x' | 'N' | 'X' | 'Z') => {
                if let Some(delimiter) = chars.next() {
                    let _ = chars.by_ref().take_while(|&c| c != delimiter).count();
                }
            }
            Some('\'') => out.push('\''),
            Some('`') => out.push('`'),
            Some('.') => out.push('.'),
            _ => {}
        }
    }
    out
}

fn character(name: &str) -> &str {
    match name {
        "aq" | "cq" | "oq" => "'",
        "dq" | "lq" | "rq" => "\"",
        "em" | "en" => "–",
        "bu" => "•",
        "co" => "©",
        "rg" => "®",
        "mu" => "×",
        "<=" => "≤",
        ">=" => "≥",
        "!=" => "≠",
        "->" => "→",
        "<-" => "←",
        "ha" => "^",
        "ti" => "~",
        "rs" => "\\",
        "hy" | "mi" => "-",
        "or" | "ba" => "|",
        "ga" => "`",
        "sh" => "#",
        "Do" => "$",
        "at" => "@",
        "lB" => "[",
        "rB" => "]",
        "ss" => "ß",
        ":a" => "ä",
        ":o" => "ö",
        ":u" => "ü",
        "'e" => "é",
        "`e" => "è",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_man_page_becomes_text() {
        let source = ".\\\" comment\n.TH LS 1 \"June\" \"GNU\"\n.SH NAME\nls \\- list directory contents\n.SH \"SEE ALSO\"\n\
            .TP\n\\fB\\-a\\fR, \\fB\\-\\-all\\fR\ndo not ignore entries starting with .\n.PP\n.BR mkdir (2),\n.I italic\n";
        assert!(is(source));
        let (title, text) = text(source);
        assert_eq!(title, "ls(1)");
        assert_eq!(
            text,
            "# NAME\n\nls - list directory contents\n\n# SEE ALSO\n\n-a, --all\n\
             do not ignore entries starting with .\n\nmkdir(2),\nitalic"
        );
    }

    #[test]
    fn an_mdoc_page_becomes_text() {
        let source = ".Dd May 1\n.Dt CAT 1\n.Sh NAME\n.Nm cat\n.Nd concatenate files\n.Sh SYNOPSIS\n.Nm\n.Op Fl n\n\
            .Bl -tag\n.It Fl n Ar count\nNumber the lines.\n.El\nSee\n.Xr tac 1 .\n";
        assert!(is(source));
        let (title, text) = text(source);
        assert_eq!(title, "cat(1)");
        assert!(
            text.contains("- concatenate files") && text.contains("[-n]"),
            "{text}"
        );
        assert!(text.contains("-n count\nNumber the lines."), "{text}");
    }

    #[test]
    fn unfinished_escapes_are_no_trouble() {
        for text in ["\\", "\\f", "\\f[", "\\(", "\\s", "\\s+", "\\h'", "\\*(a", "\\["] {
            assert!(unescape(text).len() <= 2, "{text}");
        }
        assert!(!is("Just text.\n.TH not first") && !is(".hidden file"));
        assert!(is(".\\\" made by a tool\n.de Sp\n..\n.ie n .nr x\n.TH LS 1"));
    }
}
