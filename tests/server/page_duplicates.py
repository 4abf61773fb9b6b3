"""The duplicates of the index."""

from playwright.sync_api import expect

from page_case import PageTest


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
