//! One self-contained page that walks through a proof: figure on the left, numbered steps on the right, the
//! chosen step highlighted in the figure; arrow keys move; English and Chinese.

use super::Language;
use super::narrate::{Narration, narrate};
use super::svg::{Overlay, Scene, escape};
use super::words::point;
use crate::proof::certificate::Certificate;
use std::fmt::Write as _;

/// The page.
pub fn page(c: &Certificate) -> String {
    let en = narrate(c, Language::English);
    let zh = narrate(c, Language::Chinese);
    let all = |n: &Narration| -> Vec<_> { n.facts.iter().chain(&n.steps).chain(&n.end).cloned().collect() };
    let sentences = all(&en);
    let overlays: Vec<_> = sentences
        .iter()
        .enumerate()
        .map(|(i, s)| Overlay {
            id: format!("s{i}"),
            points: s.points.clone(),
            segments: s.segments.clone(),
        })
        .collect();
    let svg = Scene::of(c).svg(&overlays);
    let mut list = String::new();
    for (n, lang) in [(&en, "en"), (&zh, "zh")] {
        let (given, show, aux, proof) = match lang {
            "en" => ("Given", "To show", "Auxiliary point", "Proof"),
            _ => ("已知", "求证", "辅助点", "证明"),
        };
        let _ = write!(
            list,
            "<div class=\"text\" lang=\"{lang}\"><h2>{given}</h2><p>{}</p>",
            escape(&n.given.join("; "))
        );
        let _ = write!(list, "<h2>{show}</h2><p>{}</p>", escape(&n.goals.join("; ")));
        for (name, words) in &n.auxiliary {
            let _ = write!(
                list,
                "<p><b>{aux} {}</b>: {}</p>",
                escape(&point(name)),
                escape(words)
            );
        }
        let _ = write!(list, "<h2>{proof}</h2><ol>");
        for (i, s) in all(n).iter().enumerate() {
            let _ = write!(
                list,
                "<li data-step=\"{i}\" tabindex=\"0\"><b>({})</b> {} <span>{}</span></li>",
                escape(&s.label),
                escape(&s.claim),
                escape(&s.reason)
            );
        }
        list.push_str("</ol></div>");
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>{title}</title><style>{CSS}</style></head><body>\
         <header><h1>{title}</h1><nav><button id=\"back\" aria-label=\"previous step\">←</button>\
         <output id=\"where\" aria-live=\"polite\"></output><button id=\"next\" aria-label=\"next step\">→</button>\
         <button id=\"lang\">中文</button></nav></header><main><figure>{svg}</figure><section>{list}</section></main>\
         <script>{SCRIPT}</script></body></html>\n",
        title = escape(&c.header.name)
    )
}

const CSS: &str = "body{margin:0;font:16px/1.45 system-ui,sans-serif;color:#112;background:#fff}\
header{display:flex;justify-content:space-between;align-items:center;gap:1em;padding:.5em 1em;border-bottom:1px solid #ccd}\
h1{font-size:1.1em;margin:0}h2{font-size:1em;margin:.8em 0 .2em}nav{display:flex;gap:.5em;align-items:center}\
button{font:inherit;padding:.2em .8em}main{display:grid;grid-template-columns:minmax(280px,1fr) minmax(280px,1fr);gap:1em;padding:1em}\
figure{margin:0;position:sticky;top:0;align-self:start}svg{width:100%;height:auto}.step{display:none}.step.on{display:inline}\
ol{list-style:none;padding:0}li{padding:.3em .5em;border-left:4px solid transparent;cursor:pointer}\
li.on{background:#fff3e6;border-color:#d60}li span{color:#556;display:block;font-size:.9em}\
.text[lang=zh]{display:none}body.zh .text[lang=zh]{display:block}body.zh .text[lang=en]{display:none}\
@media(max-width:700px){main{grid-template-columns:1fr}}";

const SCRIPT: &str = "const total=document.querySelectorAll('.text[lang=en] li').length;let at=-1;\
function go(i){at=Math.max(0,Math.min(total-1,i));\
document.querySelectorAll('.step').forEach(g=>g.classList.toggle('on',g.id==='s'+at));\
document.querySelectorAll('li').forEach(l=>{const on=+l.dataset.step===at;l.classList.toggle('on',on);\
if(on&&l.offsetParent)l.scrollIntoView({block:'nearest'})});\
document.getElementById('where').textContent=(at+1)+' / '+total}\
document.querySelectorAll('li').forEach(l=>{l.onclick=()=>go(+l.dataset.step);l.onfocus=l.onclick});\
document.getElementById('back').onclick=()=>go(at-1);document.getElementById('next').onclick=()=>go(at+1);\
document.getElementById('lang').onclick=e=>{const zh=document.body.classList.toggle('zh');\
document.documentElement.lang=zh?'zh':'en';e.target.textContent=zh?'English':'中文'};\
document.onkeydown=e=>{if(e.key==='ArrowRight'||e.key==='ArrowDown'){go(at+1);e.preventDefault()}\
if(e.key==='ArrowLeft'||e.key==='ArrowUp'){go(at-1);e.preventDefault()}};go(0);";
