"""The page in a browser: searching, keyboard, errors, and what axe finds, in both themes, wide and narrow.

    test_page.py [--service URL] [--screenshots DIR] [unittest's own arguments]

Needs playwright, axe-playwright-python and /usr/bin/chromium. Without --service a made-up service answers
(mock_service.py); with it a running one does, which must have an index of at least six pictures and ask for no key.
What the index holds is asked of the service; errors are put into the browser's way, so that they need no broken one.
"""

import argparse
import base64
import contextlib
import json
import pathlib
import re
import sys
import unittest
import urllib.parse

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]
WIDE, NARROW = {"width": 1200, "height": 800}, {"width": 390, "height": 844}
WORDS = "a red star"
HOSTILE = '/photos/<img src=x onerror="document.title=1">\u202egpj.exe'

options = argparse.Namespace(service=None, screenshots=None)
playwright = browser = service = None


def setUpModule():
    global playwright, browser, service
    if options.service:
        service = options.service.rstrip("/")
    else:
        from mock_service import MockService
        service = MockService().start().address
    playwright = sync_playwright().start()
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)


def tearDownModule():
    browser.close()
    playwright.stop()


def refusal(status, code="refused", **headers):
    return {"status": status, "headers": {name.replace("_", "-"): value for name, value in headers.items()},
            "json": {"error": {"message": f"refused: {code}", "type": "x", "param": None, "code": code}}}


class PageTest(unittest.TestCase):
    """A page of its own for each test; nothing may be asked elsewhere, logged as an error or shifted sideways."""

    def setUp(self):
        self.context = browser.new_context(viewport=WIDE, color_scheme="light", reduced_motion="reduce")
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
                self.assertEqual(f"{address.scheme}://{address.netloc}", service)
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
        headers = {"origin": service, "sec-fetch-site": "same-origin"}
        reply = request.get(service + path, headers=headers) if body is None else request.post(
            service + path, data=json.dumps(body), headers={**headers, "content-type": "application/json"})
        self.assertEqual(reply.status, 200, reply.text())
        return reply.json()

    def search(self, **request):
        return self.ask("/v1/search", {"top": 60, **request})

    # ---- looking at the page ----

    def go(self, address="/"):
        self.page.goto(service + address, wait_until="domcontentloaded")

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
        reply = self.context.request.get(f"{service}/v1/images/{hit['id']}?v={hit['hash']}",
                                         headers={"sec-fetch-site": "same-origin"})
        self.assertEqual(reply.status, 200)
        return reply.body()


