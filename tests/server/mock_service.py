"""A service that answers as `siglip serve` does, of a folder of pictures and without a model, for work on the page.

    tests/server/mock_service.py [--port 8080] [--folder examples/images] [--empty] [--key KEY]

Pictures fit words that their captions (captions.json in the folder) or names have. Scores are made up.
"""

import argparse
import base64
import hashlib
import http.server
import json
import mimetypes
import pathlib
import re
import struct
import threading
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "apps" / "server" / "page"
HOSTILE = '<img src=x onerror="document.title=1">\u202egpj.jpg'
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


def policy():
    """The policy that the program sends."""
    text = (PAGE / "page.h").read_text()
    return "".join(re.findall(r'"([^"]*)"', text[text.index("kPagePolicy"):text.index("struct PageFile")]))


def jpeg_size(data):
    """(width, height), as the first frame says."""
    at = 2
    while data[at] == 0xFF:
        length = struct.unpack(">H", data[at + 2:at + 4])[0]
        if 0xC0 <= data[at + 1] <= 0xCF and data[at + 1] not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5:at + 9])
            return width, height
        at += 2 + length
    raise ValueError("no frame")


class Library:
    """The pictures of a folder, and what is found among them."""

    def __init__(self, folder):
        captions = folder / "captions.json"
        captions = json.loads(captions.read_text()) if captions.exists() else []
        self.captions = {one["file"]: one["caption"] for one in captions}
        self.hits = {}
        self.files = {}
        for at, path in enumerate(sorted(folder.glob("*.jpg"))):
            data = path.read_bytes()
            width, height = jpeg_size(data)
            name = HOSTILE if at == 2 else self.captions.get(path.name, path.stem)[:60] + ".jpg"
            digest = hashlib.md5(data).hexdigest()
            self.files[at + 1] = path
            self.hits[at + 1] = {
                "id": at + 1, "hash": digest, "path": f"/home/ada/Pictures/{2019 + at % 6}/{name}", "width": width,
                "height": height, "copies": ["/home/ada/Backup/copy.jpg"] if at % 7 == 3 else [], "alike": [],
                "taken": None if at % 5 == 4 else f"{2019 + at % 6}-{at % 12 + 1:02}-17T09:{at % 60:02}:00+02:00"}

    def words_of(self, id):
        return set(re.findall(r"\w+", self.captions.get(self.files[id].name, self.files[id].stem).lower()))

    def similarity(self, id, words):
        own = self.words_of(id)
        noise = hashlib.md5(f"{id}{sorted(words)}".encode()).digest()[0] / 255
        return 0.02 + 0.1 * len(own & words) / max(len(words), 1) + 0.02 * noise

    def search(self, request):
        """The reply to a request, or None if it asks for a picture that is not there."""
        words = set(re.findall(r"\w+", str(request.get("text", "")).lower()))
        likes = request.get("like", [])
        likes = likes if isinstance(likes, list) else [likes]
        if any(id not in self.hits for id in likes):
            return None
        for id in likes:
            words |= self.words_of(id)
        if "image" in request:
            data = base64.b64decode(request["image"].split(",", 1)[1])
            known = [id for id, hit in self.hits.items() if hit["hash"] == hashlib.md5(data).hexdigest()]
            words |= self.words_of(known[0]) if known else {"a"}
        without = request.get("not", [])
        without = set(re.findall(r"\w+", " ".join([without] if isinstance(without, str) else without).lower()))
        passing = []
        for id, hit in self.hits.items():
            taken = hit["taken"] or ""
            if not hit["path"].startswith(request.get("under", "")) or hit["width"] < request.get("min_width", 0):
                continue
            if taken < request.get("after", ""):
                continue
            if "before" in request and not "" < taken < request["before"]:
                continue
            if request.get("format", "jpeg") != "jpeg":
                continue
            score = self.similarity(id, words) - (0.5 * self.similarity(id, without) if without else 0)
            if id in likes:
                score = 1.0
            hit = {**hit, "score": score, "standout": (score - 0.035) / 0.012}
            if "text" in request and not likes and "image" not in request and not without:
                hit["probability"] = max(score - 0.03, 0) * 3
            passing.append(hit)
        passing.sort(key=lambda hit: -hit["score"])
        total = len(passing)
        if request.get("fold", True) and len(passing) > 8 and not likes:
            passing[1] = {**passing[1], "alike": [hit["id"] for hit in passing[5:8]]}
            passing = passing[:5] + passing[8:]
        offset = request.get("offset", 0)
        return {"object": "list", "total": total, "took_ms": 1.93, "mean": 0.035, "deviation": 0.012,
                "data": passing[offset:offset + request.get("top", 20)]}

    def duplicates(self, request):
        size = {"same-bytes": 2, "same-picture": 3, "similar": 5}[request["kind"]]
        ids = list(self.hits)
        groups = []
        for at in range(0, len(ids) - size, size):
            files = []
            for place, id in enumerate(ids[at:at + size]):
                shown = ids[at] if request["kind"] == "same-bytes" else id
                files.append({key: self.hits[shown][key] for key in ("id", "path", "width", "height")} | {
                    "bytes": 204800 - 1000 * place, "mtime": 1715938200.5 + 86400 * id,
                    "score": 1 - 0.013 * place if request["kind"] != "same-bytes" else 1})
            groups.append({"files": files})
        offset = request.get("offset", 0)
        return {"object": "list", "total": len(groups), "data": groups[offset:offset + request.get("top", 20)]}

    def index(self):
        return {"model": "google/siglip2-base-patch16-224", "contents": len(self.hits), "undecodable": 1,
                "folders": [{"path": "/home/ada/Pictures", "files": len(self.hits), "missing": 2, "unreadable": 0}],
                "bytes": 1843200, "texts": True, "weak_standout": 2.7, "updating": False}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def reply(self, status, data=b"", content_type="application/json", **fields):
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(data)))
        self.send_header("x-content-type-options", "nosniff")
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status, code, message):
        self.reply(status, {"error": {"message": message, "type": "x", "param": None, "code": code}})

    def admitted(self):
        server = self.server
        if server.key is None or f"session={server.session}" in self.headers.get("cookie", ""):
            return True
        self.refuse(401, "no_key", "a key is needed")
        return False

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        library = self.server.library
        picture = re.fullmatch(r"/v1/images/(\d+)(/thumbnail)?", url.path)
        if url.path == "/" or url.path.startswith("/page/"):
            file = PAGE / ("index.html" if url.path == "/" else url.path.removeprefix("/page/"))
            if file.parent != PAGE or file.suffix not in TYPES or not file.is_file():
                self.refuse(404, "not_found", "no such file")
                return
            self.reply(200, file.read_bytes(), TYPES[file.suffix], content_security_policy=policy())
        elif not self.admitted():
            return
        elif url.path == "/v1/index":
            self.reply(200, library.index())
        elif picture and int(picture[1]) in library.files:
            path = library.files[int(picture[1])]
            kind = mimetypes.guess_type(path.name)[0]
            self.reply(200, path.read_bytes(), kind, cache_control="private, max-age=3600")
        else:
            self.refuse(404, "not_found", "there is no such thing")

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/v1/session":
            if request.get("key") == self.server.key:
                self.reply(204, set_cookie=f"session={self.server.session}; HttpOnly; SameSite=Strict; Path=/")
            else:
                self.refuse(401, "wrong_key", "the key is not known")
        elif not self.admitted():
            return
        elif self.path == "/v1/search":
            found = self.server.library.search(request)
            if found is None:
                self.refuse(404, "not_found", "there is no such content")
            else:
                self.reply(200, found)
        elif self.path == "/v1/duplicates":
            self.reply(200, self.server.library.duplicates(request))
        else:
            self.refuse(404, "not_found", "there is no such route")

    def do_DELETE(self):
        self.server.session += "x"
        self.reply(204)


class MockService(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder=ROOT / "examples" / "images", port=0, key=None, empty=False):
        super().__init__(("127.0.0.1", port), Handler)
        self.library = Library(folder)
        if empty:
            self.library.hits = {}
        self.key = key
        self.session = "0123456789abcdef"
        self.address = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        pass  # browsers leave in the middle of replies

    def start(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "examples" / "images")
    parser.add_argument("--empty", action="store_true", help="nothing is indexed")
    parser.add_argument("--key", help="asks for this key")
    options = parser.parse_args()
    service = MockService(options.folder, options.port, options.key, options.empty)
    print(service.address, flush=True)
    service.serve_forever()
