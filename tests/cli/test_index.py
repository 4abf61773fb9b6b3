"""siglip index: what is read, embedded, noted and forgotten, run after run."""

import contextlib
import ctypes
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command_line import PROGRAM, IndexedFolderTest, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
LONG_AGO = 1_700_000_000


def picture(seed):
    """A small picture of noise."""
    return b"P6 8 8 255\n" + random.Random(seed).randbytes(192)


def without_rights():
    """Takes from a process that is root's what lets it read all files."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


class IndexTest(IndexedFolderTest):
    def write(self, name, seed, seconds=LONG_AGO):
        """Writes a picture that was changed at this time."""
        path = os.path.join(os.fsencode(self.pictures), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(seed if isinstance(seed, bytes) else picture(seed))
        os.utime(path, (seconds, seconds))
        return pathlib.Path(os.fsdecode(path))

    def index(self, *words, folder=None, status=0, **options):
        """The counts of the summary; what is not there is 0."""
        result = run("index", "--index", self.store, "--model", MODEL, folder or self.pictures,
                     *words, **options)
        self.assertEqual(result.returncode, status, result.stderr)
        self.said = result.stderr
        line = [line for line in result.stderr.splitlines() if " passed over" in line][-1]
        counts = {}
        for count, words in re.findall(r"(\d+) (embedded|unchanged|known|missing|changing|failed "
                                       r"before|failed|passed over)", line):
            counts[words] = int(count)
        return {words: count for words, count in counts.items() if count > 0}

    def search(self, *words):
        result = run("search", "--index", self.store, "--json", "--top", 1000, "--all", "a star", *words)
        self.assertIn(result.returncode, (0, 1), result.stderr)
        return json.loads(result.stdout)

    def found(self, *words):
        """All files that a search finds, within the folder."""
        return sorted(path.removeprefix(f"{self.pictures}/") for hit in self.search(*words)["data"]
                      for path in [hit["path"], *hit["copies"]])


class UpdateTest(IndexTest):
    def test_unchanged_files_are_not_read(self):
        for i in range(3):
            self.write(f"{i}.ppm", i)
        self.assertEqual(self.index(), {"embedded": 3})
        before = self.search()["data"]
        self.write("1.ppm", 100)  # same size, same time: nobody looks inside
        self.assertEqual(self.index(), {"unchanged": 3})
        self.assertEqual(self.search()["data"], before)
        self.assertEqual(self.index("--checksum"), {"embedded": 1, "known": 2})
        self.assertNotEqual(self.search()["data"], before)

    def test_changed_files_are_embedded(self):
        path = self.write("a.ppm", 1)
        self.index()
        first, = self.search()["data"]
        self.write("a.ppm", 2, LONG_AGO + 1)
        self.assertEqual(self.index(), {"embedded": 1})
        second, = self.search()["data"]
        self.assertNotEqual(first["hash"], second["hash"])
        self.assertEqual(second["path"], str(path))

    def test_what_has_the_same_bytes_is_embedded_once(self):
        for i in range(4):
            self.write(f"a/{i}.ppm", i)
        self.index()
        before = {hit["hash"]: hit["score"] for hit in self.search()["data"]}
        (self.pictures / "a" / "0.ppm").touch()                                     # touched
        shutil.copy(self.pictures / "a" / "1.ppm", self.pictures / "copy.ppm")      # copied
        (self.pictures / "a" / "2.ppm").rename(self.pictures / "moved.ppm")         # moved
        self.assertEqual(self.index(), {"unchanged": 2, "known": 3, "missing": 1})
        (self.pictures / "a").rename(self.pictures / "b")                           # renamed
        counts = self.index()
        self.assertEqual(counts.pop("missing"), 3)
        self.assertGreaterEqual(counts["known"], 3)  # and what was changed less than 2 s before
        self.assertEqual(counts["known"] + counts["unchanged"], 5)
        self.assertEqual(self.found(), ["b/0.ppm", "b/1.ppm", "b/3.ppm", "copy.ppm", "moved.ppm"])
        self.assertEqual({hit["hash"]: hit["score"] for hit in self.search()["data"]}, before)

    def test_copies_of_one_run_are_embedded_once(self):
        for i in range(6):
            self.write(f"{i}.ppm", i % 2)
        self.assertEqual(self.index(), {"embedded": 2, "known": 4})
        self.assertEqual(len(self.found()), 6)

    def test_a_file_changed_within_two_seconds_of_its_scan_is_read_again(self):
        """It may be changed once more without its time of change telling."""
        path = self.write("a.ppm", 1, time.time())
        stamp = path.stat().st_mtime
        self.assertEqual(self.index(), {"embedded": 1})
        self.write("a.ppm", 2, stamp)
        self.assertEqual(self.index(), {"embedded": 1})

    def test_a_file_that_is_being_written_waits(self):
        """A file that grows without end is always changing."""
        path = self.write("a.ppm", 1, time.time())
        writer = subprocess.Popen(
            [sys.executable, "-c", "import sys\nwhile True:\n  open(sys.argv[1], 'ab').write(b'x')",
             path])
        self.addCleanup(writer.wait)
        self.addCleanup(writer.kill)
        time.sleep(0.3)
        for _ in range(20):
            counts = self.index("--checksum")
            if counts.get("changing"):
                break
        self.assertEqual(counts["changing"], 1)
        self.assertIn("changing, for the next run", self.said)
        writer.kill()
        writer.wait()
        self.assertNotIn("changing", self.index())
        self.assertEqual(self.found(), ["a.ppm"])

    def test_missing_files_are_marked_and_come_back(self):
        for i in range(4):
            self.write(f"{i}.ppm", i)
        self.index()
        ids = {hit["hash"]: hit["id"] for hit in self.search()["data"]}
        away = self.folder / "away"
        (self.pictures / "1.ppm").rename(away)
        self.assertEqual(self.index(), {"unchanged": 3, "missing": 1})
        self.assertEqual(self.found(), ["0.ppm", "2.ppm", "3.ppm"])
        self.assertEqual(self.index(), {"unchanged": 3})  # said once
        away.rename(self.pictures / "1.ppm")
        self.assertEqual(self.index(), {"unchanged": 4})
        self.assertEqual({hit["hash"]: hit["id"] for hit in self.search()["data"]}, ids)

    def test_prune(self):
        for i in range(4):
            self.write(f"{i}.ppm", i)
        self.index()
        (self.pictures / "1.ppm").unlink()
        self.index()
        base = ("index", "--index", self.store, "--prune")
        self.assertIn("0 missing files", self.succeed(*base, "--older-than", "1h").stderr)
        self.assertIn("1 missing files", self.succeed(*base).stderr)
        self.write("1.ppm", 1)
        self.assertEqual(self.index(), {"unchanged": 3, "embedded": 1})
        (self.pictures / "2.ppm").unlink()
        self.index("--prune", "--older-than", "0s")
        self.assertIn("1 missing files", self.said)
        self.assertIn("--prune", self.fail_with(2, *base[:3], "--older-than", "1h"))
        for age in ("1", "h", "-1h", "1.5h", "1w", "99999999999999999999s"):
            self.assertIn("--older-than", self.fail_with(2, *base, f"--older-than={age}"))

    def test_folders_of_the_index_are_the_default(self):
        other = self.folder / "other"
        other.mkdir()
        (other / "x.ppm").write_bytes(picture(9))
        self.write("a.ppm", 1)
        said = self.succeed("index", "--index", self.store, "--model", MODEL, self.pictures, other).stderr
        self.assertEqual(said.count("1 embedded"), 2)
        said = self.succeed("index", "--index", self.store, "--checksum").stderr
        self.assertEqual(said.count("1 known by their bytes"), 2)
        self.succeed("index", "--index", self.store, "--remove", other)
        self.assertEqual(self.search()["total"], 1)
        message = self.fail_with(1, "index", "--index", self.store, "--remove", other)
        self.assertIn(str(self.pictures), message)

    def test_a_folder_comes_in_one_spelling(self):
        self.write("a.ppm", 1)
        (self.folder / "link").symlink_to(self.pictures)
        self.index()
        for folder in (self.folder / "link", f"{self.pictures}/", f"{self.pictures}/../pictures/."):
            self.assertEqual(self.index(folder=folder), {"unchanged": 1})
        result = run("index", "--index", self.store, cwd=self.pictures)
        self.assertIn("1 unchanged", result.stderr)
        result = run("index", "--index", self.store, ".", cwd=self.pictures)
        self.assertIn("1 unchanged", result.stderr)


class MissingFolderTest(IndexTest):
    def vanish(self, count):
        for i in range(count):
            self.write(f"{i}.ppm", i)
        self.index()
        away = self.folder / "away"
        self.pictures.rename(away)
        return away

    def test_a_disk_that_is_away_empties_nothing(self):
        away = self.vanish(101)
        for empty in (False, True):
            if empty:
                self.pictures.mkdir()
            message = self.fail_with(1, "index", "--index", self.store)
            for piece in (str(self.pictures), "101 files", "--remove"):
                self.assertIn(piece, message)
            self.assertEqual(self.search()["total"], 101)
        self.pictures.rmdir()
        away.rename(self.pictures)
        self.assertEqual(self.index(), {"unchanged": 101})

    def test_few_files_may_have_been_removed(self):
        away = self.vanish(100)
        self.assertEqual(self.index(), {"missing": 100})
        self.assertEqual(self.search()["total"], 0)
        away.rename(self.pictures)
        self.assertEqual(self.index(), {"unchanged": 100})

    def test_a_file_in_the_place_of_a_folder(self):
        self.vanish(2)
        self.pictures.write_bytes(b"")
        self.index(status=3)
        self.assertIn("cannot read the folder", self.said)
        self.assertEqual(self.search()["total"], 2)


class FolderTest(IndexTest):
    def test_folders_in_each_other_are_refused(self):
        self.write("sub/a.ppm", 1)
        self.index()
        for folder in (self.pictures / "sub", self.folder):
            message = self.fail_with(1, "index", "--index", self.store, folder)
            self.assertIn(str(self.pictures), message)
            self.assertIn("--remove", message)
        beside = self.folder / "pictures-too"
        beside.mkdir()
        self.succeed("index", "--index", self.store, beside)

    def test_what_is_no_folder(self):
        path = self.write("a.ppm", 1)
        base = ("index", "--index", self.store, "--model", MODEL)
        self.assertIn("no such folder", self.fail_with(1, *base, self.folder / "nothing"))
        self.assertIn("is no folder", self.fail_with(1, *base, path))
        self.assertIn("FOLDER", self.fail_with(2, *base))
        self.assertIn("--model", self.fail_with(2, "index", "--index", self.store, self.pictures,
                                                variables={"SIGLIP_MODEL": None}))

    def test_hidden_excluded_and_sidecar_folders(self):
        for name in ("a.ppm", ".hidden.ppm", ".thumbs/b.ppm", "@eaDir/c.ppm", "sub/#recycle/d.ppm",
                     "raw/e.ppm", "sub/raw/f.ppm", "sub/g-small.ppm", "notes.txt"):
            self.write(name, hash(name) if name != "notes.txt" else b"words")
        everything = ["a.ppm", "raw/e.ppm", "sub/g-small.ppm", "sub/raw/f.ppm"]
        self.assertEqual(self.index("--list-skipped"), {"embedded": 4, "passed over": 5})
        for name in (".hidden.ppm", "notes.txt"):
            self.assertIn(f"passed over: {self.pictures}/{name}", self.said)
        self.assertEqual(self.found(), everything)
        self.assertEqual(self.index("--exclude", "raw", "--exclude", "*-small.*")["missing"], 3)
        self.assertEqual(self.found(), ["a.ppm"])
        self.index("--exclude", "sub/raw")
        self.assertEqual(self.found(), ["a.ppm", "raw/e.ppm", "sub/g-small.ppm"])

    def test_links(self):
        self.write("a.ppm", 1)
        outside = self.folder / "outside"
        outside.mkdir()
        (outside / "b.ppm").write_bytes(picture(2))
        (self.pictures / "link").symlink_to(outside)
        (self.pictures / "c.ppm").symlink_to("a.ppm")
        (self.pictures / "round").symlink_to(".")
        self.assertEqual(self.index(), {"embedded": 1, "passed over": 3})
        self.index("--follow")
        self.assertEqual(self.found(), ["a.ppm", "c.ppm", "link/b.ppm"])

    def test_paths_that_are_no_utf8(self):
        name = os.fsdecode(b"caf\xe9/\xff.ppm")
        self.write(name, 1)
        self.write("new\nline.ppm", 2)
        self.assertEqual(self.index(), {"embedded": 2})
        self.assertEqual(self.index(), {"unchanged": 2})
        self.write(name, 3, LONG_AGO + 5)
        self.assertEqual(self.index(), {"unchanged": 1, "embedded": 1})
        result = subprocess.run([PROGRAM, "search", "--index", self.store, "--paths-only", "-0", "a star"],
                                capture_output=True, check=True)
        root = os.fsencode(self.pictures)
        self.assertEqual(set(result.stdout.split(b"\0")[:-1]),
                         {root + b"/caf\xe9/\xff.ppm", root + b"/new\nline.ppm"})


class FailureTest(IndexTest):
    def test_what_cannot_be_decoded_is_tried_again_on_request_only(self):
        self.write("good.ppm", 1)
        self.write("bad.jpg", b"\xff\xd8\xff\xe0 no picture")
        failed = self.folder / "failed.jsonl"
        self.assertEqual(self.index("--failed", failed, status=3), {"embedded": 1, "failed": 1})
        self.assertIn("bad.jpg", self.said)
        self.assertIn("bad.jpg", failed.read_text())
        self.assertEqual(self.index(), {"unchanged": 1, "failed before": 1})
        self.assertIn("--retry", self.said)
        (self.pictures / "bad.jpg").rename(self.pictures / "copy.jpg")
        self.assertEqual(self.index(), {"unchanged": 1, "failed before": 1, "missing": 1})
        self.assertEqual(self.index("--retry", status=3), {"unchanged": 1, "failed": 1})
        self.assertEqual(self.found(), ["good.ppm"])

    def test_other_limits_are_another_try(self):
        self.write("large.ppm", 1)
        self.assertEqual(self.index("--max-pixels", 63, status=3), {"failed": 1})
        self.assertEqual(self.index("--max-pixels", 63), {"failed before": 1})
        self.assertEqual(self.index(), {"embedded": 1})
        self.assertEqual(self.index("--max-pixels", 63), {"unchanged": 1})

    def test_a_file_too_large_to_be_read(self):
        self.write("large.ppm", 1)
        self.assertEqual(self.index("--max-file-bytes", 100, status=3), {"failed": 1})
        self.assertEqual(self.index("--max-file-bytes", 100, status=3), {"failed": 1})
        self.assertEqual(self.index(), {"embedded": 1})

    def test_what_cannot_be_read_is_not_missing(self):
        for name in ("a.ppm", "sub/b.ppm", "sub/c/d.ppm", "sub2/e.ppm"):
            self.write(name, hash(name))
        self.index()
        (self.pictures / "a.ppm").chmod(0)
        os.utime(self.pictures / "a.ppm", (5, 5))
        (self.pictures / "sub").chmod(0)
        self.addCleanup((self.pictures / "sub").chmod, 0o700)
        counts = self.index(status=3, preexec_fn=without_rights)
        self.assertEqual(counts, {"unchanged": 1, "failed": 2})
        self.assertIn("cannot read the folder", self.said)
        self.assertEqual(self.search()["total"], 4)
        (self.pictures / "sub").chmod(0o700)
        (self.pictures / "a.ppm").chmod(0o600)
        self.assertEqual(self.index(), {"unchanged": 3, "known": 1})

    def test_a_folder_of_the_index_that_cannot_be_entered(self):
        self.write("a.ppm", 1)
        self.index()
        self.pictures.chmod(0)
        self.addCleanup(self.pictures.chmod, 0o700)
        self.assertEqual(self.index(status=3, preexec_fn=without_rights), {"failed": 1})
        self.assertIn(str(self.pictures), self.said)
        self.assertEqual(self.search()["total"], 1)


class SpaceTest(IndexTest):
    def test_another_model_is_refused(self):
        self.write("a.ppm", 1)
        self.index()
        other = self.folder / "other"
        other.mkdir()
        self.succeed("init", "--config", MODEL / "config.json", "--seed", 3, "--force", other)
        for name in ("preprocessor_config.json", "spiece.model", "tokenizer_config.json"):
            shutil.copy(MODEL / name, other)
        message = self.fail_with(1, "index", "--index", self.store, "--model", other, self.pictures)
        self.assertIn(f"made with {MODEL}", message)
        self.assertIn("weights", message)
        self.assertEqual(self.search()["total"], 1)

    def test_what_changes_embeddings_is_refused(self):
        self.write("a.ppm", 1)
        self.index()
        for words in (["--precision", "int8"], ["--preprocess", "pillow"], ["--alpha", "drop"],
                      ["--fast-decode"]):
            message = self.fail_with(1, "index", "--index", self.store, *words)
            self.assertIn(f"made with {MODEL}", message)
            self.assertIn(words[0].strip("-").split("-")[0], message)

    def test_options_of_the_first_run_are_kept(self):
        self.write("a.ppm", 1)
        self.index("--precision", "int8", "--alpha", "drop", "--preprocess", "pillow")
        self.write("b.ppm", 2)
        self.succeed("index", "--index", self.store)
        self.assertEqual(self.found(), ["a.ppm", "b.ppm"])

    def test_a_model_given_relative_to_here_is_found_from_elsewhere(self):
        self.write("a.ppm", 1)
        run("index", "--index", self.store, "--model", "demo", self.pictures, cwd=MODEL.parent)
        self.write("b.ppm", 2)
        result = run("index", "--index", self.store, cwd=self.folder)
        self.assertIn("1 embedded", result.stderr)

    def test_where_an_index_is(self):
        self.write("a.ppm", 1)
        home = self.folder / "home"
        for variables, place in (({"XDG_DATA_HOME": str(home)}, home / "siglip/index"),
                                 ({"XDG_DATA_HOME": None, "HOME": str(home)},
                                  home / ".local/share/siglip/index"),
                                 ({"SIGLIP_INDEX": str(home / "here")}, home / "here")):
            self.succeed("index", "--model", MODEL, self.pictures, variables=variables)
            self.assertTrue((place / "index.sqlite").is_file())
            self.assertEqual(place.stat().st_mode & 0o777, 0o700)
            self.succeed("search", "a star", variables=variables)


class WriterTest(IndexTest):
    def start(self, *words, report):
        environment = {**os.environ, "SIGLIP_INDEX_REPORT_FD": str(report)}
        process = subprocess.Popen(
            [PROGRAM, "index", "--index", self.store, "--model", MODEL, "--threads", "1", self.pictures,
             *words], env=environment, pass_fds=[report], stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def start_and_wait_for_a_commit(self):
        for i in range(1500):
            self.write(f"{i}.ppm", i)
        ours, theirs = os.pipe()
        self.addCleanup(os.close, ours)
        process = self.start(report=theirs)
        os.close(theirs)
        count = int(re.match(rb"commit (\d+)\n", os.read(ours, 100)).group(1))
        self.assertGreater(count, 0)
        return process, count

    def make_archive(self, folder, name):
        """Of a folder of the index, as if its pictures had been embedded elsewhere."""
        with contextlib.closing(sqlite3.connect(self.store / "index.sqlite")) as database:
            with database:
                database.execute("UPDATE root SET kind = 'archive', path = ? WHERE path = ?",
                                 (name.encode(), bytes(folder)))
                database.execute("UPDATE file SET mtime_ns = 0, seen = 0")
                database.execute("UPDATE content SET greys = NULL, taken = NULL")
                database.execute("PRAGMA user_version = 2")

    def test_an_archive_is_told_and_searched_but_not_walked(self):
        self.write("a.ppm", 1)
        self.write("b.ppm", 2)
        self.index()
        self.make_archive(self.pictures, "s3://bucket/out")
        status = self.succeed("index", "--index", self.store, "--status").stdout
        self.assertRegex(status, r"archive +s3://bucket/out: 2 pictures\n")
        folders = json.loads(self.succeed("index", "--index", self.store, "--status", "--json").stdout)["folders"]
        self.assertEqual(folders, [{"path": "s3://bucket/out", "archive": True, "files": 2, "missing": 0,
                                    "unreadable": 0}])
        error = self.fail_with(2, "index", "--index", self.store, "--model", MODEL)
        self.assertIn("FOLDER", error)
        error = self.fail_with(1, "index", "--index", self.store, "--rebuild", self.pictures)
        self.assertIn("the originals of s3://bucket/out are not here", error)
        for under in ([], ["--under", "s3://bucket"]):
            hits = self.search(*under)["data"]
            self.assertEqual(sorted(hit["path"] for hit in hits), ["s3://bucket/out/a.ppm", "s3://bucket/out/b.ppm"])
            self.assertTrue(all(hit["archived"] for hit in hits))
        page = self.folder / "hits.html"
        self.succeed("search", "--index", self.store, "--html", page, "a star")
        self.assertEqual(page.read_text().count("is in an archive"), 2)

        self.assertEqual(self.index(), {"embedded": 2})  # what an archive does not tell
        self.assertEqual(self.index(), {"unchanged": 2})
        self.assertNotIn("archived", json.dumps(self.search()))
        same = self.succeed("duplicates", "--index", self.store, "--kind", "same-bytes", "--json").stdout
        for line in same.splitlines():
            group = json.loads(line)
            self.assertEqual(group["spare_bytes"], 0)
            self.assertEqual([file.get("archived", False) for file in group["files"]], [False, True])
        self.assertEqual(len(same.splitlines()), 2)
        self.assertIn("0 files beside", self.succeed("duplicates", "--index", self.store).stdout)
        spare = run("duplicates", "--index", self.store, "--kind", "same-bytes", "--print0")
        self.assertEqual(spare.stdout, "")
        self.assertIn("s3://bucket/out/a.ppm: is in an archive", spare.stderr)

        self.succeed("index", "--index", self.store, "--remove", "s3://bucket/out")
        self.assertEqual(len(self.search()["data"]), 2)
        self.assertEqual(self.succeed("index", "--index", self.store, "--verify").stdout, "no faults found\n")

    def test_a_second_writer_is_told_who_holds_the_index(self):
        process, _ = self.start_and_wait_for_a_commit()
        process.send_signal(signal.SIGSTOP)
        message = self.fail_with(1, "index", "--index", self.store)
        self.assertIn(f"process {process.pid}", message)
        self.assertGreater(self.search()["total"], 0)  # readers do not wait
        process.send_signal(signal.SIGCONT)

    def test_what_was_committed_outlives_an_interruption(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)):
            with self.subTest(signal=number):
                shutil.rmtree(self.store, ignore_errors=True)
                process, count = self.start_and_wait_for_a_commit()
                process.send_signal(number)
                said = process.communicate(timeout=60)[1]
                self.assertEqual(process.returncode, status, said)
                kept = self.search()["total"]
                self.assertGreaterEqual(kept, count)
                if number != signal.SIGKILL:
                    self.assertIn("the same command goes on", said)
                self.assertLess(kept, 1500)
                self.assertEqual(self.index(), {"unchanged": kept, "embedded": 1500 - kept})


class BrokenIndexTest(IndexTest):
    def test_what_is_no_index(self):
        self.write("a.ppm", 1)
        self.store.mkdir()
        (self.store / "index.sqlite").write_bytes(b"x" * 10_000)
        for words in (["index", "--model", MODEL, self.pictures], ["search", "a star"]):
            message = self.fail_with(1, *words, "--index", self.store)
            self.assertIn(str(self.store / "index.sqlite"), message)

    def test_a_scan_file_that_is_gone_is_made_again(self):
        self.write("a.ppm", 1)
        self.index()
        before = self.search()["data"]
        (self.store / "scan.i8").unlink()
        self.assertEqual(self.search()["data"], before)
        self.assertEqual(self.index(), {"unchanged": 1})
        self.assertTrue((self.store / "scan.i8").is_file())
        self.assertEqual(self.search()["data"], before)


if __name__ == "__main__":
    unittest.main()
