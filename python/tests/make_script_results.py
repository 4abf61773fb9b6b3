#!/usr/bin/env python3
"""Writes scripts/results.json: what the scripts print with transformers, which must be installed beside torch.

    build/python-tests-all-env/bin/python -P python/tests/make_script_results.py
"""

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from drop_in import RESULTS, SCRIPTS, make_models, run  # noqa: E402


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        make_models(Path(folder))
        results = {name: run(name, "transformers", Path(folder)) for name in SCRIPTS}
    lines = [f"{json.dumps(name)}: {json.dumps(result)}" for name, result in results.items()]
    RESULTS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