class SearchTest(PageTest):

    def test_start_shows_pictures_and_what_there_is(self):
        self.go_start()
        expect(self.page.locator("#about-line")).to_contain_text(f"{self.ask('/v1/index')['contents']:,} picture")
        self.page.click("#about summary")
        expect(self.page.locator("#about-folders li").first).to_be_visible()

    def test_policy_is_strict(self):
        policy = self.context.request.get(service + "/").headers["content-security-policy"]
        for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"):
            self.assertIn(part, policy)
        self.assertNotIn("unsafe", policy)

    def test_words(self):
        wanted = self.search(text=WORDS)
        self.go_start()
        self.page.fill("#words", WORDS)
        with self.searches() as body:
            self.page.keyboard.press("Enter")
        self.assertEqual(body["text"], WORDS)
        expect(self.page.locator("#status")).to_contain_text(f"{wanted['total']:,} pictures compared in")
        self.assertEqual(self.ids(), [hit["id"] for hit in wanted["data"]])
        self.assertEqual(urllib.parse.urlsplit(self.page.url).query, "q=a+red+star")
        self.page.go_back()
        expect(self.page.locator("body")).to_have_attribute("data-view", "start")
        self.page.go_forward()
        expect(self.page.locator("#words")).to_have_value(WORDS)
        self.assertEqual(self.ids(), [hit["id"] for hit in wanted["data"]])

    def test_a_search_before_the_index_is_known_is_not_lost(self):
        waiting = []
        self.page.route("**/v1/index", lambda route: waiting.append(route))
        self.go()
        while not waiting:
            self.page.wait_for_timeout(20)
        self.page.fill("#words", WORDS)
        self.page.keyboard.press("Enter")
        waiting[0].continue_()
        expect(self.page.locator("#status")).to_contain_text("compared")
        self.assertIn("q=a+red+star", self.page.url)

    def test_weaker_matches_come_under_a_line(self):
        weak = self.ask("/v1/index")["weak_standout"]
        hits = self.search(text=WORDS)["data"]
        def change(hits):
            for at, hit in enumerate(hits):
                hit["standout"] = weak + 1.5 - at / 2
        self.change_hits(change)
        self.go_search()
        lists = self.page.eval_on_selector_all(".grid ol", "all => all.map(one => one.children.length)")
        self.assertEqual(lists, [4, len(hits) - 4])  # 1.5, 1, 0.5 and 0 above it
        self.assertEqual(self.page.locator(".grid > *:nth-child(2)").inner_text(), "Weaker matches")

    def test_weak_matches_alone_are_called_so(self):
        weak = self.ask("/v1/index")["weak_standout"]
        self.change_hits(lambda hits: [hit.update(standout=weak - 0.1) for hit in hits])
        self.go_search()
        self.heading("Nothing stands out; the nearest are")

    def test_bars_are_relative_and_numbers_on_demand(self):
        def change(hits):
            for at, hit in enumerate(hits):
                hit["standout"], hit["score"] = 8 / 2 ** at, 0.1234
        self.change_hits(change)
        self.go_search()
        bars = self.page.eval_on_selector_all(
            ".strength", "all => all.slice(0, 3).map(one => one.firstChild.offsetWidth / one.offsetWidth)")
        for found, wanted in zip(bars, (1, 0.5, 0.25)):
            self.assertAlmostEqual(found, wanted, delta=0.03)
        caption = self.page.locator(".caption").first
        expect(caption).to_have_css("opacity", "0")
        self.page.click("#numbers")
        expect(caption).to_have_css("opacity", "1")
        expect(caption).to_contain_text("stands out 8.0")
        expect(caption).to_contain_text("score 0.1234")

    def test_words_to_exclude(self):
        self.go_start()
        self.page.fill("#words", "star -purple -\"a heart\" t-shirt")
        with self.searches() as body:
            self.page.keyboard.press("Enter")
        self.assertEqual((body["text"], body["not"]), ("star t-shirt", ["purple", "a heart"]))
        self.page.click("#add-without")
        self.page.keyboard.type("blue")
        with self.searches() as body:
            self.page.keyboard.press("Enter")
        self.assertEqual(body["not"], ["purple", "a heart", "blue"])
        with self.searches() as body:
            self.page.get_by_label("Remove: without a heart").click()
        self.assertEqual(body["not"], ["purple", "blue"])
        self.assertIn("not=purple&not=blue", self.page.url)

    def test_only_words_to_exclude_is_explained(self):
        self.go_start()
        self.page.fill("#words", "-blue")
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#alert")).to_have_text("Add words or a picture to search for.")

    def test_layout_stays_while_thumbnails_load(self):
        waiting = []
        self.page.route("**/thumbnail?size*", lambda route: waiting.append(route))
        self.go_search()
        places = "all => all.map(one => JSON.stringify(one.getBoundingClientRect()))"
        before = self.page.eval_on_selector_all(".tile", places)
        self.assertEqual(self.page.locator("img.there").count(), 0)
        for _ in range(20):
            for route in waiting:
                route.continue_()
            waiting.clear()
            self.page.wait_for_timeout(20)
        self.page.wait_for_selector("img.there")
        self.assertEqual(self.page.eval_on_selector_all(".tile", places), before)

    def test_filters_show_in_request_and_address(self):
        self.go_search()
        self.page.click("#filters-button")
        self.page.fill("[name=under]", "/nowhere")
        self.page.fill("[name=after]", "2001-02-03")
        self.page.fill("[name=min_width]", "11")
        with self.searches() as body:
            self.page.click("text=Apply")
        self.assertEqual((body["under"], body["after"], body["min_width"]), ("/nowhere", "2001-02-03", 11))
        self.heading("No picture passes these filters")
        self.assertEqual(self.page.inner_text("#filters-count"), "3")
        self.page.reload()
        self.heading("No picture passes these filters")
        self.assertEqual(self.page.input_value("[name=after]"), "2001-02-03")
        with self.searches() as body:
            self.page.click("text=Clear the filters")
        self.assertNotIn("under", body)
        self.page.wait_for_selector(".tile")
        with self.searches() as body:
            self.page.click("#filters-button")
            self.page.check("[name=unfolded]")
        self.assertIs(body["fold"], False)
        self.assertIn("fold=0", self.page.url)

    def test_more_hits(self):
        first = self.search(text=WORDS)["data"][0]
        asked = []
        def handle(route):
            offset = route.request.post_data_json["offset"]
            asked.append(offset)
            count = 60 if offset < 60 else 7
            hits = [{**first, "standout": None, "alike": []}] * count
            route.fulfill(json={"object": "list", "total": 67, "took_ms": 0.4, "mean": None, "deviation": None,
                                "data": hits})
        self.page.route("**/v1/search", handle)
        self.go_search()
        expect(self.page.locator(".tile")).to_have_count(60)
        expect(self.page.locator("#status")).to_have_text("67 pictures compared in under 1 ms")
        self.page.click("text=Show more")
        expect(self.page.locator(".tile")).to_have_count(67)
        expect(self.page.locator("text=Show more")).to_have_count(0)
        self.assertEqual(asked, [0, 60])


