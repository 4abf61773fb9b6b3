"""SIGTERM under load."""

import asyncio
import collections
import random

from index_figures import check, figure
from load import Client
from service import Service

from .requests import IMAGES, good_requests, index_of, statuses


def term_once(siglip, index, seconds):
    with Service("--index", index, program=siglip.program) as service:
        known = [request for request, _ in good_requests(service)]
        answers, unheard = [], 0
        source = random.Random(service.port)

        async def ask(kept):
            nonlocal unheard
            client = Client(service.port)
            while True:
                try:
                    answer = await client.ask(source.choice(known))
                except OSError:
                    return
                # Closed before the service had read the header: another service would be asked.
                if answer.status == 0 and not answer.is_cut:
                    unheard += 1
                    return
                answers.append(answer)
                if not kept:
                    client.close()

        async def run():
            running = [asyncio.create_task(ask(number % 2 == 0)) for number in range(12)]
            await asyncio.sleep(seconds)
            service.process.terminate()
            await asyncio.gather(*running)

        asyncio.run(run())
        status = service.wait()
        lines = service.log()[len(known) + 1:]  # good_requests() asked, and searched before
        check(status == 0, f"exit status {status}: {service.said[-5:]}")
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
        some, more = term_once(siglip, index, arguments.term_seconds)
        answers += some
        unheard += more
    figure("summary", f"{arguments.times} x SIGTERM, 0 of {len(answers):,} accepted requests lost: "
           f"{statuses(answers)}; {unheard} connections closed before a request was read")
