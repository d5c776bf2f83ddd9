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
        for domain in ("Page", "Network", "Runtime", "Log"):
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
        return result["result"]["value"]

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
        fold = browser.run(UNFOLD)
        assert not fold["closed"] and fold["open"] and fold["runs"] > 0, f"{at}: the fold: {fold}"
        assert "seeds = [" in fold["spec"] and fold["command"], f"{at}: no spec under the variant"
        if shots:
            browser.run("[...document.querySelectorAll('details[open]')].at(-1).scrollIntoView()")
            browser.picture(shots / f"{page.parent.name}-{width}-{scheme}-open.png", whole=False)
        sort = browser.run(SORT)
        assert sort["sorted"] > 0 and sort["numbers"] > 0, f"{at}: nothing was sorted"
        assert not sort["wrong"], f"{at}: " + "; ".join(sort["wrong"][:5])
        widths = browser.run(WIDTHS)
        assert widths["page"] <= width, f"{at}: wider than the screen when unfolded: {widths}"
        asked = [e["params"]["request"]["url"] for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
        assert asked == [url], f"{at}: requests {asked}"
        bad = [e for e in browser.events if e.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded")]
        assert not bad, f"{at}: {bad}"
    print(f"{page}: {sort['sorted']} sorts of {sort['numbers']} columns of numbers and others, "
          f"{len(SCREENS)} widths, light and dark, no request")


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