class ExampleTest(PageTest):
    """Searching with a picture."""

    def finds(self, hit):
        first = self.page.locator(".tile").first
        expect(first).to_be_visible()
        expect(self.page.locator(".chip.picture img")).to_be_visible()
        self.assertEqual(self.ids()[0], hit["id"])

    def test_drop_paste_and_choose(self):
        hit = self.search(text=WORDS)["data"][0]
        data = self.picture(hit)
        for way in ("drop", "paste", "choose"):
            with self.subTest(way):
                self.go_start()
                with self.searches() as body:
                    if way == "choose":
                        file = {"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": data}
                        self.page.set_input_files("#choose", file)
                    else:
                        self.give(way, data)
                self.assertEqual(base64.b64decode(body["image"].split("data:image/jpeg;base64,")[1]), data)
                self.finds(hit)
                expect(self.page.locator("#drop")).to_be_hidden()

    def test_picture_and_words_together_and_back(self):
        hit = self.search(text=WORDS)["data"][0]
        self.go_search()
        with self.searches() as body:
            self.give("drop", self.picture(hit))
        self.assertEqual(body["text"], WORDS)
        self.assertTrue(body["image"].startswith("data:image/jpeg;base64,"))
        self.page.wait_for_selector(".tile")
        self.page.go_back()
        expect(self.page.locator(".chip.picture")).to_have_count(0)
        self.page.go_forward()
        expect(self.page.locator(".chip.picture")).to_have_count(1)
        self.page.wait_for_selector(".tile")
        with self.searches() as body:
            self.page.get_by_label("Remove the picture").click()
        self.assertNotIn("image", body)

    def test_what_is_no_picture_is_said(self):
        self.go_search()
        self.give("drop", b"hello", "notes.txt", "text/plain")
        expect(self.page.locator("#alert")).to_have_text("That is no picture.")

    def test_more_like_this(self):
        hits = self.search(text=WORDS)["data"]
        self.go_search()
        with self.searches() as body:
            self.page.locator(".tile").nth(2).hover()
            self.page.locator(".similar").nth(2).click()
        self.assertEqual(body["like"], hits[2]["id"])
        self.assertNotIn("text", body)
        self.assertTrue(self.page.url.endswith(f"?like={hits[2]['id']}"))
        expect(self.page.locator(".chip.picture img")).to_be_visible()
        self.page.fill("#words", "blue")
        with self.searches() as body:
            self.page.keyboard.press("Enter")
        self.assertEqual((body["like"], body["text"]), (hits[2]["id"], "blue"))
        self.page.reload()
        expect(self.page.locator(".chip.picture img")).to_be_visible()

    def test_a_hit_can_be_dragged_to_the_bar(self):
        hit = self.search(text=WORDS)["data"][1]
        self.go_search()
        with self.searches() as body:
            self.page.locator(".shot").nth(1).drag_to(self.page.locator("#words"))
        self.assertEqual((body["like"], body["text"]), (hit["id"], WORDS))


