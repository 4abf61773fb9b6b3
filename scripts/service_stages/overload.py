"""More than can be computed."""

import asyncio
import time

import openai

from index_figures import check, figure, make_large, quantile
from load import closed_loop, open_loop
from service import Service, data_uri

from .base_model import random_model
from .requests import picture_request, rate_of, statuses

CLIENTS = 32
BURST_CLIENTS = 64
MAX_WAIT = 10  # seconds, of --max-wait when not told


def overload(siglip, scratch, arguments):
    pictures, model = scratch / "overload", random_model(siglip, scratch, arguments.seed)
    make_large(pictures, 20, arguments.seed)
    files = sorted(pictures.iterdir())
    requests = [picture_request(file.read_bytes()) for file in files]

    def serve():
        return Service("--model", model, "--precision", "int8", "--max-connections", 2048, program=siglip.program)

    with serve() as service:
        before = rate_without_overload(service, requests, arguments.seconds)
        accepted, slowest = four_times_as_many(service, requests, before, arguments.seconds)
    with serve() as service:  # another, as this one has promised time to those that do not come again
        rate = rate_without_overload(service, requests, arguments.seconds)
        share = accepted / ((before + rate) / 2)
        figure("under four times the load", f"{share:.1%} of the mean before and after", "90 %", share >= 0.9)
        each = max(1, round(4 * MAX_WAIT * rate / BURST_CLIENTS))
        answered, seconds = burst(service, [data_uri(file, "png") for file in files], each)
    figure("summary", f"{share:.1%} of the speed under four times the load (90 %), slowest refusal "
           f"{1e3 * slowest:.0f} ms (50), {answered} of {BURST_CLIENTS} of a burst answered in {seconds:.0f} s (all)")


def rate_without_overload(service, requests, seconds):
    closed_loop(service.port, requests, CLIENTS, 2)
    answers = closed_loop(service.port, requests, CLIENTS, seconds)
    check({answer.status for answer in answers} == {200}, statuses(answers))
    rate = rate_of(answers, seconds)
    figure("without overload", f"{rate:.1f} pictures/s")
    return rate


def four_times_as_many(service, requests, rate, seconds):
    """The rate that is still computed, and the seconds of the slowest refusal."""
    fill = MAX_WAIT + 5  # until the queue is full; what is measured comes later
    begin = time.monotonic() + fill
    end = begin + seconds
    answers = open_loop(service.port, requests, 4 * rate, fill + seconds)
    accepted = sum(answer.status == 200 and begin <= answer.began + answer.seconds < end for answer in answers) / seconds
    refusals = [answer for answer in answers if answer.status != 200]
    check(refusals, "nothing was refused")
    figure("four times as many", f"{accepted:.1f} pictures/s; {statuses(answers)}")
    took = [answer.seconds for answer in refusals]
    figure("refusals", f"p50 {1e3 * quantile(took, 0.5):.1f} ms, p99 {1e3 * quantile(took, 0.99):.1f} ms, "
           f"slowest {1e3 * max(took):.1f} ms", "50 ms", max(took) <= 0.05)
    check(all(answer.status in (429, 503) and 1 <= int(answer.fields.get("retry-after", 0)) <= 60
              for answer in refusals), "a refusal is neither 429 nor 503 with Retry-After")
    return accepted, max(took)


def burst(service, uris, each):
    """So many pictures of each of many clients at once, which try again as often as they do by themselves. How many
    were answered, and how long it took."""
    given = [uris[number % len(uris)] for number in range(each)]
    failures = []

    async def ask(client):
        try:
            reply = await client.embeddings.create(model="base", input=given)
            check(len(reply.data) == each, "an embedding is missing")
        except openai.APIError as error:
            failures.append(str(error))

    async def run():
        async with openai.AsyncOpenAI(base_url=service.url + "v1", api_key="none", timeout=300) as client:
            await asyncio.gather(*(ask(client) for _ in range(BURST_CLIENTS)))

    began = time.monotonic()
    asyncio.run(run())
    answered, seconds = BURST_CLIENTS - len(failures), time.monotonic() - began
    figure(f"burst of {BURST_CLIENTS} OpenAI clients, {each} pictures each", f"{answered} answered in {seconds:.0f} s"
           + (f"; others: {failures[0]}" if failures else ""), "all", not failures)
    return answered, seconds
