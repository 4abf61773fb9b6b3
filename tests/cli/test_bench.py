"""siglip bench: that its figures are there and agree with each other."""

import json
import pathlib
import re
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command_line import GOLDEN, CommandTest, run_on_terminal


class BenchTest(CommandTest):
    def bench(self, *words):
        return json.loads(self.succeed("bench", "--json", "--repeats", 1, *words).stdout)

    def test_figures_by_batch_and_threads(self):
        found = self.bench("--model", GOLDEN / "vision-head", "--batch", "1,3", "--threads", "1,2")
        self.assertEqual([(rate["threads"], rate["batch"]) for rate in found["rates"]],
                         [(1, 1), (1, 3), (2, 1), (2, 3)])
        for rate in found["rates"]:
            self.assertAlmostEqual(rate["pictures_per_second"] * rate["seconds"], rate["batch"])
            self.assertAlmostEqual(rate["gflops"] / rate["pictures_per_second"],
                                   found["gflop_per_picture"])
            self.assertAlmostEqual(rate["share_of_peak"] * rate["peak_gflops"], rate["gflops"])
            self.assertGreater(rate["share_of_peak"], 0)
            self.assertLess(rate["share_of_peak"], 1.2)
        self.assertGreater(found["load_seconds"], 0)
        self.assertGreater(found["peak_memory_bytes"], 1_000_000)

    def test_text_for_people(self):
        result = self.succeed("bench", "--model", GOLDEN / "vision-no-head", "--batch", "2",
                              "--threads", "1", "--repeats", 1)
        for piece in ("GFLOP", "pictures/s", "machine peak", "loaded in"):
            self.assertIn(piece, result.stdout)
        self.assertEqual(result.stderr, "", "progress is for terminals")

    def test_scaling_of_several_threads(self):
        for words, model, unit in (((), "vision-head", "picture"), (("--texts",), "siglip-full", "text")):
            with self.subTest(unit):
                found = self.bench("--model", GOLDEN / model, *words, "--batch", "1,4",
                                   "--threads", "2,1")
                self.assertEqual([(rate["threads"], rate["batch"]) for rate in found["scaling"]],
                                 [(2, 1), (2, 4), (1, 1), (1, 4)])
                one = {rate["batch"]: rate for rate in found["scaling"] if rate["threads"] == 1}
                rates = f"{unit}s_per_second"
                weights = f"weight_bytes_per_{unit}"
                for rate, scaling in zip(found["rates"], found["scaling"]):
                    self.assertEqual(scaling[rates], rate[rates])
                    self.assertAlmostEqual(scaling["speedup"],
                                           rate[rates] / one[rate["batch"]][rates])
                    self.assertAlmostEqual(scaling["efficiency"] * rate["threads"],
                                           scaling["speedup"])
                    self.assertAlmostEqual(
                        scaling["share_of_memory"] * scaling["memory_bytes_per_second"],
                        rate[rates] * scaling[weights], delta=1e-6 * rate[rates] * scaling[weights])
                    # From a slow disk's to more than any memory has.
                    self.assertGreater(scaling["memory_bytes_per_second"], 1e8)
                    self.assertLess(scaling["memory_bytes_per_second"], 1e13)
                # All four share a pass of one thread.
                self.assertAlmostEqual(one[4][weights] * 4, one[1][weights])
        self.assertEqual(self.bench("--model", GOLDEN / "vision-head", "--batch", 1,
                                    "--threads", 2)["scaling"], [])

    def test_scaling_fits_the_terminal(self):
        words = ("bench", "--model", GOLDEN / "vision-head", "--repeats", 1, "--batch", "2")
        pieces = ("speedup", "efficiency", "weights", "memory", "share", "/s")
        for columns in (40, 120):
            status, shown = run_on_terminal(*words, "--threads", "1,2", columns=columns)
            self.assertEqual(status, 0)
            text = re.sub(r".*\x1b\[K|\r", "", shown.decode())
            table = text[text.index("How the rate grows"):]
            for piece in pieces:
                self.assertIn(piece, table)
            self.assertEqual("speedup: " in table, columns == 40, table)
            self.assertLessEqual(max(map(len, table.splitlines())), columns, table)
        alone = self.succeed(*words, "--threads", 2).stdout
        self.assertNotIn("speedup", alone)

    def test_rates_of_pictures(self):
        model, images = self.folder / "model", self.folder / "images"
        shutil.copytree(GOLDEN / "vision-head", model)
        (model / "preprocessor_config.json").write_text(
            '{"size": {"height": 48, "width": 48}}')
        images.mkdir()
        for name in ("rgb.jpg", "rgb.png", "alpha.webp"):
            shutil.copy(GOLDEN / "images" / name, images)
        (images / "broken.jpg").write_text("no picture")
        words = ("--model", model, "--batch", "1", "--threads", "2", "--images", images)
        found = self.bench(*words)
        (rates,) = found["images"]
        self.assertEqual((rates["threads"], rates["pictures"], rates["failed"]), (2, 3, 1))
        self.assertAlmostEqual(
            rates["share_of_model_rate"],
            rates["pictures_per_second"] / rates["model_pictures_per_second"])
        stages = rates["thread_seconds_per_picture"]
        self.assertEqual(list(stages), ["read", "decode", "resize", "compute"])
        self.assertTrue(all(seconds > 0 for seconds in stages.values()), stages)
        # Two threads have no more than two seconds each second.
        self.assertLess(sum(stages.values()) * rates["pictures_per_second"], 2.001)
        self.assertEqual(found["precision"], "f32")

        text = self.succeed("bench", "--repeats", 1, "--fast-decode", *words).stdout
        for piece in ("model alone", "pictures/s", "decode", "compute", " ms", " %"):
            self.assertIn(piece, text)

        for name in images.iterdir():
            name.write_text("no picture")
        self.assertIn("none", self.fail_with(1, "bench", *words))

    def test_wrong_usage(self):
        model = GOLDEN / "vision-head"
        self.fail_with(2, "bench")
        self.fail_with(2, "bench", "--model", model, "--preset", "base-patch16-224")
        for option in (("--batch", "0"), ("--batch", "a"), ("--batch", "1,"), ("--threads", "-1"),
                       ("--threads", "1,,2"), ("--threads", "1,0"), ("--threads", "1,x"),
                       ("--threads", ",1"), ("--threads", "1 2"), ("--threads", "1,-2"),
                       ("--threads", "1,4097"), ("--repeats", "0")):
            with self.subTest(option):
                error = self.fail_with(2, "bench", "--model", model, *option)
                self.assertIn(f"{option[0]}: expected", error)
        self.fail_with(2, "bench", "--model", model, "--fast-decode")
        self.fail_with(1, "bench", "--preset", "base-patch17")
        self.fail_with(1, "bench", "--model", model, "--images", self.folder)
        # It takes a folder, no list.
        listed = self.folder / "list.txt"
        listed.write_text("x.jpg\n")
        for word in (f"@{listed}", "-"):
            error = self.fail_with(1, "bench", "--model", model, "--images", word, input="x.jpg\n")
            self.assertIn("cannot read the folder", error)


if __name__ == "__main__":
    unittest.main()
