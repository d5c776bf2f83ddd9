//! Many lines once more, in small panels: one for each constraint, with all other lines in grey behind.

use super::chart::{Chart, Content, FEW, Panel, Series};
use super::style::Style;
use crate::spec::{Plan, Value};

/// What the lines of other panels are called.
const OTHERS: &str = "all other variants";

/// The panel that a run's line belongs to.
pub fn group(plan: &Plan) -> String {
    match plan.activation.get("constraint") {
        Some(Value::Choice(constraint)) if constraint.name == "none" => "no constraint".to_owned(),
        Some(Value::Choice(constraint)) => constraint.name.clone(),
        _ => "fixed shapes".to_owned(),
    }
}

/// A panel for each of `groups`, of which there is one for each line of the chart; `None` where there are few
/// lines or one group.
pub fn by_constraint(chart: &Chart, groups: &[String]) -> Option<Chart> {
    let [whole] = chart.panels.as_slice() else { return None };
    let lines = whole.series();
    assert_eq!(lines.len(), groups.len(), "a group a line");
    let mut names: Vec<&String> = groups.iter().collect();
    names.sort();
    names.dedup();
    if lines.len() <= FEW || names.len() < 2 {
        return None;
    }
    // Without markers.
    let behind = |line: &Series| Series {
        marked: Some(0..0),
        ..Series::line(OTHERS, Style::behind(), line.points.clone())
    };
    let panel = |name: &String| {
        let (own, others): (Vec<_>, Vec<_>) = lines.iter().zip(groups).partition(|(_, group)| *group == name);
        let series = others.into_iter().map(|(line, _)| behind(line));
        let series = series.chain(own.into_iter().map(|(line, _)| line.clone())).collect();
        Panel { title: name.clone(), content: Content::Series(series), ..whole.clone() }
    };
    Some(Chart {
        file: format!("{}-by-constraint", chart.file),
        title: format!("{}, by constraint", chart.title),
        minor: true,
        ends: false,
        panels: names.into_iter().map(panel).collect(),
        ..chart.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(lines: usize) -> Chart {
        let line = |i: usize| Series::line(&format!("v{i}"), Style::of(i), vec![(0.0, i as f64), (1.0, 0.5)]);
        Chart {
            file: "f".into(),
            title: "T".into(),
            caption: String::new(),
            benchmark: Some(0),
            minor: false,
            ends: true,
            panels: vec![Panel::new("", "task", "y", (0..lines).map(line).collect())],
        }
    }

    #[test]
    fn every_line_is_its_own_in_one_panel_and_grey_in_the_others() {
        let groups: Vec<String> = (0..8).map(|i| if i < 3 { "a" } else { "b" }.to_owned()).collect();
        let small = by_constraint(&chart(8), &groups).unwrap();
        assert_eq!(small.panels.iter().map(|p| p.title.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        for panel in &small.panels {
            let own = panel.series().iter().filter(|s| s.label != OTHERS).count();
            assert_eq!((own, panel.series().len()), (if panel.title == "a" { 3 } else { 5 }, 8));
            // Its own are drawn last.
            assert_ne!(panel.series()[7].label, OTHERS);
        }
        // The colours are those of the large chart.
        assert_eq!(small.panels[1].series()[7].style, Style::of(7));
        assert_eq!(small.legend().len(), 9);
    }

    #[test]
    fn few_lines_or_one_group_stay_one_panel() {
        let groups = |n: usize| vec!["a".to_owned(); n];
        assert_eq!(by_constraint(&chart(8), &groups(8)), None);
        let two = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(by_constraint(&chart(2), &two), None);
    }
}
