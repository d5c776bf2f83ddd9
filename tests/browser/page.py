#!/usr/bin/env python3
"""The report's page in a real browser: clicks, sorts, unfolds, measures and takes pictures.

    tests/browser/page.py PAGE.html… [--shots DIR] [--browser chromium]

Needs Python 3 and Chromium and nothing else: the browser is spoken to through its DevTools pipe. Ends with
exit code 77 where there is no browser.
"""

import argparse
import base64
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--remote-debugging-pipe"]
# Letter in landscape within its margins of 12 mm, the narrower of the usual papers, in pixels.
PAPER = 960
SCREENS = [(390, 844, True), (1280, 900, False)]

# Sorts every table by every column, both ways, and says what is wrong.
SORT = """(() => {
  const wrong = [];
  let sorted = 0, numbers = 0;
  document.querySelectorAll("details").forEach(fold => fold.open = true);
  for (const table of document.querySelectorAll("table.sortable")) {
    const rows = () => [...table.tBodies[0].rows];
    const before = rows().map(row => row.textContent).sort().join("|");
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      for (let click = 0; click < 2; click++) {
        head.querySelector("button").click();
        const way = head.getAttribute("aria-sort");
        const cells = rows().map(row => row.cells[column]);
        const filled = cells.filter(cell => cell.textContent.trim() !== "");
        if (cells.slice(0, filled.length).some(cell => cell.textContent.trim() === ""))
          wrong.push(`${head.textContent}: an empty cell is not last`);
        // By what is shown, not by what the page's own script looks at.
        const shown = filled.map(cell => cell.textContent.trim().replace(/^[~▸]/, ""));
        const number = shown.map(text => /^[-+]?[0-9.]+(e-?[0-9]+)?/.exec(text)).map(m => m && Number(m[0]));
        const numeric = filled.length > 0 && filled.every(cell => cell.dataset.v !== undefined);
        if (numeric && number.some(x => x === null || Number.isNaN(x)))
          wrong.push(`${head.textContent}: a number that is none`);
        const order = numeric
          ? (i) => number[i] - number[i + 1]
          : (i) => shown[i].localeCompare(shown[i + 1]);
        for (let i = 0; i + 1 < shown.length; i++)
          if (way === "ascending" ? order(i) > 1e-12 : order(i) < -1e-12)
            wrong.push(`${head.textContent} ${way}: ${shown[i]} before ${shown[i + 1]}`);
        if (way !== "ascending" && way !== "descending") wrong.push(`${head.textContent}: not said to be sorted`);
        if (click === 1 && way === head.dataset.first) wrong.push(`${head.textContent}: not turned round`);
        head.dataset.first = way;
        if (document.querySelectorAll("[aria-sort]").length < 1) wrong.push("no arrow");
        sorted++;
        numbers += numeric;
      }
    });
    if (rows().map(row => row.textContent).sort().join("|") !== before) wrong.push("rows were lost");
  }
  return { wrong, sorted, numbers };
})()"""

# Closes every fold, opens the first variant's with a click on its summary, looks what can be seen.
UNFOLD = """(() => {
  document.querySelectorAll("details").forEach(fold => fold.open = false);
  const fold = [...document.querySelectorAll("details")].find(fold => fold.querySelector("pre"));
  const pre = fold.querySelector("pre");
  const seen = () => pre.checkVisibility() && pre.getBoundingClientRect().height > 50;
  const closed = seen();
  fold.querySelector("summary").click();
  return { closed, open: seen(), spec: pre.textContent, runs: fold.querySelectorAll("tbody tr").length,
           command: fold.textContent.includes("plasticity-bench run") };
})()"""

WIDTHS = """({ page: document.documentElement.scrollWidth, screen: window.innerWidth,
  widest: [...document.querySelectorAll("body *")].filter(e => !e.closest(".scroll, pre, nav.scroll"))
    .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1).map(e => e.tagName + "." + e.className)
    .slice(0, 5) })"""

BEYOND = """[...document.querySelectorAll("body *")]
  .filter(e => e.checkVisibility() && e.getBoundingClientRect().right > window.innerWidth + 1)
  .map(e => `${e.tagName}.${e.className} ${e.textContent.slice(0, 40)}`).slice(0, 5)"""

CONTRAST = """(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = colour => {
    canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
      .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = light(getComputedStyle(document.body).backgroundColor);
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const ink = e => light(e.closest("svg") ? getComputedStyle(e).fill : getComputedStyle(e).color);
  const inside = (e, rect) => {
    const [a, b] = [e.getBoundingClientRect(), rect.getBoundingClientRect()];
    const [x, y] = [(a.left + a.right) / 2, (a.top + a.bottom) / 2];
    return b.left < x && x < b.right && b.top < y && y < b.bottom;
  };
  const against = e => {
    // Figures stand on the cells of a matrix.
    const cell = [...e.closest("svg")?.querySelectorAll("rect") ?? []].findLast(rect => inside(e, rect));
    return ratio(ink(e), cell ? light(getComputedStyle(cell).fill) : ground);
  };
  const least = selector => Math.min(...[...document.querySelectorAll(selector)].slice(0, 2000)
    .filter(e => e.checkVisibility()).map(against));
  return { ground, least: least("p, td, th button, small, a, .note, figcaption, summary"),
           drawn: least("svg text") };
})()"""


