#!/usr/bin/env python3
"""Makes libraries that stand in for others which decoding never calls.

    scripts/make_stand_ins.py FOLDER

libavif and libheif of Debian are linked with encoders, one of them under the GPL, and libtiff with JBIG-KIT,
also under the GPL. A package that decodes has no use for them, but the linker wants their functions. Each
library gets one of the same soname with the functions that are asked for and nothing in them:

- encoders end the process, as nothing calls them; when asked for their version, as is done when a library
  is loaded, they answer with none;
- JBIG-KIT fails, so that a TIFF picture compressed with JBIG is one that cannot be read.

Others do decode, but most of them is an encoder. Of these FOLDER gets one of the same soname, linked from Debian's
static library, with the decoder alone; what is asked for beside it ends the process. FOLDER/parts.txt has a line for
each of them: the name of its file and the static library.

FOLDER is made; it is to be searched for libraries before the system's own. The system is this one, or that of
scripts/arm_environment.sh.
"""

import argparse
import sys
from pathlib import Path

from system_libraries import COMPILER, path_of, run

# soname -> who asks for it.
ENCODERS = {
    "libx265.so.199": "libheif.so.1",
    "libaom.so.3": "libheif.so.1 libavif.so.15",
    "librav1e.so.0": "libavif.so.15",
    "libSvtAv1Enc.so.1": "libavif.so.15",
    "libgav1.so.1": "libavif.so.15",
}
JBIG = {"libjbig.so.0": "libtiff.so.6"}

# What libtiff calls for a picture with JBIG: it tells of the failure in the words of jbg_strerror.
JBIG_FUNCTIONS = {
    "jbg_dec_in": 'int jbg_dec_in(void) { return 1; }',
    "jbg_strerror": 'const char* jbg_strerror(void) { return "JBIG is not part of this package"; }',
    "jbg_dec_init": "void jbg_dec_init(void) {}",
    "jbg_dec_free": "void jbg_dec_free(void) {}",
    "jbg_newlen": "int jbg_newlen(void) { return 0; }",
}

# soname -> the static library, the version of its symbols, who asks for it, and the functions that stay.
DECODERS = {
    "liblzma.so.5": ("liblzma.a", "XZ_5.0", "libtiff.so.6", """
        lzma_code lzma_end lzma_lzma_preset lzma_memusage lzma_stream_decoder"""),
    "libwebp.so.7": ("libwebp.a", "", "libtiff.so.6 libwebpdemux.so.2", """
        WebPDecode WebPFreeDecBuffer WebPGetFeaturesInternal WebPIAppend WebPIDecGetRGB WebPIDelete WebPINewDecoder
        WebPInitDecBufferInternal WebPInitDecoderConfigInternal WebPSafeCalloc WebPSafeFree"""),
    "libzstd.so.1": ("libzstd.a", "", "libtiff.so.6", """
        ZSTD_createDStream ZSTD_decompress ZSTD_decompressStream ZSTD_freeDStream ZSTD_getErrorName ZSTD_initDStream
        ZSTD_isError"""),
}
PARTS_FILE = "parts.txt"


def symbols(path, *, undefined):
    """Functions that a library asks for, or that it has. Throws for anything but functions."""
    names = set()
    for line in run("nm", "--dynamic", "--undefined-only" if undefined else "--defined-only", str(path)).splitlines():
        kind, name = line.split()[-2:]
        if undefined or kind in "TWi":
            names.add(name.partition("@")[0])
    return names


def asked_functions(soname, users):
    """Those of `soname` that `users` ask for."""
    asked = set().union(*(symbols(path_of(user), undefined=True) for user in users.split()))
    functions = sorted(asked & symbols(path_of(soname), undefined=False))
    if not functions:
        sys.exit(f"make_stand_ins: {users} asks {soname} for nothing: it needs no stand-in")
    return functions


def source(soname, functions):
    """C with these functions, which do nothing."""
    lines = [f"/* Stands in for what decoding never calls of {soname}. */"]
    for name in functions:
        if soname in JBIG and name in JBIG_FUNCTIONS:
            lines.append(JBIG_FUNCTIONS[name])
        elif "version" in name.lower():
            lines.append(f"const char* {name}(void) {{ return 0; }}")
        else:
            lines.append(f"void {name}(void) {{ __builtin_trap(); }}")
    return "\n".join(lines) + "\n"


def link(folder, soname, code, *options):
    """Makes FOLDER/soname of C and whatever else the options name."""
    file = folder / f"{soname}.c"
    file.write_text(code, encoding="utf-8")
    # Built-in functions have other types than these, which nobody looks at.
    run(*COMPILER, "-shared", "-fPIC", "-fno-builtin", "-Os", "-s", f"-Wl,-soname,{soname}", "-Wl,-z,noexecstack",
        "-o", str(folder / soname), str(file), *options)


def link_decoder(folder, soname):
    """Returns the static library it is made of."""
    archive_name, version, users, kept = DECODERS[soname]
    archive = path_of(archive_name)
    kept = kept.split()
    left_out = [name for name in asked_functions(soname, users) if name not in kept]
    script = folder / f"{soname}.map"
    script.write_text(f"{version} {{ global: {'; '.join([*kept, *left_out])}; local: *; }};\n", encoding="utf-8")
    link(folder, soname, source(soname, left_out), *(f"-Wl,--undefined={name}" for name in kept), str(archive),
         "-Wl,--gc-sections", "-Wl,--no-undefined", f"-Wl,--version-script={script}", "-lm")
    hidden = {*kept, *left_out} - symbols(folder / soname, undefined=False)
    if hidden:
        sys.exit(f"make_stand_ins: {archive} hides {', '.join(sorted(hidden))}")
    return archive


def main():
    parser = argparse.ArgumentParser(description="Makes libraries without encoders.")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for soname, users in {**ENCODERS, **JBIG}.items():
        link(folder, soname, source(soname, asked_functions(soname, users)))
    parts = [f"{soname} {link_decoder(folder, soname)}\n" for soname in DECODERS]
    (folder / PARTS_FILE).write_text("".join(parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
