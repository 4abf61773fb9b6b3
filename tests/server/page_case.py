"""What tests of the page share."""

import base64
import contextlib
import json
import re
import unittest
import urllib.parse

from playwright.sync_api import expect

WIDE, NARROW = {"width": 1200, "height": 800}, {"width": 390, "height": 844}
WORDS = "a red star"


def refusal(status, code="refused", **headers):
    return {"status": status, "headers": {name.replace("_", "-"): value for name, value in headers.items()},
            "json": {"error": {"message": f"refused: {code}", "type": "x", "param": None, "code": code}}}


class PageTest(unittest.TestCase):
    """A page of its own for each test; nothing may be asked elsewhere, logged as an error or shifted sideways."""

    # Of all tests; test_page.py sets them before any runs.
    browser = None
    service = None  # http://HOST:PORT
    screenshots = None  # a folder, if they are wanted

    def setUp(self):
        self.context = self.browser.new_context(viewport=WIDE, color_scheme="light", reduced_motion="reduce")
        self.addCleanup(self.context.close)
        self.page = self.context.new_page()
        self.page.set_default_timeout(8000)
        self.requests, self.errors = [], []
        self.page.on("request", lambda request: self.requests.append(request))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)

    def tearDown(self):
        for request in self.requests:
            address = urllib.parse.urlsplit(request.url)
            if address.scheme not in ("blob", "data"):
                self.assertEqual(f"{address.scheme}://{address.netloc}", self.service)
        # Chromium logs every reply that is an error; what a test puts there is no surprise.
        self.assertEqual([error for error in self.errors if not error.startswith("Failed to load resource")
                          or not self.expects_errors], [])
        self.assert_no_sideways()

    expects_errors = False

    def assert_no_sideways(self):
        width, inner = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        self.assertLessEqual(width, inner)

    # ---- asking the service ----

    def ask(self, path, body=None):
        request = self.context.request
        # As the page itself would: another origin would be refused.
        headers = {"origin": self.service, "sec-fetch-site": "same-origin"}
        reply = request.get(self.service + path, headers=headers) if body is None else request.post(
            self.service + path, data=json.dumps(body), headers={**headers, "content-type": "application/json"})
        self.assertEqual(reply.status, 200, reply.text())
        return reply.json()

    def search(self, **request):
        return self.ask("/v1/search", {"top": 60, **request})

    # ---- looking at the page ----

    def go(self, address="/"):
        self.page.goto(self.service + address, wait_until="domcontentloaded")

    def close_viewer(self):
        """By the keyboard; until the page is back where it was, for going elsewhere before that is given up."""
        self.page.keyboard.press("Escape")
        expect(self.page.locator("#viewer")).to_be_hidden()
        expect(self.page).not_to_have_url(re.compile("#"))

    def go_start(self):
        self.go()
        self.page.wait_for_selector(".tile")

    def go_search(self, **fields):
        self.go("/?" + urllib.parse.urlencode(fields or {"q": WORDS}, doseq=True))
        self.page.wait_for_selector(".tile")

    def ids(self):
        return self.page.eval_on_selector_all(
            ".tile .shot", "all => all.map(one => Number(/images\\/(\\d+)/.exec(one.href)[1]))")

    def heading(self, text):
        expect(self.page.locator("main h2").first).to_have_text(text)

    def focused_id(self):
        return self.page.evaluate("Number(/images\\/(\\d+)/.exec(document.activeElement.href ?? '')?.[1])")

    @contextlib.contextmanager
    def searches(self):
        """The body of the one search that is asked for inside."""
        with self.page.expect_request("**/v1/search") as asked:
            yield (body := {})
        body.update(asked.value.post_data_json)

    def change_hits(self, change):
        """Lets `change(hits)` alter what searches find before the page gets it."""
        def handle(route):
            reply = route.fetch()
            answer = reply.json()
            change(answer["data"])
            route.fulfill(response=reply, json=answer)
        self.page.route("**/v1/search", handle)

    def give(self, kind, data, name="mine.jpg", type="image/jpeg"):
        """Drops or pastes a file."""
        self.page.evaluate("""([kind, text, name, type]) => {
          const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], name, {type}));
          if (kind === 'paste') {
            document.dispatchEvent(
                new ClipboardEvent('paste', {clipboardData: transfer, bubbles: true, cancelable: true}));
          } else {
            for (const step of ['dragenter', 'dragover', 'drop']) {
              document.body.dispatchEvent(
                  new DragEvent(step, {dataTransfer: transfer, bubbles: true, cancelable: true}));
            }
          }
        }""", [kind, base64.b64encode(data).decode(), name, type])

    def picture(self, hit):
        reply = self.context.request.get(f"{self.service}/v1/images/{hit['id']}?v={hit['hash']}",
                                         headers={"sec-fetch-site": "same-origin"})
        self.assertEqual(reply.status, 200)
        return reply.body()
