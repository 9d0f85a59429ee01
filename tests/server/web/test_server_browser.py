"""The pages in a real browser: Debian's chromium, with selenium."""

from __future__ import annotations

import base64
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from replicate_sync.server import Between, LocalServer, log

pytestmark = pytest.mark.browser
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
)
SIZES = ((360, 800), (768, 1000), (1280, 900), (2200, 1200))
EVIL = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser with an empty profile."""
    webdriver = pytest.importorskip("selenium.webdriver")
    browser = shutil.which("chromium")
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("chromium and chromium-driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(driver)
    opened = webdriver.Chrome(options=options, service=service)
    yield opened
    opened.quit()


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:

        @server.model("me/poet")
        def poet(
            prompt: Annotated[str, "What to write about"],
            lines: Annotated[int, "How many lines", Between(1, 12)] = 3,
            mood: Literal["calm", "merry"] = "calm",
            picture: Path | None = None,
        ) -> Iterator[str]:
            """Write a short poem about anything."""
            for number in range(lines):
                log(f"{100 * (number + 1) // lines}%")
                time.sleep(0.05)
                yield f"line {number}, {mood}, on {prompt}\n"
            if picture is not None:
                yield picture.read_text()

        server.script("me/fails", fail=EVIL, logs=EVIL)
        yield server


class Page:
    """One tab of the browser."""

    def __init__(self, chromium: Any, server: LocalServer) -> None:
        self.driver = chromium
        self.server = server

    def open(self, path: str) -> None:
        self.driver.get(self.server.origin + path)

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def script(self, code: str) -> Any:
        return self.driver.execute_script(code)

    def until(self, right: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                found = right()
            except Exception:  # the element is being replaced
                found = None
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(self.script("return document.body.innerText"))

    def text(self, selector: str) -> str:
        # In one step: between two, the page may replace what was found.
        code = "return document.querySelector(arguments[0]).innerText.trim()"
        return str(self.driver.execute_script(code, selector))

    def emulate(self, width: int, height: int, scheme: str = "light") -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def chord(self, held: str, key: str) -> None:
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).key_down(held).send_keys(key).key_up(held).perform()

    def keys(self, *keys: str) -> None:
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()


@pytest.fixture
def page(chromium: Any, server: LocalServer) -> Iterator[Page]:
    chromium.get_log("browser")
    page = Page(chromium, server)
    page.emulate(1280, 900)
    yield page
    wrong = [entry["message"] for entry in chromium.get_log("browser")]
    # A refused form is a 422 on purpose; anything else would be a mistake, such as inline code.
    assert [message for message in wrong if "422" not in message] == []


def test_a_model_runs_and_its_text_grows(page: Page) -> None:
    page.open("/")
    page.find("a[href='/m/me/poet']").click()
    page.find("#field-prompt").send_keys(EVIL)
    page.find("button.primary").click()
    page.until(lambda: "line 0" in page.text("pre.text"))
    page.until(lambda: page.text("#result .status") == "succeeded")
    expected = "".join(f"line {number}, calm, on {EVIL}\n" for number in range(3))
    assert page.script("return document.querySelector('pre.text').textContent") == expected
    assert page.driver.title == "me/poet · Local Replicate"
    assert "100%" in page.text("#result .logs")
    page.find("#result .open-link").click()
    assert "/p/" in page.driver.current_url
    assert page.text(".prediction .status") == "succeeded"
    page.find(".head .button").click()
    assert page.find("#field-prompt").get_attribute("value") == EVIL


def test_the_code_follows_the_form(page: Page) -> None:
    page.open("/m/me/poet")
    page.find("#field-prompt").send_keys("bees")
    page.until(lambda: '"prompt": "bees"' in page.text("#python"))
    slider = "const r = document.querySelector('[data-sync]'); r.value = 7;"
    page.script(f"{slider} r.dispatchEvent(new Event('input', {{bubbles: true}}))")
    assert page.find("#field-lines").get_attribute("value") == "7"
    page.until(lambda: '"lines": 7' in page.text("#python"))


def test_a_wrong_value_is_shown_at_its_field(page: Page) -> None:
    page.open("/m/me/poet")
    page.find("#field-prompt").send_keys("bees")
    page.script("document.querySelector('#run').noValidate = true")
    page.script("document.querySelector('#field-lines').value = 99")
    page.find("button.primary").click()
    page.until(lambda: "less than or equal to 12" in page.text("[data-field=lines] .wrong"))
    assert page.script("return document.activeElement.closest('.field').dataset.field") == "lines"


def test_a_file_is_dropped(page: Page, tmp_path: Path) -> None:
    page.open("/m/me/poet")
    page.find("#field-prompt").send_keys("x")
    page.script(
        "const t = new DataTransfer(); t.items.add(new File(['dropped'], 'a.txt'));"
        "const d = document.querySelector('.drop');"
        "d.dispatchEvent(new DragEvent('drop', {dataTransfer: t, bubbles: true}))"
    )
    assert "a.txt" in page.text(".chosen")
    page.find("button.primary").click()
    page.until(lambda: page.text("pre.text").endswith("dropped"))


def test_predictions_and_requests_appear_live(page: Page) -> None:
    from replicate_sync import Replicate

    page.open("/p")
    before = len(page.driver.find_elements("css selector", "#rows > li"))
    with Replicate(page.server.token, base_url=page.server.url, proxy="") as client:
        prediction = client.predictions.create("local/slow", {"seconds": 60})
        row = f"#row-{prediction.id}"
        page.until(lambda: page.text(f"{row} .status") == "processing")
        assert page.script("return document.querySelector('#rows > li').id") == row[1:]
        assert len(page.driver.find_elements("css selector", "#rows > li")) == before + 1
        page.open(f"/p/{prediction.id}")
        page.until(lambda: page.find("progress").get_attribute("value") is not None)
        page.until(lambda: page.find(".head button").click() is None)
        page.until(lambda: page.text(".status") == "canceled")
        page.open("/requests")
        client.predictions.get(prediction.id)
        page.until(lambda: f"/v1/predictions/{prediction.id}" in page.text("#rows"))


@pytest.fixture
def tab(page: Page) -> Iterator[Callable[[str], None]]:
    """Opens a page in a further tab; all of them are closed at the end."""
    first = page.driver.current_window_handle

    def open_tab(path: str) -> None:
        page.driver.switch_to.new_window("tab")
        page.driver.set_page_load_timeout(5)
        page.open(path)

    yield open_tab
    for handle in page.driver.window_handles:
        if handle != first:
            page.driver.switch_to.window(handle)
            page.driver.close()
    page.driver.switch_to.window(first)


def test_any_number_of_tabs_can_be_open(page: Page, tab: Callable[[str], None]) -> None:
    page.open("/p")
    for _ in range(7):  # a browser has six connections to a server at most
        tab("/requests")
    assert page.text("h1") == "Requests"


def test_a_text_goes_on_in_a_tab_that_was_hidden(
    page: Page, server: LocalServer, tab: Callable[[str], None]
) -> None:
    words = [f"{number} " for number in range(15)]
    server.script("me/slow", tokens=words, delay=0.1)
    page.open("/m/me/slow")
    first = page.driver.current_window_handle
    page.find("button.primary").click()
    page.until(lambda: page.text("pre.text").startswith("0 1"))
    tab("/webhooks")
    time.sleep(0.4)  # it is written on meanwhile
    page.driver.switch_to.window(first)
    page.until(lambda: page.text("#result .status") == "succeeded")
    assert page.script("return document.querySelector('pre.text').textContent") == "".join(words)


def test_a_button_that_is_pressed_while_its_page_changes_can_be_released(page: Page) -> None:
    from selenium.webdriver import ActionChains

    from replicate_sync import Replicate

    with Replicate(page.server.token, base_url=page.server.url, proxy="") as client:
        prediction = client.predictions.create("local/slow", {"seconds": 60})
        page.open(f"/p/{prediction.id}")
        ActionChains(page.driver).click_and_hold(page.find(".head button")).perform()
        for _ in range(3):
            shown = page.text("pre[role=log]")
            page.until(lambda shown=shown: page.text("pre[role=log]") != shown)  # type: ignore[misc]
        ActionChains(page.driver).release().perform()
        page.until(lambda: page.text(".status") == "canceled")


def test_a_knob_is_clicked(page: Page) -> None:
    page.open("/requests")
    page.find("button[value=cut]").click()
    page.until(lambda: "cut after 5 events" in page.text("#pending"))
    assert len(page.server.faults) == 1
    page.find("button[value=clear]").click()
    page.until(lambda: "Nothing is set" in page.text("#pending"))
    assert len(page.server.faults) == 0


def test_what_a_model_writes_never_runs(page: Page) -> None:
    page.open("/m/me/fails")
    page.find("button.primary").click()
    page.until(lambda: page.text("#result .status") == "failed")
    assert page.text("#result .error") == EVIL
    for path in ("/p", "/requests"):
        page.open(path)
        time.sleep(0.3)
        assert "Local Replicate" in page.driver.title
        assert page.driver.find_elements("css selector", "main img[src=x], main script") == []


def test_it_works_by_keyboard_alone(page: Page) -> None:
    from selenium.webdriver import Keys

    page.open("/m/me/poet")
    page.keys(Keys.TAB)
    assert page.script("return document.activeElement.className") == "skip"
    page.keys(Keys.ENTER, Keys.TAB)
    assert page.script("return document.activeElement.id") == "field-prompt"
    page.keys("bees")
    page.chord(Keys.CONTROL, Keys.ENTER)
    page.until(lambda: page.text("#result .status") == "succeeded")


@pytest.mark.parametrize("path", ["/", "/m/me/poet", "/p", "/requests", "/webhooks", "prediction"])
def test_every_page_fits_and_can_be_read(page: Page, path: str) -> None:
    if path == "prediction":
        page.server.script("me/long", tokens=["x" * 500], logs="y" * 500)
        page.open("/m/me/long")
        page.find("button.primary").click()
        page.until(lambda: page.text("#result .status") == "succeeded")
        path = page.find(".open-link").get_attribute("href").removeprefix(page.server.origin)
    for width, height in SIZES:
        for scheme in ("light", "dark"):
            page.emulate(width, height, scheme)
            page.open(path)
            size = page.script("return [document.documentElement.scrollWidth, innerWidth]")
            assert size[0] <= size[1], (path, width)
            assert page.script(UNREADABLE) == [], (path, width, scheme)
            assert page.script(UNLABELED) == [], path
            _keep_screenshot(page, f"{path.strip('/').replace('/', '-')}-{width}-{scheme}")


# Texts whose contrast is below 4.5 to 1, the least that WCAG 2 AA asks for.
UNREADABLE = """
const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
const rgb = (color, under) => {
  canvas.fillStyle = `rgb(${under.join()})`; canvas.fillRect(0, 0, 1, 1);
  canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
};
const light = (color) => {
  const [r, g, b] = color.map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  const chain = [];
  for (let one = element; one; one = one.parentElement) chain.unshift(one);
  return chain.reduce((under, one) => rgb(getComputedStyle(one).backgroundColor, under), [255, 255, 255]);
};
const bad = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
  if (["SCRIPT", "PROGRESS", "OPTION"].includes(element.tagName) || element.closest(".skip")) continue;
  const under = behind(element);
  const [a, b] = [light(rgb(getComputedStyle(element).color, under)), light(under)];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < 4.5) bad.push(`${element.className} ${walker.currentNode.data.trim()} ${contrast}`);
}
return bad;
"""
UNLABELED = """
const name = (one) => one.getAttribute("aria-label") || one.textContent.trim()
  || (one.labels && [...one.labels].map((label) => label.textContent.trim()).join());
