#!/usr/bin/env python3
"""Downloads through the C interface, from a hub on this machine. SIGLIP_LIBRARY is the library."""

import ctypes
import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "support"))
import hub_server

LIBRARY = ctypes.CDLL(os.environ["SIGLIP_LIBRARY"])
PROGRESS = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64)
LIBRARY.siglip_last_error_message.restype = ctypes.c_char_p
LIBRARY.siglip_pull_model.argtypes = [ctypes.c_char_p, PROGRESS, ctypes.c_void_p, ctypes.c_char_p,
                                      ctypes.c_size_t, ctypes.POINTER(ctypes.c_size_t)]
LIBRARY.siglip_resolve_model.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t,
                                         ctypes.POINTER(ctypes.c_size_t)]
OK, NOT_FOUND, CANCELLED = 0, 2, 8

NAME = "acme/tiny-siglip"
FOLDER = Path(__file__).resolve().parent / "golden" / "vision-head"
FILES = {name: (FOLDER / name).read_bytes() for name in ("config.json", "model.safetensors")}


class PullTest(unittest.TestCase):
    def setUp(self):
        self.hub = hub_server.Hub(NAME, FILES)
        self.addCleanup(self.hub.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = Path(folder.name, "cache")
        # Nothing of who runs the test: neither token nor cache nor proxy.
        before = dict(os.environ)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(before)))
        for name in before:
            if name.startswith(("HF_", "HUGGING")) or name.lower().endswith("_proxy"):
                del os.environ[name]
        os.environ.update(HF_ENDPOINT=self.hub.url, HF_HUB_CACHE=str(self.cache), HF_HOME=folder.name)
        self.told = []

    def pull(self, cancel_from=None):
        """(status, folder, its length)"""
        def progress(user, done, total):
            self.assertEqual(user, 7)
            self.told.append((done, total))
            return int(cancel_from is not None and done >= cancel_from)

        folder = ctypes.create_string_buffer(b"untouched", 4096)
        length = ctypes.c_size_t(77)
        status = LIBRARY.siglip_pull_model(NAME.encode(), PROGRESS(progress), 7, folder, len(folder),
                                           ctypes.byref(length))
        return status, folder.value.decode(), length.value

    def resolve(self):
        folder = ctypes.create_string_buffer(4096)
        return LIBRARY.siglip_resolve_model(NAME.encode(), folder, len(folder), None), folder.value.decode()

    def test_what_is_pulled_is_found(self):
        self.assertEqual(self.resolve()[0], NOT_FOUND)
        status, folder, length = self.pull()
        self.assertEqual(status, OK, LIBRARY.siglip_last_error_message())
        self.assertEqual(length, len(folder))
        self.assertEqual({path.name: path.read_bytes() for path in Path(folder).iterdir()}, FILES)
        self.assertEqual(self.resolve(), (OK, folder))
        total = sum(map(len, FILES.values()))
        self.assertEqual(self.told, sorted(self.told))
        self.assertEqual(self.told[-1], (total, total))

    def test_progress_cancels(self):
        self.hub.piece = 4096
        status, folder, length = self.pull(cancel_from=10000)
        self.assertEqual((status, folder, length), (CANCELLED, "untouched", 77))
        self.assertEqual(self.resolve()[0], NOT_FOUND)
        self.told = []
        self.assertEqual(self.pull()[0], OK)
        self.assertEqual(self.resolve()[0], OK)


if __name__ == "__main__":
    unittest.main()
