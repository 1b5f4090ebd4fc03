# SPDX-License-Identifier: Apache-2.0
import hashlib
import io
import tempfile

from PIL import Image, ImageDraw, ImageFilter

image = Image.new("RGB", (200, 100), "navy")
ImageDraw.Draw(image).ellipse((20, 20, 90, 80), fill="gold", outline="white")
image = image.filter(ImageFilter.GaussianBlur(2)).resize((64, 64), Image.LANCZOS).rotate(30)
for form in ("PNG", "JPEG", "WEBP", "TIFF", "GIF"):
    with io.BytesIO() as out, tempfile.NamedTemporaryFile(suffix="." + form.lower()) as file:
        image.save(out, form)
        image.save(file.name)
        print(
            form, hashlib.sha256(Image.open(file.name).convert("RGB").tobytes()).hexdigest()[:16], len(out.getvalue())
        )
