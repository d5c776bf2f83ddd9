//! A chart within the page.

use crate::report::plots::{Chart, grouped_svg};
use crate::report::tables::escape;

/// The chart as inline SVG that takes the page's colours and width.
pub fn figure(chart: &Chart) -> anyhow::Result<String> {
    Ok(format!(
        "<figure><div class=\"scroll\">{}</div><figcaption>{} <small>Files: plots/{}.svg, .png</small>\
         </figcaption></figure>\n",
        themed(&grouped_svg(chart)?, &chart.title),
        escape(&chart.caption),
        escape(&chart.file)
    ))
}

/// What the drawing wrote for paper, for the page: ink becomes the text's colour and the ground none.
fn themed(svg: &str, title: &str) -> String {
    let (head, body) = svg.split_once('>').unwrap_or(("<svg", svg));
    let size = |key: &str| {
        let value = head.split_once(&format!(" {key}=\""))?.1;
        Some(value.split_once('"')?.0.to_owned())
    };
    let (width, height) = (size("width").unwrap_or_default(), size("height").unwrap_or_default());
    let wide = width.parse::<u32>().unwrap_or(800);
    let ground = body.find("<rect").and_then(|begin| {
        let end = begin + body[begin..].find("/>")? + 2;
        // The first rectangle is the ground of the whole picture.
        Some(format!("{}{}", &body[..begin], &body[end..]))
    });
    let body = ground.unwrap_or_else(|| body.to_owned());
    let body = body.replace("#222222", "currentColor").replace("#E1E1E1", "var(--grid)");
    let body = body.replace("#FEFEFE", "var(--ground)");
    format!(
        "<svg role=\"figure\" aria-label=\"{}\" viewBox=\"0 0 {width} {height}\" style=\"max-width:{}px;min-width:{}px\">{body}",
        escape(title),
        // Narrower, and its text could not be read: phones scroll instead.
        wide * 5 / 4,
        wide * 4 / 5
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ground_goes_and_ink_follows_the_page() {
        let drawn = "<svg width=\"20\" height=\"10\" viewBox=\"0 0 20 10\">\n<rect x=\"0\" fill=\"#FFFFFF\"/>\n\
                     <text fill=\"#222222\">a</text><rect fill=\"#123456\"/><circle fill=\"#FEFEFE\"/></svg>";
        let page = themed(drawn, "\"x\"");
        assert!(!page.contains("#FFFFFF") && page.contains("fill=\"currentColor\""), "{page}");
        assert!(page.contains("<circle fill=\"var(--ground)\"/>"), "hollow markers: {page}");
        assert!(page.contains("#123456") && page.contains("aria-label=\"&quot;x&quot;\""), "{page}");
        assert!(page.contains("viewBox=\"0 0 20 10\" style=\"max-width:25px;min-width:16px\">"), "{page}");
    }
}
