use std::fs;

use strawberry_synth::convert::{gsm8k, svamp};
use strawberry_synth::item::step_holds;
use strawberry_synth::record::{Record, Style};

#[test]
fn gsm8k_rows_become_records_and_bad_ones_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("train.jsonl");
    let rows = [
        r#"{"question": "A shop sells 4 lamps a day. How many in 5 days, and how many more to 30?", "answer": "It sells 4*5 = <<4*5=20>>20 lamps.\nThen 30-20 = <<30-20=10>>10 more.\n#### 10"}"#,
        r#"{"question": "Trust me?", "answer": "Yes.\n#### 1"}"#,
        r#"{"question": "Wrong sum?", "answer": "So <<2+2=5>>5.\n#### 5"}"#,
    ];
    fs::write(&path, rows.join("\n")).unwrap();
    let mut all: Vec<Record> = Vec::new();
    let report = gsm8k::convert(&path, Style::Marked, &mut |r| {
        all.push(r);
        Ok(())
    })
    .unwrap();
    assert_eq!((report.read, report.kept, report.dropped.len()), (3, 1, 2));
    assert_eq!(
        all[0].completion,
        "It sells <<4*5=20>>20 lamps.\nThen <<30-20=10>>10 more.\n#### 10"
    );
    assert_eq!(all[0].steps.len(), 2);
    fs::write(&path, "{\"question\": \"a\", \"answer\": \"b\"}\n").unwrap();
    let error = gsm8k::convert(&path, Style::Marked, &mut |_| Ok(()))
        .unwrap_err()
        .to_string();
    assert!(error.contains("line 1") && error.contains("####"), "{error}");
}

#[test]
fn svamp_rows_get_their_numbers_back_and_new_ones() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("train.csv");
    let csv = "Question,Numbers,Equation,Answer,group_nums,Body,Ques\n\
        \"Ann 's box holds number0 pens . She adds number1 packs of number2 , and lends number3 . How many pens are there ?\",3.0 4.0 5.0 6.0,- + number0 * number1 number2 number3,17.0,[],,\n\
        \"Ann has number0 pens .\",3.0,+ number0 number9,3.0,[],,\n\
        \"Ann has number0 pens and number1 caps .\",3.0 4.0,+ number0 number1,9.0,[],,\n";
    fs::write(&path, csv).unwrap();
    let convert = |seed| {
        let mut all: Vec<Record> = Vec::new();
        let report = svamp::convert(&path, Style::Marked, 3, seed, &mut |r| {
            all.push(r);
            Ok(())
        })
        .unwrap();
        (all, report)
    };
    let (all, report) = convert(1);
    assert_eq!((report.read, report.dropped.values().sum::<usize>()), (3, 2));
    assert_eq!(
        all[0].question(),
        "Ann's box holds 3 pens. She adds 4 packs of 5, and lends 6. How many pens are there?"
    );
    assert_eq!(
        all[0].completion,
        "<<4*5=20>>20\n<<3+20=23>>23\n<<23-6=17>>17\n#### 17"
    );
    assert_eq!(all.len(), 4);
    for r in &all {
        assert!(r.steps.iter().all(|s| step_holds(&s.expr, &s.value)));
        assert_eq!(r.steps.last().unwrap().value, r.answer);
    }
    assert_ne!(all[1].question(), all[0].question());
    assert_eq!(convert(1).0, all);
}
