//! Finding the program in a response.

use crate::check::Language;

/// A fenced block: its info string's first word, and its content.
struct Block<'a> {
    tag: &'a str,
    code: &'a str,
}

/// A program found in a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The program's source.
    pub code: &'a str,
    /// `fence` when it was fenced, `whole response` otherwise.
    pub rule: &'static str,
}

/// The program in a response: the last fenced block in the language that defines something, else the
/// last block in the language, else the last block without a language; a response without any fence is
/// the program itself. `None` when there is no program to be found.
///
/// A fence that is never closed reaches to the end.
pub fn extract(response: &str, language: Language) -> Option<Found<'_>> {
    let blocks = blocks(response);
    let own = |b: &&Block| Language::of_tag(b.tag) == Some(language);
    let block = blocks
        .iter()
        .rfind(|b| own(b) && defines(b.code, language))
        .or_else(|| blocks.iter().rfind(own))
        .or_else(|| blocks.iter().rfind(|b| b.tag.is_empty()));
    let found = match block {
        Some(block) => Found {
            code: block.code,
            rule: "fence",
        },
        None if blocks.is_empty() => Found {
            code: response,
            rule: "whole response",
        },
        None => return None,
    };
    (!found.code.trim().is_empty()).then_some(found)
}

/// Whether a block holds more than a use of the program.
fn defines(code: &str, language: Language) -> bool {
    match language {
        Language::Python => code
            .lines()
            .any(|l| ["def ", "class ", "async def "].iter().any(|k| l.starts_with(k))),
        Language::C => code.contains('{'),
        Language::Rust => code.contains("fn "),
    }
}

/// The fenced blocks of a text, by CommonMark's rules for the fences themselves.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<(char, usize, &str, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let trimmed = line.trim();
        let Some(mark) = trimmed.chars().next().filter(|c| matches!(c, '`' | '~')) else {
            continue;
        };
        let count = trimmed.chars().take_while(|&c| c == mark).count();
        if count < 3 {
            continue;
        }
        let info = trimmed[count..].trim();
        match open {
            None if mark == '`' && info.contains('`') => {}
            None => open = Some((mark, count, info.split_whitespace().next().unwrap_or(""), at)),
            Some((opened, least, tag, from)) if mark == opened && count >= least && info.is_empty() => {
                blocks.push(Block {
                    tag,
                    code: &text[from..start],
                });
                open = None;
            }
            Some(_) => {}
        }
    }
    if let Some((_, _, tag, from)) = open {
        blocks.push(Block {
            tag,
            code: &text[from..],
        });
    }
    blocks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(response: &str) -> Option<&str> {
        extract(response, Language::Python).map(|f| f.code)
    }

    #[test]
    fn the_last_defining_block_wins() {
        let text = "First:\n```python\ndef f(): return 1\n```\nbetter\n```python\ndef f(): return 2\n```\nuse\n```python\nprint(f())\n```\n```\noutput\n```";
        assert_eq!(code(text), Some("def f(): return 2\n"));
    }

    #[test]
    fn tags_and_missing_fences_are_understood() {
        assert_eq!(code("```py\nx = 1\n```"), Some("x = 1\n"));
        assert_eq!(code("```\nx = 1\n```"), Some("x = 1\n"));
        assert_eq!(code("~~~python\nx = 1"), Some("x = 1"));
        assert_eq!(code("x = 1"), Some("x = 1"));
        assert_eq!(
            code("````python\ns = '''\n```\n'''\n````"),
            Some("s = '''\n```\n'''\n")
        );
        assert_eq!(code("```json\n{}\n```"), None);
        assert_eq!(code("```python\n```"), None);
        assert_eq!(code("  \n"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_handled(text in "(```|~~~|python|def f|\n| |é|x){0,40}") {
            if let Some(found) = extract(&text, Language::Python) {
                prop_assert!(text.contains(found.code));
            }
        }
    }
}
