//! Chat templates: how a conversation is written down for a model.
//!
//! A template is a Jinja program that came with the model, so it is not trusted: [`minijinja`] runs it with
//! a budget of instructions and bytes, a recursion limit, and no access to anything but the conversation.
//! What templates in the wild expect beyond plain Jinja is here: Python's string and dictionary methods,
//! `raise_exception`, `strftime_now`, `tojson` as Python writes it, `{% generation %}` marks, and
//! `trim_blocks`/`lstrip_blocks`.
//!
//! [`prompt`] is the whole way from a conversation to tokens; user text cannot become control tokens there
//! (see [`tokenizer`](crate::tokenizer)).

mod json;
mod program;
mod time;

#[cfg(test)]
mod tests;

use std::time::SystemTime;

use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{Environment, Error, ErrorKind};
use serde_json::{Map, Value as Json, json};
use strawberry_core::message::{Message, Role};

use crate::tokenizer::{Special, TokenizeError, Tokenizer};

/// Instructions (and units of 64 bytes of created text) a template may spend, beside one for each four
/// bytes of its input. Real templates use some hundred per message.
const FUEL: u64 = 400_000;
/// Depth of nested calls and expressions.
const RECURSION: usize = 128;
/// Longest template, bytes. The longest known has about 30 000.
const MAX_TEMPLATE: usize = 1 << 18;

/// ChatML, used by Qwen, SmolLM2 and many others.
const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + \
     message.content + '<|im_end|>\\n' }}{% endfor %}\
     {% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/// Llama 2 chat, with the system message inside the first user turn.
const LLAMA2: &str = "{% if messages[0].role == 'system' %}{% set system = '<<SYS>>\\n' + \
     messages[0].content + '\\n<</SYS>>\\n\\n' %}{% set turns = messages[1:] %}{% else %}\
     {% set system = '' %}{% set turns = messages %}{% endif %}{% for message in turns %}\
     {% if message.role == 'assistant' %}{{ ' ' + message.content + ' ' + eos_token }}{% else %}\
     {{ bos_token + '[INST] ' + (system if loop.first else '') + message.content + ' [/INST]' }}\
     {% endif %}{% endfor %}";

/// A conversation cannot be written down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The template is not valid, asks for too much, or fails on this conversation.
    #[error("the model's chat template failed: {0}")]
    Template(String),
    /// The template refuses the conversation, in its own words.
    #[error("the model's chat template does not accept the conversation: {0}")]
    Refused(String),
    /// The text of the conversation cannot be encoded.
    #[error(transparent)]
    Tokenize(#[from] TokenizeError),
}

/// What a model's template does about thinking before the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thinks {
    /// Knows nothing of it.
    Never,
    /// Writes or expects `<think>` blocks.
    Always,
    /// Lets the caller choose (`enable_thinking`).
    Switchable,
}

/// A conversation to write down.
#[derive(Clone, Copy, Debug)]
pub struct Conversation<'a> {
    /// What was said so far.
    pub messages: &'a [Message],
    /// Tools on offer, as OpenAI `tools` objects.
    pub tools: &'a [Json],
    /// Whether the model should speak next.
    pub generate: bool,
    /// `enable_thinking` for templates that know it; `None` leaves their default.
    pub thinking: Option<bool>,
    /// What templates that write today's date take it from (UTC).
    pub now: SystemTime,
}

impl<'a> Conversation<'a> {
    /// `messages`, no tools, the model's turn, default thinking, the current time.
    pub fn new(messages: &'a [Message]) -> Self {
        Conversation {
            messages,
            tools: &[],
            generate: true,
            thinking: None,
            now: SystemTime::now(),
        }
    }
}

/// A conversation in the model's own form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// The text, without guards.
    pub text: String,
    /// The tokens.
    pub tokens: Vec<u32>,
    /// Whether the prompt ends inside a `<think>` block which the template opened, so that the model's
    /// first words are thinking.
    pub opens_thinking: bool,
}

/// A chat template, compiled anew for each use.
#[derive(Clone, Debug)]
pub struct ChatTemplate {
    source: String,
    bos: String,
    eos: String,
}

