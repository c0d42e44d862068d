//! Reading tables.

use crate::facts;
use crate::families::{Simple, join, nouns, people, say};
use crate::item::{Check, Item, ReadFacts, Steps};
use crate::rational::int;
use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[Simple {
    name: "table",
    about: "reading, adding and comparing entries of a small table",
    generate: table,
    resolve: table_again,
}];

fn table(rng: &mut Rng, difficulty: u8) -> Item {
    let rows = 2 + usize::from(difficulty.clamp(1, 5)) / 2;
    let columns = 2 + usize::from(difficulty.clamp(1, 5)) / 3;
    let names = people(rng, rows);
    let list = *rng.pick(&["fruit", "toy", "treat", "school", "flower", "card"]);
    let heads: Vec<String> = nouns(rng, list, columns).into_iter().map(|n| n.1).collect();
    let cells: Vec<Vec<i64>> = (0..rows)
        .map(|_| {
            (0..columns)
                .map(|_| rng.range(1, 20 * i64::from(difficulty)))
                .collect()
        })
        .collect();
    let mut text = format!(
        "| name | {} |\n|---|{}\n",
        heads.join(" | "),
        "---|".repeat(columns)
    );
    for (name, row) in names.iter().zip(&cells) {
        text.push_str(&format!("| {name} | {} |\n", join(row, " | ")));
    }
    if rng.chance(40) {
        text = format!("name, {}\n", heads.join(", "));
        for (name, row) in names.iter().zip(&cells) {
            text.push_str(&format!("{name}, {}\n", join(row, ", ")));
        }
    }
    let (r, c) = (rng.below(rows), rng.below(columns));
    let other = (r + 1) % rows;
    let kind = if difficulty == 1 {
        rng.below(2)
    } else {
        rng.below(5)
    };
    let mut steps = Steps::new();
    let fills = [
        ("t", text.clone()),
        ("n", names[r].clone()),
        ("m", names[other].clone()),
        ("h", heads[c].clone()),
    ];
    let column: Vec<i64> = cells.iter().map(|row| row[c]).collect();
    let facts = facts! { "cells" => cells, "row" => r, "column" => c, "other" => other, "kind" => kind, "names" => names };
    let (wordings, value): (&[&str], _) = match kind {
        0 => {
            steps.note(format!("Row {}, column {}: {}", names[r], heads[c], cells[r][c]));
            (
                &[
                    "{t}\nHow many {h} does {n} have?",
                    "According to the table, how many {h} does {n} have?\n\n{t}",
                ],
                int(cells[r][c]),
            )
        }
        1 => (
            &[
                "{t}\nHow many {h} are there in all?",
                "Add up the column {h} of this table:\n\n{t}",
            ],
            steps.calc("Total", join(&column, "+")),
        ),
        2 => (
            &[
                "{t}\nHow many things does {n} have in all?",
                "What is the sum of the row of {n}?\n\n{t}",
            ],
            steps.calc("Total", join(&cells[r], "+")),
        ),
        3 => {
            let (a, b) = (cells[r][c].max(cells[other][c]), cells[r][c].min(cells[other][c]));
            (
                &[
                    "{t}\nBy how many do {n} and {m} differ in {h}?",
                    "What is the difference between the numbers of {h} of {n} and {m}?\n\n{t}",
                ],
                steps.calc("Difference", format!("{a}-{b}")),
            )
        }
        _ => {
            let most = column.iter().max().copied().unwrap_or(0);
            let winners: Vec<usize> = (0..rows).filter(|i| column[*i] == most).collect();
            if winners.len() > 1 {
                return table(rng, difficulty);
            }
            steps.note(format!("The largest number of {} is {most}.", heads[c]));
            let question = say(
                rng,
                &[
                    "{t}\nWho has the most {h}?",
                    "In the following table, who has the most {h}?\n\n{t}",
                ],
                &fills,
            );
            return Item::new(
                "table",
                question,
                steps,
                names[winners[0]].clone(),
                Check::Text,
                facts,
            )
            .needing(column);
        }
    };
    let question = say(rng, wordings, &fills);
    Item::number("table", question, steps, value, facts).needing(column)
}

fn table_again(item: &Item) -> Option<String> {
    let f = &item.facts;
    let cells = f.rows("cells")?;
    let index = |n: &str| f.int(n).and_then(|i| usize::try_from(i).ok());
    let (r, c, other) = (index("row")?, index("column")?, index("other")?);
    let mut total = 0;
    Some(match f.int("kind")? {
        0 => cells[r][c].to_string(),
        1 => {
            for row in cells.iter().rev() {
                total += row[c];
            }
            total.to_string()
        }
        2 => {
            for cell in cells[r].iter().rev() {
                total += cell;
            }
            total.to_string()
        }
        3 => (cells[r][c] - cells[other][c]).abs().to_string(),
        _ => {
            let names = f.texts("names")?;
            let at =
                (0..cells.len()).find(|i| (0..cells.len()).all(|j| j == *i || cells[j][c] < cells[*i][c]))?;
            names[at].clone()
        }
    })
}