# What a benchmark opens with: its sentence, its figure, its table, in this order.
ORDER = """(() => [...document.querySelectorAll("section[id^=b]")].map(section => {
  const kinds = [...section.children].map(e => e.matches("p.lead") ? "lead" : e.matches("figure") ? "figure"
    : e.querySelector("table") && e.matches(".scroll") ? "table" : "");
  const lead = section.querySelector("p.lead")?.textContent ?? "";
  return { name: section.querySelector("h2").textContent, order: kinds.filter(kind => kind).slice(0, 3), lead };
}))()"""

# Switches the first line of every figure off and on again by its name.
SWITCH = """(() => {
  const wrong = [];
  let switched = 0;
  document.querySelectorAll("details").forEach(fold => fold.open = true);
  for (const svg of document.querySelectorAll("figure svg")) {
    const key = svg.querySelector("g.key");
    if (!key || !svg.querySelector("g.series")) continue;
    const name = key.dataset.name;
    const own = [...svg.querySelectorAll("g.series, g.band")].filter(g => g.dataset.name === name);
    const others = [...svg.querySelectorAll("g.series")].filter(g => g.dataset.name !== name);
    const seen = group => getComputedStyle(group).display !== "none";
    const click = () => key.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    const press = () => key.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    if (!own.length) { wrong.push(`${name}: a key without a line`); continue; }
    if (!own.every(seen)) wrong.push(`${name}: not seen at first`);
    click();
    if (own.some(seen) || key.getAttribute("aria-pressed") !== "false") wrong.push(`${name}: not off`);
    if (!others.every(seen)) wrong.push(`${name}: switched others off too`);
    press();
    if (!own.every(seen) || key.getAttribute("aria-pressed") !== "true") wrong.push(`${name}: not on again`);
    switched++;
  }
  return { wrong, switched };
})()"""

# Points at a point of the first figure's first line.
POINT = """(() => {
  const svg = [...document.querySelectorAll("figure svg")].find(svg => svg.querySelector("g.series"));
  const group = svg.querySelector("g.series");
  const [px, py, x, y, ...rest] = group.dataset.p.split(";")[0].split(",");
  svg.scrollIntoView({ block: "center" });
  const at = new DOMPoint(px, py).matrixTransform(svg.getScreenCTM());
  svg.dispatchEvent(new PointerEvent("pointermove", { clientX: at.x, clientY: at.y, bubbles: true }));
  const tip = svg.closest("figure").querySelector(".tip");
  const shown = { seen: tip.checkVisibility(), text: tip.textContent };
  svg.dispatchEvent(new PointerEvent("pointerleave"));
  return { ...shown, gone: !tip.checkVisibility(), x, y, n: rest.length % 2 ? rest.at(-1) : "",
           low: rest.length > 1 ? rest[0] : "", names: [...svg.querySelectorAll("g.series")].map(g => g.dataset.name) };
})()"""

# Scrolls the widest table to its end: where its first column is then.
STAYS = """(() => {
  const boxes = [...document.querySelectorAll(".scroll")].filter(box => box.querySelector("table"));
  const box = boxes.reduce((a, b) => b.scrollWidth - b.clientWidth > a.scrollWidth - a.clientWidth ? b : a);
  const cell = box.querySelector("tbody td");
  box.scrollLeft = 1e6;
  const moved = box.scrollLeft;
  const off = cell.getBoundingClientRect().left - box.getBoundingClientRect().left;
  box.scrollLeft = 0;
  return { moved, off };
})()"""


