"""What the page says when it cannot show what was asked for, and how it asks for a key."""

import urllib.parse

from playwright.sync_api import expect

from page_case import WORDS, PageTest, refusal


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
        file = f"{self.service}/v1/images/{hit['id']}?v={hit['hash']}"
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
