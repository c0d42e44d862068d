//! Stop strings, found across the borders of tokens.

/// Passes text on until a stop string comes; text that may be the beginning of one is held back.
#[derive(Clone, Debug, Default)]
pub struct StopMatcher {
    stops: Vec<String>,
    held: String,
}

impl StopMatcher {
    /// A matcher for these strings (none of them empty).
    pub fn new(stops: Vec<String>) -> Self {
        StopMatcher {
            stops,
            held: String::new(),
        }
    }

    /// Takes a piece of text. Returns what can be passed on, and whether a stop string has come; after
    /// that, the stop string and what follows it are gone.
    pub fn push(&mut self, text: &str) -> (String, bool) {
        if self.stops.is_empty() {
            return (text.to_owned(), false);
        }
        self.held.push_str(text);
        if let Some(at) = self.stops.iter().filter_map(|s| self.held.find(s.as_str())).min() {
            self.held.truncate(at);
            return (std::mem::take(&mut self.held), true);
        }
        let keep = self
            .stops
            .iter()
            .map(|s| overlap(&self.held, s))
            .max()
            .unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// The end of the text: returns what was held back.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Length of the longest suffix of `text` that is a proper prefix of `stop`.
fn overlap(text: &str, stop: &str) -> usize {
    let longest = text.len().min(stop.len() - 1);
    (1..=longest)
        .rev()
        .find(|&n| text.as_bytes().ends_with(&stop.as_bytes()[..n]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(pieces: &[&str], stops: &[&str]) -> (String, bool) {
        let mut matcher = StopMatcher::new(stops.iter().map(|s| (*s).to_owned()).collect());
        let mut out = String::new();
        for piece in pieces {
            let (text, stopped) = matcher.push(piece);
            out.push_str(&text);
            if stopped {
                return (out, true);
            }
        }
        (out + &matcher.finish(), false)
    }

    #[test]
    fn a_beginning_is_held_back_until_decided() {
        let mut matcher = StopMatcher::new(vec!["\n\nQ:".into()]);
        assert_eq!(matcher.push("4\n"), ("4".into(), false));
        assert_eq!(matcher.push("\n"), (String::new(), false));
        assert_eq!(matcher.push("5"), ("\n\n5".into(), false));
        assert_eq!(matcher.push("\n\nQ"), (String::new(), false));
        assert_eq!(matcher.push(": more"), (String::new(), true));
    }

    proptest! {
        /// However the text is cut, what comes out is the text before the earliest stop string.
        #[test]
        fn pieces_do_not_matter(
            text in "[abé]{0,30}",
            stops in proptest::collection::vec("[abé]{1,4}", 0..4),
        ) {
            let stops: Vec<&str> = stops.iter().map(String::as_str).collect();
            let first = stops.iter().filter_map(|s| text.find(s)).min();
            let pieces: Vec<String> = text.chars().map(String::from).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let (out, stopped) = run(&pieces, &stops);
            prop_assert_eq!(stopped, first.is_some());
            // Fed one character at a time, a string that ends first is found first, even if another began
            // earlier; what is passed on never contains a whole stop string.
            prop_assert!(text.starts_with(&out));
            prop_assert!(stops.iter().all(|s| !out.contains(s)));
            if !stopped {
                prop_assert_eq!(out, text);
            }
        }
    }
}