class LargeViewTest(PageTest):

    def test_shows_facts_and_walks(self):
        hits = self.search(text=WORDS)["data"]
        self.go_search()
        self.page.locator(".shot").first.click()
        expect(self.page.locator("#viewer-path")).to_have_text(hits[0]["path"])
        expect(self.page.locator("#viewer-facts")).to_contain_text(f"{hits[0]['width']:,} × {hits[0]['height']:,}")
        expect(self.page.locator("#viewer-picture")).to_have_attribute(
            "src", f"/v1/images/{hits[0]['id']}?v={hits[0]['hash']}")
        self.page.click("#viewer-next")
        expect(self.page.locator("#viewer-path")).to_have_text(hits[1]["path"])
        self.assertTrue(self.page.url.endswith(f"#picture-{hits[1]['id']}"))
        self.page.reload()
        expect(self.page.locator("#viewer-path")).to_have_text(hits[1]["path"])
        self.page.go_back()
        expect(self.page.locator("#viewer")).to_be_hidden()
        self.assertEqual(self.ids(), [hit["id"] for hit in hits])

    def test_path_is_copied(self):
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        held = []
        self.page.route(re.compile(r"/v1/images/\d+\?v="), lambda route: held.append(route))
        self.go_search()
        self.page.locator(".shot").first.click()
        self.page.click("#viewer-copy")
        expect(self.page.locator("#viewer-note")).to_have_text("Path copied")
        held[0].continue_()
        expect(self.page.locator("#viewer-picture")).not_to_have_class("preview")
        expect(self.page.locator("#viewer-note")).to_have_text("Path copied")
        path = self.search(text=WORDS)["data"][0]["path"]
        self.assertEqual(self.page.evaluate("navigator.clipboard.readText()"), path)

    def test_more_like_this_goes_back_to_the_results(self):
        hit = self.search(text=WORDS)["data"][0]
        self.go_search()
        self.page.locator(".shot").first.click()
        with self.searches() as body:
            self.page.click("#viewer-like")
        self.assertEqual(body["like"], hit["id"])
        expect(self.page.locator("#viewer")).to_be_hidden()
        self.page.go_back()
        expect(self.page.locator("#words")).to_have_value(WORDS)
        expect(self.page.locator("#viewer")).to_be_hidden()

    def test_alike_pictures_open(self):
        hits = self.search(text=WORDS)["data"]
        alike = [hit["id"] for hit in hits[1:4]]
        def change(found):
            if found and found[0]["id"] == hits[0]["id"] and len(found) == len(hits):
                del found[1:4]
                found[0]["alike"] = alike
        self.change_hits(change)
        self.go_search()
        self.page.unroute("**/v1/search")
        self.page.click("text=+3 alike")
        expect(self.page.locator(".strip button")).to_have_count(4)
        expect(self.page.locator("#viewer-more h3")).to_have_text("3 pictures alike")
        self.page.locator(".strip button").nth(1).click()
        self.assertIn(self.page.inner_text("#viewer-path"), [hit["path"] for hit in hits[1:4]])
        expect(self.page.locator(".strip button").nth(1)).to_have_attribute("aria-current", "true")

    def test_names_are_text(self):
        def change(hits):
            hits[0]["path"] = HOSTILE
            hits[0]["copies"] = [HOSTILE]
        self.change_hits(change)
        self.go_search()
        self.page.locator(".shot").first.click()
        expect(self.page.locator("#viewer-path")).to_have_text(HOSTILE.replace("\u202e", "\ufffd"))
        self.assertIn('<img src=x onerror="document.title=1">', self.page.inner_text("#viewer-name"))
        self.assertEqual(self.page.locator("img[src=x]").count(), 0)
        self.assertNotEqual(self.page.title(), "1")


