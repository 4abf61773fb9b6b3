"""Whether answers are the right ones: beside the library, and under load."""

import json
import pathlib

from index_figures import EVAL, check, figure, library_cosines, quantile
from load import closed_loop
from service import Service

from .requests import IMAGES, good_requests, index_of, statuses, timeless


def recall(siglip, scratch, arguments):
    labels = json.loads((EVAL / "labels.json").read_text())
    captions = [label["caption"] for label in labels]
    pictures = [EVAL / label["file"] for label in labels]
    library = [cosines.index(max(cosines)) for cosines in library_cosines(siglip, scratch, captions, pictures)]
    index = index_of(siglip, scratch, EVAL)
    found = []
    with Service("--index", index, program=siglip.program) as service:
        for caption in captions:
            answer = service.post("/v1/search", {"text": caption, "top": 1, "fold": False})
            check(answer.status == 200, f"{caption}: {answer.body}")
            hit = answer.json()["data"][0]
            found.append([pathlib.Path(path).resolve() for path in (hit["path"], *hit["copies"])])
    by_service = sum(picture.resolve() in paths for picture, paths in zip(pictures, found))
    by_library = sum(number == best for number, best in enumerate(library))
    figure("summary", f"recall@1: service {by_service} of {len(captions)}, library {by_library}", "the same",
           by_service == by_library)


def load(siglip, scratch, arguments):
    with Service("--index", index_of(siglip, scratch, IMAGES), program=siglip.program) as service:
        known = good_requests(service)
        answers = closed_loop(service.port, [request for request, _ in known], 6, arguments.seconds)
        bodies = {body for _, body in known}
        same = sum(timeless(answer) in bodies for answer in answers)
        seconds = [answer.seconds for answer in answers]
        figure("summary", f"{len(answers) / arguments.seconds:,.0f} requests/s, p50 "
               f"{1e3 * quantile(seconds, 0.5):.1f} ms, p99 {1e3 * quantile(seconds, 0.99):.1f} ms, "
               f"{statuses(answers)}")
        check({answer.status for answer in answers} == {200}, f"some failed: {statuses(answers)}")
        check(same == len(answers), f"{len(answers) - same} answers are not those without load")
        check(service.end() == 0, "the exit status is not 0")
