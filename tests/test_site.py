"""The site: it builds strictly and fast, asks no other host for anything, and works in a browser.

The browser is the Chromium of this machine. It visits every page, wide and narrow, while every
request to another host is stopped and recorded.
"""

import functools
import http.server
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from sphinx.errors import ConfigError

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[1]
BUILD_SECONDS = 15
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox --disable-gpu --no-first-run --disable-sync --disable-quic"
    " --disable-background-networking --disable-component-update"
).split()
SETTLE = 250  # milliseconds for scripts that run after a page has loaded
WIDTHS = {"desk": 1280, "telephone": 390}
LOOK = """() => ({
  unrendered: document.querySelectorAll('.math').length
    - document.querySelectorAll('.math mjx-container').length,
  math_errors: [...document.querySelectorAll('mjx-merror')].map(e => e.textContent),
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  cut_tables: [...document.querySelectorAll('table.works')]
    .filter(t => t.scrollWidth > t.parentElement.clientWidth).length,
  broken_images: [...document.images].filter(i => i.naturalWidth === 0).map(i => i.src),
  no_alt: [...document.images].filter(i => !i.alt.trim()).map(i => i.src),
  theme: document.documentElement.dataset.theme,
})"""


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """One strict build of the book: its folder, its seconds, its exit status and its log.

    The seconds are processor time, which does not depend on the tests that run beside it.
    """
    folder = tmp_path_factory.mktemp("site")
    tool = Path(sys.executable).with_name("jupyter-book")
    command = [tool, "build", "-W", "-n", "--keep-going", "--path-output", folder, ROOT]
    start = os.times()
    environment = {k: v for k, v in os.environ.items() if k != "BOOK_REPOSITORY_URL"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    end = os.times()
    seconds = sum(end[2:4]) - sum(start[2:4])  # user and system time of ended children
    log = run.stdout + run.stderr
    return SimpleNamespace(
        html=folder / "_build" / "html", seconds=seconds, status=run.returncode, log=log
    )


@pytest.fixture(scope="module")
def html(build):
    """The folder of a site that was built without a warning."""
    assert build.status == 0, build.log[-6000:]
    return build.html


@pytest.fixture(scope="module")
def address(html):
    """The site, served on this machine only."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    handler = functools.partial(Quiet, directory=html)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium, or a skip (in CI: a failure) where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        pytest.skip(f"no browser on this machine: install one of {', '.join(BROWSERS)}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


def open_tab(browser, address, record, **settings):
    """A tab that records errors, and requests to other hosts, which it stops."""

    def local_only(route):
        if route.request.url.startswith((address, "data:", "blob:")):
            return route.continue_()
        record["elsewhere"].append(route.request.url)
        return route.abort()

    context = browser.new_context(**settings)
    context.route("**/*", local_only)
    tab = context.new_page()
    tab.on("pageerror", lambda error: record["errors"].append(str(error)))
    tab.on("console", lambda said: said.type == "error" and record["errors"].append(said.text))
    tab.on("response", lambda got: got.status >= 400 and record["errors"].append(got.url))
    return tab


@pytest.fixture(scope="module")
def visits(html, address, browser):
    """What the browser saw: one record per page and width, the narrow ones in dark mode."""
    records = {}
    for device, width in WIDTHS.items():
        scheme = "dark" if device == "telephone" else "light"
        record = {"elsewhere": [], "errors": []}
        settings = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
        tab = open_tab(browser, address, record, **settings)
        for name in pages_of(html):
            record["elsewhere"], record["errors"] = [], []
            tab.goto(address + name, wait_until="load")
            tab.evaluate("window.MathJax?.startup?.promise")
            tab.wait_for_timeout(SETTLE)
            records[name, device] = {**record, "expected_theme": scheme, **tab.evaluate(LOOK)}
        tab.context.close()
    return records


def pages_of(html):
    """The pages of the site, as paths under its root, without the one that leads elsewhere."""
    pages = {*html.glob("*.html"), *html.glob("chapters/*.html")} - {html / "index.html"}
    return sorted(page.relative_to(html).as_posix() for page in pages)


def seen(visits, key):
    """The pages on which `key` is not empty, with what it holds."""
    return {place: record[key] for place, record in visits.items() if record[key]}


def test_builds_without_a_warning_in_time(build):
    assert build.status == 0, build.log[-6000:]
    assert build.seconds <= BUILD_SECONDS, f"took {build.seconds:.1f} s"


def test_front_page_leads_to_the_introduction(html):
    assert "chapters/intro.html" in (html / "index.html").read_text()


class Loaded(HTMLParser):
    """The addresses that a browser loads by itself when it shows a page (not its links)."""

    def __init__(self, text):
        super().__init__()
        self.addresses = re.findall(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", text)
        self.addresses = ["".join(found) for found in self.addresses]
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.addresses += [
            attrs[key] for key in ("src", "srcset", "poster", "data") if key in attrs
        ]
        if tag == "link":
            self.addresses.append(attrs.get("href", ""))


def from_elsewhere(text):
    """The addresses on other hosts that a page or a style sheet loads."""
    return [found for found in Loaded(text).addresses if re.match(r"(https?:)?//", found.strip())]


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://a.org/x.js"></script>',
        '<link rel="stylesheet" href="//a.org/x.css">',
        '<img src="http://a.org/x.png">',
        "@import 'https://a.org/x.css';",
        "@font-face { src: url(https://a.org/x.woff2) }",
    ],
)
def test_an_address_elsewhere_is_found(text):
    assert len(from_elsewhere(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        '<a href="https://a.org">read on</a>',
        '<script src="_static/x.js"></script>',
        "@font-face { src: url(data:font/woff2;base64,AA) }",
    ],
)
def test_a_link_or_a_file_of_the_site_is_not(text):
    assert not from_elsewhere(text)


def test_pages_and_styles_name_no_other_host(html):
    files = [*html.rglob("*.html"), *html.rglob("*.css")]
    found = {path.name: from_elsewhere(path.read_text()) for path in files}
    assert len(files) > 5 and not {name: urls for name, urls in found.items() if urls}


def test_pages_hold_nothing_of_live_code(html):
    assert not [page.name for page in html.rglob("*.html") if "thebe" in page.read_text()]


def test_no_request_leaves_the_machine(visits):
    assert not seen(visits, "elsewhere")


def test_no_script_error_and_nothing_missing(visits):
    assert not seen(visits, "errors")


def test_formulas_are_rendered(visits, html):
    assert not seen(visits, "unrendered") and not seen(visits, "math_errors")
    assert any('class="math' in page.read_text() for page in html.rglob("*.html"))


def test_images_show_and_have_alt_text(visits):
    assert not seen(visits, "broken_images") and not seen(visits, "no_alt")


def test_no_page_is_wider_than_the_screen(visits):
    assert not {place: record for place, record in seen(visits, "overflow").items() if record > 0}


def test_tables_of_prose_are_not_cut(visits, html):
    assert not seen(visits, "cut_tables")
    assert '<table class="works' in (html / "chapters/related.html").read_text()


def test_pages_follow_the_readers_light_or_dark(visits):
    pages = {place: record for place, record in visits.items() if place[0].startswith("chapters/")}
    assert all(record["theme"] == record["expected_theme"] for record in pages.values())


@pytest.mark.parametrize("word, found", [("attention", True), ("qwertzuiop", False)])
def test_search(address, browser, word, found):
    record = {"elsewhere": [], "errors": []}
    tab = open_tab(browser, address, record)
    tab.goto(f"{address}search.html?q={word}")
    outcome = "text=/Search finished|did not match any/"
    tab.wait_for_selector(f"#search-results >> {outcome}")
    assert bool(tab.locator("#search-results ul.search li").count()) == found
    assert record == {"elsewhere": [], "errors": []}
    tab.context.close()


def repository_buttons(monkeypatch, url):
    """The theme options that the book's own extension sets for a repository's address."""
    monkeypatch.setenv("BOOK_REPOSITORY_URL", url)
    path = ROOT / "chapters" / "_ext" / "book_site.py"
    spec = importlib.util.spec_from_file_location("book_site", path)
    extension = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(extension)
    config = SimpleNamespace(html_theme_options={})
    extension.add_repository_buttons(None, config)
    return config.html_theme_options


def test_repository_buttons_need_an_address(monkeypatch):
    assert repository_buttons(monkeypatch, "") == {}


@pytest.mark.parametrize("host, colab", [("github.com", True), ("gitlab.com", False)])
def test_repository_buttons(monkeypatch, host, colab):
    options = repository_buttons(monkeypatch, f"https://{host}/a/book/")
    assert options["repository_url"] == f"https://{host}/a/book"
    assert ("colab_url" in options["launch_buttons"]) == colab


def test_an_address_that_the_buttons_cannot_use_is_refused(monkeypatch):
    with pytest.raises(ConfigError, match="must be an address on github.com or gitlab.com"):
        repository_buttons(monkeypatch, "https://code.example/a/book")