class KeyboardTest(PageTest):

    def test_everything_without_a_mouse(self):
        hits = self.search(text=WORDS)["data"]
        press = self.page.keyboard.press
        self.go_start()
        press("/")
        self.page.keyboard.type(WORDS)
        press("Enter")
        expect(self.page.locator("#status")).to_contain_text("compared")
        press("ArrowDown")
        self.assertEqual(self.focused_id(), hits[0]["id"])
        self.assertNotEqual(self.page.evaluate("getComputedStyle(document.activeElement).outlineStyle"), "none")
        press("ArrowRight")
        press("ArrowRight")
        press("ArrowLeft")
        self.assertEqual(self.focused_id(), hits[1]["id"])
        press("End")
        self.assertEqual(self.focused_id(), hits[-1]["id"])
        press("Home")
        press("Enter")
        expect(self.page.locator("#viewer-path")).to_have_text(hits[0]["path"])
        press("ArrowRight")
        expect(self.page.locator("#viewer-path")).to_have_text(hits[1]["path"])
        press("Escape")
        expect(self.page.locator("#viewer")).to_be_hidden()
        expect(self.page).not_to_have_url(re.compile("#"))
        self.assertEqual(self.focused_id(), hits[1]["id"])
        with self.searches() as body:
            press("s")
        self.assertEqual(body["like"], hits[1]["id"])

    def test_arrows_go_to_rows_above_and_below(self):
        self.go_search()
        self.page.locator(".shot").first.focus()
        box = """(() => {
          const place = document.activeElement.getBoundingClientRect();
          return [place.left, place.top + scrollY];
        })()"""
        left, top = self.page.evaluate(box)
        self.page.keyboard.press("ArrowDown")
        left_below, top_below = self.page.evaluate(box)
        self.assertGreater(top_below, top)
        self.assertLess(abs(left_below - left), 200)
        self.page.keyboard.press("ArrowUp")
        self.assertEqual(self.page.evaluate(box), [left, top])
        self.page.keyboard.press("ArrowUp")
        self.assertEqual(self.page.evaluate("document.activeElement.id"), "words")

    def test_what_has_the_focus_is_not_under_the_bar(self):
        self.go_search()
        self.page.locator(".shot").last.focus()
        for _ in range(20):
            self.page.keyboard.press("ArrowUp")
            if self.page.evaluate("document.activeElement.id") == "words":
                break
            top, bar = self.page.evaluate("""[document.activeElement.getBoundingClientRect().top,
                                              document.querySelector(".top").getBoundingClientRect().bottom]""")
            self.assertGreaterEqual(top, bar)

    def test_tab_reaches_one_picture_only(self):
        self.go_search()
        stops = "all => all.filter(one => one.tabIndex === 0).length"
        self.assertEqual(self.page.eval_on_selector_all(".shot", stops), 1)
        self.page.locator(".shot").nth(3).focus()
        self.assertEqual(self.page.eval_on_selector_all(".shot", stops), 1)


