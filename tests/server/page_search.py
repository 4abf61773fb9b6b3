"""Searching the page with words, filters and pictures."""

import base64
import urllib.parse

from playwright.sync_api import expect

from page_case import WORDS, PageTest


class SearchTest(PageTest):

    def test_start_shows_pictures_and_what_there_is(self):
        self.go_start()
        expect(self.page.locator("#about-line")).to_contain_text(f"{self.ask('/v1/index')['contents']:,} picture")
        self.page.click("#about summary")
        expect(self.page.locator("#about-folders li").first).to_be_visible()

    def test_policy_is_strict(self):
        policy = self.context.request.get(self.service + "/").headers["content-security-policy"]
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
