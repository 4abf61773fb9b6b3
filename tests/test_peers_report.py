#!/usr/bin/env python3
"""Tests bench/peers_report.py: what is computed from measurements and how it is shown."""

import copy
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bench"))
import peers_report


def contestant(title, seconds_of_one, seconds_of_eight):
    return {"title": title, "precision": "f32", "version": f"{title} 1.0",
            "start_seconds": [3.0, 1.0, 2.0], "peak_memory_bytes": [5e8, 5e8, 4e8],
            "cosine_mean": 0.9999, "cosine_worst": 0.99876,
            "batches": {1: {"seconds": seconds_of_one}, 8: {"seconds": seconds_of_eight}}}


REPORT = {
    "date": "2026-01-31", "machine": {"cpu": "Abacus", "cpus": 4, "system": "Linux 6"},
    "model": "base", "threads": 2, "rounds": 3, "pictures": 24, "gflop_per_picture": 35.0,
    "peak_gflops": {"f32": [500.0, 700.0, 600.0], "bf16": [], "int8": []},
    "contestants": {
        "other-f32": contestant("Other", [0.2, 9.0, 0.1], [2.0, 2.0, 2.0]),
        "lost-f32": {"title": "Lost", "precision": "f32", "not_run": "No module named 'lost'"},
        "siglip-f32": contestant("siglip", [0.1, 0.1, 0.1], [0.8, 0.5, 9.0]),
    },
}


class PeersReportTest(unittest.TestCase):
    def setUp(self):
        self.report = peers_report.summarise(copy.deepcopy(REPORT))

    def test_figures_are_medians(self):
        other = self.report["contestants"]["other-f32"]
        self.assertEqual(other["median_start_seconds"], 2.0)
        self.assertEqual(other["median_peak_memory_bytes"], 5e8)
        self.assertAlmostEqual(other["batches"][1]["pictures_per_second"], 5)
        self.assertAlmostEqual(other["batches"][8]["pictures_per_second"], 4)
        # Median peak 600: 5 * 35 / 600, and 4 * 35 / 600.
        self.assertAlmostEqual(other["batches"][1]["share_of_peak"], 175 / 600)
        self.assertAlmostEqual(other["batches"][8]["share_of_peak"], 140 / 600)
        # siglip does 10 pictures per second, one by one or eight at a time.
        self.assertAlmostEqual(other["batches"][1]["ratio_to_siglip"], 0.5)
        self.assertAlmostEqual(other["batches"][8]["ratio_to_siglip"], 0.4)

    def test_table(self):
        table = peers_report.table(self.report)
        self.assertIn("| f32 | Other | 5.0 (50%) | 4.0 (40%) | 29% | 2.00 s | 500 MB | 0.99876 |",
                      table)
        self.assertIn("| **siglip** | **10.0** | **10.0** | **58%** |", table)
        self.assertIn("- Lost f32 was not run: No module named 'lost'", table)
        self.assertNotIn("| Lost |", table)
        self.assertIn("2 threads of Abacus (4 CPUs, Linux 6), 2026-01-31: Other 1.0; siglip 1.0.",
                      table)

    def test_without_siglip_in_a_precision(self):
        report = copy.deepcopy(REPORT)
        report["contestants"]["siglip-f32"] = {"title": "siglip", "precision": "f32",
                                               "not_run": "no memory"}
        report["peak_gflops"]["f32"] = []
        table = peers_report.table(peers_report.summarise(report))
        self.assertIn("| f32 | Other | 5.0 | 4.0 |  | 2.00 s |", table)
        self.assertIn("- siglip f32 was not run: no memory", table)

    def test_readme(self):
        with tempfile.TemporaryDirectory() as folder:
            readme = Path(folder, "README.md")
            readme.write_text("before\n<!-- peers:begin -->\nold\n<!-- peers:end -->\nafter\n")
            for _ in range(2):
                peers_report.write_readme(readme, self.report)
            self.assertEqual(readme.read_text(), "before\n<!-- peers:begin -->\n"
                             + peers_report.table(self.report) + "\n<!-- peers:end -->\nafter\n")

            readme.write_text("no marks\n")
            with self.assertRaises(SystemExit):
                peers_report.write_readme(readme, self.report)
            self.assertEqual(readme.read_text(), "no marks\n")

    def test_the_readme_of_the_project_has_the_marks(self):
        text = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
        self.assertEqual([text.count(f"<!-- peers:{mark} -->") for mark in ("begin", "end")], [1, 1])


if __name__ == "__main__":
    unittest.main()
