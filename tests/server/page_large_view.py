"""A picture large."""

import re

from playwright.sync_api import expect

from page_case import WORDS, PageTest

HOSTILE = '/photos/<img src=x onerror="document.title=1">\u202egpj.exe'


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
