"""How fast a service is beside the library, and searches under load."""

import asyncio
import itertools
import json
import os
import random
import re
import shutil
import sqlite3
import statistics
import struct
import subprocess
import time

from index_figures import check, figure, make_large, quantile
from load import Client
from service import Service

from .base_model import random_model
from .requests import SERVER_TESTS, search_request, statuses

CLIENTS = 32


def wrk_command(service, pictures, clients, seconds):
    return ["wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s", "--timeout", "60s",
            "--script", str(SERVER_TESTS / "post.lua"), service.url + "v1/embeddings", "--", *map(str, pictures)]


def wrk(service, pictures, clients, seconds):
    command = wrk_command(service, pictures, clients, seconds)
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


def search_seconds(service, seconds):
    """Of searches by words, one after another, each by other words."""
    texts = (search_request(text=f"a picture of {number} things", top=20) for number in itertools.count())
    answers = []

    async def run():
        client = Client(service.port)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            answers.append(await client.ask(next(texts)))
            await asyncio.sleep(0.02)
        client.close()

    asyncio.run(run())
    check({answer.status for answer in answers} == {200}, f"searches: {statuses(answers)}")
    return [answer.seconds for answer in answers]


def library_call(arguments, model, pictures):
    """Milliseconds of one Embed of one picture."""
    said = subprocess.run([arguments.bench, model, pictures, "int8", "1", "6"], capture_output=True, text=True,
                          check=True).stdout
    return float(re.search(r"one picture, Embed +([0-9.]+) ms", said).group(1))


def speed(siglip, scratch, arguments):
    pictures, model = scratch / "large", random_model(siglip, scratch, arguments.seed)
    make_large(pictures, arguments.pictures, arguments.seed)
    files = sorted(pictures.iterdir())
    few = scratch / "few"
    few.mkdir()
    shutil.copy(files[0], few)
    index = scratch / "many"
    siglip.run("index", "--index", index, "--model", model, "--precision", "int8", few)
    make_vectors(index, arguments.vectors)
    siglip.run("index", "--index", index, "--model", model, "--precision", "int8", few)  # writes the scan file
    with Service("--index", index, "--precision", "int8", "--max-wait", "60s", program=siglip.program) as service:
        total = service.post("/v1/search", {"text": "a dog", "top": 1}).json()["total"]
        check(total == arguments.vectors + 1, f"{total} pictures in the index")
        idle = search_seconds(service, max(3, arguments.seconds / 3))
        wrk(service, files, CLIENTS, 2)
        ratios, tails, alone = [], [], []
        for _ in range(3):
            took = max(2, arguments.seconds // 3)
            bench = json.loads(siglip.run("bench", "--model", model, "--precision", "int8", "--batch", 1,
                                          "--repeats", 1, "--images", pictures, "--json")[1])
            library = bench["images"][0]["pictures_per_second"]
            many = wrk(service, files, CLIENTS, took)
            ratios.append((many["rate"], library, many["rate"] / library))
            tails.append(many["p99"] * many["rate"] / CLIENTS)
            alone.append(wrk(service, files, 1, took)["p50"])
        loader = subprocess.Popen(wrk_command(service, files, CLIENTS, arguments.seconds + 2),
                                  stdout=subprocess.DEVNULL)
        time.sleep(1)
        loaded = quantile(search_seconds(service, arguments.seconds), 0.99)
        check(loader.wait() == 0, "wrk failed")
    call, own = library_call(arguments, model, pictures), 1e3 * statistics.median(alone)
    rate, library, ratio = sorted(ratios, key=lambda row: row[2])[1]
    figure(f"{CLIENTS} clients", f"{rate:.1f} pictures/s, siglip bench --images {library:.1f}, {ratio:.1%}", "90 %",
           ratio >= 0.9)
    figure("in turns", ", ".join(f"{many:.1f} and {library:.1f}" for many, library, _ in ratios))
    tail = statistics.median(tails)
    figure("p99", f"{tail:.2f} x clients/rate", "1.5", tail <= 1.5)
    figure("one client", f"{own:.1f} ms, the library's call {call:.1f} ms, {own / call:.2f} x", "1.15",
           own <= 1.15 * call)
    picture = os.cpu_count() / rate
    bound = 3 * statistics.median(idle) + picture
    figure(f"searches among {total:,} under load", f"p99 {1e3 * loaded:.1f} ms, idle median "
           f"{1e3 * statistics.median(idle):.1f} ms, a picture {1e3 * picture:.0f} ms", f"{1e3 * bound:.0f} ms",
           loaded <= bound)
    figure("summary", f"{ratio:.1%} of the library's speed (90 %), p99 {tail:.2f} (1.5), one client "
           f"{own / call:.2f} x the call (1.15), searches under load p99 {1e3 * loaded:.0f} ms ({1e3 * bound:.0f})")
