#!/usr/bin/env python3
"""Tests scripts/check_layers.py on made-up trees, each breaking one rule."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "check_layers.py"

# A small tree in which everything is allowed.
GOOD_TREE = {
    "ARCHITECTURE.md": "| layer | owns | may use |\n|---|---|---|\n| `base` | errors | – |\n"
                       "| `tensor` | tensors | `base` |\n| `kernels` | products | `tensor` |\n"
                       "| `weights` | files | `tensor` |\n| `model` | all | `kernels`, `weights` |\n"
                       "| `image` | codecs | `tensor` |\n| `text` | tokens | `weights` |\n"
                       "| `engine` | files in | `model`, `image`, `text` |\n"
                       "| `hub` | names | `base` |\n| `c` | for C | `engine` |\n| `output` | files out | `weights` |\n\nMore.\n",
    "src/base/CMakeLists.txt": "find_package(Threads)\n"
                               "siglip_layer(base HEADERS error.hpp SOURCES error.cc)\n",
    "src/tensor/CMakeLists.txt": "siglip_layer(tensor SOURCES a.cc HEADERS tensor.hpp DEPENDS base)\n",
    "src/kernels/CMakeLists.txt": "siglip_layer(kernels SOURCES a.cc DEPENDS tensor)\n",
    "src/weights/CMakeLists.txt": "siglip_layer(weights SOURCES a.cc DEPENDS tensor)\n",
    "src/model/CMakeLists.txt": "siglip_layer(model\n  HEADERS transformers/vision_model.hpp\n  SOURCES\n"
                                "    a.cc  # of one (or more) DEPENDS hub\n"
                                "  DEPENDS kernels weights)\n",
    "src/text/CMakeLists.txt": "siglip_layer(text SOURCES a.cc DEPENDS weights)\n",
    "src/engine/CMakeLists.txt": "siglip_layer(engine HEADERS embedder.hpp SOURCES a.cc\n"
                                 "  DEPENDS model image text)\n",
    "src/c/CMakeLists.txt": "siglip_layer(c HEADERS siglip.h SOURCES a.cc DEPENDS engine)\n",
    "src/c/a.cc": '#include "siglip/siglip.h"\n#include "siglip/embedder.hpp"\n',
    "include/siglip/siglip.h": "#ifndef SIGLIP_H\n#define SIGLIP_H\n#include <stdint.h>\n"
                               "typedef struct siglip { int32_t field; } siglip;\n#endif\n",
    "examples/use/main.c": "#include <siglip/siglip.h>\n",
    "src/hub/CMakeLists.txt": "siglip_layer(hub SOURCES a.cc DEPENDS base)\n",
    "src/output/CMakeLists.txt": "siglip_layer(output PROGRAMS_ONLY SOURCES a.cc DEPENDS weights)\n",
    "src/output/npy.cc": '#include "base/json.h"\n',
    "apps/cli/embed.cc": '#include "output/npy.h"\n',
    "include/siglip/error.hpp": "#pragma once\n#include <string>\n",
    "include/siglip/tensor.hpp": '#pragma once\n#include "siglip/error.hpp"\n',
    "src/base/json.h": "#pragma once\n#include <nlohmann/json.hpp>\n",
    "src/base/json.cc": '#include "base/json.h"\n',
    "src/tensor/tensor.cc": '#include "siglip/tensor.hpp"\n#include "base/json.h"\n',
    "src/kernels/isa/avx2.cc": '#include <immintrin.h>\n#include "siglip/tensor.hpp"\n',
    "src/model/model.cc": '#include "siglip/transformers/vision_model.hpp"\n#include "base/json.h"\n',
    "src/hub/curl_transport.cc": "#include <curl/curl.h>\n",
    "src/image/decode_png.cc": "#include <png.h>\n",
    "src/image/decode_webp.cc": "#include <webp/decode.h>\n#include <webp/demux.h>\n",
    "src/text/sentencepiece_model.cc": "#include <sentencepiece_processor.h>\n",
    "src/image/decode_png_test.cc": "#include <png.h>\n",
    "src/image/CMakeLists.txt": "siglip_layer(image SOURCES decode_png.cc DEPENDS tensor\n"
                                "  LIBRARIES PNG::PNG)\n",
    "apps/cli/main.cc": '#include <siglip/embedder.hpp>\n#include "cli/output.h"\n'
                         '#include "output/journal.h"\n',
    "src/output/journal.h": '#include "siglip/tensor.hpp"\n',
    "src/output/journal.cc": '#include "base/json.h"\n#include "output/journal.h"\n',
    "include/siglip/transformers/vision_model.hpp": '#include "siglip/tensor.hpp"\n',
    "include/siglip/siglip.hpp": '#include "siglip/transformers/vision_model.hpp"\n',
    "examples/use/all.cc": "#include <siglip/siglip.hpp>\n",
    "bench/gemm.cc": '#include "kernels/kernels.h"\n',
    "fuzz/fuzz_json.cc": '#include "base/json.h"\n',
    "examples/use/main.cc": '#include "siglip/transformers/vision_model.hpp"\n',
}

# What is wrong -> the file that is wrong, its text, the line to be blamed, a part of the message.
VIOLATIONS = {
    "upward include": ("src/base/error.cc", '\n#include "tensor/float16.h"\n', 2,
                       "layer base includes tensor/float16.h of layer tensor"),
    "sideways include": ("src/image/resize.cc", '#include "kernels/kernels.h"\n', 1,
                         "layer image includes kernels/kernels.h of layer kernels"),
    "upward include of a public header": ("src/weights/a.cc", '#include "siglip/transformers/vision_model.hpp"\n',
                                          1, "siglip/transformers/vision_model.hpp of layer model"),
    "upward include between public headers": ("include/siglip/error.hpp",
                                              '#include "siglip/embedder.hpp"\n', 1,
                                              "layer base includes siglip/embedder.hpp"),
    "private header in a public one": ("include/siglip/error.hpp", '#include "base/json.h"\n', 1,
                                       "a public header includes the private base/json.h"),
    "private header in an app": ("apps/cli/main.cc", '#include "model/linear.h"\n', 1,
                                 "apps/ may include only siglip/*.hpp and output/*.h"),
    "private header in an example": ("examples/use/main.cc", '#  include "base/error.h"\n', 1,
                                     "examples/ may include only siglip/*.hpp"),
    "private header in an example, of a layer for apps": (
        "examples/use/main.cc", '#include "output/journal.h"\n', 1,
        "examples/ may include only siglip/*.hpp"),
    "upward include of the layer for apps": ("src/engine/a.cc", '#include "output/journal.h"\n', 1,
                                             "layer engine includes output/journal.h"),
    "the layer for apps above an engine": ("src/output/a.cc", '#include "siglip/embedder.hpp"\n', 1,
                                           "layer output includes siglip/embedder.hpp"),
    "upward include of the header of C": ("src/engine/a.cc", '#include "siglip/siglip.h"\n', 1,
                                          "layer engine includes siglip/siglip.h of layer c"),
    "header of C++ in one of C": ("include/siglip/siglip.h", "#include <stdint.h>\n#include <cstdint>\n", 2,
                                  "headers of C only, not <cstdint>"),
    "private header in an example of C": ("examples/use/main.c", '#include "c/arguments.h"\n', 1,
                                          "examples/ may include only siglip/*.hpp"),
    "new public header of C": ("include/siglip/secret.h", "", 1, "no layer names"),
    "unknown public header": ("src/base/a.cc", "#include <siglip/secret.hpp>\n", 1,
                              "no public header"),
    "new public header": ("include/siglip/secret.hpp", "", 1, "no layer names"),
    "new public header in a folder": ("include/siglip/transformers/secret.hpp", "", 1,
                                      "no layer names"),
    "unknown layer": ("src/attic/a.cc", "", 1, "in no layer"),
    "file outside the layers": ("src/a.cc", "", 1, "in no layer"),
    "include of a parent folder": ("src/base/a.cc", '// a\n#include "../tensor/float16.h"\n', 2,
                                   "'..' in an include"),
    "codec in two files": ("src/image/resize.cc", "#include <png.h>\n", 1,
                           "libpng is included by src/image/decode_png.cc already"),
    "codec in two files by another header": ("src/image/resize.cc", "#include <webp/types.h>\n", 1,
                                             "libwebp is included by src/image/decode_webp.cc"),
    "codec in another layer": ("src/engine/a.cc", "#include <jpeglib.h>\n", 1,
                               "for src/image only"),
    "writing in another file of an app": ("apps/cli/outputs/contact_sheet.cc",
                                          "#include <jpeglib.h>\n", 1, "for src/image only"),
    "another codec in the writer": ("apps/common/jpeg_writer.cc", "#include <png.h>\n", 1,
                                    "for src/image only"),
    "codec in an app": ("apps/cli/a.cc", "#include <avif/avif.h>\n", 1, "for src/image only"),
    "sentencepiece in another file": ("src/text/tokenizer.cc",
                                      "#include <sentencepiece_processor.h>\n", 1,
                                      "is for src/text/sentencepiece_model.cc only"),
    "JSON in a public header": ("include/siglip/tensor.hpp", "#include <nlohmann/json.hpp>\n", 1,
                                "a public header includes a JSON library"),
    "JSON past base/json.h": ("src/model/a.cc", "#include <nlohmann/json_fwd.hpp>\n", 1,
                              "through base/json.h only"),
    "library of one file in another": ("src/hub/a.cc", "#include <curl/curl.h>\n", 1,
                                       "curl/curl.h is for src/hub/curl_transport.cc only"),
    "boost outside its files": ("apps/server/http/message.h", "#include <boost/asio.hpp>\n", 1,
                                "is for apps/server/http/http_*.cc only"),
    "intrinsics outside isa/": ("src/kernels/gemm.cc", "#include <immintrin.h>\n", 1,
                                "for files in a folder isa/ only"),
    "other intrinsics outside isa/": ("src/image/resize.cc", "#include <arm_neon.h>\n", 1,
                                      "for files in a folder isa/ only"),
    "C++ header in isa/": ("src/kernels/isa/avx512.cc", "#include <string.h>\n#include <vector>\n",
                           2, "C headers only, not <vector>"),
    "layer for programs in an example": ("examples/use/main.cc", '#include "output/npy.h"\n', 1,
                                         "examples/ may include only siglip/*.hpp"),
    "dependency that is no layer": ("src/image/CMakeLists.txt",
                                    "\nsiglip_layer(image SOURCES a.cc DEPENDS tensor attic)\n", 2,
                                    "layer image depends on attic, which is none"),
    "dependency upward": ("src/tensor/CMakeLists.txt",
                          "siglip_layer(tensor SOURCES a.cc HEADERS tensor.hpp DEPENDS base engine)\n",
                          1, "layer tensor depends on engine, which is above it"),
    "header of two layers": ("src/kernels/CMakeLists.txt",
                             "siglip_layer(kernels HEADERS embedder.hpp SOURCES a.cc DEPENDS tensor)\n", 1,
                             "embedder.hpp is of layer engine already"),
    "layer under another's name": ("src/text/CMakeLists.txt",
                                   "siglip_layer(text DEPENDS weights)\nsiglip_layer(texts)\n", 2,
                                   "layer texts is not in a folder of its name"),
    "table without a layer": ("ARCHITECTURE.md", "| layer | owns | may use |\n|---|---|---|\n"
                              "| `base` | errors | – |\n", 1, "layer tensor is not in the table"),
    "table with another layer": ("ARCHITECTURE.md", GOOD_TREE["ARCHITECTURE.md"].replace(
        "\n\n", "\n| `attic` | much | `base` |\n\n"), 14, "there is no layer attic"),
    "table that says otherwise": ("ARCHITECTURE.md", GOOD_TREE["ARCHITECTURE.md"].replace(
        "| all | `kernels`, `weights` |", "| all | `kernels` |"), 7,
        "layer model may use kernels, weights"),
}


class CheckLayersTest(unittest.TestCase):
    def run_on(self, tree, *arguments):
        with tempfile.TemporaryDirectory() as root:
            for name, text in tree.items():
                path = Path(root, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return subprocess.run([sys.executable, SCRIPT, "--root", root, *arguments],
                                  capture_output=True, text=True, check=False)

    def test_good_tree_passes(self):
        result = self.run_on(GOOD_TREE)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def test_each_violation_is_reported_once(self):
        for name, (path, text, line, message) in VIOLATIONS.items():
            with self.subTest(name):
                result = self.run_on(GOOD_TREE | {path: text})
                self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
                blamed = [found for found in result.stdout.splitlines()
                          if found.startswith(f"{path}:{line}: ") and message in found]
                self.assertEqual(len(blamed), 1, result.stdout)

    def test_all_violations_are_reported_together(self):
        tree = GOOD_TREE | {
            "src/base/a.cc": '#include "tensor/a.h"\n#include "model/b.h"\n',
            "src/tensor/a.cc": '#include "engine/a.h"\n'}
        self.assertEqual(len(self.run_on(tree).stdout.splitlines()), 3)

    def test_the_header_of_c_is_self_contained_as_c99(self):
        # Each is C++, and no C99.
        for text in ("#include <stddef.h>\nstruct siglip {};\nsize_t Size(siglip* handle);\n",
                     "inline int Size(int size = 1) { return size; }\n"):
            result = self.run_on(GOOD_TREE | {"include/siglip/siglip.h": text}, "--self-contained")
            self.assertEqual(result.returncode, 1, text)
            self.assertIn("include/siglip/siglip.h:1: does not compile alone as c:", result.stdout)
            self.assertNotIn("as c++", result.stdout)

    def test_self_contained(self):
        self.assertEqual(self.run_on(GOOD_TREE, "--self-contained").returncode, 0)
        lacking = {"include/siglip/error.hpp": "#pragma once\nstd::string Text();\n"}
        result = self.run_on(GOOD_TREE | lacking, "--self-contained")
        self.assertEqual(result.returncode, 1)
        self.assertIn("include/siglip/error.hpp:1: does not compile alone", result.stdout)


if __name__ == "__main__":
    unittest.main()