class ErrorTest(PageTest):
    expects_errors = True

    def test_busy_counts_down_and_tries_again(self):
        self.go_start()
        tries = []
        def handle(route):
            tries.append(route.request)
            if len(tries) < 3:
                route.fulfill(**refusal(429, "busy", retry_after="30" if len(tries) == 1 else "2"))
            else:
                route.continue_()
        self.page.route("**/v1/search", handle)
        self.page.fill("#words", WORDS)
        self.page.keyboard.press("Enter")
        self.heading("The service is busy")
        expect(self.page.locator(".countdown")).to_have_text("Trying again in 30 s")
        expect(self.page.locator(".countdown")).to_have_text("Trying again in 29 s")
        self.page.click("text=Try now")
        expect(self.page.locator(".countdown")).to_have_text("Trying again in 2 s")
        self.page.wait_for_selector(".tile")
        self.assertEqual(len(tries), 3)
        expect(self.page.locator("main .words")).to_have_count(0)

    def test_offline_and_try_now(self):
        self.go_start()
        self.page.route("**/v1/search", lambda route: route.abort())
        self.page.fill("#words", WORDS)
        self.page.keyboard.press("Enter")
        self.heading("The service does not answer")
        self.page.unroute("**/v1/search")
        self.page.click("text=Try now")
        self.page.wait_for_selector(".tile")

    def test_a_refusal_is_shown_in_its_words(self):
        self.page.route("**/v1/search", lambda route: route.fulfill(**refusal(400, "this is why")))
        self.go("/?q=x")
        self.heading("That did not work")
        expect(self.page.locator("main .words")).to_contain_text("refused: this is why")
        self.page.unroute("**/v1/search")
        self.page.click("text=Try again")
        self.page.wait_for_selector(".tile")

    def test_file_that_is_gone(self):
        self.page.route("**/v1/images/**", lambda route: route.fulfill(**refusal(410, "gone")))
        self.go_search()
        expect(self.page.locator(".frame.missing").first).to_have_text("Changed or gone since it was indexed")
        self.page.locator(".shot").first.click()
        expect(self.page.locator("#viewer-words")).to_have_text("Changed or gone since it was indexed")

    def test_busy_thumbnails_come_later(self):
        refused = set()
        def handle(route):
            if route.request.url in refused:
                route.continue_()
            else:
                refused.add(route.request.url)
                route.fulfill(**refusal(503, "busy", retry_after="1"))
        self.page.route("**/thumbnail?size*", handle)
        self.go_search()
        self.page.wait_for_selector("img.there")
        self.assertEqual(self.page.locator(".frame.missing").count(), 0)

    def test_like_what_is_gone(self):
        self.page.route("**/v1/search", lambda route: route.fulfill(**refusal(404, "not_found")))
        self.go("/?like=999999999")
        self.heading("That picture is no longer in the index")

    def test_format_that_no_browser_shows(self):
        hit = self.search(text=WORDS)["data"][0]
        self.page.route(f"**/v1/images/{hit['id']}?v=*", lambda route: route.fulfill(
            status=200, content_type="image/heic", body="not for browsers"))
        self.go_search()
        self.page.locator(".shot").first.click()
        expect(self.page.locator("#viewer-picture")).to_have_attribute(
            "src", f"/v1/images/{hit['id']}/thumbnail?size=640&v={hit['hash']}")
        expect(self.page.locator("#viewer-note")).to_contain_text("A preview")

    def test_formats_known_by_their_ending_are_not_loaded(self):
        self.change_hits(lambda hits: hits[0].update(path="/photos/a.HEIC"))
        self.go_search()
        hit = self.search(text=WORDS)["data"][0]
        self.page.locator(".shot").first.click()
        expect(self.page.locator("#viewer-note")).to_have_text("A preview: browsers do not show HEIC files")
        file = f"{service}/v1/images/{hit['id']}?v={hit['hash']}"
        self.assertNotIn(file, [request.url for request in self.requests])

    def test_empty_index_says_how_to_make_one(self):
        index = {**self.ask("/v1/index"), "contents": 0, "folders": [], "updating": False}
        self.page.route("**/v1/index", lambda route: route.fulfill(json=index))
        self.go()
        self.heading("Nothing is indexed yet")
        expect(self.page.locator("main code")).to_have_text("siglip index FOLDER --model M")

    def test_no_index(self):
        self.page.route("**/v1/index", lambda route: route.fulfill(**refusal(404, "no_index")))
        self.go()
        self.heading("This service searches no index")

    def test_model_without_words(self):
        index = {**self.ask("/v1/index"), "texts": False}
        self.page.route("**/v1/index", lambda route: route.fulfill(json=index))
        self.go()
        expect(self.page.locator("#words")).to_be_disabled()
        expect(self.page.locator("#words")).to_have_attribute("placeholder", "Choose, drop or paste a picture")

    def test_key_is_asked_for_once(self):
        known = []
        def guard(route):
            route.continue_() if known else route.fulfill(**refusal(401, "no_key"))
        def session(route):
            if route.request.post_data_json == {"key": "right horse battery"}:
                known.append(True)
                route.fulfill(status=204)
            else:
                route.fulfill(**refusal(401, "wrong_key"))
        self.page.route("**/v1/index", guard)
        self.page.route("**/v1/search", guard)
        self.page.route("**/v1/session", session)
        self.go("/?q=" + urllib.parse.quote(WORDS))
        expect(self.page.locator("#key")).to_be_visible()
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Escape")
        expect(self.page.locator("#key")).to_be_visible()
        self.page.fill("#key-input", "wrong")
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#key-error")).to_have_text("The service does not know this key.")
        self.page.fill("#key-input", "right horse battery")
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#key")).to_be_hidden()
        self.page.wait_for_selector(".tile")
        self.assertEqual(self.page.evaluate("Object.values(localStorage)"), ["1"])
        expect(self.page.locator("#sign-out")).to_be_visible()


class DuplicatesTest(PageTest):

    def test_kinds(self):
        self.go()
        self.page.click("#duplicates-link")
        for kind in ("same-picture", "same-bytes", "similar"):
            with self.subTest(kind):
                self.page.click(f".segments a[href$='={kind}']")
                wanted = self.ask("/v1/duplicates", {"kind": kind, "top": 40, "offset": 0})
                if wanted["total"] == 0:
                    self.heading("Duplicates")
                    expect(self.page.locator("main .words h2")).to_have_text("No duplicates")
                    continue
                expect(self.page.locator(".group")).to_have_count(len(wanted["data"]))
                files = self.page.locator(".group").first.locator(".tile")
                expect(files).to_have_count(len(wanted["data"][0]["files"]))
                files.nth(1).locator(".shot").click()
                expect(self.page.locator("#viewer-path")).to_have_text(wanted["data"][0]["files"][1]["path"])
                self.close_viewer()

    def test_paths_of_the_others_are_copied(self):
        wanted = self.ask("/v1/duplicates", {"kind": "similar", "top": 40, "offset": 0})["data"]
        if not wanted:
            self.skipTest("the index has no similar pictures")
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.go("/?view=duplicates&kind=similar")
        self.page.locator("text=Copy the other paths").first.click()
        expect(self.page.get_by_role("button", name="Copied")).to_be_visible()
        self.assertEqual(self.page.evaluate("navigator.clipboard.readText()").split("\n"),
                         [file["path"] for file in wanted[0]["files"][1:]])


