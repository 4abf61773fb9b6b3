#!/usr/bin/env python3
"""Measures `siglip serve`: how fast it is beside the library, and what becomes of those who ask too much of it.

    scripts/service_figures.py [--siglip build/release/apps/cli/siglip] [--seconds 30] [PART...]

recall     the evaluation set of the demo model, found by its captions through the server, and by siglip embed
load       texts, pictures, searches and thumbnails asked for by a few clients: every answer is the right one
speed      32 clients with pictures, and one, beside the library on the same pictures; searches by words among
           100,000 vectors under that load
overload   four times as many pictures as can be computed; then a burst of OpenAI clients
mix        good, broken, huge, slow and leaving clients at once: no good one fails, memory stays
slow       slow headers, bodies and readers, and large bodies with --max-buffered 128M (tests/server/attack.py)
term       SIGTERM under load: no accepted request is lost

All parts unless some are named. speed and overload use a model of base-patch16-224's size in int8, the others the
demo model. speed needs wrk, overload the package openai. Figures stand beside their target with "met" or "missed";
the exit status is 1 only where a result is wrong.
"""

import argparse
import asyncio
import base64
import collections
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import statistics
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "server"))

from index_figures import (DEMO, EVAL, ROOT, check, figure, library_cosines, make_large, png, quantile,
                           run_parts)
from load import Client, closed_loop, open_loop, request_bytes
from served import Served

SERVER_TESTS = ROOT / "tests" / "server"
IMAGES = ROOT / "examples" / "images"
VECTORS = 100_000
CLIENTS = 32


def embed_request(**fields):
    return request_bytes("POST", "/v1/embeddings", json.dumps(fields).encode())


def search_request(**fields):
    return request_bytes("POST", "/v1/search", json.dumps(fields).encode())


def picture_request(data):
    return request_bytes("POST", "/v1/embeddings", data, "image/png")


def index_of(siglip, scratch, pictures, model=DEMO):
    index = scratch / f"{pictures.name} index"
    siglip.run("index", "--index", index, "--model", model, pictures)
    return index


def read_tensors(path):
    """Of a safetensors file: name -> (shape, bytes of 32-bit floats)."""
    data = path.read_bytes()
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8:begin]).items():
        if name != "__metadata__":
            check(entry["dtype"] == "F32", f"{path}: {name} is {entry['dtype']}")
            first, last = entry["data_offsets"]
            tensors[name] = (entry["shape"], data[begin + first:begin + last])
    return tensors


def write_tensors(path, tensors):
    header, offset = {}, 0
    for name, (shape, data) in tensors.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    head = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for _, data in tensors.values():
            file.write(data)


