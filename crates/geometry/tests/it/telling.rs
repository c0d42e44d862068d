//! Words, pictures, pages, and bench files.

use crate::fixtures::{closure_only, problems, run};
use strawberry_geometry::bench;
use strawberry_geometry::proof::certificate::Certificate;
use strawberry_geometry::text::{Language, html, narrate::narrate, svg::Scene};

fn certificate(i: usize) -> Certificate {
    let text = run(&problems()[i], &closure_only()).certificate.expect("proved");
    Certificate::from_jsonl(&text).expect("reads back")
}

#[test]
fn the_story_names_goal_steps_and_reasons() {
    let c = certificate(3);
    let en = narrate(&c, Language::English).to_text();
    assert!(en.contains("To show: X, Y, Z are collinear"), "{en}");
    assert!(
        en.contains("concyclic (equal angles over a chord)") && en.contains("(∎) X, Y, Z are collinear"),
        "{en}"
    );
    let zh = narrate(&c, Language::Chinese).to_text();
    assert!(zh.contains("求证:X、Y、Z 共线") && zh.contains("共圆"), "{zh}");
    // every citation is of something said before
    let n = narrate(&c, Language::English);
    let mut seen: Vec<String> = Vec::new();
    for s in n.facts.iter().chain(&n.steps).chain(&n.end) {
        for cited in s.reason.split('(').skip(1).filter_map(|x| x.split(')').next()) {
            let is_label =
                cited.trim_start_matches('h').chars().all(|d| d.is_ascii_digit()) && !cited.is_empty();
            assert!(
                !is_label || seen.iter().any(|l| l == cited),
                "({}) cites ({cited}) too early",
                s.label
            );
        }
        seen.push(s.label.clone());
    }
}

#[test]
fn pictures_and_pages_are_whole() {
    for i in 0..problems().len() {
        let c = certificate(i);
        let svg = Scene::of(&c).svg(&[]);
        assert_eq!(svg.matches("<text").count(), c.header.points.len());
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("NaN"));
        let page = html::page(&c);
        let steps = page.matches("class=\"step\"").count();
        assert_eq!(
            page.matches("<li data-step=").count(),
            2 * steps,
            "both languages list every step"
        );
        assert!(
            !page.contains("http://") || page.matches("http").count() == page.matches("www.w3.org").count()
        );
    }
}

#[test]
fn names_are_escaped() {
    let mut c = certificate(0);
    c.header.name = "<script>alert(1)</script>".into();
    assert!(!html::page(&c).contains("<script>alert"));
}

#[test]
fn a_bench_goes_on_where_it_stopped() {
    let dir = std::env::temp_dir().join(format!("strawberry-geometry-bench-{}", std::process::id()));
    let text = include_str!("../fixtures/problems.txt");
    let mut count = 0;
    let stop = std::sync::atomic::AtomicUsize::new(0);
    let cancel = || stop.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 60;
    let first = bench(text, &closure_only(), &dir, &mut |_| count += 1, &cancel).expect("runs");
    assert!(
        count < problems().len() && first.rows.len() == count,
        "stopped early"
    );
    let mut more = 0;
    let all = bench(text, &closure_only(), &dir, &mut |_| more += 1, &|| false).expect("runs");
    assert_eq!(count + more, problems().len());
    assert_eq!((all.proved, all.total), (problems().len(), problems().len()));
    assert_eq!(
        std::fs::read_dir(dir.join("certificates"))
            .expect("folder")
            .count(),
        problems().len()
    );
    std::fs::remove_dir_all(&dir).expect("removed");
}

#[test]
fn a_statement_can_be_drawn_without_a_proof() {
    let p = &problems()[3];
    let drawn = strawberry_geometry::picture(p, 1).expect("drawable");
    assert_eq!((drawn.xy.len(), drawn.goals_hold), (p.points.len(), vec![true]));
    assert!(
        drawn.svg.contains("<circle class=\"c\""),
        "the circumcircle is drawn"
    );
}
