//! Grammar masks: which tokens may come next so that the answer satisfies a JSON Schema, a regular
//! expression or a Lark grammar. The parser is `llguidance`.

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{ApproximateTokEnv, SimpleVob, TokEnv, TokRxInfo, TokTrie};
use llguidance::{ParserFactory, TokenParser};
use strawberry_core::{Grammar, ModelError};

/// Compiles grammars for one vocabulary. Building it reads the whole vocabulary once (tens of milliseconds).
pub struct GrammarCompiler(ParserFactory);

impl GrammarCompiler {
    /// A compiler for the vocabulary whose token `i` stands for the bytes `tokens[i]` (empty for tokens that
    /// are not text), with these tokens ending a response.
    ///
    /// # Errors
    /// [`ModelError::Internal`] when the vocabulary has no token that ends a response.
    pub fn new(tokens: &[Vec<u8>], ends: &[u32]) -> Result<Self, ModelError> {
        let internal = |what: String| ModelError::Internal(format!("grammars are not available: {what}"));
        let Some(&end) = ends.first() else {
            return Err(internal("the model has no token that ends a response".to_owned()));
        };
        let info = TokRxInfo::new(tokens.len() as u32, end);
        let trie = TokTrie::from(&info, tokens).with_eos_tokens(ends);
        let environment: TokEnv = std::sync::Arc::new(ApproximateTokEnv::new(trie));
        let mut factory = ParserFactory::new_simple(&environment).map_err(|e| internal(e.to_string()))?;
        factory.quiet();
        Ok(GrammarCompiler(factory))
    }

    /// A matcher at the beginning of `grammar`.
    ///
    /// # Errors
    /// [`ModelError::InvalidRequest`] with the parser's message when the grammar is wrong or uses what the
    /// parser doesn't know.
    pub fn compile(&self, grammar: &Grammar) -> Result<Matcher, ModelError> {
        let (kind, grammar) = match grammar {
            Grammar::JsonSchema(schema) => ("JSON Schema", TopLevelGrammar::from_json_schema(schema.clone())),
            Grammar::Regex(regex) => ("regular expression", TopLevelGrammar::from_regex(regex)),
            Grammar::Lark(lark) => ("Lark grammar", TopLevelGrammar::from_lark(lark.clone())),
        };
        let wrong = |e: String| ModelError::InvalidRequest(format!("the {kind} can't be used: {e}"));
        let parser: TokenParser = self.0.create_parser(grammar).map_err(|e| wrong(e.to_string()))?;
        let matcher = llguidance::Matcher::new(Ok(parser));
        match matcher.get_error() {
            Some(error) => Err(wrong(error)),
            None => Ok(Matcher(matcher)),
        }
    }
}

/// How far the answer has come in its grammar.
pub struct Matcher(llguidance::Matcher);

/// Which tokens may come next: one bit per token.
pub struct Mask(SimpleVob);

impl Mask {
    /// The bits, as [`super::Sampler::draw`] takes them.
    pub fn words(&self) -> &[u32] {
        self.0.as_slice()
    }
}

impl Matcher {
    /// The tokens that may come next. The error is the parser's message; the matcher is dead after it.
    pub fn mask(&mut self) -> Result<Mask, String> {
        self.0.compute_mask_or_eos().map(Mask).map_err(|e| e.to_string())
    }

    /// Goes on by a token; true when the grammar allows nothing after it.
    pub fn accept(&mut self, token: u32) -> Result<bool, String> {
        self.0.consume_token(token).map_err(|e| e.to_string())?;
        Ok(self.0.is_stopped())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sampler::{Sampler, Scratch};

    /// All single bytes and an end.
    fn bytes() -> Vec<Vec<u8>> {
        (0..=255u8).map(|b| vec![b]).chain([Vec::new()]).collect()
    }

    /// Draws with random logits under the grammar until it ends.
    fn random_text(grammar: &Grammar, seed: u64) -> String {
        let mut matcher = GrammarCompiler::new(&bytes(), &[256])
            .unwrap()
            .compile(grammar)
            .unwrap();
        let sampling = strawberry_core::Sampling {
            seed,
            ..Default::default()
        };
        let mut sampler = Sampler::new(sampling, &[]);
        let mut text = Vec::new();
        for i in 0..2000u64 {
            // Quotes and closing brackets are made likely, so that texts end.
            let mut logits: Vec<f32> = (0..257u64)
                .map(|t| (t.wrapping_mul(2_654_435_761 + i) % 7) as f32)
                .collect();
            for likely in [b'"', b'}', b']'] {
                logits[usize::from(likely)] = 9.0;
            }
            let mask = matcher.mask().unwrap();
            let draw = sampler
                .draw(&mut logits, Some(mask.words()), &mut Scratch::default())
                .unwrap();
            if draw.token != 256 {
                text.push(draw.token as u8);
            }
            if matcher.accept(draw.token).unwrap() || draw.token == 256 {
                return String::from_utf8(text).unwrap();
            }
        }
        panic!("no end after {}", String::from_utf8_lossy(&text));
    }

    #[test]
    fn json_under_a_schema_has_its_shape() {
        let schema = json!({
            "type": "object",
            "properties": {"answer": {"type": "integer"}, "unit": {"enum": ["m", "km"]}},
            "required": ["answer", "unit"],
            "additionalProperties": false,
        });
        for seed in 0..10 {
            let text = random_text(&Grammar::JsonSchema(schema.clone()), seed);
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(value["answer"].is_i64() || value["answer"].is_number(), "{text}");
            assert!(["m", "km"].contains(&value["unit"].as_str().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_regex_and_a_lark_grammar_hold() {
        for seed in 0..10 {
            let text = random_text(&Grammar::Regex("(yes|no), [0-9]{2}".into()), seed);
            assert!(text.starts_with("yes, ") || text.starts_with("no, "), "{text}");
            let lark = "start: A B\nA: /a{1,3}/\nB: \"!\"".to_owned();
            let text = random_text(&Grammar::Lark(lark), seed);
            assert!(["a!", "aa!", "aaa!"].contains(&text.as_str()), "{text}");
        }
    }

    #[test]
    fn a_wrong_grammar_is_refused_with_its_kind() {
        let compiler = GrammarCompiler::new(&bytes(), &[256]).unwrap();
        for (grammar, kind) in [
            (Grammar::Regex("(".into()), "regular expression"),
            (Grammar::Lark("start: nothing".into()), "Lark"),
            (Grammar::JsonSchema(json!({"type": "prime"})), "JSON Schema"),
        ] {
            let error = compiler.compile(&grammar).err().unwrap().to_string();
            assert!(error.contains(kind), "{error}");
        }
    }
}