class AccessibilityTest(PageTest):
    """axe in every state, in both themes, wide and narrow."""

    expects_errors = True

    def states(self):
        page = self.page
        def fail(pattern, **reply):
            page.route(pattern, lambda route: route.fulfill(**refusal(**reply)))
        index = self.ask("/v1/index")

        self.go()
        page.wait_for_selector("img.there")
        yield "start"
        self.change_hits(lambda hits: hits and hits[0].update(alike=[hit["id"] for hit in hits[1:3]]))
        self.go_search(**{"q": WORDS, "not": "a drawing"})
        page.wait_for_selector("img.there")
        yield "search"
        page.click("#filters-button")
        page.click("#numbers")
        yield "filters"
        page.click("#filters-button")
        page.click("#add-without")
        yield "without"
        page.locator(".shot").nth(3).click()
        expect(page.locator("#viewer-picture")).not_to_have_class("preview")
        yield "large"
        self.close_viewer()
        page.locator(".alike").first.click()
        page.wait_for_selector(".strip li")
        yield "alike"
        self.close_viewer()
        page.unroute("**/v1/search")
        for kind in ("same-bytes", "similar"):
            self.go(f"/?view=duplicates&kind={kind}")
            page.wait_for_selector(".group, .kinds ~ .words")
            yield f"duplicates-{kind}"
        self.go("/?q=x&under=/nowhere")
        page.wait_for_selector("main .words")
        yield "nothing"
        fail("**/v1/search", status=503, retry_after="9")
        self.go(f"/?like={self.search(text=WORDS)['data'][0]['id']}")
        page.wait_for_selector("main .words")
        yield "busy"
        page.unroute("**/v1/search")
        page.route("**/v1/search", lambda route: route.abort())
        self.go("/?q=x")
        page.wait_for_selector("main .words")
        yield "offline"
        page.unroute("**/v1/search")
        fail("**/v1/images/**", status=410)
        self.go_search()
        page.wait_for_selector(".frame.missing")
        yield "gone"
        page.locator(".shot").first.click()
        page.wait_for_selector("#viewer-words p")
        yield "gone-large"
        self.close_viewer()
        page.unroute("**/v1/images/**")
        self.go("/?q=x")
        page.wait_for_selector(".tile")
        self.give("drop", b"hello", "notes.txt", "text/plain")
        page.wait_for_selector(".problem")
        yield "problem"
        page.route("**/v1/index", lambda route: route.fulfill(json={**index, "contents": 0, "folders": []}))
        self.go()
        page.wait_for_selector("main .words")
        yield "empty"
        page.unroute("**/v1/index")
        fail("**/v1/index", status=401)
        self.go()
        page.wait_for_selector("#key[open]")
        yield "key"
        page.unroute("**/v1/index")

    def test_axe_finds_nothing(self):
        seen = set()
        for state in self.states():
            seen.add(state)
            for viewport in (WIDE, NARROW):
                for theme in ("light", "dark"):
                    self.page.set_viewport_size(viewport)
                    self.page.emulate_media(color_scheme=theme)
                    name = f"{state}-{viewport['width']}-{theme}"
                    with self.subTest(name):
                        self.check(name)
            self.page.set_viewport_size(WIDE)
        self.assertGreaterEqual(len(seen), 16)

    def check(self, name):
        if options.screenshots:
            self.page.wait_for_timeout(100)
            self.page.screenshot(path=pathlib.Path(options.screenshots) / f"{name}.png")
        self.assert_no_sideways()
        found = Axe().run(self.page)
        self.assertEqual(found.violations_count, 0, found.generate_report())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--service")
    parser.add_argument("--screenshots")
    _, rest = parser.parse_known_args(namespace=options)
    if options.screenshots:
        pathlib.Path(options.screenshots).mkdir(parents=True, exist_ok=True)
    unittest.main(argv=[sys.argv[0], *rest])
