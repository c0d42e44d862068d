//! The sandbox as a [`Verifier`].

use std::sync::Arc;

use strawberry_core::{Answer, Judgement, Problem, Reference, Verifier};

use crate::check::{Against, Language};
use crate::extract::extract;
use crate::pool::Sandbox;
use crate::report::CodeReport;

/// Judges responses that hold a program, by running it.
pub struct CodeVerifier {
    sandbox: Arc<Sandbox>,
    language: Language,
}

impl CodeVerifier {
    /// A verifier of programs in `language` that runs them in `sandbox`.
    pub fn new(sandbox: Arc<Sandbox>, language: Language) -> Self {
        CodeVerifier { sandbox, language }
    }

    /// The whole report on a response; `None` when the problem has no tests and no cases.
    pub fn report(&self, problem: &Problem, response: &str) -> Option<(CodeReport, &'static str)> {
        let against = match problem.reference.as_ref()? {
            Reference::Tests(tests) => Against::Tests {
                setup: String::new(),
                tests: tests.clone(),
            },
            Reference::Cases(cases) => Against::Cases(cases.clone()),
            Reference::Answer(_) | Reference::Goal(_) => return None,
        };
        let method = against.method();
        let report = self.sandbox.check_response(response, self.language, against);
        Some((report, method))
    }
}

impl Verifier for CodeVerifier {
    fn name(&self) -> &str {
        "code"
    }

    /// The program, as the response wrote it. Its key is the source without trailing white space and
    /// empty lines: different sources are different answers.
    fn extract(&self, _problem: &Problem, response: &str) -> Option<Answer> {
        let found = extract(response, self.language)?;
        let key: Vec<&str> = found
            .code
            .lines()
            .map(str::trim_end)
            .filter(|l| !l.is_empty())
            .collect();
        Some(Answer {
            text: found.code.trim_end().to_owned(),
            key: Some(key.join("\n")),
            rule: found.rule.to_owned(),
            marked: found.rule == "fence",
        })
    }

    /// Whether two programs are the same source; whether different sources do the same is not decidable.
    fn equivalent(&self, _problem: &Problem, a: &Answer, b: &Answer) -> bool {
        a.key.is_some() && a.key == b.key
    }

    fn judge(&self, problem: &Problem, response: &str) -> Option<Judgement> {
        self.report(problem, response)
            .map(|(report, method)| report.judgement(method))
    }
}
