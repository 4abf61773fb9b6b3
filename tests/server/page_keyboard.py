"""The page without a mouse."""

import re

from playwright.sync_api import expect

from page_case import WORDS, PageTest


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