impl ChatTemplate {
    /// The template `source`, with the texts of the tokens it may write.
    ///
    /// # Errors
    /// When the source is far too long to be a template.
    pub fn new(source: &str, bos: &str, eos: &str) -> Result<Self, TemplateError> {
        if source.len() > MAX_TEMPLATE {
            return Err(TemplateError::Template(format!(
                "it is {} bytes long; the limit is {MAX_TEMPLATE}",
                source.len()
            )));
        }
        // Marks that only training uses; as a condition they keep their white-space control.
        let source = generation_marks(source);
        Ok(ChatTemplate {
            source,
            bos: bos.to_owned(),
            eos: eos.to_owned(),
        })
    }

    /// For a model without a template: ChatML if its vocabulary has `<|im_start|>`, else Llama 2's form.
    pub fn fallback(tokenizer: &Tokenizer) -> Self {
        let chatml = tokenizer.special_id("<|im_start|>").is_some();
        let name = |id: Option<u32>| {
            id.map(|id| String::from_utf8_lossy(tokenizer.token_bytes(id)).into_owned())
                .unwrap_or_default()
        };
        let source = if chatml { CHATML } else { LLAMA2 };
        ChatTemplate {
            source: source.to_owned(),
            bos: name(tokenizer.bos()),
            eos: name(tokenizer.eos()),
        }
    }

    /// The template's text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What the template does about thinking.
    pub fn thinks(&self) -> Thinks {
        if self.source.contains("enable_thinking") {
            Thinks::Switchable
        } else if self.source.contains("think>") {
            Thinks::Always
        } else {
            Thinks::Never
        }
    }

    /// Whether the template knows about tools.
    pub fn knows_tools(&self) -> bool {
        self.source.contains("tools")
    }

    /// Writes the conversation down as text.
    ///
    /// # Errors
    /// [`TemplateError::Refused`] when the template raises an exception, [`TemplateError::Template`] for
    /// everything else that stops it.
    pub fn render(&self, conversation: &Conversation<'_>) -> Result<String, TemplateError> {
        self.run(conversation, &str::to_owned)
    }

    fn run(
        &self,
        conversation: &Conversation<'_>,
        shield: &dyn Fn(&str) -> String,
    ) -> Result<String, TemplateError> {
        let mut context = Map::new();
        let messages: Vec<Json> = conversation.messages.iter().map(|m| message(m, shield)).collect();
        let tools: Vec<Json> = conversation
            .tools
            .iter()
            .map(|tool| shielded(tool, shield))
            .collect();
        context.insert("messages".to_owned(), messages.into());
        if !tools.is_empty() {
            context.insert("tools".to_owned(), tools.into());
        }
        context.insert("add_generation_prompt".to_owned(), conversation.generate.into());
        if let Some(thinking) = conversation.thinking {
            context.insert("enable_thinking".to_owned(), thinking.into());
        }
        context.insert("bos_token".to_owned(), self.bos.clone().into());
        context.insert("eos_token".to_owned(), self.eos.clone().into());
        let context = Json::Object(context);

        let mut env = Environment::new();
        env.set_fuel(Some(FUEL + json::size(&context) as u64 / 4));
        env.set_recursion_limit(RECURSION);
        env.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        env.add_filter("tojson", tojson);
        env.add_function("raise_exception", |message: String| -> Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message).with_source(Raised))
        });
        env.add_function(program::PLUS, program::plus);
        let now = conversation.now;
        env.add_function("strftime_now", move |format: &str| time::strftime(now, format));
        program::run(&self.source, &env, Value::from(Serde(&context))).map_err(describe)
    }
}

/// Marks the error of `raise_exception`.
#[derive(Debug, thiserror::Error)]
#[error("raised by the template")]
struct Raised;

fn describe(error: Error) -> TemplateError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(current) = cause {
        if current.is::<Raised>() {
            return TemplateError::Refused(error.detail().unwrap_or_default().to_owned());
        }
        cause = current.source();
    }
    if error.kind() == ErrorKind::OutOfFuel {
        let what = "it runs too long for a chat template or writes too much";
        return TemplateError::Template(what.to_owned());
    }
    TemplateError::Template(error.to_string())
}

