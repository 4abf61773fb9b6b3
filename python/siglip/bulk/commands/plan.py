"""siglip bulk plan"""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any

from ...errors import InvalidArgument
from ..figures import format_bytes
from ..options import parse_options
from ..planning import DEFAULT_SHARD_BYTES, PlanSummary, plan
from .job_arguments import output_options

HELP = "list the inputs once and write what is to be done"

_DESCRIPTION = """Lists the inputs once and writes what is to be done: OUT/job.json, OUT/plan.parquet and the packed
model below OUT/model. `siglip bulk run OUT` does it.

INPUT is a folder with all below it, a file, the address of either (s3://, gs://, az://, http://, https://), or
@FILE, a list with one of them per line. Of a folder are taken
  *.tar       in the format of WebDataset, or with pictures only: a shard each
  *.parquet   with pictures as bytes, or with paths: shards of whole row groups
  pictures    by their ending: packed into shards in the order of their names
Hidden files are passed over.

Planning again keeps what is there: new files become new shards. A shard of which a file changed or has gone is
dropped, and what is left of its files is packed anew. Inputs that are not named again stay as they were planned."""

_EPILOG = """examples:
  siglip bulk plan photos/ --output out --model google/siglip2-base-patch16-224 --precision int8
  siglip bulk plan s3://bucket/laion/ --output s3://bucket/out --model MODEL --input-option anonymous=true
  siglip bulk plan tars/ --output out --model MODEL --image jpg --keep json
  siglip bulk plan table.parquet --output out --model MODEL --image photo --key id --keep caption
  siglip bulk plan photos/ --output out --model MODEL --estimate --machines 50 --cores 64 --price 0.04"""

_UNITS = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgt", start=1):
    _UNITS |= {_letter: 1024**_power, f"{_letter}ib": 1024**_power, f"{_letter}b": 1000**_power}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = _DESCRIPTION
    parser.epilog = _EPILOG
    parser.add_argument("inputs", metavar="INPUT", nargs="+", help="see above")
    parser.add_argument(
        "--output", metavar="OUT", required=True, help="where the job lies, beside the inputs"
    )
    parser.add_argument(
        "--model", metavar="MODEL", required=True, help="a folder, or a name of the hub"
    )
    parser.add_argument(
        "--precision",
        choices=("f32", "bf16", "int8", "auto"),
        help="of large matrix products; default: as the model is stored, else f32",
    )
    parser.add_argument(
        "--isa",
        metavar="NAME",
        help="the instruction set that all workers compute with, so that results are equal to the bit: avx2, "
        "avx512_bf16, ...; default: this machine's best. any: each worker its own best, results tell which",
    )
    parser.add_argument(
        "--dtype",
        choices=("float16", "float32"),
        default="float16",
        help="of embeddings in the result (float16)",
    )
    parser.add_argument(
        "--shard-bytes",
        metavar="SIZE",
        type=parse_size,
        default=DEFAULT_SHARD_BYTES,
        help="how much makes a shard of pictures or of Parquet: 64MiB, 1GB (512MiB); a tar is one whatever its size",
    )
    _add_reading(parser)
    _add_model_options(parser)
    _add_estimate(parser)
    for name, what in (("input", "inputs are"), ("output", "OUT is")):
        parser.add_argument(
            f"--{name}-option",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help=f"how {what} reached: region=..., endpoint=..., anonymous=true, requester_pays=true; "
            "may be repeated",
        )
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="no summary; warnings still show"
    )


def execute(arguments: argparse.Namespace) -> int:
    _check_estimate(arguments)
    summary = plan(
        arguments.inputs,
        arguments.output,
        model=arguments.model,
        precision=arguments.precision,
        isa=arguments.isa,
        dtype=arguments.dtype,
        shard_bytes=arguments.shard_bytes,
        image=arguments.image,
        key=arguments.key,
        keep=arguments.keep,
        model_options=_model_options(arguments),
        input_options=parse_options(arguments.input_option),
        output_options=output_options(arguments),
    )
    for warning in summary.warnings:
        print(f"siglip bulk plan: warning: {warning}", file=sys.stderr)
    if not arguments.quiet:
        print(describe(summary))
    if arguments.estimate:
        from ..estimate import estimate, format_estimate

        found = estimate(
            arguments.output,
            output_options=output_options(arguments),
            machines=arguments.machines or 1,
            cores=arguments.cores,
            network=arguments.network,
            price=arguments.price,
        )
        print(format_estimate(found))
    return 0


