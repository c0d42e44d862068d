//! Compiling and running a template, with `+` made to pay for the lists it creates.
//!
//! [`minijinja`] charges fuel for what a template creates, with one gap: adding lists is lazy until chains
//! grow deep, then copies their elements free of charge. Doubling a list 33 times, which costs a template
//! some hundred instructions, would so take 2³³ elements of memory. Here the compiled program's additions
//! are replaced by calls of [`plus`], which charges for every element.

use std::sync::Arc;

use minijinja::machinery::{CompiledTemplate, Instruction, Instructions, TemplateConfig};
use minijinja::machinery::{eval, make_string_output};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, State, context};

/// The name of [`plus`] in the environment; no template can define or call a name like it.
pub(super) const PLUS: &str = "+";

/// Renders `source` with `root` as its variables. `env` must have [`plus`] under [`PLUS`].
pub(super) fn run<'env>(
    source: &'env str,
    env: &'env Environment<'env>,
    root: Value,
) -> Result<String, Error> {
    let config = TemplateConfig {
        syntax_config: SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
        default_auto_escape: Arc::new(|_| AutoEscape::None),
    };
    let mut program = CompiledTemplate::new("chat template", source, &config)?;
    replace_additions(&mut program.instructions);
    program.blocks.values_mut().for_each(replace_additions);
    let mut out = String::new();
    eval(
        env,
        &program.instructions,
        root,
        &program.blocks,
        &mut make_string_output(&mut out),
        AutoEscape::None,
    )?;
    Ok(out)
}

fn replace_additions(instructions: &mut Instructions<'_>) {
    let mut at = 0;
    while let Some(instruction) = instructions.get_mut(at) {
        if matches!(instruction, Instruction::Add) {
            *instruction = Instruction::CallFunction(PLUS, Some(2));
        }
        at += 1;
    }
}

/// `left + right`; lists are copied and paid for by element.
pub(super) fn plus(state: &State, left: &Value, right: &Value) -> Result<Value, Error> {
    let is_list = |value: &Value| matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable);
    if !(is_list(left) && is_list(right)) {
        return state
            .env()
            .compile_expression("left + right")?
            .eval(context!(left, right));
    }
    let mut items = Vec::new();
    for item in left.try_iter()?.chain(right.try_iter()?) {
        state.consume_fuel(1)?;
        items.push(item);
    }
    Ok(Value::from(items))
}
