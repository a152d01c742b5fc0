"""Checks reports in a real browser, and a run's metrics and log with parsers that are not ours. See `check`."""

import argparse
import asyncio
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from prometheus_client.parser import text_string_to_metric_families

import axe_playwright_python
import fixture
from browser import Browser

AXE = (pathlib.Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
WIDTHS = [375, 768, 1280]
THEMES = ["light", "dark"]


class Failures:
    def __init__(self):
        self.count = 0
        self.checks = 0

    def expect(self, claim, where, what):
        """Notes whether a claim holds; says where and what when not."""
        self.checks += 1
        if not claim:
            self.count += 1
            print(f"FAILED {where}: {what}", file=sys.stderr)


failures = Failures()
expect = failures.expect


def mixdown(binary, *arguments, statuses=(0,)):
    run = subprocess.run([binary, *arguments], capture_output=True, text=True)
    expect(run.returncode in statuses, "mixdown " + " ".join(arguments), f"{run.returncode}: {run.stderr}")
    return run.stdout


# MARK: The page

async def look(browser, path, width, theme, picture, users):
    """One report at one width in one theme."""
    where = f"{path.parent.name} {width} {theme}"
    page = await browser.page(width, theme)
    await page.open(path)
    expect(not page.errors, where, f"console: {page.errors}")
    others = [url for url in page.requests if not url.startswith("data:") and url != path.absolute().as_uri()]
    expect(not others, where, f"requests: {others}")
    # A telephone makes the window as wide as the page: what it is held against is the screen.
    wide = await page.evaluate("document.documentElement.scrollWidth")
    expect(wide <= width, where, f"scrolls sideways: {wide} pixels")
    expect(await page.evaluate("window.broken === undefined"), where, "a string became a program")
    scripts = await page.evaluate("document.scripts.length")
    expect(scripts == (2 if users else 0), where, f"{scripts} scripts")
    expect(await page.evaluate("document.images.length === 0"), where, "an image")
    ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    lightness = sum(int(part) for part in ground[4:-1].split(","))
    expect((lightness > 600) == (theme == "light"), where, f"the ground is {ground}")
    # Between the two widths nothing is added or hidden that is not at one of them.
    if width in (375, 1280):
        await page.evaluate(AXE + ";0")
        found = await page.evaluate(
            "axe.run(document, {resultTypes: ['violations']}).then(result => result.violations.map(each => each.id"
            " + ': ' + each.nodes.map(node => node.html.slice(0, 160) + ' '"
            " + node.any.map(check => check.message).join(' ')).join(' | ')))")
        expect(not found, where, f"axe: {found}")
    if picture:
        await page.picture(picture)
    # What is shown only when asked for holds to the same.
    await page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    wide = await page.evaluate("document.documentElement.scrollWidth")
    expect(wide <= width, where, f"with everything open it scrolls sideways: {wide} pixels")
    await page.close()


async def texts(browser, path):
    """Strings of dumps stay text."""
    page = await browser.page(1280, "light")
    await page.open(path)
    titles = await page.evaluate("[...document.querySelectorAll('.song')].map(each => each.textContent)")
    for title in fixture.NASTY[:7]:
        expect(title in titles, "titles", f"{title!r} is not there as it is")
    words = await page.evaluate("document.body.innerText")
    expect("{{title}}{{{body}}} &amp;" in words, "titles", "a template in a title was read as one")
    await page.close()


async def picker(browser, path):
    """The list of users, by keyboard."""
    page = await browser.page(1280, "light")
    await page.open(path)
    count = "document.querySelectorAll('#affinities table').length"
    expect(await page.evaluate(count) == 3, "picker", "three tables for the first user")
    first = await page.evaluate("document.getElementById('affinities').innerText")
    await page.evaluate("document.getElementById('user').focus()")
    await page.press("ArrowDown")
    second = await page.evaluate("document.getElementById('affinities').innerText")
    expect(first != second, "picker", "another user has other affinities")
    expect(not page.errors, "picker", page.errors)
    await page.close()


async def keyboard(browser, path):
    """Every stop of the tabulator shows that it is one."""
    page = await browser.page(768, "light")
    await page.open(path)
    stops = []
    for _ in range(60):
        await page.press("Tab")
        stop = await page.evaluate(
            """(() => {
              const element = document.activeElement;
              if (!element || element === document.body) return null;
              const shown = element.matches('.theme input') ? element.nextElementSibling : element;
              const box = element.getBoundingClientRect();
              const mark = getComputedStyle(shown);
              return [element.tagName, element.id || element.textContent.slice(0, 30), mark.outlineStyle,
                box.left >= 0 && box.right <= innerWidth];
            })()""")
        if stop is None:
            break
        stops.append(stop)
    expect(len(stops) > 12, "keyboard", f"stops: {stops}")
    for name, label, outline, inside in stops:
        expect(outline != "none" and inside, "keyboard", f"{name} {label}: {outline}, in sight: {inside}")
    expect(stops[0][0] == "A", "keyboard", "the first stop leads past the head")
    names = {stop[0] for stop in stops}
    expect({"INPUT", "SUMMARY", "A", "DIV"} <= names, "keyboard", f"{names}")
    await page.close()


async def without_script(browser, path):
    """All but the picker, and the choice of a theme."""
    page = await browser.page(375, "light", scripts=False)
    await page.open(path)
    expect(not page.errors, "without script", page.errors)
    expect(
        await page.evaluate("getComputedStyle(document.getElementById('picker')).display") == "none",
        "without script", "the picker is hidden")
    for theme in ["dark", "light"]:
        box = await page.evaluate(
            f"(() => {{ const box = document.getElementById('theme-{theme}').getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()")
        for kind in ["mousePressed", "mouseReleased"]:
            await page.send(
                "Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)
        ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        lightness = sum(int(part) for part in ground[4:-1].split(","))
        expect((lightness > 600) == (theme == "light"), "without script", f"{theme}: the ground is {ground}")
    await page.close()


# MARK: Metrics and log

def metrics(path):
    """The figures as Prometheus reads them."""
    text = path.read_text()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for name in ["mixdown_users", "mixdown_dumps", "mixdown_entries", "mixdown_quarantined", "mixdown_run_outcome",
                 "mixdown_run_exit_status", "mixdown_run_duration_seconds", "mixdown_phase_duration_seconds",
                 "mixdown_run_peak_memory_bytes", "mixdown_run_input_bytes", "mixdown_run_read_bytes",
                 "mixdown_run_last_success_timestamp_seconds"]:
        expect(name in families, path, f"{name} is not there")
        expect(families[name].documentation and families[name].type == "gauge", path, f"{name} has no help or type")
    manifest = json.loads((path.parent / "manifest.json").read_text())
    users = {sample.labels["fate"]: sample.value for sample in families["mixdown_users"].samples}
    expect(users == {key: value for key, value in manifest["users"].items() if key != "seen"}, path, users)
    reasons = {s.labels["reason"]: s.value for s in families["mixdown_quarantined"].samples if s.value}
    expect(reasons == manifest["quarantine"], path, reasons)
    if shutil.which("promtool"):
        check = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        expect(check.returncode == 0, path, f"promtool: {check.stdout}{check.stderr}")


def log(path):
    lines = path.read_text().splitlines()
    expect(lines, path, "nothing is said")
    for line in lines:
        message = json.loads(line)
        expect({"time", "level", "message", "metadata"} == set(message), path, line)


# MARK: All of it

async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=".build/debug/mixdown")
    parser.add_argument("--pictures", type=pathlib.Path, help="a folder for pictures of every page")
    options = parser.parse_args()
    start = time.monotonic()
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mixdown-report-") as scratch:
        scratch = pathlib.Path(scratch)
        for name, named in [("everything", 4), ("unnamed", 0)]:
            fixture.write(scratch / name, named)
            mixdown(options.binary, "report", str(scratch / name))
        text = (scratch / "unnamed" / "report.html").read_text()
        expect("secret-user" not in text and "4d1f6c1e" not in text, "unnamed", "a user is named")
        again = (scratch / "everything" / "report.html").read_bytes()
        mixdown(options.binary, "report", str(scratch / "everything"))
        expect(again == (scratch / "everything" / "report.html").read_bytes(), "everything", "made again, it differs")

        shutil.copytree("data/cloud", scratch / "store")
        mixdown(
            options.binary, "sync", "data/exports", "--store", str(scratch / "store"), "--state",
            str(scratch / "runs"), "--as-of", "2026-01-01T00:00:00Z", "--metrics-file", str(scratch / "m.prom"),
            statuses=(3,))
        run = next((scratch / "runs").iterdir())
        expect((scratch / "m.prom").read_bytes() == (run / "metrics.prom").read_bytes(), "metrics", "two differ")
        metrics(run / "metrics.prom")
        log(run / "log.ndjson")

        async with Browser() as browser:
            for folder, users in [(scratch / "everything", True), (run, False)]:
                for width in WIDTHS:
                    for theme in THEMES:
                        name = "run" if folder == run else folder.name
                        picture = options.pictures and options.pictures / f"{name}-{width}-{theme}.png"
                        await look(browser, folder / "report.html", width, theme, picture, users)
            await look(browser, scratch / "unnamed" / "report.html", 375, "dark", None, False)
            await texts(browser, scratch / "everything" / "report.html")
            await picker(browser, scratch / "everything" / "report.html")
            await keyboard(browser, scratch / "everything" / "report.html")
            await without_script(browser, scratch / "everything" / "report.html")
    print(f"report: {failures.checks} checks, {failures.count} failed, {time.monotonic() - start:.1f} s")
    sys.exit(1 if failures.count else 0)


asyncio.run(main())
