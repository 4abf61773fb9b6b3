"""A Hugging Face hub on this machine: two servers, the hub itself and the storage that it redirects
to for large files, with the faults that tests ask for."""

import hashlib
import http.server
import json
import re
import threading
import time
import urllib.parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 4096  # bytes from which on a file is kept in the storage


def sha256_of(data):
    return hashlib.sha256(data).hexdigest()


def git_name_of(data):
    """What git calls a file of these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def etag_of(data):
    return sha256_of(data) if len(data) >= LARGE else git_name_of(data)


class Hub:
    """With one model. Attributes may be changed at any time."""

    def __init__(self, name, files, revisions=None):
        self.name = name
        self.files = files  # name -> bytes
        self.revisions = revisions or {"main": COMMIT}
        self.listed = None  # instead of the names in files
        self.token = None  # who does not send it is refused
        self.gated = False
        self.redirect_small = False  # as the hub does today, to another path of its own
        self.storage_url = None  # redirects go there instead of to the storage
        # Faults
        self.statuses = []  # for the next requests; None: serve it
        self.connect_status = 502  # for who takes it for a proxy
        self.cuts = []  # the next bodies from the storage end after so many bytes; None: whole
        self.altered = {}  # name -> what is sent instead of its bytes
        self.etag = None  # instead of the right one
        self.header_commit = None  # likewise
        self.ignore_ranges = False
        self.wrong_range = False
        self.pause = 0.0  # seconds before each piece of a body from the storage
        self.piece = 64 << 10
        self.stall = threading.Event()  # while set, a body from the storage stops ...
        self.before_stall = 0  # ... once so many bytes of it were sent
        # What happened: (server, method, path, headers)
        self.requests = []
        self.lock = threading.Lock()

        self.servers = [self._start("hub"), self._start("storage")]
        self.url, self.storage = (f"http://127.0.0.1:{s.server_address[1]}" for s in self.servers)

    def _start(self, role):
        handler = type("Handler", (Handler,), {"hub": self, "role": role})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def take(self, faults):
        with self.lock:
            return faults.pop(0) if faults else None

    def paths(self, role=None, method=None):
        return [path for server, verb, path, _ in self.requests
                if role in (None, server) and method in (None, verb)]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_CONNECT(self):
        self.answer(self.hub.connect_status)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        with self.hub.lock:
            self.hub.requests.append((self.role, self.command, path, dict(self.headers)))
        status = self.hub.take(self.hub.statuses)
        if status is not None:
            self.answer(status)
        elif self.role == "storage":
            self.serve_storage(path)
        else:
            self.serve_hub(path)

    def serve_hub(self, path):
        hub = self.hub
        if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            self.answer(401, X_Error_Code="GatedRepo" if hub.gated else "RepoNotFound")
            return
        match = re.fullmatch(r"/api/models/([^/]+/[^/]+)/(revision|tree)/([^/]+)", path)
        if match and match[1] == hub.name:
            self.serve_listing(match[2], urllib.parse.unquote(match[3]))
            return
        match = re.fullmatch(r"(?:/api/resolve-cache/models)?/([^/]+/[^/]+)/resolve/([^/]+)/(.+)",
                             path)
        if match and match[1] == hub.name:
            self.serve_file(path, match[2], urllib.parse.unquote(match[3]))
            return
        self.answer(404, X_Error_Code="RepoNotFound")

    def commit_of(self, revision):
        known = self.hub.revisions
        return revision if revision in known.values() else known.get(revision)

    def serve_listing(self, kind, revision):
        hub = self.hub
        commit = self.commit_of(revision)
        if commit is None:
            self.answer(404, X_Error_Code="RevisionNotFound")
        elif kind == "revision":
            names = list(hub.files) if hub.listed is None else hub.listed
            self.answer(200, json.dumps({"id": hub.name, "sha": commit, "siblings": [
                {"rfilename": name} for name in names]}).encode(), Content_Type="application/json")
        else:
            entries = []
            for name, data in hub.files.items():
                entry = {"type": "file", "path": name, "size": len(data), "oid": git_name_of(data)}
                if len(data) >= LARGE:
                    entry["lfs"] = {"oid": sha256_of(data), "size": len(data), "pointerSize": 130}
                entries.append(entry)
            self.answer(200, json.dumps(entries).encode(), Content_Type="application/json")

    def serve_file(self, path, revision, name):
        hub = self.hub
        commit = self.commit_of(revision)
        if commit is None or name not in hub.files:
            code = "RevisionNotFound" if commit is None else "EntryNotFound"
            self.answer(404, X_Error_Code=code)
            return
        data = hub.files[name]
        etag = hub.etag or etag_of(data)
        commit = hub.header_commit or commit
        if len(data) >= LARGE:
            self.answer(302, X_Repo_Commit=commit, X_Linked_Etag=f'"{etag}"',
                        X_Linked_Size=str(len(data)),
                        Location=f"{hub.storage_url or hub.storage}/blob/{name}?Signature=secret")
        elif hub.redirect_small and not path.startswith("/api/"):
            self.answer(307, Location="/api/resolve-cache/models" + path)
        else:
            self.answer(200, hub.altered.get(name, data), X_Repo_Commit=commit, ETag=f'"{etag}"')

    def serve_storage(self, path):
        hub = self.hub
        name = path.removeprefix("/blob/")
        data = hub.altered.get(name, hub.files[name])
        begin = 0
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if match and not hub.ignore_ranges:
            begin = int(match[1])
            if begin >= len(data):
                self.answer(416)
                return
            self.send_response(206)
            shown = begin - 1 if hub.wrong_range else begin
            self.send_header("Content-Range", f"bytes {shown}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - begin))
        self.end_headers()
        cut = hub.take(hub.cuts)
        end = len(data) if cut is None else min(begin + cut, len(data))
        first = begin
        while begin < end:
            time.sleep(hub.pause)
            while hub.stall.is_set() and begin - first >= hub.before_stall:
                time.sleep(0.02)
            try:
                self.wfile.write(data[begin:min(begin + hub.piece, end)])
            except OSError:  # the client has had enough
                self.close_connection = True
                return
            begin += hub.piece
        if end < len(data):
            self.close_connection = True