fn tojson(state: &minijinja::State, value: &Value, options: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = options.get("indent")?;
    // Python's other options do not change what chat templates print.
    for name in ["ensure_ascii", "separators", "sort_keys"] {
        let _: Option<Value> = options.get(name)?;
    }
    options.assert_all_used()?;
    let text = json::python(value, indent.map(|n| n.min(16)))
        .map_err(|e| Error::new(ErrorKind::BadSerialization, e.to_string()))?;
    state.consume_fuel(text.len() as u64 / 64)?;
    Ok(Value::from(text))
}

fn generation_marks(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("{%") {
        let (before, tag) = rest.split_at(at + 2);
        out.push_str(before);
        let inner = tag.trim_start_matches(['-', '+']);
        out.push_str(&tag[..tag.len() - inner.len()]);
        let word = inner.trim_start();
        out.push_str(&inner[..inner.len() - word.len()]);
        rest = word;
        for (mark, instead) in [("generation", "if true"), ("endgeneration", "endif")] {
            if let Some(after) = word.strip_prefix(mark)
                && after
                    .trim_start()
                    .trim_start_matches(['-', '+'])
                    .starts_with("%}")
            {
                out.push_str(instead);
                rest = after;
            }
        }
    }
    out + rest
}

/// A message as templates expect it: OpenAI's shape, tool arguments parsed.
fn message(message: &Message, shield: &dyn Fn(&str) -> String) -> Json {
    let mut out = json!({ "role": message.role.as_str(), "content": shield(&message.content) });
    if let Some(thinking) = &message.thinking {
        out["reasoning_content"] = shield(thinking).into();
    }
    if !message.tool_calls.is_empty() {
        let calls = message.tool_calls.iter().map(|call| {
            let arguments = match serde_json::from_str::<Json>(&call.arguments) {
                Ok(object @ Json::Object(_)) => shielded(&object, shield),
                _ => shield(&call.arguments).into(),
            };
            json!({
                "id": shield(&call.id),
                "type": "function",
                "function": { "name": shield(&call.name), "arguments": arguments },
            })
        });
        out["tool_calls"] = calls.collect();
    }
    if let Some(id) = &message.tool_call_id
        && message.role == Role::Tool
    {
        out["tool_call_id"] = shield(id).into();
    }
    out
}

/// `value` with every text and key in it shielded.
fn shielded(value: &Json, shield: &dyn Fn(&str) -> String) -> Json {
    match value {
        Json::String(text) => shield(text).into(),
        Json::Array(list) => list.iter().map(|item| shielded(item, shield)).collect(),
        Json::Object(map) => Json::Object(
            map.iter()
                .map(|(key, item)| (shield(key), shielded(item, shield)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Writes a conversation down and encodes it. Control tokens come from the template alone: their names in
/// messages, tool calls and tool descriptions stay text.
///
/// # Errors
/// Those of [`ChatTemplate::render`] and [`Tokenizer::encode`].
pub fn prompt(
    template: &ChatTemplate,
    tokenizer: &Tokenizer,
    conversation: &Conversation<'_>,
) -> Result<Prompt, TemplateError> {
    let tools: String = conversation.tools.iter().map(Json::to_string).collect();
    let messages = conversation.messages.iter().flat_map(|m| {
        let calls = m.tool_calls.iter().flat_map(|c| [&c.id, &c.name, &c.arguments]);
        [&m.content]
            .into_iter()
            .chain(&m.thinking)
            .chain(&m.tool_call_id)
            .chain(calls)
    });
    // The template's own text counts too, so that a guard is never taken from it.
    let texts = messages
        .map(String::as_str)
        .chain([tools.as_str(), template.source()]);
    let guard = Tokenizer::guard(texts)?;
    let text = template.run(conversation, &|text| tokenizer.shield(text, guard))?;
    let tokens = tokenizer.encode_shielded(&text, guard)?;
    let text = text.replace(guard, "");
    let opens_thinking = conversation.generate && text.trim_end().ends_with("<think>");
    Ok(Prompt {
        text,
        tokens,
        opens_thinking,
    })
}

/// Encodes a text that has no template, such as the start of a document for a base model.
///
/// # Errors
/// Those of [`Tokenizer::encode`].
pub fn raw_prompt(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, TokenizeError> {
    let mut tokens: Vec<u32> = tokenizer
        .bos()
        .filter(|_| tokenizer.add_bos())
        .into_iter()
        .collect();
    tokens.extend(tokenizer.encode(text, Special::AsText)?);
    Ok(tokens)
}
