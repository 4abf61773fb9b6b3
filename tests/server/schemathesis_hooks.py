"""What schemathesis cannot know of `siglip serve`: fields that it does not know it ignores, and a request may fit its
schema and yet be refused for what it says, such as a picture that is damaged or a day that no month has."""

import json

import schemathesis

# Codes and fields of refusals that no schema can foresee.
CODES = {"malformed_file", "unsupported", "limit_exceeded", "no_keys"}
PARAMETERS = ("after", "before", "weights", "dimensions", "like", "labels", "template")


@schemathesis.hook
def filter_case(context, case):
    return "x-schemathesis-unknown-property" not in (case.query or {})


@schemathesis.check
def refused_for_what_it_says(context, response, case):
    """In place of positive_data_acceptance."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 400:
        return
    error = json.loads(response.content)["error"]
    if error["code"] in CODES or (error["param"] or "").startswith(PARAMETERS):
        return
    if "things to look for together" in error["message"]:  # of all fields
        return
    # Plain strings are pictures then.
    if isinstance(case.body, dict) and case.body.get("modality") == "image":
        return
    raise AssertionError(f"fits the schema, but was refused: {error}")