return [...document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea, progress, pre[tabindex]")]
  .filter((one) => !name(one)).map((one) => one.outerHTML.slice(0, 100));
"""


def _keep_screenshot(page: Page, name: str) -> None:
    """Keep a picture of the page, for a person to look at."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        shot = page.driver.execute_cdp_cmd("Page.captureScreenshot", {})
        Path(folder, f"{name}.png").write_bytes(base64.b64decode(shot["data"]))


ATTACK = """
<!doctype html><title>attack</title><body><script>
const here = %s;
const tries = [
  () => fetch(`${here}/api/prediction`, {method: "POST", mode: "no-cors",
    body: JSON.stringify({model: "replicate/hello-world", input: {text: "x"}})}),
  () => fetch(`${here}/v1/predictions`, {method: "POST", headers: {
    Authorization: "Bearer r8_local", "Content-Type": "application/json"},
    body: JSON.stringify({version: "replicate/hello-world", input: {text: "x"}})}),
  () => fetch(`${here}/m/replicate/hello-world`, {method: "POST", mode: "no-cors",
    body: new URLSearchParams({text: "x"})}),
  () => fetch(`${here}/requests/faults`, {method: "POST", mode: "no-cors",
    body: new URLSearchParams({fault: "refuse", times: 9})}),
  () => fetch(`${here}/v1/search?query=a`).then((r) => r.text()).then((t) => { window.read = t; }),
  () => fetch(`${here}/`).then((r) => r.text()).then((t) => { window.read = t; }),
  () => new Promise((resolve) => { const source = new EventSource(`${here}/live/p`);
    source.onmessage = source.onopen = () => { window.read = "live"; resolve(); };
    source.onerror = () => { source.close(); resolve(); }; }),
  () => new Promise((resolve) => { const frame = document.createElement("iframe");
    frame.src = `${here}/`; frame.name = "target"; frame.onload = resolve; document.body.append(frame);
    setTimeout(resolve, 2000); }),
  () => new Promise((resolve) => { const form = document.createElement("form");
    form.method = "post"; form.action = `${here}/m/replicate/hello-world`; form.target = "target";
    form.innerHTML = "<input name=text value=x>"; document.body.append(form); form.submit();
    setTimeout(resolve, 500); }),
];
(async () => { for (const one of tries) { try { await one(); } catch {} } document.title = "done"; })();
</script>
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_page_of_another_origin_can_do_nothing(
    chromium: Any, server: LocalServer, host: str
) -> None:
    class Evil(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write((ATTACK % json.dumps(server.origin)).encode())

        def log_message(self, *args: object) -> None:
            pass

    before = [job.id for job in server.jobs.all()]
    with ThreadingHTTPServer(("127.0.0.1", 0), Evil) as evil:
        thread = threading.Thread(target=evil.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        page = Page(chromium, server)
        chromium.get(f"http://{host}:{evil.server_port}/")
        page.until(lambda: chromium.title == "done")
        assert page.script("return window.read || null") is None
        evil.shutdown()
        thread.join()
    assert [job.id for job in server.jobs.all()] == before
    assert len(server.faults) == 0
