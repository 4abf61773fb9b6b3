"""What peers.py makes of its measurements: medians, a table, and the table in README.md."""

import os
import platform
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
import readme_marks


def describe_machine():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {"cpu": names[0] if names else platform.machine(), "cpus": os.cpu_count(),
            "system": f"{platform.system()} {platform.release()}"}


def summarise(report):
    """Adds to the measurements what follows from them."""
    contestants = report["contestants"]
    peaks = {precision: statistics.median(values)
             for precision, values in report["peak_gflops"].items() if values}
    for result in contestants.values():
        if "not_run" in result:
            continue
        result["median_start_seconds"] = statistics.median(result["start_seconds"])
        result["median_peak_memory_bytes"] = statistics.median(result["peak_memory_bytes"])
        for batch, rate in result["batches"].items():
            rate["pictures_per_second"] = batch / statistics.median(rate["seconds"])
            rate["gflops"] = rate["pictures_per_second"] * report["gflop_per_picture"]
            if result["precision"] in peaks:
                rate["share_of_peak"] = rate["gflops"] / peaks[result["precision"]]
    for result in contestants.values():
        siglip = contestants.get(f"siglip-{result['precision']}", {"not_run": "not chosen"})
        if "not_run" in result or "not_run" in siglip:
            continue
        for batch, rate in result["batches"].items():
            rate["ratio_to_siglip"] = (rate["pictures_per_second"] /
                                       siglip["batches"][batch]["pictures_per_second"])
    return report


def describe(report):
    machine = report["machine"]
    versions = []
    for result in report["contestants"].values():
        if result.get("version") and result["version"] not in versions:
            versions.append(result["version"])
    return (f"{report['model']}, {report['gflop_per_picture']:.1f} GFLOP a picture, on "
            f"{report['threads']} threads of {machine['cpu']} ({machine['cpus']} CPUs, "
            f"{machine['system']}), {report['date']}: {'; '.join(versions)}.")


def row(result, batches):
    rates = [result["batches"][batch] for batch in batches]
    is_siglip = result["title"] == "siglip"
    speeds = []
    for rate in rates:
        speed = f"{rate['pictures_per_second']:.1f}"
        if not is_siglip and "ratio_to_siglip" in rate:
            speed += f" ({rate['ratio_to_siglip']:.0%})"
        speeds.append(speed)
    shares = [rate["share_of_peak"] for rate in rates if "share_of_peak" in rate]
    cells = [result["title"], *speeds, f"{max(shares):.0%}" if shares else "",
             f"{result['median_start_seconds']:.2f} s",
             f"{result['median_peak_memory_bytes'] / 1e6:.0f} MB",
             f"{result['cosine_worst']:.5f}"]
    if is_siglip:
        cells = [f"**{cell}**" if cell else cell for cell in cells]
    return [result["precision"], *cells]


def table(report):
    """Markdown; who did not run is named below, with the reason."""
    results = report["contestants"].values()
    batches = list(next(one for one in results if "not_run" not in one)["batches"])
    head = ["", "pictures/s", *(f"batch {batch}" for batch in batches), "of peak", "start-up",
            "memory", "worst cosine"]
    rows = [head, ["---", "---", *["--:"] * (len(head) - 2)]]
    rows += [row(result, batches) for result in results if "not_run" not in result]
    lines = [describe(report), "", *(f"| {' | '.join(cells)} |" for cells in rows), "",
             f"Medians of {report['rounds']} interleaved rounds; in brackets the share of siglip's "
             "speed in the same precision. Of peak: arithmetic done, at the best batch, of what the "
             "machine's multiply-add instructions can do in that precision. Start-up: to the first "
             "embedding of a fresh process, files in memory. Memory: the most it held until then. "
             "Worst cosine: of the pooled outputs with those of siglip f32."]
    absent = [f"{result['title']} {result['precision']} was not run: {result['not_run']}"
              for result in results if "not_run" in result]
    if absent:
        lines += ["", *(f"- {line}" for line in absent)]
    return "\n".join(lines)


def write_readme(path, report):
    readme_marks.replace(path, "peers", table(report))