def describe(summary: PlanSummary) -> str:
    """Some lines for people."""
    kinds = ", ".join(f"{count:,} of {kind}" for kind, count in summary.kinds.items())
    rows = f"{summary.rows:,} pictures" if summary.rows_known else "pictures in tars not counted"
    lines = [
        f"{_counted(summary.shards, 'shard')} ({kinds}): {_counted(summary.files, 'file')}, "
        f"{format_bytes(summary.size)}, {rows}"
    ]
    if summary.kept or summary.dropped:
        lines.append(f"{summary.kept:,} were planned before, {summary.added:,} are new")
    if summary.dropped:
        lines.append(
            f"{_counted(summary.dropped, 'shard')} of an earlier plan dropped: files changed or have gone"
        )
    if summary.passed_over:
        lines.append(
            f"{_counted(summary.passed_over, 'file')} passed over: neither pictures nor shards"
        )
    return "\n".join(lines)


def parse_size(text: str) -> int:
    """Bytes: "512MiB", "1GB", "64m", "1000"; without B powers of 1024."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
    size = int(float(found[1]) * _UNITS[found[2]]) if found and found[2] in _UNITS else 0
    if size < 1:
        raise argparse.ArgumentTypeError(f"expected a size such as 512MiB, found {text!r}")
    return size


def _add_reading(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is read of tars and Parquet")
    group.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="NAME",
        help="of tars: the ending of pictures, where a sample has several; of Parquet: the column with pictures or "
        "their paths; default: what looks like one. Repeated: the first that is there",
    )
    group.add_argument(
        "--key",
        metavar="COLUMN",
        help="of Parquet: what rows are called by; default: shard and row",
    )
    group.add_argument(
        "--keep",
        action="append",
        default=[],
        metavar="NAME",
        help="a column of Parquet, or the ending of members of tars (json, txt), that becomes a column of the result; "
        "may be repeated",
    )


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how pictures are prepared, as in siglip embed")
    group.add_argument("--preprocess", choices=("torchvision", "pillow", "pillow13"))
    group.add_argument("--alpha", choices=("white", "drop"))
    group.add_argument("--max-num-patches", metavar="N", type=int)
    group.add_argument("--fast-decode", action="store_true")


def _add_estimate(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what it will cost")
    group.add_argument(
        "--estimate",
        action="store_true",
        help="measure on a sample of the pictures with all cores of this machine, which should be otherwise idle: "
        "hours, network, bytes",
    )
    group.add_argument("--machines", metavar="K", type=int, help="that will work (1)")
    group.add_argument("--cores", metavar="C", type=int, help="of each (as many as here)")
    group.add_argument(
        "--network",
        metavar="SIZE",
        type=parse_size,
        help="that each of them reads in a second, such as 1.25GB (as many as its cores read here)",
    )
    group.add_argument("--price", metavar="P", type=float, help="of an hour of a core")


def _check_estimate(arguments: argparse.Namespace) -> None:
    for name in ("machines", "cores", "network", "price"):
        value = getattr(arguments, name)
        if value is None:
            continue
        if not arguments.estimate:
            raise InvalidArgument(f"--{name}: has a meaning only with --estimate")
        if not value > 0:
            raise InvalidArgument(f"--{name}: expected more than 0, found {value}")


def _model_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Without what was not said."""
    options = {
        "preprocess": arguments.preprocess,
        "alpha": arguments.alpha,
        "max_num_patches": arguments.max_num_patches,
        "fast_decode": arguments.fast_decode or None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
