"""The page in a browser: searching, keyboard, errors, and what axe finds, in both themes, wide and narrow.

    test_page.py [--service URL] [--screenshots DIR] [unittest's own arguments]

Needs playwright, axe-playwright-python and /usr/bin/chromium. Without --service a made-up service answers
(mock_service.py); with it a running one does, which must have an index of at least six pictures and ask for no key.
What the index holds is asked of the service; errors are put into the browser's way, so that they need no broken one.
The tests are in page_*.py.
"""

import argparse
import pathlib
import sys
import unittest

from playwright.sync_api import sync_playwright

from page_appearance import AccessibilityTest
from page_case import PageTest
from page_duplicates import DuplicatesTest
from page_errors import ErrorTest
from page_keyboard import KeyboardTest
from page_large_view import LargeViewTest
from page_search import ExampleTest, SearchTest

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--service")
    parser.add_argument("--screenshots", type=pathlib.Path)
    options, rest = parser.parse_known_args()
    if options.service:
        PageTest.service = options.service.rstrip("/")
    else:
        from mock_service import MockService
        PageTest.service = MockService().start().address
    if options.screenshots:
        options.screenshots.mkdir(parents=True, exist_ok=True)
        PageTest.screenshots = options.screenshots
    with sync_playwright() as playwright:
        PageTest.browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