class Browser:
    """One page of a headless browser, over its DevTools pipe: messages of JSON that end in a zero byte."""

    def __init__(self, program, profile):
        commands, self.to = os.pipe()
        self.back, answers = os.pipe()
        # The browser reads its third descriptor and writes its fourth.
        shell = f'exec "$0" "$@" 3<&{commands} 4>&{answers}'
        self.process = subprocess.Popen(
            ["bash", "-c", shell, program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(commands, answers), stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(answers)
        self.buffer, self.ids, self.events, self.session = b"", itertools.count(1), [], None
        target = next(t for t in self.ask("Target.getTargets")["targetInfos"] if t["type"] == "page")
        attached = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log", "DOM"):
            self.ask(f"{domain}.enable")

    def hear(self):
        while b"\0" not in self.buffer:
            more = os.read(self.back, 1 << 16)
            assert more, "the browser ended"
            self.buffer += more
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, **parameters):
        number = next(self.ids)
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        left = json.dumps(message).encode() + b"\0"
        while left:
            left = left[os.write(self.to, left):]
        while True:
            answer = self.hear()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def open(self, url):
        self.events.clear()
        self.ask("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.hear())

    def run(self, script):
        result = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def picture(self, path, whole):
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        self.session = None
        self.ask("Browser.close")
        self.process.wait(30)


def check(browser, page, shots):
    url = page.resolve().as_uri()
    for (width, height, mobile), scheme in itertools.product(SCREENS, ("light", "dark")):
        at = f"{page} at {width} px, {scheme}"
        browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                    deviceScaleFactor=2 if mobile else 1, mobile=mobile)
        browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        browser.open(url)
        if shots:
            browser.picture(shots / f"{page.parent.name}-{width}-{scheme}.png", whole=not mobile)
        widths = browser.run(WIDTHS)
        assert widths["screen"] == width and widths["page"] <= width, f"{at}: wider than the screen: {widths}"
        contrast = browser.run(CONTRAST)
        assert (contrast["ground"] < 0.05) == (scheme == "dark"), f"{at}: {contrast}"
        assert contrast["least"] >= 4.5, f"{at}: text too faint to read: {contrast}"
        assert contrast["drawn"] >= 3, f"{at}: text too faint to read in a plot: {contrast}"
        for section in browser.run(ORDER):
            known = (["lead", "figure", "table"], ["lead", "table"])
            assert section["order"] == known[0] or section["order"][:2] == known[1], f"{at}: {section}"
            assert section["lead"].endswith("."), f"{at}: {section}"
        if mobile:
            stays = browser.run(STAYS)
            assert stays["moved"] == 0 or abs(stays["off"]) < 2, f"{at}: the first column goes away: {stays}"
        fold = browser.run(UNFOLD)
        assert not fold["closed"] and fold["open"] and fold["runs"] > 0, f"{at}: the fold: {fold}"
        assert "seeds = [" in fold["spec"] and fold["command"], f"{at}: no spec under the variant"
        if shots:
            browser.run("[...document.querySelectorAll('details[open]')].at(-1).scrollIntoView()")
            browser.picture(shots / f"{page.parent.name}-{width}-{scheme}-open.png", whole=False)
        sort = browser.run(SORT)
        assert sort["sorted"] > 0 and sort["numbers"] > 0, f"{at}: nothing was sorted"
        assert not sort["wrong"], f"{at}: " + "; ".join(sort["wrong"][:5])
        switch = browser.run(SWITCH)
        assert switch["switched"] > 0 and not switch["wrong"], f"{at}: {switch}"
        point = browser.run(POINT)
        assert point["seen"] and point["gone"], f"{at}: no words at a point, or they stay: {point}"
        told = [point["names"], point["x"], point["y"], point["low"], point["n"] and f"n = {point['n']}"]
        assert any(name in point["text"] for name in told[0]), f"{at}: {point}"
        assert all(word in point["text"] for word in told[1:]), f"{at}: {point}"
        widths = browser.run(WIDTHS)
        assert widths["page"] <= width, f"{at}: wider than the screen when unfolded: {widths}"
        asked = [e["params"]["request"]["url"] for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
        assert asked == [url], f"{at}: requests {asked}"
        bad = [e for e in browser.events if e.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded")]
        assert not bad, f"{at}: {bad}"
    # On paper nothing can be scrolled: everything has to fit.
    browser.ask("Emulation.setDeviceMetricsOverride", width=PAPER, height=700, deviceScaleFactor=1, mobile=False)
    browser.ask("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    browser.open(url)
    if shots:
        browser.picture(shots / f"{page.parent.name}-print.png", whole=True)
        paper = browser.ask("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        (shots / f"{page.parent.name}.pdf").write_bytes(base64.b64decode(paper["data"]))
    browser.run("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    beyond = browser.run(BEYOND)
    assert not beyond, f"{page} on paper: beyond its edge: {beyond}"
    assert browser.run(CONTRAST)["ground"] > 0.95, f"{page}: paper is white"
    browser.ask("Emulation.setEmulatedMedia", media="", features=[])
    # Without scripts the figures and tables are there as on paper.
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(url)
    plain = browser.ask("DOM.getDocument", depth=0)["root"]["nodeId"]
    there = lambda what: browser.ask("DOM.querySelectorAll", nodeId=plain, selector=what)["nodeIds"]
    assert there("figure svg g.series") and there("table") and not there(".tip"), f"{page}: without scripts"
    browser.ask("Emulation.setScriptExecutionDisabled", value=False)
    print(f"{page}: {sort['sorted']} sorts of {sort['numbers']} columns of numbers and others, "
          f"{switch['switched']} lines switched, {len(SCREENS)} widths, light and dark, no request")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    parser.add_argument("--shots", type=pathlib.Path)
    parser.add_argument("--browser")
    args = parser.parse_args()
    names = [args.browser] if args.browser else ["chromium", "chromium-browser", "google-chrome"]
    program = next(filter(None, map(shutil.which, names)), None)
    if not program:
        print(f"skipped: none of {', '.join(names)} is here")
        sys.exit(77)
    if args.shots:
        args.shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(program, profile)
        try:
            for page in args.pages:
                check(browser, page, args.shots)
        finally:
            browser.close()


if __name__ == "__main__":
    main()
