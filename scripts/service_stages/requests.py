"""Requests and their answers, as the parts need them."""

import asyncio
import collections
import json
import re

from index_figures import DEMO, ROOT, check
from load import Client, request_bytes
from service import data_uri

IMAGES = ROOT / "examples" / "images"
SERVER_TESTS = ROOT / "tests" / "server"


def embed_request(**fields):
    return request_bytes("POST", "/v1/embeddings", json.dumps(fields).encode())


def search_request(**fields):
    return request_bytes("POST", "/v1/search", json.dumps(fields).encode())


def picture_request(data, kind="png"):
    return request_bytes("POST", "/v1/embeddings", data, f"image/{kind}")


def good_requests(service):
    """Of every kind, each with the bytes that answer it, but for what a clock says."""
    pictures = sorted(IMAGES.glob("*.jpg"))[:4]
    uri = data_uri(pictures[0])
    hits = service.post("/v1/search", {"text": "a red star", "top": 3}).json()["data"]
    requests = [embed_request(input="a red heart"), embed_request(input=["a blue star", uri], encoding_format="base64"),
                search_request(text="a red star", top=5), search_request(image=uri, top=5),
                request_bytes("POST", "/v1/classify",
                              json.dumps({"input": uri, "labels": ["a heart", "a star"]}).encode()),
                request_bytes("POST", "/v1/duplicates", b'{"kind": "similar"}'), request_bytes("GET", "/v1/index"),
                *(picture_request(picture.read_bytes(), "jpeg") for picture in pictures),
                *(request_bytes("GET", f"/v1/images/{hit['id']}?v={hit['hash']}") for hit in hits),
                *(request_bytes("GET", f"/v1/images/{hit['id']}/thumbnail?size=320&v={hit['hash']}") for hit in hits)]
    return [(request, timeless(answer)) for request, answer in zip(requests, ask_each(service, requests))]


def ask_each(service, requests):
    """The answers to requests that nothing else competes with, all of which must be good."""
    async def run():
        client = Client(service.port)
        answers = [await client.ask(request) for request in requests]
        client.close()
        return answers

    answers = asyncio.run(run())
    check({answer.status for answer in answers} == {200}, f"before any load: {statuses(answers)}")
    return answers


def timeless(answer):
    return re.sub(rb'"took_ms":[0-9.e+-]+', b"", answer.body)


def statuses(answers):
    return ", ".join(f"{count} x {status or 'nothing'}" for status, count in
                     sorted(collections.Counter(answer.status for answer in answers).items()))


def rate_of(answers, seconds):
    return sum(answer.status == 200 for answer in answers) / seconds


def index_of(siglip, scratch, pictures, model=DEMO):
    index = scratch / f"{pictures.name} index"
    siglip.run("index", "--index", index, "--model", model, pictures)
    return index
