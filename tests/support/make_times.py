"""Writes tests/data/times: pictures whose EXIF says when they were taken, as Pillow writes it.

Run with Pillow 12 or later and pillow-heif installed, from anywhere:
    python tests/support/make_times.py
Every file says 2024:05:17 09:30:05 at +05:30, digitised a day later at -03:00, changed in 2025; those
named no-* lack a part of it.
"""

import pathlib

import pillow_heif
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "data" / "times"
TIMES = {
    ExifTags.Base.DateTimeOriginal: "2024:05:17 09:30:05",
    ExifTags.Base.OffsetTimeOriginal: "+05:30",
    ExifTags.Base.DateTimeDigitized: "2024:05:18 23:59:59",
    ExifTags.Base.OffsetTimeDigitized: "-03:00",
    ExifTags.Base.OffsetTime: "+01:00",
}


def exif(**changes):
    made = Image.Exif()
    made[ExifTags.Base.Orientation] = 6
    made[ExifTags.Base.DateTime] = "2025:01:02 03:04:05"
    times = {**TIMES, **{ExifTags.Base[name]: value for name, value in changes.items()}}
    made.get_ifd(ExifTags.IFD.Exif).update(
        {tag: value for tag, value in times.items() if value is not None})
    return made


def main():
    pillow_heif.register_heif_opener()
    FOLDER.mkdir(exist_ok=True)
    picture = Image.linear_gradient("L").resize((16, 12)).convert("RGB")
    for ending in ("jpg", "png", "webp", "avif", "heic"):
        picture.save(FOLDER / f"all.{ending}", exif=exif())
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    directory[ExifTags.IFD.Exif] = exif().get_ifd(ExifTags.IFD.Exif)
    picture.save(FOLDER / "all.tiff", tiffinfo=directory)
    block = exif().tobytes()
    text = PngImagePlugin.PngInfo()
    text.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n", zip=True)
    picture.save(FOLDER / "text.png", pnginfo=text)
    picture.save(FOLDER / "no-offset.jpg", exif=exif(OffsetTimeOriginal=None))
    picture.save(FOLDER / "no-original.jpg", exif=exif(DateTimeOriginal="0000:00:00 00:00:00"))
    picture.save(FOLDER / "no-time.jpg", exif=exif(DateTimeOriginal=None, DateTimeDigitized=None))


if __name__ == "__main__":
    main()