def random_text_tower(demo, size, layers, seed):
    """The tensors of the demo model's text tower, but of `size` wide and `layers` deep."""
    source = random.Random(seed)
    pool = struct.pack("<65536f", *(source.gauss(0, 0.02) for _ in range(65536)))
    one = struct.pack("<f", 1)
    tensors = {}

    def make(name, shape):
        wide = [size if length == 128 else 4 * size if length == 512 else length for length in shape]
        count = 4 * (wide[0] if len(wide) == 1 else wide[0] * wide[1])
        is_norm = "layer_norm" in name and name.endswith("weight")
        values = one * (count // 4) if is_norm else (pool * (count // len(pool) + 2))[4 * source.randrange(65536):]
        tensors[name] = (wide, values[:count])

    for name, (shape, _) in demo.items():
        if not name.startswith("text_model."):
            continue
        if ".layers.0." in name:
            for layer in range(layers):
                make(name.replace(".layers.0.", f".layers.{layer}."), shape)
        elif ".layers." not in name:
            make(name, shape)
    return tensors


def random_model(siglip, scratch, arguments):
    """Of base-patch16-224's size in both towers, with the words that the demo model knows."""
    model, wanted = scratch / "base", scratch / "wanted.json"
    config = json.loads((DEMO / "config.json").read_text())
    size = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
    config["vision_config"].update(size, image_size=224, patch_size=16)
    config["text_config"].update(size, projection_size=768)
    wanted.write_text(json.dumps(config))
    siglip.run("init", "--config", wanted, "--seed", arguments.seed, model)
    demo = read_tensors(DEMO / "model.safetensors")
    tensors = {name if name.startswith("vision_model.") else f"vision_model.{name}": tensor
               for name, tensor in read_tensors(model / "model.safetensors").items()}
    tensors |= random_text_tower(demo, 768, 12, arguments.seed)
    tensors |= {name: demo[name] for name in ("logit_scale", "logit_bias")}
    write_tensors(model / "model.safetensors", tensors)
    (model / "config.json").write_text(json.dumps(config))
    for name in ("spiece.model", "tokenizer_config.json"):
        shutil.copy(DEMO / name, model)
    return model


def rate_of(answers, seconds):
    return sum(answer.status == 200 for answer in answers) / seconds


def statuses(answers):
    return ", ".join(f"{count} x {status or 'nothing'}" for status, count in
                     sorted(collections.Counter(answer.status for answer in answers).items()))


def recall(siglip, scratch, arguments):
    labels = json.loads((EVAL / "labels.json").read_text())
    captions = [label["caption"] for label in labels]
    pictures = [EVAL / label["file"] for label in labels]
    library = [cosines.index(max(cosines)) for cosines in library_cosines(siglip, scratch, captions, pictures)]
    index = index_of(siglip, scratch, EVAL)
    found = []
    with Served(arguments.siglip, "--index", index) as served:
        for caption in captions:
            status, _, reply = served.post("/v1/search", {"text": caption, "top": 1, "fold": False})
            check(status == 200, f"{caption}: {reply}")
            hit = reply["data"][0]
            found.append([pathlib.Path(path).resolve() for path in (hit["path"], *hit["copies"])])
    by_server = sum(picture.resolve() in paths for picture, paths in zip(pictures, found))
    by_library = sum(number == best for number, best in enumerate(library))
    figure("recall@1", f"server {by_server} of {len(captions)}, library {by_library}")
    check(by_server == by_library, "recall@1 differs")


def good_requests(served):
    """Of every kind, each with the bytes that answer it, but for what a clock says."""
    names = sorted(IMAGES.glob("*.jpg"))[:4]
    uri = "data:image/jpeg;base64," + base64.b64encode(names[0].read_bytes()).decode()
    hits = served.post("/v1/search", {"text": "a red star", "top": 3})[2]["data"]
    requests = [embed_request(input="a red heart"), embed_request(input=["a blue star", uri], encoding_format="base64"),
                search_request(text="a red star", top=5), search_request(image=uri, top=5),
                request_bytes("POST", "/v1/classify",
                              json.dumps({"input": uri, "labels": ["a heart", "a star"]}).encode()),
                request_bytes("POST", "/v1/duplicates", b'{"kind": "similar"}'), request_bytes("GET", "/v1/index"),
                *(request_bytes("POST", "/v1/embeddings", name.read_bytes(), "image/jpeg") for name in names),
                *(request_bytes("GET", f"/v1/images/{hit['id']}?v={hit['hash']}") for hit in hits),
                *(request_bytes("GET", f"/v1/images/{hit['id']}/thumbnail?size=320&v={hit['hash']}") for hit in hits)]

    async def ask_all():
        client = Client(served.port)
        answers = [await client.ask(request) for request in requests]
        client.close()
        return answers

    answers = asyncio.run(ask_all())
    check({answer.status for answer in answers} == {200}, f"before any load: {statuses(answers)}")
    return [(request, timeless(answer)) for request, answer in zip(requests, answers)]


def timeless(answer):
    return re.sub(rb'"took_ms":[0-9.e+-]+', b"", answer.body)


def load(siglip, scratch, arguments):
    with Served(arguments.siglip, "--index", index_of(siglip, scratch, IMAGES)) as served:
        known = good_requests(served)
        answers = closed_loop(served.port, [request for request, _ in known], 6, arguments.seconds)
        wrong = sum(answer.status != 200 for answer in answers)
        bodies = {body for _, body in known}
        same = sum(timeless(answer) in bodies for answer in answers)
        figure("requests", f"{len(answers) / arguments.seconds:,.0f}/s, p50 "
               f"{1e3 * quantile([answer.seconds for answer in answers], 0.5):.1f} ms, "
               f"p99 {1e3 * quantile([answer.seconds for answer in answers], 0.99):.1f} ms, {statuses(answers)}")
        check(wrong == 0, f"{wrong} failed: {statuses(answers)}")
        check(same == len(answers), f"{len(answers) - same} answers are not those without load")
        check(served.terminate() == 0, "the exit status is not 0")


def wrk(served, pictures, clients, seconds):
    command = ["wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s", "--timeout", "60s",
               "--script", str(SERVER_TESTS / "post.lua"), served.address + "/v1/embeddings", "--", *map(str, pictures)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result = json.loads(said.split("JSON", 1)[1])
    check(result["failed"] == 0, f"{result['failed']} of {result['requests']} failed")
    result["rate"] = result["requests"] / result["seconds"]
    return result


def make_vectors(index, count):
    """Adds contents to an index whose files are nowhere: vectors of norm 1, far from each other."""
    (index / "scan.i8").unlink(missing_ok=True)
    database = sqlite3.connect(index / "index.sqlite")
    dimensions, = database.execute("SELECT dimensions FROM space").fetchone()
    source = random.Random(1)
    root, = database.execute(
        "INSERT INTO root(path, kind) VALUES (CAST('/made' AS BLOB), 'folder') RETURNING id").fetchone()
    for number in range(count):
        turn = number % dimensions
        if turn == 0:
            values = [source.gauss(0, 1) for _ in range(dimensions)]
            norm = sum(value * value for value in values) ** 0.5
            halves = 2 * struct.pack(f"<{dimensions}e", *(value / norm for value in values))
        content, = database.execute(
            "INSERT INTO content(hash, size, format, width, height) VALUES (?, 1, 'png', 640, 480) RETURNING id",
            (source.randbytes(16),)).fetchone()
        database.execute("INSERT INTO vector VALUES (?, ?)", (content, halves[2 * turn:2 * (turn + dimensions)]))
        database.execute("INSERT INTO file(root, path, size, mtime_ns, content, seen) VALUES (?, ?, 1, 1, ?, 1)",
                         (root, f"{number}.png".encode(), content))
    database.commit()
    database.close()


def search_seconds(served, seconds):
    """Of searches by words, one after another, each by other words."""
    texts = (search_request(text=f"a picture of {number} things", top=20) for number in itertools.count())
    answers = []

    async def run():
        client = Client(served.port)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            answers.append(await client.ask(next(texts)))
            await asyncio.sleep(0.02)
        client.close()

    asyncio.run(run())
    check({answer.status for answer in answers} == {200}, f"searches: {statuses(answers)}")
    return [answer.seconds for answer in answers]


def speed(siglip, scratch, arguments):
    pictures, model = scratch / "large", random_model(siglip, scratch, arguments)
    make_large(pictures, arguments.pictures, arguments.seed)
    files = sorted(pictures.iterdir())
    few = scratch / "few"
    few.mkdir()
    shutil.copy(files[0], few)
    index = scratch / "many"
    siglip.run("index", "--index", index, "--model", model, "--precision", "int8", few)
    make_vectors(index, arguments.vectors)
    siglip.run("index", "--index", index, "--model", model, "--precision", "int8", few)  # writes the scan file
    with Served(arguments.siglip, "--index", index, "--precision", "int8", "--max-wait", "60s") as served:
        total = served.post("/v1/search", {"text": "a dog", "top": 1})[2]["total"]
        check(total == arguments.vectors + 1, f"{total} pictures in the index")
        idle = search_seconds(served, max(3, arguments.seconds / 3))
        wrk(served, files, CLIENTS, 2)
        ratios, tails, alone = [], [], []
        for _ in range(3):
            took = max(2, arguments.seconds // 3)
            bench = json.loads(siglip.run("bench", "--model", model, "--precision", "int8", "--batch", 1,
                                          "--repeats", 1, "--images", pictures, "--json")[1])
            library = images_per_second(bench)
            many = wrk(served, files, CLIENTS, took)
            ratios.append((many["rate"], library, many["rate"] / library))
            tails.append(many["p99"] * many["rate"] / CLIENTS)
            alone.append(wrk(served, files, 1, took)["p50"])
        rate, library, ratio = sorted(ratios, key=lambda row: row[2])[1]
        figure(f"{CLIENTS} clients", f"{rate:.1f} pictures/s, siglip bench --images {library:.1f}, {ratio:.1%}", "90 %",
               ratio >= 0.9)
        figure("in turns", ", ".join(f"{many:.1f} and {library:.1f}" for many, library, _ in ratios))
        tail = statistics.median(tails)
        figure("p99", f"{tail:.2f} x clients/rate", "1.5", tail <= 1.5)
        if arguments.bench.exists():
            said = subprocess.run([arguments.bench, model, pictures, "int8", "1", "6"], capture_output=True, text=True,
                                  check=True).stdout
            call = float(re.search(r"one picture, Embed +([0-9.]+) ms", said).group(1))
            own = 1e3 * statistics.median(alone)
            figure("one client", f"{own:.1f} ms, the library's call {call:.1f} ms, {own / call:.2f} x", "1.15",
                   own <= 1.15 * call)
        loader = subprocess.Popen(
            ["wrk", "--threads", "1", "--connections", str(CLIENTS), "--duration", f"{arguments.seconds + 2}s",
             "--timeout", "60s", "--script", str(SERVER_TESTS / "post.lua"), served.address + "/v1/embeddings", "--",
             *map(str, files)], stdout=subprocess.DEVNULL)
        time.sleep(1)
        loaded = search_seconds(served, arguments.seconds)
        check(loader.wait() == 0, "wrk failed")
    picture = os.cpu_count() / rate
    bound = 3 * statistics.median(idle) + picture
    figure(f"searches among {total:,} under load", f"p99 {1e3 * quantile(loaded, 0.99):.1f} ms, idle median "
           f"{1e3 * statistics.median(idle):.1f} ms, a picture {1e3 * picture:.0f} ms, {len(loaded)} searches",
           f"{1e3 * bound:.0f} ms", quantile(loaded, 0.99) <= bound)


def images_per_second(bench):
    """Of `siglip bench --images --json`."""
    return bench["images"][0]["pictures_per_second"]


def overload(siglip, scratch, arguments):
    import openai

    pictures, model = scratch / "overload", random_model(siglip, scratch, arguments)
    make_large(pictures, 20, arguments.seed)
    data = [path.read_bytes() for path in sorted(pictures.iterdir())]
    requests = [picture_request(one) for one in data]
    with Served(arguments.siglip, "--model", model, "--precision", "int8", "--max-connections", 2048) as served:
        closed_loop(served.port, requests, CLIENTS, 2)
        answers = closed_loop(served.port, requests, CLIENTS, arguments.seconds)
        check({answer.status for answer in answers} == {200}, statuses(answers))
        rate = rate_of(answers, arguments.seconds)
        figure("without overload", f"{rate:.1f} pictures/s")
        # The queue is full after max-wait; what is measured comes later.
        fill = 15
        begin = time.monotonic() + fill
        end = begin + arguments.seconds
        answers = open_loop(served.port, requests, 4 * rate, fill + arguments.seconds)
        accepted = sum(answer.status == 200 and begin <= answer.began + answer.seconds < end for answer in answers)
        share = accepted / arguments.seconds / rate
        refusals = [answer for answer in answers if answer.status != 200]
        figure("four times as many", f"{accepted / arguments.seconds:.1f} pictures/s, {share:.1%}; {statuses(answers)}",
               "90 %", share >= 0.9)
        slowest = [answer.seconds for answer in refusals] or [0]
        figure("refusals", f"p50 {1e3 * quantile(slowest, 0.5):.1f} ms, p99 {1e3 * quantile(slowest, 0.99):.1f} ms, "
               f"slowest {1e3 * max(slowest):.1f} ms", "50 ms", max(slowest) <= 0.05)
        check(refusals, "nothing was refused")
        check(all(answer.status in (429, 503) and 1 <= int(answer.fields.get("retry-after", 0)) <= 60
                  for answer in refusals), "a refusal is neither 429 nor 503 with Retry-After")

        max_wait, clients = 10, 64
        each = max(1, round(4 * max_wait * rate / clients))
        uris = ["data:image/png;base64," + base64.b64encode(one).decode() for one in data]
        given = [uris[number % len(uris)] for number in range(each)]
        failures = []

        async def ask(client):
            try:
                reply = await client.embeddings.create(model="base", input=given)
                check(len(reply.data) == each, "an embedding is missing")
            except openai.APIError as error:
                failures.append(str(error))

        async def burst():
            async with openai.AsyncOpenAI(base_url=served.address + "/v1", api_key="none", timeout=300) as client:
                await asyncio.gather(*(ask(client) for _ in range(clients)))

        time.sleep(max_wait)
        began = time.monotonic()
        asyncio.run(burst())
        figure(f"burst of {clients} OpenAI clients, {each} pictures each",
               f"{clients - len(failures)} answered in {time.monotonic() - began:.0f} s")
        check(not failures, f"{len(failures)} of {clients} were not answered: {failures[:1]}")


def bad_requests():
    """Requests that are wrong, and the statuses that may answer them."""
    picture = (IMAGES / "00.jpg").read_bytes()
    huge = png(9000, 9000, itertools.repeat(b"\0" * 27000, 9000))  # more pixels than may be
    junk = b'{"input": "' + b"a" * (19 << 20) + b'"}'
    yield embed_request(input=[]), {400}
    yield request_bytes("POST", "/v1/embeddings", b'{"input": ['), {400}
    yield request_bytes("POST", "/v1/embeddings", b"[" * 100_000), {400}
    yield request_bytes("POST", "/v1/embeddings", picture[:len(picture) // 2], "image/jpeg"), {400}
    yield request_bytes("POST", "/v1/embeddings", b"hello", "image/jpeg"), {400}
    yield request_bytes("POST", "/v1/embeddings", huge, "image/png"), {400, 413}
    yield request_bytes("POST", "/v1/embeddings", junk), {200, 400, 413, 503}
    yield request_bytes("POST", "/v1/embeddings", b"a" * (21 << 20)), {413}
    yield request_bytes("POST", "/v1/embeddings", b"a", "text/plain"), {415}
    yield b"GET /v1/models HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {400}
    yield b"GET /v1/models HTTP/1.1\r\nHost: localhost.evil.com\r\n\r\n", {400, 403, 421}
    yield request_bytes("GET", "/v1/images/999999999"), {404}


async def be_good(port, known, until, counts):
    client = Client(port)
    source = random.Random(1)
    while time.monotonic() < until:
        request, body = source.choice(known)
        answer = await client.ask(request)
        good = answer.status == 200 and timeless(answer) == body
        counts["good" if good else f"FAILED: {answer.status} {answer.body[:200]!r} for {request[:60]!r}"] += 1
    client.close()


async def be_bad(port, requests, until, counts):
    turns = itertools.cycle(requests)
    while time.monotonic() < until:
        request, wanted = next(turns)
        client = Client(port)
        answer = await client.ask(request)
        client.close()
        counts["refused" if answer.status in wanted else
               f"FAILED: {answer.status} {answer.body[:200]!r} for {request[:60]!r}"] += 1
        await asyncio.sleep(0.05)


async def be_slow(port, until, counts):
    """Begins a header or a body and never ends it, until it is cut."""
    source = random.Random(2)
    body = request_bytes("POST", "/v1/embeddings", b" " * 100_000)[:-99_000]
    while time.monotonic() < until:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(source.choice([b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", body]))
        try:
            await asyncio.wait_for(reader.read(), 20)
            counts["slow, cut"] += 1
        except asyncio.TimeoutError:
            counts["FAILED: a slow client was not cut"] += 1
        except OSError:
            counts["slow, cut"] += 1
        writer.transport.abort()


async def leave(port, known, until, counts):
    """Asks, and goes away before the answer, or within the question."""
    source = random.Random(3)
    while time.monotonic() < until:
        request, _ = source.choice(known)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request if source.random() < 0.5 else request[:source.randrange(len(request))])
        await asyncio.sleep(source.random() * 0.05)
        writer.transport.abort()
        counts["left"] += 1


def mix(siglip, scratch, arguments):
    index = index_of(siglip, scratch, IMAGES)
    seconds = arguments.mix_seconds
    with Served(arguments.siglip, "--index", index) as served:
        known = good_requests(served)
        bad = list(bad_requests())
        counts = collections.Counter()
        memory = []

        async def watch(until):
            while time.monotonic() < until:
                memory.append(served.memory())
                await asyncio.sleep(1)

        async def run():
            until = time.monotonic() + seconds
            await asyncio.gather(watch(until), *(be_good(served.port, known, until, counts) for _ in range(4)),
                                 *(be_bad(served.port, bad, until, counts) for _ in range(2)),
                                 *(be_slow(served.port, until, counts) for _ in range(20)),
                                 *(leave(served.port, known, until, counts) for _ in range(2)))

        asyncio.run(run())
        failures = {what: count for what, count in counts.items() if what.startswith("FAILED")}
        figure("requests", ", ".join(f"{count:,} {what}" for what, count in counts.items() if what not in failures))
        # What is free when the heap is full of holes differs from second to second.
        window = max(1, len(memory) // 20)
        early = max(memory[len(memory) // 5 - window:len(memory) // 5 + 1])
        late = max(memory[-window:])
        figure("memory", f"{early:.0f} MiB after {seconds / 5:.0f} s, {late:.0f} MiB after {seconds:.0f} s, "
               f"peak {served.memory('VmHWM'):.0f} MiB", "+ 5 %", late <= 1.05 * early)
        check(not failures, "; ".join(f"{count} x {what}" for what, count in list(failures.items())[:5]))
        check(counts["good"] > 0, "no good request")
        check(seconds < 600 or late <= 1.05 * early, "memory grows")
        check(served.terminate() == 0, "the exit status is not 0")


def attack(served, *words):
    command = [sys.executable, "-B", SERVER_TESTS / "attack.py", "127.0.0.1", served.port, "--hosts",
               "--pid", served.pid, *words]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    for line in result.stdout.splitlines():
        print(f"  {line}", flush=True)
    check(result.returncode == 0, f"tests/server/attack.py: status {result.returncode} {result.stderr[-500:]}")


def slow(siglip, scratch, arguments):
    pictures = scratch / "slow"
    pictures.mkdir()
    side = round((arguments.large_bytes / 3) ** 0.5)
    large = pictures / "large.ppm"
    large.write_bytes(b"P6 %d %d 255\n" % (side, side) + random.Random(1).randbytes(3 * side * side))
    index = index_of(siglip, scratch, pictures)
    words = ("--large", "/v1/images/1", "--large-bytes", large.stat().st_size)
    with Served(arguments.siglip, "--index", index) as served:
        attack(served, "--only", "slow-headers", "--only", "slow-bodies", "--only", "slow-readers", *words)
    mib = 1 << 20
    with Served(arguments.siglip, "--index", index, "--max-buffered", "128M", "--max-connections", 512) as served:
        model = served.memory()
        bound = model + 128 + 128 * os.cpu_count() + 32
        figure("memory at first", f"{model:.0f} MiB; the peak may be {bound:.0f} MiB")
        attack(served, "--only", "large-bodies", "--only", "slow-readers", "--slow", 256, "--peak-mib", bound, *words)


def term_once(arguments, index):
    with Served(arguments.siglip, "--index", index) as served:
        known = [request for request, _ in good_requests(served)]
        earlier = served.log.count('"outcome"')
        answers, unheard = [], 0
        source = random.Random(served.port)

        async def ask(kept):
            nonlocal unheard
            client = Client(served.port)
            while True:
                try:
                    answer = await client.ask(source.choice(known))
                except OSError:
                    return
                # Closed before the service had read the header: another server would be asked.
                if answer.status == 0 and not answer.is_cut:
                    unheard += 1
                    return
                answers.append(answer)
                if not kept:
                    client.close()

        async def run():
            running = [asyncio.create_task(ask(number % 2 == 0)) for number in range(12)]
            await asyncio.sleep(arguments.term_seconds)
            served.process.terminate()
            await asyncio.gather(*running)

        asyncio.run(run())
        status = served.process.wait(60)
        lines = [json.loads(line) for line in served.log.splitlines() if line.startswith("{")][earlier:]
        check(status == 0, f"exit status {status}: {served.log[-500:]}")
        check(not any(answer.is_cut for answer in answers), "a reply was cut")
        check(all(answer.status == 200 or answer.status == 503 and "retry-after" in answer.fields
                  for answer in answers), statuses(answers))
        outcomes = collections.Counter(line["outcome"] for line in lines)
        check(set(outcomes) <= {"sent"}, f"requests that were read had the outcomes {dict(outcomes)}")
        check(len(lines) == len(answers), f"{len(lines)} requests were read, {len(answers)} answered")
        return answers, unheard


def term(siglip, scratch, arguments):
    index = index_of(siglip, scratch, IMAGES)
    answers, unheard = [], 0
    for _ in range(arguments.times):
        some, more = term_once(arguments, index)
        answers += some
        unheard += more
    figure(f"{arguments.times} x SIGTERM", f"0 of {len(answers):,} accepted requests lost: {statuses(answers)}; "
           f"{unheard} connections closed before a request was read")


PARTS = {part.__name__: part for part in (recall, load, speed, overload, mix, slow, term)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all")
    build = ROOT / "build" / "release"
    parser.add_argument("--siglip", type=pathlib.Path, default=build / "apps/cli/siglip")
    parser.add_argument("--bench", type=pathlib.Path, default=build / "bench/service_bench",
                        help="the library's calls, of speed")
    parser.add_argument("--seconds", type=int, default=30, help="of each measurement of load, speed and overload")
    parser.add_argument("--mix-seconds", type=int, default=600)
    parser.add_argument("--pictures", type=int, default=100, help="of speed")
    parser.add_argument("--vectors", type=int, default=VECTORS, help="of speed")
    parser.add_argument("--large-bytes", type=int, default=20_000_000, help="of a reply that slow readers ask for")
    parser.add_argument("--times", type=int, default=20, help="SIGTERMs")
    parser.add_argument("--term-seconds", type=float, default=1.5, help="of load before each")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.siglip = arguments.siglip.resolve()
    return run_parts(parser, arguments, PARTS, "siglip-service-figures-")


if __name__ == "__main__":
    sys.exit(main())
