"""What axe finds in every state of the page, in both themes, wide and narrow."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from page_case import NARROW, WIDE, WORDS, PageTest, refusal


class AccessibilityTest(PageTest):
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
        if self.screenshots:
            self.page.wait_for_timeout(100)
            self.page.screenshot(path=self.screenshots / f"{name}.png")
        self.assert_no_sideways()
        found = Axe().run(self.page)
        self.assertEqual(found.violations_count, 0, found.generate_report())
