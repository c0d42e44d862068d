use strawberry_synth::families;
use strawberry_synth::item::Item;
use strawberry_synth::record::{Record, Style};
use strawberry_synth::rng::Rng;

fn show(item: &Item) -> String {
    let mut out = format!("{}\n", item.question);
    for step in &item.steps {
        out.push_str(&format!("  {}\n", step.marked));
    }
    if !item.reason.is_empty() {
        out.push_str(&format!("  {}\n", item.reason));
    }
    out.push_str(&format!("#### {}\n", item.answer));
    out
}

/// One problem of each family: changes to generators show here.
#[test]
fn one_problem_of_each_family() {
    let all: Vec<String> = families::all()
        .iter()
        .map(|f| format!("[{}]\n{}", f.name(), show(&f.generate(&mut Rng::new(1), 3))))
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}

/// The record's form.
#[test]
fn the_form_of_a_record() {
    let item = families::find("average").unwrap().generate(&mut Rng::new(4), 2);
    let record = Record::from_item(item, "average", 2, 4, Style::Marked);
    insta::assert_json_snapshot!(record);
}
